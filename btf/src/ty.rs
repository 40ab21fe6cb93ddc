//! One type of a BTF section.

use std::fmt;

use crate::btf::{Btf, TypeId};
use crate::composite::Composite;
use crate::enumeration::Enumeration;
use crate::kind::Kind;

/// A type of a [`Btf`].
#[derive(Clone, Copy)]
pub struct Type<'a> {
    btf: &'a Btf,
    id: TypeId,
    /// Three words that all types have, then what the kind prescribes: complete, as was checked.
    words: &'a [u32],
}

/// What a type consists of.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Definition<'a> {
    /// `void`.
    Void,
    /// An integer.
    Int(Int),
    /// A pointer to a type.
    Pointer(TypeId),
    /// An array.
    Array(Array),
    /// A struct.
    Struct(Composite<'a>),
    /// A union.
    Union(Composite<'a>),
    /// An enum, of any width.
    Enum(Enumeration<'a>),
    /// A struct or union that is only declared.
    Forward {
        /// It is a union.
        union: bool,
    },
    /// Another name for a type.
    Typedef(TypeId),
    /// `volatile`, `const`, `restrict` or a tag on a type.
    Qualifier(TypeId),
    /// A function.
    Function(Function),
    /// A function's signature.
    FunctionPrototype(FunctionPrototype<'a>),
    /// A global variable.
    Variable(Variable),
    /// A section of global variables.
    DataSection(DataSection<'a>),
    /// A floating-point number.
    Float {
        /// How many bytes it has.
        size: u32,
    },
    /// An attribute on a declaration.
    DeclTag {
        /// What is declared.
        target: TypeId,
        /// Which member or parameter of it; none for the whole.
        component: Option<u32>,
    },
}

/// An integer type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Int {
    /// How many bytes its storage has.
    pub size: u32,
    /// How many bits the value has: fewer than the storage for bit fields of old compilers.
    pub bits: u32,
    /// The first bit of the value in the storage.
    pub bit_offset: u32,
    /// Whether it is signed.
    pub signed: bool,
    /// Whether it is `_Bool`.
    pub boolean: bool,
    /// Whether it is C's `char`, signed or not by default: text, when in an array.
    pub character: bool,
}

/// An array type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Array {
    /// The type of the items.
    pub item: TypeId,
    /// How many items; 0 for a flexible array.
    pub count: u32,
}

/// A function's signature.
#[derive(Debug, Clone, Copy)]
pub struct FunctionPrototype<'a> {
    btf: &'a Btf,
    /// What it returns.
    pub returns: TypeId,
    parameters: &'a [[u32; 2]],
}

impl<'a> FunctionPrototype<'a> {
    /// Names and types of the parameters. An unnamed one of type `void` stands for `...`.
    pub fn parameters(&self) -> impl Iterator<Item = (&'a str, TypeId)> + use<'a> {
        let btf = self.btf;
        self.parameters
            .iter()
            .map(move |[name, ty]| (btf.name_at(*name), TypeId(*ty)))
    }
}

/// A function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Function {
    /// Its signature.
    pub prototype: TypeId,
    /// Who can call it.
    pub linkage: Linkage,
}

/// A global variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variable {
    /// Its type.
    pub ty: TypeId,
    /// Who can see it.
    pub linkage: Linkage,
}

/// Who can see a variable or function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Linkage {
    /// Only its source file.
    Static,
    /// The whole object and its user.
    Global,
    /// It is defined elsewhere (`.kconfig`, `.ksyms`).
    Extern,
    /// A number that this crate does not know.
    Other,
}

/// A section of global variables.
#[derive(Debug, Clone, Copy)]
pub struct DataSection<'a> {
    /// Its bytes; 0 in an object straight from clang, whose ELF symbols say more.
    pub size: u32,
    variables: &'a [[u32; 3]],
}

/// One variable of a [`DataSection`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SectionVariable {
    /// The variable.
    pub variable: TypeId,
    /// Where it starts in the section; 0 in an object straight from clang.
    pub offset: u32,
    /// Its bytes.
    pub size: u32,
}

impl<'a> DataSection<'a> {
    /// The variables in it.
    pub fn variables(&self) -> impl Iterator<Item = SectionVariable> + use<'a> {
        self.variables
            .iter()
            .map(|[variable, offset, size]| SectionVariable {
                variable: TypeId(*variable),
                offset: *offset,
                size: *size,
            })
    }
}

impl<'a> Type<'a> {
    pub(crate) fn new(btf: &'a Btf, id: TypeId, words: &'a [u32]) -> Self {
        Self { btf, id, words }
    }

