//! Record batches: see `errors` in the contract for their layout.

/// Bytes of a record's header: length, then an auxiliary word.
pub const HEADER_BYTES: usize = 8;

/// Set in the length of a record that is to be skipped.
pub const DISCARD: u32 = 1 << 30;

/// Set in the length of a record that the producer still writes; never in a batch.
pub const BUSY: u32 = 1 << 31;

/// One record of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// To be skipped.
    pub discarded: bool,
    /// The second word of the header.
    pub auxiliary: u32,
    /// What the producer wrote.
    pub payload: &'a [u8],
}

/// The bytes that a record with a payload of this length takes in a batch.
pub fn record_bytes(payload: usize) -> usize {
    HEADER_BYTES + payload.next_multiple_of(8)
}

/// Append a record to a batch.
///
/// # Panics
/// When the payload has 1 GiB or more, which no bound of this crate allows.
#[inline]
pub fn push(batch: &mut Vec<u8>, auxiliary: u32, payload: &[u8]) {
    let length = u32::try_from(payload.len()).expect("payloads are below BATCH_BYTES_MAX");
    let header = u64::from(length) | u64::from(auxiliary) << 32;
    let end = batch.len() + record_bytes(payload.len());
    batch.reserve(record_bytes(payload.len()) + 8);
    batch.extend_from_slice(&header.to_le_bytes());
    batch.extend_from_slice(payload);
    // A whole word, whose length the compiler knows, and then less of it.
    batch.extend_from_slice(&[0; 8]);
    batch.truncate(end);
}

/// The records of a batch, up to its end or to where it is malformed.
#[derive(Clone, Copy, Debug)]
pub struct Records<'a> {
    rest: &'a [u8],
}

impl<'a> Records<'a> {
    /// The records of `batch`.
    pub fn new(batch: &'a [u8]) -> Self {
        Self { rest: batch }
    }

    /// What has not been returned; empty when all was well formed.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        let (header, body) = self.rest.split_first_chunk::<HEADER_BYTES>()?;
        let [l0, l1, l2, l3, a0, a1, a2, a3] = *header;
        let word = u32::from_le_bytes([l0, l1, l2, l3]);
        if word & BUSY != 0 {
            return None;
        }
        let length = (word & !DISCARD) as usize;
        let payload = body.get(..length)?;
        self.rest = body.get(length.next_multiple_of(8)..)?;
        Some(Record {
            discarded: word & DISCARD != 0,
            auxiliary: u32::from_le_bytes([a0, a1, a2, a3]),
            payload,
        })
    }
}

/// Whether a batch consists of whole, finished records.
pub fn is_well_formed(batch: &[u8]) -> bool {
    let mut records = Records::new(batch);
    records.by_ref().for_each(drop);
    records.rest().is_empty()
}

/// Whether a record ends at `offset`, or the batch starts there.
pub fn is_boundary(batch: &[u8], offset: usize) -> bool {
    if offset == 0 || offset == batch.len() {
        return true;
    }
    let mut records = Records::new(batch);
    while records.next().is_some() {
        let end = batch.len() - records.rest().len();
        if end >= offset {
            return end == offset;
        }
    }
    false
}

/// The length of the longest run of whole records of at most `bytes_max` bytes, at least one.
pub fn prefix(batch: &[u8], bytes_max: usize) -> usize {
    if batch.len() <= bytes_max {
        return batch.len();
    }
    let mut records = Records::new(batch);
    let mut taken = 0;
    while records.next().is_some() {
        let end = batch.len() - records.rest().len();
        if end > bytes_max && taken > 0 {
            break;
        }
        taken = end;
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(payloads: &[&[u8]]) -> Vec<u8> {
        let mut batch = Vec::new();
        for (index, payload) in payloads.iter().enumerate() {
            push(&mut batch, index as u32, payload);
        }
        batch
    }

    #[test]
    fn records_come_back_as_they_were_pushed() {
        let batch = batch(&[b"", b"a", b"12345678", b"123456789"]);
        let payloads: Vec<&[u8]> = Records::new(&batch).map(|record| record.payload).collect();
        assert_eq!(payloads, [&b""[..], b"a", b"12345678", b"123456789"]);
        let cpus: Vec<u32> = Records::new(&batch)
            .map(|record| record.auxiliary)
            .collect();
        assert_eq!(cpus, [0, 1, 2, 3]);
        assert!(is_well_formed(&batch));
    }

    #[test]
    fn a_batch_cut_anywhere_but_between_records_is_malformed() {
        let whole = batch(&[b"a", b"123456789"]);
        for length in 0..=whole.len() {
            let fine = [0, 16, whole.len()].contains(&length);
            assert_eq!(is_well_formed(&whole[..length]), fine, "{length}");
            assert_eq!(is_boundary(&whole, length), fine, "{length}");
        }
    }

    #[test]
    fn a_busy_record_ends_the_walk() {
        let mut whole = batch(&[b"a", b"b"]);
        whole[16 + 3] |= 0x80;
        assert_eq!(Records::new(&whole).count(), 1);
        assert!(!is_well_formed(&whole));
    }

    #[test]
    fn a_length_beyond_the_batch_ends_the_walk() {
        let mut whole = batch(&[b"a"]);
        whole[..4].copy_from_slice(&0x3fff_ffffu32.to_le_bytes());
        assert_eq!(Records::new(&whole).count(), 0);
    }

    #[test]
    fn a_prefix_has_whole_records_and_at_least_one() {
        let whole = batch(&[b"a", b"b", b"c"]);
        assert_eq!(prefix(&whole, 0), 16);
        assert_eq!(prefix(&whole, 31), 16);
        assert_eq!(prefix(&whole, 32), 32);
        assert_eq!(prefix(&whole, 1000), 48);
        assert_eq!(prefix(&[], 1000), 0);
    }
}
