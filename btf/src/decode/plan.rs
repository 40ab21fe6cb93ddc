//! A type, prepared for decoding.

use crate::composite::BitRange;

/// The number of a node in a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NodeId(pub(super) usize);

/// How to decode one type. Types that are met twice share their node.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) form: Form,
    /// Bytes up to the end of the last value: what a record must have. Padding at the end does not
    /// count, and neither does a flexible array.
    pub(super) extent: u32,
    /// What decoding it costs at most, without a flexible array: see
    /// [`WEIGHT_MAX`](super::WEIGHT_MAX).
    pub(super) weight: u64,
}

#[derive(Debug, Clone)]
pub(super) enum Form {
    Number(NumberForm),
    /// A number in a bit field, whose bits count from the start of the struct.
    Bits(BitRange, NumberForm),
    Float32,
    Float64,
    Text,
    Bytes,
    Array(Items, u32),
    Struct(Box<[Child]>),
    Union(Box<[Child]>),
    /// To the end of the record.
    FlexibleText,
    FlexibleBytes,
    FlexibleArray(Items),
}

/// What an integer means, and how wide it is.
#[derive(Debug, Clone)]
pub(super) struct NumberForm {
    pub(super) meaning: Meaning,
    pub(super) size: u32,
}

#[derive(Debug, Clone)]
pub(super) enum Meaning {
    Unsigned,
    Signed,
    Boolean,
    Character,
    Pointer,
    Enum { signed: bool, names: Names },
}

/// The names of an enum's numbers, sorted by number.
#[derive(Debug, Clone)]
pub(super) struct Names(pub(super) Box<[(i128, Box<str>)]>);

impl Names {
    pub(super) fn find(&self, number: i128) -> Option<&str> {
        let index = self
            .0
            .binary_search_by_key(&number, |(number, _)| *number)
            .ok()?;
        self.0.get(index).map(|(_, name)| name.as_ref())
    }
}

/// The items of an array.
#[derive(Debug, Clone, Copy)]
pub(super) struct Items {
    pub(super) child: Child,
    /// Bytes from one item to the next; never 0.
    pub(super) stride: u32,
}

/// A part of a struct, union or array.
#[derive(Debug, Clone, Copy)]
pub(super) struct Child {
    /// Where it starts in the whole; 0 for bit fields, whose ranges say it.
    pub(super) offset: u32,
    pub(super) node: NodeId,
    /// Its index in the plan's labels.
    pub(super) label: usize,
}
