//! A `.BTF` section of the kept types, in the kernel's order.

use std::collections::HashMap;

use super::keep::{Keep, Parts};
use crate::btf::{Btf, TypeId};
use crate::error::{Error, Result};
use crate::kind::Kind;
use crate::ty::Type;

/// Names by which libbpf finds out how long a pointer is.
const LONG: [&str; 3] = ["long unsigned int", "long int", "long"];

/// Magic number, version and flags.
const HEAD: u32 = 0x0001_eb9f;
const HEADER_BYTES: u32 = 24;
const COUNT_MASK: u32 = 0xffff;

pub(super) fn section(kernel: &Btf, keep: Keep<'_>) -> Result<Vec<u8>> {
    let mut parts = keep.parts;
    let long = kernel
        .types()
        .find(|ty| ty.kind() == Kind::Int && LONG.contains(&ty.name()));
    if let Some(long) = long {
        parts.entry(long.id().0).or_default();
    }
    // `void` is not written, and is number 0 here as there.
    parts.remove(&TypeId::VOID.0);
    let mut writer = Writer {
        kernel,
        numbers: parts.keys().copied().zip(1..).collect(),
        words: Vec::new(),
        strings: vec![0],
        offsets: HashMap::new(),
    };
    for (id, parts) in &parts {
        writer.write(kernel.ty(TypeId(*id))?, parts);
    }
    writer.finish()
}

struct Writer<'k> {
    kernel: &'k Btf,
    /// New numbers by those of the kernel.
    numbers: HashMap<u32, u32>,
    words: Vec<u32>,
    strings: Vec<u8>,
    offsets: HashMap<&'k str, u32>,
}

impl<'k> Writer<'k> {
    fn write(&mut self, ty: Type<'k>, parts: &Parts) {
        let &[name, info, size_or_type, ref tail @ ..] = ty.words() else {
            return; // Every type has three words.
        };
        let name = self.name(name);
        let kind = ty.kind();
        let refers = if parts.target { size_or_type } else { 0 };
        match kind {
            Kind::Struct | Kind::Union => {
                let count = count(parts.members.len());
                self.words
                    .extend([name, info & !COUNT_MASK | count, size_or_type]);
                for index in &parts.members {
                    let [name, ty, place] = ty.members()[*index];
                    let member = [self.name(name), self.number(ty), place];
                    self.words.extend(member);
                }
            }
            Kind::Enum | Kind::Enum64 if !parts.enumerators => {
                self.words.extend([name, info & !COUNT_MASK, size_or_type]);
            }
            Kind::Enum | Kind::Enum64 => {
                self.words.extend([name, info, size_or_type]);
                let words = if kind == Kind::Enum { 2 } else { 3 };
                for enumerator in tail.chunks_exact(words) {
                    let name = self.name(enumerator[0]);
                    self.words.push(name);
                    self.words.extend(&enumerator[1..]);
                }
            }
            Kind::Array => {
                // libbpf does not look at the type of indices.
                let item = self.number(tail[0]);
                self.words.extend([name, info, 0, item, 0, tail[2]]);
            }
            Kind::FunctionPrototype if parts.target => {
                self.words.extend([name, info, self.number(refers)]);
                for [_, parameter] in tail.as_chunks::<2>().0 {
                    self.words.extend([0, self.number(*parameter)]);
                }
            }
            Kind::FunctionPrototype => self.words.extend([name, info & !COUNT_MASK, 0]),
            _ if kind.refers_to_type() => {
                self.words.extend([name, info, self.number(refers)]);
                self.words.extend(tail);
            }
            _ => self.words.extend(
                ty.words().iter().enumerate().map(
                    |(index, word)| {
                        if index == 0 { name } else { *word }
                    },
                ),
            ),
        }
    }

    /// A type that is not kept is `void`: nobody looks at it.
    fn number(&self, id: u32) -> u32 {
        self.numbers.get(&id).copied().unwrap_or(0)
    }

    fn name(&mut self, offset: u32) -> u32 {
        let name = self.kernel.name_at(offset);
        if name.is_empty() {
            return 0;
        }
        let strings = &mut self.strings;
        *self.offsets.entry(name).or_insert_with(|| {
            let offset = count(strings.len());
            strings.extend(name.as_bytes());
            strings.push(0);
            offset
        })
    }

    fn finish(self) -> Result<Vec<u8>> {
        let type_bytes = u32::try_from(self.words.len() * size_of::<u32>());
        let string_bytes = u32::try_from(self.strings.len());
        let (Ok(type_bytes), Ok(string_bytes)) = (type_bytes, string_bytes) else {
            return Err(Error::too_large("minimized BTF of 4 GiB or more"));
        };
        let header = [HEAD, HEADER_BYTES, 0, type_bytes, type_bytes, string_bytes];
        let words = header.into_iter().chain(self.words);
        let mut bytes: Vec<u8> = words.flat_map(u32::to_le_bytes).collect();
        bytes.extend(self.strings);
        Ok(bytes)
    }
}

/// The parts of a kernel's BTF, which is parsed and so below 4 GiB.
fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
