//! Data sources, as symbols of the object name them.

use std::sync::Arc;

use eunomia_btf::{Btf, Definition, Kind, Place, TypeId};
use eunomia_host_abi::output::Table;
use serde_json::Value;

use super::{description, types};
use crate::error::{Error, Result};
use crate::facts::Facts;
use crate::limits::INTERVAL_DEFAULT;
use crate::plan::{Source, SourceKind};
use crate::rows::{self, NamedMember};
use crate::sources;

/// `gadget_tracer_NAME___MAP___TYPE`.
const TRACER: &str = "gadget_tracer_";
/// `gadget_mapiter_NAME___MAP`.
const MAP_ITERATOR: &str = "gadget_mapiter_";
/// `gadget_iter_NAME___TYPE___PROGRAM...`.
const ITERATOR: &str = "gadget_iter_";
const SEPARATOR: &str = "___";
/// Ends the name of a field that has a readable sibling.
const RAW: &str = "_raw";

/// All data sources that the object names.
pub(super) fn sources(facts: &Facts, description: &Value) -> Result<Vec<Source>> {
    let mut found = Vec::new();
    for symbol in facts.globals.iter().map(|global| &*global.info.name) {
        let within = |error: Error| error.within(format!("symbol {symbol}"));
        if let Some(rest) = symbol.strip_prefix(TRACER) {
            let [name, map, type_name] = parts(rest).map_err(within)?;
            found.push(tracer(facts, description, name, map, type_name).map_err(within)?);
        } else if let Some(rest) = symbol.strip_prefix(MAP_ITERATOR) {
            let [name, map] = parts(rest).map_err(within)?;
            found.push(entries(facts, description, name, map).map_err(within)?);
        } else if let Some(rest) = symbol.strip_prefix(ITERATOR) {
            let mut words = rest.split(SEPARATOR);
            let (Some(name), Some(type_name)) = (words.next(), words.next()) else {
                return Err(within(Error::new("it does not name a type")));
            };
            let table = table(facts, description, name, type_name).map_err(within)?;
            for program in words {
                found.push(iterator(facts, &table, program).map_err(within)?);
            }
        }
    }
    Ok(found)
}

fn parts<const N: usize>(rest: &str) -> Result<[&str; N]> {
    let words: Vec<&str> = rest.split(SEPARATOR).collect();
    words.try_into().map_err(|words: Vec<&str>| {
        Error::new(format!(
            "{} parts between `{SEPARATOR}`, not {N}",
            words.len()
        ))
    })
}

fn tracer(
    facts: &Facts,
    description: &Value,
    name: &str,
    map: &str,
    type_name: &str,
) -> Result<Source> {
    let info = facts.map(map)?;
    if !crate::facts::is_buffer(info) {
        return Err(Error::new(format!("map `{map}` is no buffer")));
    }
    let (table, shape) = typed(facts, description, name, type_name)?;
    Ok(sources::source(map, table, SourceKind::Events(shape)))
}

fn entries(facts: &Facts, description: &Value, name: &str, map: &str) -> Result<Source> {
    let info = facts.map(map)?;
    let mut source = sources::entries(facts, info, None, INTERVAL_DEFAULT)?;
    let table = Arc::make_mut(&mut source.table);
    table.name = name.to_owned();
    finish(description, name, table)?;
    Ok(source)
}

fn iterator(facts: &Facts, table: &Table, program: &str) -> Result<Source> {
    if !facts.programs.iter().any(|it| it.name == program) {
        return Err(Error::new(format!("the object has no program `{program}`")));
    }
    let eunomia_host_abi::output::Layout::Btf { size, .. } = table.layout else {
        return Err(Error::new("its type is no struct"));
    };
    let kind = SourceKind::Structs {
        bytes: size,
        interval: None,
    };
    Ok(sources::source(program, table.clone(), kind))
}

fn table(facts: &Facts, description: &Value, name: &str, type_name: &str) -> Result<Table> {
    typed(facts, description, name, type_name).map(|(table, _)| table)
}

/// The table of a struct: private members left out, `_raw` members under their readable name.
fn typed(
    facts: &Facts,
    description: &Value,
    name: &str,
    type_name: &str,
) -> Result<(Table, crate::Shape)> {
    let btf = facts.btf()?;
    let ty = btf.find(type_name, Kind::Struct)?.id();
    let members = shown_members(btf, ty)?;
    let (mut table, mut shape) = match members {
        Some(members) => rows::of_members(btf, name, &members, false)?,
        None => rows::of_records(btf, name, ty, false)?,
    };
    let whole = btf.size_of(ty)? as usize;
    shape.record_bytes_min = shape.record_bytes_min.min(whole);
    if let eunomia_host_abi::output::Layout::Btf { size, .. } = &mut table.layout {
        // Iterators write whole structs, whatever of them is shown.
        *size = whole.max(*size);
    }
    finish(description, name, &mut table)?;
    let raw = raw_names(btf, ty);
    for field in raw {
        rows::hint(&mut table, &field, "json", "both");
    }
    Ok((table, shape))
}

/// The members of a struct; `None` when they cannot be told apart (bit fields).
fn shown_members(btf: &Btf, ty: TypeId) -> Result<Option<Vec<NamedMember>>> {
    let Definition::Struct(composite) = btf.resolve(ty)?.definition() else {
        return Ok(None);
    };
    let mut members = Vec::new();
    for member in composite.members() {
        let member = member?;
        let Place::Byte { offset } = member.place else {
            return Ok(None);
        };
        if member.name.starts_with("__") {
            continue;
        }
        let name = member.name.strip_suffix(RAW).unwrap_or(member.name);
        members.push(NamedMember {
            name: name.to_owned(),
            ty: member.ty,
            offset,
        });
    }
    Ok(Some(members))
}

fn raw_names(btf: &Btf, ty: TypeId) -> Vec<String> {
    let Ok(Definition::Struct(composite)) = btf.resolve(ty).map(|ty| ty.definition()) else {
        return Vec::new();
    };
    let members = composite.members().flatten();
    members
        .filter_map(|it| it.name.strip_suffix(RAW).map(str::to_owned))
        .collect()
}

/// How fields look: by type, then as the description says.
fn finish(description: &Value, name: &str, table: &mut Table) -> Result<()> {
    rows::hint_by_type(table, &types::hints);
    for address in rows::leaves(table) {
        // `struct gadget_l4endpoint_t` and its like: one address in a union of both kinds.
        if let Some(stem) = address.strip_suffix("addr_raw.v6") {
            rows::hint(table, &address, rows::FORMAT, "ip-address");
            rows::hint(table, &address, "family", &format!("{stem}version"));
            rows::hint(
                table,
                &address,
                "title",
                &format!("{stem}addr").to_uppercase(),
            );
            rows::hint(table, &format!("{stem}addr_raw.v4"), "hidden", "true");
            rows::hint(table, &format!("{stem}version"), "hidden", "true");
        }
    }
    description::annotate(description, name, table)
}
