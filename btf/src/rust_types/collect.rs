//! From BTF types to the Rust types to emit.

use std::collections::HashMap;

use super::model::{Body, EnumConstant, Form, Item, RustType};
use super::names::{self, Namespace};
use crate::btf::{Btf, TypeId};
use crate::enumeration::Enumeration;
use crate::error::{Error, Result};
use crate::layout::NESTING_MAX;
use crate::ty::{Array, Definition, Int, Type};

/// Bytes of one type: far above any BPF record, and it keeps the compiler of the guest alive.
pub const RECORD_BYTES_MAX: u32 = 16 << 20;
/// Members and enumerators of all types together, so that types which share members cannot multiply
/// without end.
pub const MEMBERS_MAX: usize = 1 << 14;

/// All types that were reached so far.
pub(crate) struct Collector<'a> {
    pub(crate) btf: &'a Btf,
    /// In the order in which they were reached, inner types first.
    pub(crate) items: Vec<Item>,
    known: HashMap<TypeId, Progress>,
    type_names: Namespace,
    member_count: usize,
}

enum Progress {
    /// Its members are being collected: who meets it again is inside of it.
    Open,
    Done(RustType),
}

/// What an anonymous type is called.
#[derive(Clone)]
pub(crate) struct FallbackName(pub(crate) String);

/// What a composite or enum is called, and how large it is.
pub(crate) struct Head {
    pub(crate) name: String,
    pub(crate) c_name: Option<String>,
    pub(crate) shown: String,
}

impl<'a> Collector<'a> {
    pub(crate) fn new(btf: &'a Btf) -> Self {
        Self {
            btf,
            items: Vec::new(),
            known: HashMap::new(),
            type_names: Namespace::default(),
            member_count: 0,
        }
    }

    /// The Rust type for a BTF type; one with size 0 stands for nothing at all.
    pub(crate) fn rust_type(
        &mut self,
        id: TypeId,
        fallback: &FallbackName,
        depth: usize,
    ) -> Result<RustType> {
        if depth > NESTING_MAX {
            return Err(Error::too_large(format!(
                "more than {NESTING_MAX} types in each other"
            )));
        }
        let ty = self.btf.resolve(id)?;
        let size = self.btf.size_of(ty.id())?;
        if size > RECORD_BYTES_MAX {
            return Err(Error::too_large(format!(
                "{ty} has {size} bytes, the limit is {RECORD_BYTES_MAX}"
            )));
        }
        match ty.definition() {
            Definition::Int(int) => Ok(int_type(int)),
            Definition::Pointer(_) => Ok(scalar("u64", 8)),
            Definition::Float { size: 4 } => Ok(RustType {
                is_eq: false,
                ..scalar("f32", 4)
            }),
            Definition::Float { size: 8 } => Ok(RustType {
                is_eq: false,
                ..scalar("f64", 8)
            }),
            // Rust has no stable type for half and long floats.
            Definition::Float { size } => Ok(bytes_type(size, false)),
            Definition::Array(array) => self.array_type(array, size, fallback, depth),
            Definition::Struct(_) | Definition::Union(_) | Definition::Enum(_) => {
                self.item_type(id, ty, fallback, depth)
            }
            _ => Err(Error::unsupported(format!("{ty} has no values"))),
        }
    }

    /// Counts a member against [`MEMBERS_MAX`].
    pub(crate) fn count_member(&mut self) -> Result<()> {
        self.member_count += 1;
        if self.member_count > MEMBERS_MAX {
            return Err(Error::too_large(format!(
                "more than {MEMBERS_MAX} members in all types"
            )));
        }
        Ok(())
    }

    fn array_type(
        &mut self,
        array: Array,
        size: u32,
        fallback: &FallbackName,
        depth: usize,
    ) -> Result<RustType> {
        if size == 0 {
            // The items of a flexible array are wanted, though the array itself is not.
            self.rust_type(array.item, fallback, depth + 1)?;
            return Ok(bytes_type(0, false));
        }
        if let Definition::Int(int) = self.btf.resolve(array.item)?.definition()
            && int_type(int).text == "u8"
        {
            return Ok(bytes_type(size, int.character));
        }
        let item = self.rust_type(array.item, fallback, depth + 1)?;
        Ok(RustType {
            text: format!("[{}; {}]", item.text, array.count),
            size,
            align: item.align,
            is_eq: item.is_eq,
            form: Form::Array {
                item: item.text,
                count: array.count,
            },
        })
    }

