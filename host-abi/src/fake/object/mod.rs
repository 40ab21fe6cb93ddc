//! Objects: what they declare, and what becomes of it when they are opened and loaded.

mod attach;
mod describe;
mod elf;
mod elf_maps;
#[cfg(test)]
mod elf_tests;
mod open;
mod settings;
#[cfg(test)]
mod tests;

pub use describe::{
    DeclaredMap, FakeGlobal, FakeObject, FakeObjectBuilder, FakeProgram, SectionName,
};
pub(crate) use open::{LoadedObject, OpenObject};
