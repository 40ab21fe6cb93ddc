//! What a decoder tells about a record.

use super::label::Label;

/// Receives the values of a record in the order of the type's members.
pub trait Visitor {
    /// A struct, a union or an array begins; its values follow, then [`Visitor::end`].
    fn begin(&mut self, label: &Label, group: Group);

    /// The last group that began is complete.
    fn end(&mut self, label: &Label, group: Group);

    /// A single value.
    fn scalar(&mut self, label: &Label, value: Scalar<'_>);
}

/// A value that consists of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// A struct: its values are its members.
    Struct,
    /// A union: its values are its members, which share their bytes.
    Union,
    /// An array with this many items, which have no names.
    Array(usize),
}

/// A single value.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Scalar<'a> {
    /// An unsigned integer.
    Unsigned(u64),
    /// A signed integer.
    Signed(i64),
    /// An unsigned integer of more than 64 bits.
    Unsigned128(u128),
    /// A signed integer of more than 64 bits.
    Signed128(i128),
    /// A `_Bool`: every number except 0 is true.
    Boolean(bool),
    /// A single `char`.
    Character(u8),
    /// An enum.
    Enum {
        /// Its number, an `i64` or a `u64`.
        number: i128,
        /// The name that the number has, if it has one.
        name: Option<&'a str>,
    },
    /// A pointer: an address in the kernel or in the observed process.
    Pointer(u64),
    /// A `float`.
    Float32(f32),
    /// A `double`.
    Float64(f64),
    /// An array of `char` up to its first NUL or its end; may hold what is not UTF-8.
    Text(&'a [u8]),
    /// An array of other bytes, or a number of a width that Rust lacks.
    Bytes(&'a [u8]),
}
