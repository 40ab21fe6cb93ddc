//! Rings that no kernel would make, in a file in the place of a map.

use std::os::fd::OwnedFd;

use super::*;

const DATA_BYTES: usize = 4096;

/// A file laid out like the memory of a ring buffer, and a writable view of it.
struct Forged {
    fd: OwnedFd,
    producer: Mapping,
}

impl Forged {
    fn new() -> Self {
        let fd = rustix::fs::memfd_create("ring", rustix::fs::MemfdFlags::CLOEXEC).unwrap();
        let page = page_bytes();
        let length = 2 * page + 2 * DATA_BYTES;
        rustix::fs::ftruncate(&fd, length as u64).unwrap();
        let producer = Mapping::new(
            fd.as_fd(),
            page as u64,
            page + 2 * DATA_BYTES,
            Access::ReadWrite,
        )
        .unwrap();
        Self { fd, producer }
    }

    /// `id` is that of no map.
    fn open(&self, id: u32) -> RingBuffer {
        let reservation = Reservation::new(id, "forged").unwrap();
        RingBuffer::open("forged", self.fd.as_fd(), DATA_BYTES, reservation).unwrap()
    }

    fn set_consumer(&self, position: u64) {
        Mapping::new(self.fd.as_fd(), 0, page_bytes(), Access::ReadWrite)
            .unwrap()
            .store_u64(0, position);
    }

    fn set_header(&self, position: usize, header: u32) {
        for copy in [0, DATA_BYTES] {
            self.producer
                .store_u32(page_bytes() + position % DATA_BYTES + copy, header);
        }
    }
}

#[test]
fn a_record_takes_its_header_and_padding() {
    assert_eq!(record_bytes(0), 8);
    assert_eq!(record_bytes(1), 16);
    assert_eq!(record_bytes(8 | DISCARD), 16);
    assert_eq!(record_bytes(9 | BUSY), 24);
}

#[test]
fn a_batch_ends_before_a_busy_record() {
    let forged = Forged::new();
    let mut ring = forged.open(u32::MAX - 1);
    forged.set_header(0, 8);
    forged.set_header(16, 8 | BUSY);
    forged.set_header(32, 8);
    forged.producer.store_u64(0, 48);
    assert!(ring.ring.has_record());
    assert_eq!(ring.batch(0, usize::MAX).unwrap().len(), 16);
    assert_eq!(ring.batch(16, usize::MAX).unwrap().len(), 0);
    assert!(!ring.ring.has_record());
    forged.set_header(16, 8);
    assert_eq!(ring.batch(0, usize::MAX).unwrap().len(), 32);
}

#[test]
fn positions_that_cannot_be_are_errors() {
    let forged = Forged::new();
    let mut ring = forged.open(u32::MAX - 2);
    for producer in [DATA_BYTES as u64 + 8, u64::MAX, 1 << 63] {
        forged.producer.store_u64(0, producer);
        assert!(ring.batch(0, usize::MAX).is_err(), "{producer}");
    }
    // A record that is longer than what there is.
    forged.producer.store_u64(0, 64);
    for header in [64, 4096, !(BUSY | DISCARD), DISCARD | 1 << 20] {
        forged.set_header(0, header);
        assert!(ring.batch(0, usize::MAX).is_err(), "{header:x}");
    }
    drop(ring);
    forged.set_consumer(3);
    forged.producer.store_u64(0, 19);
    assert!(forged.open(u32::MAX - 2).batch(0, usize::MAX).is_err());
}

#[test]
fn garbage_never_leads_out_of_the_ring() {
    let forged = Forged::new();
    // A small generator of numbers: the same garbage in every run.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let (mut batches, mut failures) = (0, 0);
    for _ in 0..2000 {
        let consumer = next();
        forged.set_consumer(if next() % 4 > 0 {
            consumer & !7
        } else {
            consumer
        });
        let mut ring = forged.open(u32::MAX - 3);
        for _ in 0..8 {
            let filled = next() % (DATA_BYTES as u64 + 64);
            forged
                .producer
                .store_u64(0, ring.ring.position.wrapping_add(filled & !7));
            for _ in 0..64 {
                let place = (next() as usize % DATA_BYTES) & !7;
                // Mostly small, so that some records make sense.
                let header = if next() % 8 > 0 { next() % 200 } else { next() };
                forged.set_header(place, header as u32);
            }
            let consumed = [0, ring.batch_bytes, next() as usize % 64][next() as usize % 3];
            match ring.batch(consumed, next() as usize % 5000) {
                Ok(batch) => {
                    batches += usize::from(!batch.is_empty());
                    assert!(batch.len() <= DATA_BYTES);
                    // Reading all of it shows that all of it is mapped.
                    std::hint::black_box(batch.iter().map(|byte| u64::from(*byte)).sum::<u64>());
                }
                Err(_) => failures += 1,
            }
        }
    }
    assert!(batches > 100 && failures > 100, "{batches} {failures}");
}

