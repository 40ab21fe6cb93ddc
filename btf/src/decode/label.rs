//! What a value is called.

use std::sync::Arc;

/// The names of one member, of the items of an array, or of the whole record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    pub(super) index: usize,
    pub(super) name: Arc<str>,
    pub(super) typedefs: Box<[Box<str>]>,
    pub(super) type_name: Box<str>,
}

impl Label {
    /// Its place in [`Decoder::labels`](super::Decoder::labels): what a visitor has prepared for
    /// each label, it finds by this number.
    pub fn index(&self) -> usize {
        self.index
    }

    /// The member's name; empty for the items of an array and for the record itself.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The typedefs through which the type is named, the outermost first: for
    /// `gadget_timestamp` it may be `["gadget_timestamp", "__u64"]`.
    pub fn typedefs(&self) -> impl ExactSizeIterator<Item = &str> {
        self.typedefs.iter().map(AsRef::as_ref)
    }

    /// The type behind all typedefs, as C names it: `unsigned long long`, `struct event`.
    pub fn type_name(&self) -> &str {
        &self.type_name
    }
}
