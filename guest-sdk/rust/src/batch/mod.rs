//! Record batches: many records in one piece, as they cross the boundary between host and guest.
//!
//! The layout is in `wit/errors.wit`: a header of 8 bytes (length and flags, auxiliary word), the
//! payload, padding up to a multiple of 8.

mod builder;

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;

use crate::error::{Error, ErrorCode, Result};
use crate::record::{Record, RecordRef};

pub use builder::BatchBuilder;
pub(crate) use builder::OpenRecord;

/// Bytes in front of each payload.
const HEADER_BYTES: usize = 8;

/// Bits of the header's first word that hold the length. The next one means "discarded", the last
/// one never occurs.
const LENGTH_BITS: u32 = 30;
const DISCARDED: u32 = 1;

/// Bytes of the longest payload that a header can tell of.
pub const PAYLOAD_BYTES_MAX: usize = (1 << LENGTH_BITS) - 1;

/// Borrowed records, in their order.
///
/// Reading one costs a look at its header; nothing is copied. Discarded records are passed over.
///
/// A record that is too short for the type that is asked for, and a batch that is not well-formed,
/// end the iteration; the next read from the same source (or the end of
/// [`Plugin::on_events`](crate::Plugin::on_events)) then fails, so that it does not go unnoticed.
#[derive(Clone, Copy)]
pub struct Batch<'a> {
    bytes: &'a [u8],
    fault: &'a FaultCell,
}

impl<'a> Batch<'a> {
    pub(crate) fn new(bytes: &'a [u8], fault: &'a FaultCell) -> Self {
        Self { bytes, fault }
    }

    /// Views of the records as the type `T`, which the BPF program wrote. What a record holds
    /// beyond it (a flexible array) is passed over, see [`Batch::raw_records`].
    #[inline]
    pub fn records<T: Record>(&self) -> Records<'a, T> {
        Records {
            raw: self.raw_records(),
            record: PhantomData,
        }
    }

    /// The records as bytes: for those of several kinds or of varying length.
    #[inline]
    pub fn raw_records(&self) -> RawRecords<'a> {
        RawRecords {
            rest: self.bytes,
            fault: self.fault,
        }
    }

    /// All of it as it came, headers and discarded records included; what
    /// [`Table::emit_batch`](crate::output::Table::emit_batch) hands on.
    #[inline]
    pub fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Whether there is no record, not even a discarded one: the time was up.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}

impl fmt::Debug for Batch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("bytes", &self.bytes.len())
            .finish_non_exhaustive()
    }
}

/// Views of the records of a [`Batch`].
#[derive(Clone, Debug)]
pub struct Records<'a, T> {
    raw: RawRecords<'a>,
    record: PhantomData<fn() -> T>,
}

impl<'a, T: Record> Iterator for Records<'a, T> {
    type Item = T::Ref<'a>;

    /// Most records are as long as their type. Comparing with a length that is known when this is
    /// compiled lets the CPU go on to the next record before it has read the length of this one.
    #[inline]
    fn next(&mut self) -> Option<T::Ref<'a>> {
        if T::SIZE <= PAYLOAD_BYTES_MAX
            && let Some((header, rest)) = self.raw.rest.split_first_chunk::<HEADER_BYTES>()
            && u64::from_le_bytes(*header) as u32 as usize == T::SIZE
            && let Some((record, rest)) = rest.split_at_checked(T::SIZE.next_multiple_of(8))
        {
            self.raw.rest = rest;
            return <T::Ref<'a> as RecordRef<'a>>::new(record);
        }
        self.next_of_any_length()
    }
}

impl<'a, T: Record> Records<'a, T> {
    #[inline]
    fn next_of_any_length(&mut self) -> Option<T::Ref<'a>> {
        let record = self.raw.next()?;
        let view = record.view::<T>();
        if view.is_none() {
            self.raw.end(Fault::Short {
                payload_bytes: record.payload.len(),
                record_bytes: T::SIZE,
            });
        }
        view
    }
}