/// A ring in a file, laid out as the kernel does. Its data is not there twice, so records must
/// not wrap around.
fn ring(headers: &[u32], producer_position: u64) -> io::Result<Ring> {
    let page = page_bytes();
    let mut file = vec![0; 2 * page];
    file[page..page + 8].copy_from_slice(&producer_position.to_ne_bytes());
    for header in headers {
        let start = file.len();
        file.extend_from_slice(&header.to_ne_bytes());
        file.resize(start + record_bytes(*header), 0);
    }
    file.resize(2 * page + 2 * DATA_BYTES, 0);
    let fd: OwnedFd = rustix::fs::memfd_create("ring", rustix::fs::MemfdFlags::CLOEXEC)?;
    assert_eq!(rustix::io::write(&fd, &file)?, file.len());
    let producer = Mapping::new(fd.as_fd(), page as u64, page + 2 * DATA_BYTES, Access::Read);
    Ok(Ring {
        consumer: Mapping::new(fd.as_fd(), 0, page, Access::ReadWrite)?,
        position: 0,
        producer: producer?,
        data_bytes: DATA_BYTES,
        data_start: page,
    })
}

fn walk(headers: &[u32], bytes_max: usize) -> io::Result<(usize, bool)> {
    let bytes: usize = headers.iter().map(|header| record_bytes(*header)).sum();
    let walk = ring(headers, bytes as u64)?.walk(bytes_max);
    let walk = walk.ok_or_else(|| io::Error::other("the ring contradicts itself"))?;
    Ok((walk.bytes, walk.discarded_only))
}

#[test]
fn a_walk_finds_records_of_equal_and_of_changing_lengths() -> io::Result<()> {
    assert_eq!(walk(&[], 4096)?, (0, true));
    assert_eq!(walk(&[64; 10], 4096)?, (720, false));
    assert_eq!(
        walk(&[0, 0, 64, 64, 1, 64, 0], 4096)?,
        (8 + 8 + 72 + 72 + 16 + 72 + 8, false)
    );
    Ok(())
}

#[test]
fn a_walk_ends_before_a_record_that_is_still_written() -> io::Result<()> {
    assert_eq!(walk(&[BUSY | 8, 8], 4096)?, (0, true));
    assert_eq!(walk(&[BUSY, 8], 4096)?, (0, true));
    assert_eq!(walk(&[8, 8, BUSY | 8, 8], 4096)?, (32, false));
    Ok(())
}

#[test]
fn a_walk_takes_no_more_than_was_asked_for_but_one_record() -> io::Result<()> {
    assert_eq!(walk(&[64; 3], 1)?, (72, false));
    assert_eq!(walk(&[64; 3], 144)?, (144, false));
    assert_eq!(walk(&[64; 3], 215)?, (144, false));
    Ok(())
}

#[test]
fn a_walk_tells_whether_all_was_discarded() -> io::Result<()> {
    assert_eq!(walk(&[DISCARD | 8; 2], 4096)?, (32, true));
    assert_eq!(walk(&[DISCARD | 8, 8], 4096)?, (32, false));
    assert_eq!(walk(&[8, DISCARD | 8], 4096)?, (32, false));
    Ok(())
}

#[test]
fn a_record_that_ends_behind_the_producer_is_a_contradiction() -> io::Result<()> {
    assert!(ring(&[64, 64], 144)?.walk(4096).is_some());
    assert!(ring(&[64, 64], 136)?.walk(4096).is_none());
    assert!(ring(&[64, 8], 80)?.walk(4096).is_none());
    assert!(ring(&[64], DATA_BYTES as u64 + 8)?.walk(4096).is_none());
    Ok(())
}

#[test]
fn records_gather_when_they_come_often_but_one_by_one() {
    const MIB: usize = 1 << 20;
    let us = Duration::from_micros;
    // A record of 128 bytes after 100 us; after 10 us, which is 6.4 kB a pause.
    assert_eq!(pause(MIB, 128, us(100)), Some(PAUSE_MAX));
    assert_eq!(pause(MIB, 128, us(10)), Some(PAUSE_MAX));
    // Seldom: prompt.
    assert_eq!(pause(MIB, 128, PAUSE_MAX), None);
    assert_eq!(pause(MIB, 128, Duration::from_secs(1)), None);
    // Fast: they gather anyway, and must be read.
    assert_eq!(pause(MIB, 128, Duration::ZERO), None);
    assert_eq!(pause(MIB, 6400, us(5)), None);
    assert_eq!(pause(MIB, 300_000, us(400)), None);
    // A smaller ring is full sooner; in a small one nothing gathers.
    assert_eq!(
        pause(MIB / 4, 128, us(100)),
        Some(Duration::from_nanos(131_072))
    );
    assert_eq!(pause(MIB / 4, 128, us(200)), None);
    assert_eq!(pause(64 << 10, 128, us(20)), None);
    assert_eq!(pause(usize::MAX, u64::MAX, us(1)), None);
}
