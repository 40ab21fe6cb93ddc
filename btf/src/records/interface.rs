//! What a BPF object shows to user space: its maps and its global variables.

use crate::btf::{Btf, TypeId};
use crate::error::{Error, Result};
use crate::kind::Kind;
use crate::ty::{DataSection, Definition, Linkage, Type};

/// Maps of one object: reading a definition takes time, and nobody uses nearly as many.
pub const MAPS_MAX: usize = 1024;
/// Global variables of one object.
pub const GLOBALS_MAX: usize = 1 << 16;

/// A map that is defined in the `.maps` section with BTF.
pub(crate) struct Map<'a> {
    pub(crate) name: &'a str,
    pub(crate) kind: MapKind,
    pub(crate) key: Part,
    pub(crate) value: Part,
}

/// How user space talks to a map.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum MapKind {
    /// By keys, or in order.
    Values,
    /// The same with a value for each CPU.
    PerCpuValues,
    RingBuffer,
    PerfEventArray,
    UserRingBuffer,
}

/// What is known of a map's key or value.
#[derive(Clone, Copy)]
pub(crate) enum Part {
    /// There is none.
    Absent,
    Typed(TypeId),
    /// Only its bytes.
    Sized(u32),
}

/// A global variable that user space can read or write, or one that only mentions a type.
pub(crate) struct GlobalVariable<'a> {
    pub(crate) name: &'a str,
    pub(crate) ty: TypeId,
    pub(crate) section: &'a str,
    /// It is a pointer, which user space cannot follow; `ty` is what it points to. Such variables
    /// keep types in the object: `struct event *unused __attribute__((unused));`.
    pub(crate) is_mention: bool,
}

impl Map<'_> {
    pub(crate) fn within(&self, error: Error) -> Error {
        error.within(format!("map \"{}\"", self.name))
    }
}

impl GlobalVariable<'_> {
    pub(crate) fn within(&self, error: Error) -> Error {
        error.within(format!("variable \"{}\"", self.name))
    }
}

/// The maps in the order of the object.
pub(crate) fn maps(btf: &Btf) -> Result<Vec<Map<'_>>> {
    let mut maps = Vec::new();
    for section in btf.types().filter(|ty| ty.name() == ".maps") {
        let Definition::DataSection(section) = section.definition() else {
            continue;
        };
        for variable in variables(btf, section) {
            let (variable, ty, _) = variable?;
            let name = variable.name();
            if maps.len() == MAPS_MAX {
                return Err(Error::too_large(format!("more than {MAPS_MAX} maps")));
            }
            maps.push(map(btf, name, ty).map_err(|e| e.within(format!("map \"{name}\"")))?);
        }
    }
    Ok(maps)
}

/// The functions that other parts of the object can call, programs among them.
pub(crate) fn functions(btf: &Btf) -> impl Iterator<Item = &str> {
    btf.types().filter_map(|ty| match ty.definition() {
        Definition::Function(function) if function.linkage == Linkage::Global => Some(ty.name()),
        _ => None,
    })
}

/// The variables of the data sections, but for static ones, which have no name of their own (two
/// source files of one object can both have one), and pointers to anything but named types.
pub(crate) fn globals(btf: &Btf) -> Result<Vec<GlobalVariable<'_>>> {
    let mut globals = Vec::new();
    for section_type in btf.types().filter(|ty| is_data(ty.name())) {
        let Definition::DataSection(section) = section_type.definition() else {
            continue;
        };
        for variable in variables(btf, section) {
            let (variable, ty, linkage) = variable?;
            if globals.len() == GLOBALS_MAX {
                return Err(Error::too_large(format!(
                    "more than {GLOBALS_MAX} variables"
                )));
            }
            if linkage != Linkage::Global {
                continue;
            }
            let name = variable.name();
            let within = |error: Error| error.within(format!("variable \"{name}\""));
            let target = pointee(btf, ty).map_err(within)?;
            if let Some(target) = target
                && !has_members(btf, target).map_err(within)?
            {
                continue;
            }
            globals.push(GlobalVariable {
                name,
                ty: target.unwrap_or(ty),
                section: section_type.name(),
                is_mention: target.is_some(),
            });
        }
    }
    Ok(globals)
}