    fn item_type(
        &mut self,
        id: TypeId,
        ty: Type<'a>,
        fallback: &FallbackName,
        depth: usize,
    ) -> Result<RustType> {
        match self.known.get(&ty.id()) {
            Some(Progress::Done(known)) => return Ok(known.clone()),
            Some(Progress::Open) => return Err(Error::malformed(format!("{ty} contains itself"))),
            None => {}
        }
        self.known.insert(ty.id(), Progress::Open);
        let head = self.head(id, ty, fallback)?;
        let shown = head.shown.clone();
        if let Definition::Enum(enumeration) = ty.definition() {
            for _ in enumeration.enumerators() {
                self.count_member()?;
            }
        }
        let (item, form) = match ty.definition() {
            Definition::Struct(composite) => self
                .struct_item(head, composite, depth)
                .map(|item| (item, Form::Composite)),
            Definition::Union(composite) => self
                .union_item(head, composite, depth)
                .map(|item| (item, Form::Composite)),
            Definition::Enum(enumeration) => enum_item(head, enumeration),
            _ => Err(Error::unsupported("it has no members")),
        }
        .map_err(|error| error.within(shown))?;
        let known = RustType {
            text: item.name.clone(),
            size: item.size,
            align: item.align,
            form,
            is_eq: item.is_eq,
        };
        if item.size > 0 {
            self.items.push(item);
        }
        self.known.insert(ty.id(), Progress::Done(known.clone()));
        Ok(known)
    }

    fn head(&mut self, id: TypeId, ty: Type<'a>, fallback: &FallbackName) -> Result<Head> {
        let typedef = innermost_typedef(self.btf, id)?;
        let c_name = [Some(ty.name()), typedef]
            .into_iter()
            .flatten()
            .find(|name| !name.is_empty());
        let shown = match typedef {
            Some(typedef) if ty.name().is_empty() => names::shown(typedef),
            _ if ty.name().is_empty() => format!("anonymous {}", ty.kind()),
            _ => format!("{} {}", ty.kind(), names::shown(ty.name())).replace("64-bit ", ""),
        };
        let name = self
            .type_names
            .take_type(names::type_name(c_name.unwrap_or(&fallback.0)));
        Ok(Head {
            name,
            c_name: c_name.map(str::to_owned),
            shown,
        })
    }
}

/// The typedef next to the type behind `id`: the one that names it, if it has no other name.
pub(crate) fn innermost_typedef(btf: &Btf, id: TypeId) -> Result<Option<&str>> {
    let mut name = None;
    let mut ty = btf.ty(id)?;
    // Ends: the chain was resolved before, so it is no circle.
    loop {
        match ty.definition() {
            Definition::Typedef(target) => {
                name = Some(ty.name());
                ty = btf.ty(target)?;
            }
            Definition::Qualifier(target) => ty = btf.ty(target)?,
            _ => return Ok(name),
        }
    }
}

fn scalar(text: &str, size: u32) -> RustType {
    RustType {
        text: text.to_owned(),
        size,
        align: size,
        form: Form::Scalar,
        is_eq: true,
    }
}

/// The type of an integer. `char` is a byte, whether C calls it signed or not.
pub(crate) fn int_type(int: Int) -> RustType {
    if int.boolean && int.size == 1 {
        return RustType {
            form: Form::Bool,
            ..scalar("bool", 1)
        };
    }
    match int_name(int.size, int.signed && !int.character) {
        Some(name) => scalar(name, int.size),
        None => bytes_type(int.size, false),
    }
}

pub(crate) fn bytes_type(size: u32, is_text: bool) -> RustType {
    RustType {
        text: format!("[u8; {size}]"),
        size,
        align: 1,
        form: Form::Bytes { is_text },
        is_eq: true,
    }
}

pub(crate) fn int_name(size: u32, signed: bool) -> Option<&'static str> {
    Some(match (size, signed) {
        (1, false) => "u8",
        (1, true) => "i8",
        (2, false) => "u16",
        (2, true) => "i16",
        (4, false) => "u32",
        (4, true) => "i32",
        (8, false) => "u64",
        (8, true) => "i64",
        (16, false) => "u128",
        (16, true) => "i128",
        _ => return None,
    })
}

fn enum_item(head: Head, enumeration: Enumeration<'_>) -> Result<(Item, Form)> {
    let size = enumeration.size;
    let repr = int_name(size, enumeration.signed)
        .filter(|_| size <= 8)
        .ok_or_else(|| Error::unsupported(format!("an enum of {size} bytes")))?;
    let mut constants = Namespace::reserving(&["name"]);
    let enumerators = enumeration
        .enumerators()
        .map(|enumerator| EnumConstant {
            name: constants.take(names::enumerator_name(enumerator.name)),
            c_name: names::shown(enumerator.name),
            value: truncate(enumerator.value, size, enumeration.signed),
        })
        .collect();
    let item = Item {
        name: head.name,
        c_name: head.c_name,
        shown: head.shown,
        size,
        align: size,
        is_eq: true,
        body: Body::Enum { repr, enumerators },
    };
    Ok((item, Form::Enum(repr)))
}

/// The value in the bytes that the enum really has.
fn truncate(value: i128, size: u32, signed: bool) -> i128 {
    let unused_bits = 128 - size * 8;
    match signed {
        true => value << unused_bits >> unused_bits,
        false => (value.cast_unsigned() << unused_bits >> unused_bits).cast_signed(),
    }
}