/// The records of a [`Batch`] as bytes.
#[derive(Clone)]
pub struct RawRecords<'a> {
    rest: &'a [u8],
    fault: &'a FaultCell,
}

impl RawRecords<'_> {
    #[cold]
    fn end(&mut self, fault: Fault) {
        self.rest = &[];
        self.fault.0.set(Some(fault));
    }
}

impl<'a> Iterator for RawRecords<'a> {
    type Item = RawRecord<'a>;

    #[inline]
    fn next(&mut self) -> Option<RawRecord<'a>> {
        loop {
            let Some((header, rest)) = self.rest.split_first_chunk::<HEADER_BYTES>() else {
                if !self.rest.is_empty() {
                    self.end(Fault::Malformed);
                }
                return None;
            };
            let header = u64::from_le_bytes(*header);
            let word = header as u32;
            let length = (word & PAYLOAD_BYTES_MAX as u32) as usize;
            let flags = word >> LENGTH_BITS;
            let Some((record, rest)) = rest.split_at_checked(length.next_multiple_of(8)) else {
                self.end(Fault::Malformed);
                return None;
            };
            if flags > DISCARDED {
                self.end(Fault::Malformed);
                return None;
            }
            self.rest = rest;
            if flags != DISCARDED {
                let payload = &record[..length];
                return Some(RawRecord {
                    payload,
                    auxiliary: (header >> 32) as u32,
                });
            }
        }
    }
}

impl fmt::Debug for RawRecords<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawRecords")
            .field("rest_bytes", &self.rest.len())
            .finish_non_exhaustive()
    }
}

/// One record, as bytes.
#[derive(Clone, Copy, Debug)]
pub struct RawRecord<'a> {
    payload: &'a [u8],
    auxiliary: u32,
}

impl<'a> RawRecord<'a> {
    /// What the BPF program wrote; the kernel may have filled up a record of a perf event array
    /// with zeros.
    #[inline]
    pub fn payload(&self) -> &'a [u8] {
        self.payload
    }

    /// A view of it as a `T`, whose flexible array, if it has one, starts at
    /// `T::TAIL_OFFSET` of the payload; none when it is shorter than a `T`.
    #[inline]
    pub fn view<T: Record>(&self) -> Option<T::Ref<'a>> {
        <T::Ref<'a> as RecordRef<'a>>::new(self.payload)
    }

    /// The CPU that produced it, for records of a perf event array; of other records it means
    /// nothing.
    #[inline]
    pub fn cpu(&self) -> u32 {
        self.auxiliary
    }
}

/// Why an iteration ended early.
#[derive(Clone, Copy, Debug)]
enum Fault {
    Malformed,
    Short {
        payload_bytes: usize,
        record_bytes: usize,
    },
}

/// Takes a fault from the iteration, which borrows the batch, to the next read.
#[derive(Debug)]
pub(crate) struct FaultCell(Cell<Option<Fault>>);

impl FaultCell {
    pub(crate) const fn new() -> Self {
        Self(Cell::new(None))
    }

    /// The fault, once.
    pub(crate) fn take(&self, source: impl fmt::Display) -> Result<()> {
        match self.0.take() {
            None => Ok(()),
            Some(fault) => Err(fault.into_error(source)),
        }
    }
}

