//! Maps without keys: queues, stacks and bloom filters.

use crate::error::Result;
use crate::map::{Map, UpdateFlags, Value};
use crate::record::Record;

impl<V: Record> Map<(), V> {
    /// Add a value: to the end of a queue, on top of a stack, to a bloom filter.
    ///
    /// # Errors
    /// `LimitExceeded` when a queue or stack is full.
    pub fn push(&self, value: &V) -> Result<()> {
        self.update(&(), value, UpdateFlags::ANY)
    }

    /// Take the first value of a queue or the top of a stack; none when it is empty.
    ///
    /// # Errors
    /// The host's.
    pub fn pop(&self) -> Result<Option<V>> {
        self.lookup_and_delete(&())
    }

    /// Look at the first value of a queue or the top of a stack; none when it is empty.
    ///
    /// # Errors
    /// The host's.
    pub fn peek(&self) -> Result<Option<V>> {
        self.lookup(&())
    }

    /// Whether a value may be in a bloom filter: false is certain, true is not.
    ///
    /// # Errors
    /// The host's.
    pub fn may_contain(&self, value: &V) -> Result<bool> {
        let mut bytes = Vec::new();
        value.encode(&mut bytes);
        Ok(self.raw().lookup(&bytes)?.is_some())
    }
}