    /// Its number.
    pub fn id(&self) -> TypeId {
        self.id
    }

    /// Its name; empty when it has none.
    pub fn name(&self) -> &'a str {
        self.btf.name_at(self.words[0])
    }

    /// Its kind.
    pub fn kind(&self) -> Kind {
        // Parsing refused all numbers that are not kinds.
        Kind::from_number(self.words[1] >> 24 & 0x1f).unwrap_or(Kind::Void)
    }

    /// What it consists of.
    pub fn definition(&self) -> Definition<'a> {
        let size_or_type = self.words[2];
        let refers_to = TypeId(size_or_type);
        let tail = &self.words[3..];
        let kind = self.kind();
        match kind {
            Kind::Void => Definition::Void,
            Kind::Int => Definition::Int(self.int(size_or_type, tail[0])),
            Kind::Pointer => Definition::Pointer(refers_to),
            Kind::Array => Definition::Array(Array {
                item: TypeId(tail[0]),
                count: tail[2],
            }),
            Kind::Struct => Definition::Struct(self.composite()),
            Kind::Union => Definition::Union(self.composite()),
            Kind::Enum | Kind::Enum64 => Definition::Enum(Enumeration::new(
                self.btf,
                size_or_type,
                self.kind_flag(),
                kind == Kind::Enum64,
                tail,
            )),
            Kind::Forward => Definition::Forward {
                union: self.kind_flag(),
            },
            Kind::Typedef => Definition::Typedef(refers_to),
            Kind::Volatile | Kind::Const | Kind::Restrict | Kind::TypeTag => {
                Definition::Qualifier(refers_to)
            }
            Kind::Function => Definition::Function(Function {
                prototype: refers_to,
                linkage: linkage(self.words[1] & 0xffff),
            }),
            Kind::FunctionPrototype => Definition::FunctionPrototype(FunctionPrototype {
                btf: self.btf,
                returns: refers_to,
                parameters: tail.as_chunks().0,
            }),
            Kind::Variable => Definition::Variable(Variable {
                ty: refers_to,
                linkage: linkage(tail[0]),
            }),
            Kind::DataSection => Definition::DataSection(DataSection {
                size: size_or_type,
                variables: tail.as_chunks().0,
            }),
            Kind::Float => Definition::Float { size: size_or_type },
            Kind::DeclTag => Definition::DeclTag {
                target: refers_to,
                component: Some(tail[0]).filter(|component| *component != u32::MAX),
            },
        }
    }

    pub(crate) fn words(&self) -> &'a [u32] {
        self.words
    }

    /// Name, type and place of each member of a struct or union, as the section has them.
    pub(crate) fn members(&self) -> &'a [[u32; 3]] {
        self.words[3..].as_chunks().0
    }

    /// The first byte of its name, 0 when it has none.
    pub(crate) fn initial(&self) -> u8 {
        let strings = self.btf.strings.as_bytes();
        strings.get(self.words[0] as usize).copied().unwrap_or(0)
    }

    fn kind_flag(&self) -> bool {
        self.words[1] >> 31 == 1
    }

    fn composite(&self) -> Composite<'a> {
        Composite::new(
            self.btf,
            self.words[2],
            self.kind_flag(),
            self.words[3..].as_chunks().0,
        )
    }

    fn int(&self, size: u32, encoding: u32) -> Int {
        let flags = encoding >> 24 & 0xf;
        Int {
            size,
            bits: encoding & 0xff,
            bit_offset: encoding >> 16 & 0xff,
            signed: flags & 1 != 0,
            boolean: flags & 4 != 0,
            // clang does not set the flag that the format has for it.
            character: size == 1 && (flags & 2 != 0 || self.name() == "char"),
        }
    }
}

fn linkage(number: u32) -> Linkage {
    match number {
        0 => Linkage::Static,
        1 => Linkage::Global,
        2 => Linkage::Extern,
        _ => Linkage::Other,
    }
}

/// As C would name it: `struct event`, `u32`, `struct (anonymous)`.
impl fmt::Display for Type<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = if self.name().is_empty() {
            "(anonymous)"
        } else {
            self.name()
        };
        match self.kind() {
            Kind::Typedef | Kind::Int | Kind::Float => formatter.write_str(name),
            Kind::Void => formatter.write_str("void"),
            Kind::Enum64 => write!(formatter, "enum {name}"),
            kind @ (Kind::Pointer | Kind::Array | Kind::FunctionPrototype) => kind.fmt(formatter),
            kind => write!(formatter, "{kind} {name}"),
        }
    }
}

impl fmt::Debug for Type<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {self}", self.id.0)
    }
}