impl Fault {
    #[cold]
    fn into_error(self, source: impl fmt::Display) -> Error {
        let message = match self {
            Self::Malformed => format!("read {source}: the batch is not well-formed"),
            Self::Short {
                payload_bytes,
                record_bytes,
            } => format!(
                "read {source}: a record of {payload_bytes} bytes is shorter than its type, \
                 which has {record_bytes}"
            ),
        };
        Error::new(ErrorCode::InvalidArgument, message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUSY_BIT: u32 = 1 << 31;
    const DISCARD_BIT: u32 = 1 << 30;

    fn payloads<'a>(bytes: &'a [u8], fault: &'a FaultCell) -> Vec<&'a [u8]> {
        let batch = Batch::new(bytes, fault);
        batch.raw_records().map(|record| record.payload()).collect()
    }

    fn header(word: u32) -> Vec<u8> {
        (u64::from(word) | 7 << 32).to_le_bytes().to_vec()
    }

    #[test]
    fn records_come_out_as_they_were_pushed() -> Result<()> {
        let mut builder = BatchBuilder::new();
        builder.push(&0x0102_0304_u32)?;
        builder.push_bytes(b"")?;
        builder.push_bytes(b"123456789")?;
        let fault = FaultCell::new();
        let expected: [&[u8]; 3] = [&[4, 3, 2, 1], b"", b"123456789"];
        assert_eq!(payloads(builder.as_bytes(), &fault), expected);
        assert_eq!(builder.as_bytes().len(), 16 + 8 + 24);
        fault.take("a test")
    }

    #[test]
    fn typed_records_view_the_bytes_and_pass_over_what_follows() -> Result<()> {
        let mut builder = BatchBuilder::new();
        builder.push(&[1_u32, 2])?;
        builder.push(&[3_u32, 4, 5])?;
        let fault = FaultCell::new();
        let batch = Batch::new(builder.as_bytes(), &fault);
        let second: Vec<_> = batch
            .records::<[u32; 2]>()
            .filter_map(|pair| pair.get(1))
            .collect();
        assert_eq!(second, [2, 4]);
        fault.take("a test")
    }

    #[test]
    fn discarded_records_are_passed_over_and_the_cpu_is_kept() -> Result<()> {
        let mut bytes = header(DISCARD_BIT | 3);
        bytes.extend([0xff; 8]);
        bytes.extend(header(1));
        bytes.extend([5, 0, 0, 0, 0, 0, 0, 0]);
        let fault = FaultCell::new();
        let batch = Batch::new(&bytes, &fault);
        let found: Vec<_> = batch
            .raw_records()
            .map(|record| (record.cpu(), record.payload().to_vec()))
            .collect();
        assert_eq!(found, [(7, vec![5])]);
        fault.take("a test")
    }

    #[test]
    fn a_record_that_is_too_short_for_its_type_ends_the_batch_with_an_error() -> Result<()> {
        let mut builder = BatchBuilder::new();
        builder.push(&1_u64)?;
        builder.push(&2_u32)?;
        builder.push(&3_u64)?;
        let fault = FaultCell::new();
        let batch = Batch::new(builder.as_bytes(), &fault);
        assert_eq!(batch.records::<u64>().collect::<Vec<_>>(), [1]);
        let error = fault.take("ring buffer \"events\"").unwrap_err();
        assert!(error.message().contains("ring buffer \"events\""));
        assert!(error.message().contains("record of 4 bytes"), "{error}");
        // Told once.
        fault.take("a test")
    }

    #[test]
    fn a_batch_that_is_cut_anywhere_else_than_between_records_is_an_error() -> Result<()> {
        let mut builder = BatchBuilder::new();
        builder.push_bytes(b"first")?;
        builder.push_bytes(b"second one")?;
        let whole = builder.as_bytes();
        for length in 0..whole.len() {
            let fault = FaultCell::new();
            let count = payloads(&whole[..length], &fault).len();
            assert_eq!(count, usize::from(length >= 16), "cut at {length}");
            assert_eq!(fault.take("a test").is_ok(), length == 0 || length == 16);
        }
        Ok(())
    }

    #[test]
    fn a_length_beyond_the_batch_or_a_busy_record_is_an_error() {
        for word in [9, u32::MAX >> 2, BUSY_BIT, BUSY_BIT | DISCARD_BIT | 8] {
            let mut bytes = header(word);
            bytes.extend([0; 8]);
            let fault = FaultCell::new();
            assert!(payloads(&bytes, &fault).is_empty());
            assert!(fault.take("a test").is_err(), "{word:#x}");
        }
    }
}
