//! From BTF types to the types to emit.

use super::model::{Body, DataType, EnumConstant, Form, Integer, Item};
use super::names::{self, Namespace, Naming};
use super::reached::{self, Reached};
use crate::btf::{Btf, TypeId};
use crate::enumeration::Enumeration;
use crate::error::{Error, Result};
use crate::layout::POINTER_BYTES;
use crate::ty::{Array, Definition, Int, Type};

/// All types that were reached so far.
pub(super) struct Collector<'a> {
    pub(super) btf: &'a Btf,
    pub(super) naming: &'a dyn Naming,
    /// In the order in which they were reached, inner types first.
    pub(super) items: Vec<Item>,
    pub(super) reached: Reached<DataType>,
    type_names: Namespace,
}

/// What an anonymous type is called.
#[derive(Clone)]
pub(super) struct FallbackName(pub(super) String);

/// What a composite or enum is called.
pub(super) struct Head {
    pub(super) name: String,
    pub(super) c_name: Option<String>,
    pub(super) shown: String,
}

impl<'a> Collector<'a> {
    pub(super) fn new(btf: &'a Btf, naming: &'a dyn Naming) -> Self {
        Self {
            btf,
            naming,
            items: Vec::new(),
            reached: Reached::new(),
            type_names: Namespace::default(),
        }
    }

    /// What is to be emitted for a BTF type; one with size 0 stands for nothing at all.
    pub(super) fn data_type(
        &mut self,
        id: TypeId,
        fallback: &FallbackName,
        depth: usize,
    ) -> Result<DataType> {
        let (ty, size) = reached::sized(self.btf, id, depth)?;
        match ty.definition() {
            Definition::Int(int) => Ok(int_type(int)),
            Definition::Pointer(_) => Ok(DataType::integer(POINTER_BYTES, false)),
            Definition::Float { size } if matches!(size, 4 | 8) => Ok(DataType::float(size)),
            // Few languages have half and long floats.
            Definition::Float { size } => Ok(DataType::bytes(size, false)),
            Definition::Array(array) => self.array_type(array, size, fallback, depth),
            Definition::Struct(_) | Definition::Union(_) | Definition::Enum(_) => {
                self.item_type(id, ty, fallback, depth)
            }
            _ => Err(Error::unsupported(format!("{ty} has no values"))),
        }
    }

    fn array_type(
        &mut self,
        array: Array,
        size: u32,
        fallback: &FallbackName,
        depth: usize,
    ) -> Result<DataType> {
        if size == 0 {
            // The items of a flexible array are wanted, though the array itself is not.
            self.data_type(array.item, fallback, depth + 1)?;
            return Ok(DataType::bytes(0, false));
        }
        if let Definition::Int(int) = self.btf.resolve(array.item)?.definition()
            && let Form::Integer(BYTE) = int_type(int).form
        {
            return Ok(DataType::bytes(size, int.character));
        }
        let item = self.data_type(array.item, fallback, depth + 1)?;
        Ok(DataType {
            size,
            align: item.align,
            is_eq: item.is_eq,
            form: Form::Array {
                item: Box::new(item),
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
    ) -> Result<DataType> {
        if let Some(known) = self.reached.open(ty)? {
            return Ok(known);
        }
        let head = self.head(id, ty, fallback)?;
        let (name, shown) = (head.name.clone(), head.shown.clone());
        if let Definition::Enum(enumeration) = ty.definition() {
            for _ in enumeration.enumerators() {
                self.reached.count_member()?;
            }
        }
        let (item, form) = match ty.definition() {
            Definition::Struct(composite) => self
                .struct_item(head, composite, depth)
                .map(|item| (item, Form::Composite { name })),
            Definition::Union(composite) => self
                .union_item(head, composite, depth)
                .map(|item| (item, Form::Composite { name })),
            Definition::Enum(enumeration) => self
                .enum_item(head, enumeration)
                .map(|(item, integer)| (item, Form::Enum { name, integer })),
            _ => Err(Error::unsupported("it has no members")),
        }
        .map_err(|error| error.within(shown))?;
        let known = DataType {
            size: item.size,
            align: item.align,
            form,
            is_eq: item.is_eq,
        };
        if item.size > 0 {
            self.items.push(item);
        }
        self.reached.done(ty, known.clone());
        Ok(known)
    }

    fn head(&mut self, id: TypeId, ty: Type<'a>, fallback: &FallbackName) -> Result<Head> {
        let c_name = reached::c_name(self.btf, id, ty)?;
        let shown = match c_name {
            None => format!("anonymous {}", ty.kind()),
            Some(typedef) if ty.name().is_empty() => names::shown(typedef),
            Some(name) => format!("{} {}", ty.kind(), names::shown(name)).replace("64-bit ", ""),
        };
        let wanted = self.naming.type_name(c_name.unwrap_or(&fallback.0));
        let naming = self.naming;
        let name = self
            .type_names
            .take_with(wanted, |name| naming.companions(name));
        Ok(Head {
            name,
            c_name: c_name.map(str::to_owned),
            shown,
        })
    }

    fn enum_item(&self, head: Head, enumeration: Enumeration<'_>) -> Result<(Item, Integer)> {
        let size = enumeration.size;
        if !matches!(size, 1 | 2 | 4 | 8) {
            return Err(Error::unsupported(format!("an enum of {size} bytes")));
        }
        let integer = Integer {
            bytes: size,
            signed: enumeration.signed,
        };
        let mut constants = Namespace::reserving(self.naming.reserved_enumerators());
        let enumerators = enumeration
            .enumerators()
            .map(|enumerator| EnumConstant {
                name: constants.take(self.naming.enumerator_name(enumerator.name)),
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
            body: Body::Enum {
                integer,
                enumerators,
            },
        };
        Ok((item, integer))
    }
}

const BYTE: Integer = Integer {
    bytes: 1,
    signed: false,
};

/// The type of an integer. `char` is a byte, whether C calls it signed or not.
pub(super) fn int_type(int: Int) -> DataType {
    if int.boolean && int.size == 1 {
        return DataType::boolean();
    }
    match int.size {
        1 | 2 | 4 | 8 | 16 => DataType::integer(int.size, int.signed && !int.character),
        size => DataType::bytes(size, false),
    }
}

/// The value in the bytes that the enum really has.
fn truncate(value: i128, size: u32, signed: bool) -> i128 {
    let unused_bits = 128 - size * 8;
    match signed {
        true => value << unused_bits >> unused_bits,
        false => (value.cast_unsigned() << unused_bits >> unused_bits).cast_signed(),
    }
}
