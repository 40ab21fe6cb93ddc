//! BTF, the BPF type format: parsing it, decoding and encoding values by it, generating types from
//! it.
//!
//! BTF comes out of images, so it is untrusted: whatever its bytes are, they end in an [`Error`] or
//! in types that make sense, in bounded time and memory.
//!
//! ```
//! use eunomia_btf::{Btf, Kind, decode::Decoder, decode::Value};
//!
//! // A `.BTF` section with a single type, as `clang -g` writes `int`.
//! let header = [0xeb9f | 1 << 16, 24, 0, 16, 16, 5];
//! let int = [1, 1 << 24, 4, 1 << 24 | 32];
//! let words = header.into_iter().chain(int).flat_map(u32::to_le_bytes);
//! let section: Vec<u8> = words.chain(*b"\0int\0").collect();
//!
//! let btf = Btf::parse(&section)?;
//! let int = btf.find("int", Kind::Int)?;
//! assert_eq!(btf.size_of(int.id())?, 4);
//! assert_eq!(Decoder::new(&btf, int.id())?.value(&[0xff; 4])?, Value::Signed(-1));
//! # Ok::<(), eunomia_btf::Error>(())
//! ```
//!
//! Usually it is [`Btf::from_elf`] that finds the section. Not read are modules' BTF, which
//! continues that of the kernel, and of `.BTF.ext` all but relocations, for [`minimize`].
#![forbid(unsafe_code)]

mod btf;
pub mod c_types;
mod composite;
mod declaration;
pub mod decode;
mod elf;
pub mod encode;
mod enumeration;
mod error;
mod extension;
pub mod go_types;
mod kind;
mod layout;
pub mod minimize;
mod parse;
pub mod python_types;
mod records;
mod relocation;
pub mod rust_types;
mod source;
pub mod ts_types;
mod ty;
pub mod zig_types;

pub use btf::{Btf, TypeId};
pub use composite::{BitRange, Composite, Member, Place};
pub use declaration::DECLARATION_BYTES_MAX;
pub use elf::aligned_elf;
pub use enumeration::{Enumeration, Enumerator};
pub use error::{Error, ErrorKind, Result};
pub use extension::{Extension, NEW_MEMBERS_MAX, NewMember};
pub use kind::Kind;
pub use layout::{CHAIN_LENGTH_MAX, NESTING_MAX, POINTER_BYTES};
pub use parse::{NAME_BYTES_MAX, SECTION_BYTES_MAX, TYPES_MAX};
pub use ty::{
    Array, DataSection, Definition, FunctionPrototype, Int, Linkage, SectionVariable, Type,
    Variable,
};
