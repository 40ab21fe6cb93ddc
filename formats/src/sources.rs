//! What is shown of an object when nobody says: its buffers, or else its maps.

use std::sync::Arc;
use std::time::Duration;

use eunomia_btf::{Btf, Definition, Kind, TypeId};
use eunomia_host_abi::kernel::MapInfo;
use eunomia_host_abi::output::Table;

use crate::error::{Error, Result};
use crate::facts::{self, Facts};
use crate::limits::INTERVAL_DEFAULT;
use crate::plan::{Shape, Source, SourceKind};
use crate::rows;

/// Stands for all maps in `--map`.
pub(crate) const ALL: &str = "all";

/// Every buffer; if there is none, every map whose entries can be listed. Warnings say what will
/// be shown as plain bytes.
pub(crate) fn default(facts: &Facts, warnings: &mut Vec<String>) -> Result<Vec<Source>> {
    let mut sources = Vec::new();
    for map in facts.shown_maps().filter(|map| facts::is_buffer(map)) {
        let ty = record_type(facts, map);
        if ty.is_none() {
            warnings.push(format!(
                "the type of the records of `{0}` is not known: choose it with --type {0}=STRUCT",
                map.name
            ));
        }
        sources.push(events(facts, map, ty)?);
    }
    if sources.is_empty() {
        let maps = facts.shown_maps().filter(|map| facts::is_listed(map));
        sources = maps
            .map(|map| entries(facts, map, None, INTERVAL_DEFAULT))
            .collect::<Result<_>>()?;
    }
    Ok(sources)
}

/// A buffer each record of which is a row, with the time in front.
pub(crate) fn events(facts: &Facts, map: &MapInfo, ty: Option<TypeId>) -> Result<Source> {
    let (table, shape) = match (ty, &facts.btf) {
        (Some(ty), Some(btf)) => rows::of_records(btf, &map.name, ty, true)
            .map_err(|error| error.within(format!("records of map `{}`", map.name)))?,
        _ => (rows::of_bytes(&map.name), Shape::default()),
    };
    Ok(source(&map.name, table, SourceKind::Events(shape)))
}

/// A map whose entries are shown again and again.
pub(crate) fn entries(
    facts: &Facts,
    map: &MapInfo,
    value: Option<TypeId>,
    interval: Duration,
) -> Result<Source> {
    if !facts::is_listed(map) {
        return Err(Error::new(format!(
            "map `{}`: the entries of a map of type {} cannot be listed",
            map.name, map.type_name
        )));
    }
    let (table, layout) = rows::of_entries(facts, map, value)?;
    let kind = SourceKind::Entries {
        layout,
        interval,
        clear: false,
    };
    Ok(source(&map.name, table, kind))
}

pub(crate) fn source(name: &str, table: Table, kind: SourceKind) -> Source {
    Source {
        name: name.to_owned(),
        table: Arc::new(table),
        kind,
        stacks: Vec::new(),
    }
}

/// The maps that `--map` names.
pub(crate) fn named<'a>(facts: &'a Facts, name: &str) -> Result<Vec<&'a MapInfo>> {
    if name == ALL {
        return Ok(facts
            .shown_maps()
            .filter(|map| facts::is_listed(map))
            .collect());
    }
    facts.map(name).map(|map| vec![map])
}

/// What the records of a buffer are: what its map declares, else the struct that a variable of the
/// object points to (`const struct event *unused`), else `struct event` or one called like the map.
fn record_type(facts: &Facts, map: &MapInfo) -> Option<TypeId> {
    let btf = facts.btf.as_deref()?;
    let declared = facts::value_type(map).filter(|_| map.map_type == RINGBUF);
    // The value of a perf event array is a descriptor.
    declared.or_else(|| pointed_to(btf)).or_else(|| {
        let singular = map.name.strip_suffix('s').unwrap_or(&map.name);
        ["event", "event_t", singular, &map.name]
            .into_iter()
            .find_map(|name| btf.find(name, Kind::Struct).ok())
            .map(|ty| ty.id())
    })
}

const RINGBUF: u32 = eunomia_host_abi::kernel::map_type::RINGBUF;

/// The struct that global variables of the object point to, if it is one.
fn pointed_to(btf: &Btf) -> Option<TypeId> {
    let mut found = btf.types().filter_map(|ty| {
        let Definition::Variable(variable) = ty.definition() else {
            return None;
        };
        let Definition::Pointer(target) = btf.resolve(variable.ty).ok()?.definition() else {
            return None;
        };
        let target = btf.resolve(target).ok()?;
        (target.kind() == Kind::Struct && !target.name().is_empty()).then(|| target.id())
    });
    let first = found.next()?;
    found.all(|other| other == first).then_some(first)
}
