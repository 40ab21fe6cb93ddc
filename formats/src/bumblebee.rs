//! bumblebee's conventions: what is shown of a map, its name or its section says.
//!
//! Current images have maps called `print_*`, `counter_*`, `gauge_*` or `hist_*`, older ones put
//! them into sections called `.maps.print`, `.maps.counter` and `.maps.gauge`, which libbpf does
//! not know: [`merge_map_sections`] makes one `.maps` of them.

use std::collections::BTreeMap;

use eunomia_host_abi::kernel::MapInfo;
use eunomia_host_abi::output::Table;

use crate::error::{Error, Result};
use crate::facts::{self, Facts};
use crate::limits::INTERVAL_DEFAULT;
use crate::map_sections;
use crate::package::{Package, PackageKind};
use crate::plan::{Plan, Source, SourceKind};
use crate::{bare, rows, sources};

/// What is shown of a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Records or entries.
    Print,
    /// Sums that only grow.
    Counter,
    /// Present values.
    Gauge,
    /// How values are distributed.
    Histogram,
}

/// What sections said, map by map.
#[derive(Clone, Debug, Default)]
pub struct Bumblebee {
    pub(crate) roles: BTreeMap<String, Role>,
}

/// What upstream calls its metrics.
const METRIC_PREFIX: &str = "ebpf_solo_io_";

/// Read the object of an image.
///
/// # Errors
/// When it is none, or its sections make no sense.
pub fn read(name: &str, elf: Vec<u8>) -> Result<Package> {
    crate::check_object(&elf)?;
    let (elf, sections) = map_sections::merge(elf)?;
    let mut roles = BTreeMap::new();
    for (map, section) in sections {
        let role = match section.as_str() {
            "print" => Role::Print,
            "counter" => Role::Counter,
            "gauge" => Role::Gauge,
            "hist" => Role::Histogram,
            other => {
                return Err(Error::new(format!(
                    "section .maps.{other}: it is not known"
                )));
            }
        };
        roles.insert(map, role);
    }
    Ok(Package {
        name: name.to_owned(),
        elf: elf.into(),
        kind: PackageKind::Bumblebee(Bumblebee { roles }),
    })
}

pub(crate) fn plan(name: &str, package: &Bumblebee, facts: &Facts) -> Result<Plan> {
    let mut plan = bare::plan(name, facts)?;
    let mut shown = Vec::new();
    for map in facts.shown_maps() {
        let said = package.roles.get(&map.name).copied();
        if let Some(role) = said.or_else(|| by_name(&map.name)) {
            shown.push(source(facts, map, role)?);
        }
    }
    if shown.is_empty() {
        return Ok(plan);
    }
    plan.warnings.clear();
    plan.sources = shown;
    Ok(plan)
}

fn by_name(name: &str) -> Option<Role> {
    let (prefix, _) = name.split_once('_')?;
    Some(match prefix {
        "print" => Role::Print,
        "counter" => Role::Counter,
        "gauge" => Role::Gauge,
        "hist" => Role::Histogram,
        _ => return None,
    })
}

fn source(facts: &Facts, map: &MapInfo, role: Role) -> Result<Source> {
    let within = |error: Error| error.within(format!("map `{}`", map.name));
    let interval = INTERVAL_DEFAULT;
    if facts::is_buffer(map) {
        let ty = facts::value_type(map)
            .ok_or_else(|| within(Error::new("it does not declare what its records are")))?;
        let btf = facts.btf()?;
        let (mut table, kind) = match role {
            Role::Print => {
                let (table, shape) = rows::of_records(btf, &map.name, ty, true).map_err(within)?;
                (table, SourceKind::Events(shape))
            }
            Role::Counter | Role::Gauge => {
                let (mut table, record_bytes) =
                    rows::of_counts(btf, &map.name, ty).map_err(within)?;
                metric(&mut table, map, "count", "counter");
                let kind = SourceKind::Counted {
                    record_bytes,
                    interval,
                };
                (table, kind)
            }
            Role::Histogram => {
                return Err(within(Error::new("a histogram of a buffer: it has no key")));
            }
        };
        show_typedefs(&mut table);
        return Ok(sources::source(&map.name, table, kind));
    }
    if !facts::is_listed(map) {
        return Err(within(Error::new(format!(
            "a map of type {} cannot be shown",
            map.type_name
        ))));
    }
    let (mut table, layout) = rows::of_entries(facts, map, None).map_err(within)?;
    match role {
        Role::Counter | Role::Histogram => metric(&mut table, map, "value", "counter"),
        Role::Gauge => metric(&mut table, map, "value", "gauge"),
        Role::Print => {}
    }
    show_typedefs(&mut table);
    let kind = SourceKind::Entries {
        layout,
        interval,
        clear: false,
    };
    Ok(sources::source(&map.name, table, kind))
}

/// Make one field a metric, the others its labels.
fn metric(table: &mut Table, map: &MapInfo, value: &str, kind: &str) {
    for field in rows::leaves(table) {
        let is_value = field == value;
        rows::hint(
            table,
            &field,
            "metric",
            if is_value { kind } else { "label" },
        );
        if is_value {
            let name = format!("{METRIC_PREFIX}{}", map.name);
            rows::hint(table, &field, "metric-name", &name);
        }
    }
}

fn show_typedefs(table: &mut Table) {
    rows::hint_by_type(table, &|name| match name {
        "ipv4_addr" | "ipv6_addr" => &[(rows::FORMAT, "ip-address")],
        "duration" => &[(rows::FORMAT, "duration-ns")],
        _ => &[],
    });
}
