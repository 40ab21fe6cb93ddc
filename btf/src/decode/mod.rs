//! Decoding the bytes of a value by its BTF type.
//!
//! A [`Decoder`] is compiled once for a type. For each record it then calls a [`Visitor`], without
//! looking at the BTF again and without allocating; [`Decoder::value`] builds a [`Value`] with it.
//! [`Decoder::leaves`] gives the values one by one, to be read in any order.
//!
//! ```
//! # fn show(file: &[u8], record: &[u8]) -> eunomia_btf::Result<()> {
//! use eunomia_btf::{Btf, decode::Decoder};
//!
//! let btf = Btf::from_elf(file)?;
//! let decoder = Decoder::for_name(&btf, "event")?;
//! let value = decoder.value(record)?;
//! # let _ = value; Ok(())
//! # }
//! ```
//!
//! - Members of anonymous structs and unions appear as members of what they are in, as in C.
//! - All members of a union are decoded: which one is meant, its bytes do not say.
//! - An array of `char` is text up to its first NUL, other arrays of bytes are bytes.
//! - A flexible array at the very end of the type reaches to the end of the record. (The kernel
//!   appends up to 7 bytes to the records of perf event arrays; they look like items.)
//! - Unnamed bit fields and members without bytes do not appear.

mod bits;
mod builder;
mod compile;
mod decoder;
mod label;
mod leaf;
mod plan;
mod value;
mod visitor;

pub use compile::{LABEL_BYTES_MAX, MEMBERS_MAX, WEIGHT_BYTES, WEIGHT_MAX};
pub use decoder::Decoder;
pub use label::Label;
pub use leaf::{LEAVES_MAX, Leaf, LeafKind};
pub use value::{Field, Value};
pub use visitor::{Group, Scalar, Visitor};
