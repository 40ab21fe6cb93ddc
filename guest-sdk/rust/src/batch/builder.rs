//! Writing record batches.

use super::{HEADER_BYTES, PAYLOAD_BYTES_MAX};
use crate::error::{Error, ErrorCode, Result};
use crate::record::Record;

/// A batch in the making: records for the kernel ([`UserRingBuffer`](crate::UserRingBuffer)) or
/// rows for the host. It keeps its memory when it is cleared.
#[derive(Clone, Debug, Default)]
pub struct BatchBuilder {
    bytes: Vec<u8>,
}

impl BatchBuilder {
    /// An empty batch, which has no memory yet.
    pub const fn new() -> Self {
        Self { bytes: Vec::new() }
    }

    /// Append a record.
    ///
    /// # Errors
    /// `InvalidArgument` above [`PAYLOAD_BYTES_MAX`].
    pub fn push<T: Record>(&mut self, record: &T) -> Result<()> {
        self.push_with(|bytes| {
            let start = bytes.len();
            bytes.resize(start + T::SIZE, 0);
            record
                .write_to(&mut bytes[start..])
                .expect("there is room for the whole record");
        })
    }

    /// Append a record given as bytes.
    ///
    /// # Errors
    /// `InvalidArgument` above [`PAYLOAD_BYTES_MAX`].
    pub fn push_bytes(&mut self, payload: &[u8]) -> Result<()> {
        self.push_with(|bytes| bytes.extend_from_slice(payload))
    }

    /// All records, with headers and padding.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether there is no record.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Forget all records and keep the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
    }

    /// As many whole records as fit into `bytes_max`, but at least one if there is one.
    pub(crate) fn first_bytes(&self, bytes_max: usize) -> &[u8] {
        let mut end = 0;
        while let Some(header) = self.bytes[end..].first_chunk::<4>() {
            let payload_bytes = u32::from_le_bytes(*header) as usize;
            let next = end + HEADER_BYTES + payload_bytes.next_multiple_of(8);
            if next > bytes_max && end > 0 {
                break;
            }
            end = next;
        }
        &self.bytes[..end]
    }

    /// Forget the records in the first `count` bytes, where one ends.
    pub(crate) fn remove_first(&mut self, count: usize) {
        self.bytes.drain(..count.min(self.bytes.len()));
    }

    /// Start a record, whose payload is then appended to [`BatchBuilder::open_bytes`].
    pub(crate) fn begin(&mut self) -> OpenRecord {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0; HEADER_BYTES]);
        OpenRecord { start }
    }

    pub(crate) fn open_bytes(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Close a record; one that is too long is taken back.
    pub(crate) fn finish(&mut self, record: OpenRecord) -> Result<()> {
        let length = self.bytes.len() - record.start - HEADER_BYTES;
        if length > PAYLOAD_BYTES_MAX {
            self.cancel(record);
            return Err(Error::new(
                ErrorCode::InvalidArgument,
                format!("a record of {length} bytes is longer than {PAYLOAD_BYTES_MAX}"),
            ));
        }
        self.bytes[record.start..record.start + 4].copy_from_slice(&(length as u32).to_le_bytes());
        self.bytes.resize(self.bytes.len().next_multiple_of(8), 0);
        Ok(())
    }

    /// Take a record back.
    pub(crate) fn cancel(&mut self, record: OpenRecord) {
        self.bytes.truncate(record.start);
    }

    fn push_with(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> Result<()> {
        let record = self.begin();
        write(&mut self.bytes);
        self.finish(record)
    }
}

/// Where the record that is being written starts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OpenRecord {
    start: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_can_be_taken_back() -> Result<()> {
        let mut builder = BatchBuilder::new();
        builder.push(&1_u8)?;
        let record = builder.begin();
        builder.open_bytes().extend([9; 100]);
        builder.cancel(record);
        builder.push(&2_u8)?;
        let lengths_and_payloads: Vec<_> = builder
            .as_bytes()
            .chunks_exact(16)
            .map(|record| (record[0], record[8]))
            .collect();
        assert_eq!(lengths_and_payloads, [(1, 1), (1, 2)]);
        Ok(())
    }

    #[test]
    fn a_long_batch_is_cut_between_records() -> Result<()> {
        let mut builder = BatchBuilder::new();
        for length in [8, 100, 1] {
            builder.push_bytes(&vec![0; length])?;
        }
        for (bytes_max, expected) in [(0, 16), (16, 16), (127, 16), (128, 128), (1000, 144)] {
            assert_eq!(builder.first_bytes(bytes_max).len(), expected);
        }
        builder.clear();
        assert_eq!(builder.first_bytes(1000), []);
        Ok(())
    }
}
