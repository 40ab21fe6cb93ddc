//! `btf`: type descriptions.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use eunomia_btf::{Definition, Kind, Place, Type, TypeId};
use wasmtime::component::Resource;

use super::BpfCtxView;
use super::error::{HostResult, checked_name};
use crate::bindings::eunomia::bpf::btf as guest;
use crate::error::{Error, ErrorKind, Result};
use crate::limits::CLOSURE_TYPES_MAX;

/// The host's side of a `btf` handle.
#[derive(Debug)]
pub struct Btf {
    btf: Arc<eunomia_btf::Btf>,
}

impl Btf {
    pub(super) fn new(btf: Arc<eunomia_btf::Btf>) -> Self {
        Self { btf }
    }
}

impl guest::Host for BpfCtxView<'_> {}

impl guest::HostBtf for BpfCtxView<'_> {
    fn count(&mut self, self_: Resource<Btf>) -> wasmtime::Result<u32> {
        Ok(self.table.get(&self_)?.btf.type_count())
    }

    fn describe(&mut self, self_: Resource<Btf>, id: u32) -> HostResult<guest::TypeDescription> {
        let btf = &self.table.get(&self_)?.btf;
        let ty = btf.ty(TypeId(id)).map_err(unreadable)?;
        Ok(describe(btf, ty)?)
    }

    fn find(&mut self, self_: Resource<Btf>, name: String) -> wasmtime::Result<Option<u32>> {
        if checked_name("find a type", &name).is_err() {
            return Ok(None); // No type has such a name.
        }
        Ok(find(&self.table.get(&self_)?.btf, &name).map(|ty| ty.id().0))
    }

    fn closure(
        &mut self,
        self_: Resource<Btf>,
        id: u32,
    ) -> HostResult<Vec<guest::TypeDescription>> {
        let btf = &self.table.get(&self_)?.btf;
        let mut seen = BTreeSet::from([TypeId(id)]);
        let mut queue = VecDeque::from([TypeId(id)]);
        let mut descriptions = Vec::new();
        while let Some(id) = queue.pop_front() {
            let ty = btf.ty(id).map_err(unreadable)?;
            descriptions.push(describe(btf, ty)?);
            for part in parts(ty)? {
                if seen.insert(part) {
                    queue.push_back(part);
                }
            }
            if seen.len() > CLOSURE_TYPES_MAX {
                return Err(Error::new(
                    ErrorKind::LimitExceeded,
                    format!("describe a type: it needs more than {CLOSURE_TYPES_MAX} others"),
                )
                .into());
            }
        }
        Ok(descriptions)
    }

    fn drop(&mut self, rep: Resource<Btf>) -> wasmtime::Result<()> {
        self.table.delete(rep)?;
        Ok(())
    }
}

/// The first type of a name, which may say its kind: `struct event`.
pub(super) fn find<'a>(btf: &'a eunomia_btf::Btf, name: &str) -> Option<Type<'a>> {
    let (kinds, name): (&[Kind], &str) = match name.split_once(' ') {
        Some(("struct", name)) => (&[Kind::Struct], name),
        Some(("union", name)) => (&[Kind::Union], name),
        Some(("enum", name)) => (&[Kind::Enum, Kind::Enum64], name),
        _ => (&[], name),
    };
    btf.types()
        .find(|ty| ty.name() == name && (kinds.is_empty() || kinds.contains(&ty.kind())))
}

fn unreadable(error: eunomia_btf::Error) -> Error {
    Error::new(ErrorKind::InvalidArgument, "read a type").with_source(error)
}

fn describe(btf: &eunomia_btf::Btf, ty: Type<'_>) -> Result<guest::TypeDescription> {
    Ok(guest::TypeDescription {
        id: ty.id().0,
        name: ty.name().to_owned(),
        // Functions and forward declarations have no size.
        size: btf.size_of(ty.id()).unwrap_or(0),
        kind: kind(ty)?,
    })
}

