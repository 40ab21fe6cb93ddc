//! A parsed `.BTF` section.

use crate::error::{Error, Result};
use crate::kind::Kind;
use crate::ty::Type;

/// The number of a type in one BTF section. 0 is `void`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TypeId(pub u32);

impl TypeId {
    /// `void`.
    pub const VOID: Self = Self(0);
}

/// The types of one BPF object or kernel.
///
/// It owns a checked copy of the section: every name is text, every type number that a type refers
/// to exists, every list is complete. What types mean together (sizes, cycles, overlaps) is checked
/// by the operations that need it.
#[derive(Clone)]
pub struct Btf {
    /// The type descriptions, all of which are made of 32-bit words.
    pub(crate) words: Box<[u32]>,
    /// Where the description of type `id` starts in `words`, at `id - 1`; and the end, at last.
    pub(crate) starts: Box<[u32]>,
    /// Names, each ended by a NUL.
    pub(crate) strings: Box<str>,
}

/// The description of `void`, which the section does not hold.
static VOID_WORDS: [u32; 3] = [0; 3];

impl Btf {
    /// Parses the bytes of a `.BTF` section.
    ///
    /// # Errors
    /// [`Malformed`](crate::ErrorKind::Malformed) when the bytes break the format,
    /// [`Unsupported`](crate::ErrorKind::Unsupported) when they are big-endian or newer than what
    /// this crate knows, [`TooLarge`](crate::ErrorKind::TooLarge) above the limits of the kernel.
    pub fn parse(section: &[u8]) -> Result<Self> {
        crate::parse::parse(section)
    }

    /// Parses the `.BTF` section of an ELF file, for example a BPF object.
    ///
    /// # Errors
    /// Those of [`Btf::parse`]; `Malformed` when the file is not a 64-bit ELF file;
    /// [`NotFound`](crate::ErrorKind::NotFound) when it has no `.BTF` section.
    pub fn from_elf(file: &[u8]) -> Result<Self> {
        crate::elf::btf_section(file).and_then(|section| Self::parse(&section))
    }

    /// Parses a file with the types of a kernel: raw, as in `/sys/kernel/btf`, or the `.BTF`
    /// section of an ELF file.
    ///
    /// # Errors
    /// Those of [`Btf::parse`] and [`Btf::from_elf`].
    pub fn from_file(file: &[u8]) -> Result<Self> {
        match file.starts_with(b"\x7fELF") {
            true => Self::from_elf(file),
            false => Self::parse(file),
        }
    }

    /// How many types there are, with `void`. All numbers below this one exist.
    pub fn type_count(&self) -> u32 {
        // `starts` has one more entry than there are types without `void`.
        u32::try_from(self.starts.len()).unwrap_or(u32::MAX)
    }

    /// The type with a number, or nothing when there is none.
    pub fn get(&self, id: TypeId) -> Option<Type<'_>> {
        if id == TypeId::VOID {
            return Some(Type::new(self, id, &VOID_WORDS));
        }
        let index = usize::try_from(id.0).ok()?;
        let start = *self.starts.get(index - 1)?;
        let end = *self.starts.get(index)?;
        let words = self.words.get(start as usize..end as usize)?;
        Some(Type::new(self, id, words))
    }

    /// The type with a number.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    pub fn ty(&self, id: TypeId) -> Result<Type<'_>> {
        self.get(id).ok_or_else(|| {
            Error::not_found(format!(
                "type {}: there are only {}",
                id.0,
                self.type_count()
            ))
        })
    }

    /// All types in order, without `void`.
    pub fn types(&self) -> impl Iterator<Item = Type<'_>> {
        (1..self.type_count()).filter_map(|id| self.get(TypeId(id)))
    }

    /// The first type with a name and a kind.
    ///
    /// # Errors
    /// `NotFound`, naming both.
    pub fn find(&self, name: &str, kind: Kind) -> Result<Type<'_>> {
        self.types()
            .find(|ty| ty.kind() == kind && ty.name() == name)
            .ok_or_else(|| Error::not_found(format!("{kind} \"{name}\": no such type in the BTF")))
    }

    /// The first struct, union, enum, typedef, integer or float with a name, in this order of
    /// preference: what a guest or a user means who gives only a name.
    ///
    /// # Errors
    /// `NotFound`, naming it.
    pub fn find_data(&self, name: &str) -> Result<Type<'_>> {
        let rank = |ty: &Type<'_>| match ty.kind() {
            Kind::Struct => Some(0),
            Kind::Union => Some(1),
            Kind::Enum | Kind::Enum64 => Some(2),
            Kind::Typedef => Some(3),
            Kind::Int | Kind::Float => Some(4),
            _ => None,
        };
        self.types()
            .filter(|ty| ty.name() == name)
            .filter_map(|ty| rank(&ty).map(|rank| (rank, ty)))
            .min_by_key(|(rank, ty)| (*rank, ty.id()))
            .map(|(_, ty)| ty)
            .ok_or_else(|| Error::not_found(format!("type \"{name}\": no such type in the BTF")))
    }

    /// The name at an offset that parsing has checked.
    pub(crate) fn name_at(&self, offset: u32) -> &str {
        let rest = self.strings.get(offset as usize..).unwrap_or_default();
        rest.split('\0').next().unwrap_or_default()
    }
}

impl std::fmt::Debug for Btf {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Btf")
            .field("type_count", &self.type_count())
            .finish()
    }
}