fn has_members(btf: &Btf, id: TypeId) -> Result<bool> {
    Ok(matches!(
        btf.resolve(id)?.definition(),
        Definition::Struct(_) | Definition::Union(_) | Definition::Enum(_)
    ))
}

/// What a pointer points to, if a type is one.
fn pointee(btf: &Btf, id: TypeId) -> Result<Option<TypeId>> {
    Ok(match btf.resolve(id)?.definition() {
        Definition::Pointer(target) => Some(target),
        _ => None,
    })
}

fn is_data(section: &str) -> bool {
    [".rodata", ".data", ".bss"]
        .iter()
        .any(|prefix| section.starts_with(prefix))
}

type FoundVariable<'a> = (Type<'a>, TypeId, Linkage);

fn variables<'a>(
    btf: &'a Btf,
    section: DataSection<'a>,
) -> impl Iterator<Item = Result<FoundVariable<'a>>> {
    section.variables().filter_map(|entry| {
        let variable = match btf.ty(entry.variable) {
            Ok(variable) => variable,
            Err(error) => return Some(Err(error)),
        };
        match variable.definition() {
            Definition::Variable(definition) => {
                Some(Ok((variable, definition.ty, definition.linkage)))
            }
            // Functions can be in sections as well (`.ksyms`).
            _ => None,
        }
    })
}

fn map<'a>(btf: &'a Btf, name: &'a str, ty: TypeId) -> Result<Map<'a>> {
    let Definition::Struct(definition) = btf.resolve(ty)?.definition() else {
        return Err(Error::malformed("its definition is not a struct"));
    };
    let mut map_type = 0;
    let (mut key, mut value) = (Part::Absent, Part::Absent);
    for member in definition.members() {
        let member = member?;
        match member.name {
            "type" => map_type = number(btf, member.ty)?,
            "key" => key = typed(btf, member.ty)?,
            "value" => value = typed(btf, member.ty)?,
            "key_size" => key = Part::Sized(number(btf, member.ty)?),
            "value_size" => value = Part::Sized(number(btf, member.ty)?),
            // Maps of maps: the value is the number of the inner map.
            "values" => value = Part::Sized(4),
            _ => {}
        }
    }
    Ok(Map {
        name,
        kind: map_kind(map_type),
        key,
        value,
    })
}

/// By `enum bpf_map_type` in `include/uapi/linux/bpf.h`.
fn map_kind(number: u32) -> MapKind {
    match number {
        4 => MapKind::PerfEventArray,
        5 | 6 | 10 | 21 => MapKind::PerCpuValues,
        27 => MapKind::RingBuffer,
        31 => MapKind::UserRingBuffer,
        _ => MapKind::Values,
    }
}

/// `__type(key, T)` is a pointer to `T`.
fn typed(btf: &Btf, id: TypeId) -> Result<Part> {
    let target = pointee(btf, id)?
        .ok_or_else(|| Error::malformed("its key or value is not given as a pointer to a type"))?;
    Ok(match btf.resolve(target)?.kind() {
        Kind::Void => Part::Absent,
        _ => Part::Typed(target),
    })
}

/// `__uint(type, N)` is a pointer to an array of `N` integers.
fn number(btf: &Btf, id: TypeId) -> Result<u32> {
    let target = pointee(btf, id)?
        .map(|target| btf.resolve(target))
        .transpose()?;
    match target.map(|target| target.definition()) {
        Some(Definition::Array(array)) => Ok(array.count),
        _ => Err(Error::malformed(
            "a number is not given as a pointer to an array",
        )),
    }
}
