//! What a BPF object shares with user space: its types, maps and global variables, collected for
//! the generators of all languages.
//!
//! [`Records::collect`] has everything that was reached, in a form in which structs are flat: the
//! members of anonymous structs and unions are members of what is around them, each with its place
//! in the whole. A language that lays out structs like C writes the `fields` of a struct, which
//! cover all of its bytes; one that reads bytes only needs the `accessors`. Names are those of the
//! language's [`names::Naming`].
//!
//! C, whose structs keep their form, has a collection of its own on [`reached`] and [`interface`].

mod collect;
pub(crate) mod interface;
mod members;
pub(crate) mod model;
pub(crate) mod names;
pub(crate) mod reached;

use crate::btf::Btf;
use crate::error::Result;
use collect::{Collector, FallbackName};
use interface::{GlobalVariable, Map, MapKind, Part};
use model::{DataType, Item};
use names::Naming;

/// All of it.
pub(crate) struct Records<'a> {
    /// In the order in which they were reached, inner types first.
    pub(crate) items: Vec<Item>,
    /// In the order of the object.
    pub(crate) maps: Vec<TypedMap<'a>>,
    pub(crate) globals: Vec<TypedGlobal<'a>>,
}

/// A map with what it holds.
pub(crate) struct TypedMap<'a> {
    pub(crate) c_name: &'a str,
    pub(crate) kind: MapKind,
    /// `None`: there is none, or it has no bytes.
    pub(crate) key: Option<DataType>,
    pub(crate) value: Option<DataType>,
}

/// A variable that has a size.
pub(crate) struct TypedGlobal<'a> {
    pub(crate) c_name: &'a str,
    /// It is fixed when the object is loaded.
    pub(crate) is_constant: bool,
    pub(crate) ty: DataType,
}

impl<'a> Records<'a> {
    /// Collects what maps and variables lead to, and the types that are named in addition.
    ///
    /// # Errors
    /// As [`crate::rust_types::generate`].
    pub(crate) fn collect(btf: &'a Btf, types: &[String], naming: &'a dyn Naming) -> Result<Self> {
        let mut collector = Collector::new(btf, naming);
        let mut maps = Vec::new();
        for map in &interface::maps(btf)? {
            maps.push(typed_map(&mut collector, map).map_err(|error| map.within(error))?);
        }
        let mut globals = Vec::new();
        for global in interface::globals(btf)? {
            let typed = typed_global(&mut collector, &global);
            globals.extend(typed.map_err(|error| global.within(error))?);
        }
        for name in types {
            let ty = btf.find_data(name)?;
            collector.data_type(ty.id(), &FallbackName(name.clone()), 0)?;
        }
        Ok(Self {
            items: collector.items,
            maps,
            globals,
        })
    }
}

fn typed_map<'a>(collector: &mut Collector<'a>, map: &Map<'a>) -> Result<TypedMap<'a>> {
    Ok(TypedMap {
        c_name: map.name,
        kind: map.kind,
        key: part_type(collector, map, map.key, "key")?,
        value: part_type(collector, map, map.value, "value")?,
    })
}

fn part_type(
    collector: &mut Collector<'_>,
    map: &Map<'_>,
    part: Part,
    name: &str,
) -> Result<Option<DataType>> {
    let ty = match part {
        Part::Absent => return Ok(None),
        Part::Sized(size) if matches!(size, 1 | 2 | 4 | 8) => DataType::integer(size, false),
        Part::Sized(size) => return Ok(Some(DataType::bytes(size, false))),
        Part::Typed(id) => {
            let fallback = FallbackName(format!("{}_{name}", map.name));
            collector.data_type(id, &fallback, 0)?
        }
    };
    Ok((ty.size > 0).then_some(ty))
}

fn typed_global<'a>(
    collector: &mut Collector<'a>,
    global: &GlobalVariable<'a>,
) -> Result<Option<TypedGlobal<'a>>> {
    let ty = collector.data_type(global.ty, &FallbackName(global.name.to_owned()), 0)?;
    Ok((ty.size > 0 && !global.is_mention).then(|| TypedGlobal {
        c_name: global.name,
        is_constant: global.section.starts_with(".rodata"),
        ty,
    }))
}