fn kind(ty: Type<'_>) -> Result<guest::TypeKind> {
    use guest::TypeKind as Guest;
    Ok(match ty.definition() {
        Definition::Void => Guest::Void,
        Definition::Int(int) => {
            let mut encoding = guest::IntEncoding::empty();
            for (flag, set) in [
                (guest::IntEncoding::SIGNED, int.signed),
                (guest::IntEncoding::CHAR, int.character),
                (guest::IntEncoding::BOOLEAN, int.boolean),
            ] {
                encoding |= if set {
                    flag
                } else {
                    guest::IntEncoding::empty()
                };
            }
            Guest::Int(guest::IntegerType {
                encoding,
                bit_offset: int.bit_offset,
                bits: int.bits,
            })
        }
        Definition::Pointer(to) => Guest::Pointer(to.0),
        Definition::Array(array) => Guest::Array(guest::ArrayType {
            element: array.item.0,
            length: array.count,
        }),
        Definition::Struct(composite) => Guest::Struct(members(composite)?),
        Definition::Union(composite) => Guest::Union(members(composite)?),
        Definition::Enum(enumeration) => Guest::Enumeration(guest::EnumType {
            signed: enumeration.signed,
            enumerators: enumeration
                .enumerators()
                .map(|enumerator| guest::Enumerator {
                    name: enumerator.name.to_owned(),
                    // The 64-bit pattern: the value is an i64 or a u64.
                    value: enumerator.value as i64,
                })
                .collect(),
        }),
        Definition::Forward { union } => Guest::Forward(match union {
            true => guest::ForwardKind::Union,
            false => guest::ForwardKind::Struct,
        }),
        Definition::Typedef(of) => Guest::Typedef(of.0),
        Definition::Qualifier(of) => match ty.kind() {
            Kind::Volatile => Guest::Volatile(of.0),
            Kind::Const => Guest::Const(of.0),
            Kind::Restrict => Guest::Restrict(of.0),
            _ => Guest::TypeTag(of.0),
        },
        Definition::Function(function) => Guest::Function(guest::Linked {
            type_: function.prototype.0,
            linkage: linkage(function.linkage),
        }),
        Definition::FunctionPrototype(prototype) => Guest::FunctionPrototype(guest::FunctionType {
            return_type: prototype.returns.0,
            parameters: prototype
                .parameters()
                .map(|(name, ty)| guest::Parameter {
                    name: name.to_owned(),
                    type_: ty.0,
                })
                .collect(),
        }),
        Definition::Variable(variable) => Guest::Variable(guest::Linked {
            type_: variable.ty.0,
            linkage: linkage(variable.linkage),
        }),
        Definition::DataSection(section) => Guest::DataSection(
            section
                .variables()
                .map(|variable| guest::SectionVariable {
                    type_: variable.variable.0,
                    offset: variable.offset,
                    size: variable.size,
                })
                .collect(),
        ),
        Definition::Float { .. } => Guest::Float,
        Definition::DeclTag { target, component } => Guest::DeclarationTag(guest::Tagged {
            type_: target.0,
            component: component.map_or(-1, u32::cast_signed),
        }),
        _ => Guest::Other(ty.kind() as u32),
    })
}

fn members(composite: eunomia_btf::Composite<'_>) -> Result<Vec<guest::Member>> {
    composite
        .members()
        .map(|member| {
            let member = member.map_err(unreadable)?;
            let (bit_offset, bit_width) = match member.place {
                Place::Byte { offset } => (offset.saturating_mul(8), 0),
                Place::Bits(range) => (range.offset, range.size),
            };
            Ok(guest::Member {
                name: member.name.to_owned(),
                type_: member.ty.0,
                bit_offset,
                bit_width,
            })
        })
        .collect()
}

/// `BTF_VAR_*` and `BTF_FUNC_*`.
fn linkage(linkage: eunomia_btf::Linkage) -> u32 {
    match linkage {
        eunomia_btf::Linkage::Static => 0,
        eunomia_btf::Linkage::Global => 1,
        eunomia_btf::Linkage::Extern => 2,
        _ => u32::MAX,
    }
}

/// The types that the layout of `ty` needs; pointers are not followed.
fn parts(ty: Type<'_>) -> Result<Vec<TypeId>> {
    Ok(match ty.definition() {
        Definition::Array(array) => vec![array.item],
        Definition::Struct(composite) | Definition::Union(composite) => composite
            .members()
            .map(|member| member.map(|member| member.ty))
            .collect::<std::result::Result<_, _>>()
            .map_err(unreadable)?,
        Definition::Typedef(of) | Definition::Qualifier(of) => vec![of],
        Definition::Variable(variable) => vec![variable.ty],
        Definition::DataSection(section) => section
            .variables()
            .map(|variable| variable.variable)
            .collect(),
        _ => Vec::new(),
    })
}
