//! bumblebee's conventions: what is shown of a map, its name or its section says.
//!
//! Current images have maps called `print_*`, `counter_*`, `gauge_*` or `hist_*`, older ones put
//! them into sections called `.maps.print`, `.maps.counter` and `.maps.gauge`, which libbpf does
//! not know: [`merge_map_sections`] makes one `.maps` of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use eunomia_host_abi::kernel::MapInfo;
use eunomia_host_abi::output::{self, BUCKETS_MAX, Table};

use crate::error::{Error, Result};
use crate::facts::{self, Facts};
use crate::limits::INTERVAL_DEFAULT;
use crate::map_sections;
use crate::options::{HistogramPart, OptionSpec, Sets};
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
/// How the value of an entry is called, as keys are structs.
const COUNT: &str = "value";
/// Marks the count of entries that may become a histogram. No renderer knows it.
const HISTOGRAM_MARK: &str = "of-histogram";

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
    let histograms = shown.iter().filter(|source| is_histogram(source));
    let histograms: Vec<&str> = histograms.map(|source| &*source.name).collect();
    if !histograms.is_empty() {
        plan.options.extend(histogram_options(&plan.options));
    }
    plan.sources = shown;
    Ok(plan)
}

/// The options that upstream's runner has for histograms.
fn histogram_options(taken: &[OptionSpec]) -> Vec<OptionSpec> {
    let option = |long: &str, short: char, value: &str, help: &str, part| OptionSpec {
        long: long.to_owned(),
        short: Some(short).filter(|short| !taken.iter().any(|it| it.short == Some(*short))),
        value: Some(value.to_owned()),
        default: None,
        initial: None,
        help: help.to_owned(),
        sets: Sets::Histogram(part),
        required: false,
    };
    vec![
        option(
            "hist-value-key",
            'k',
            "MAP,FIELD",
            "Field of the key whose values a histogram counts; may be repeated",
            HistogramPart::Key,
        ),
        option(
            "hist-buckets",
            'b',
            "MAP,[BOUND,...]",
            "Upper bounds of a histogram's buckets; may be repeated",
            HistogramPart::Buckets,
        ),
    ]
}

/// Whether a source is to be a histogram: the count of its entries is what says so.
fn is_histogram(source: &Source) -> bool {
    let hints = source.table.field_hints.get(COUNT);
    hints.is_some_and(|hints| hints.contains_key(HISTOGRAM_MARK))
}

/// What a user said about histograms.
pub(crate) fn apply_histograms(
    plan: &mut Plan,
    said: &[(String, HistogramPart, String)],
) -> Result<()> {
    for (map, ..) in said {
        let known = plan
            .sources
            .iter()
            .any(|it| it.name == *map && is_histogram(it));
        if !known {
            return Err(Error::usage(format!("there is no histogram `{map}`")));
        }
    }
    let mut warnings = Vec::new();
    for source in plan
        .sources
        .iter_mut()
        .filter(|source| is_histogram(source))
    {
        let of_map = |wanted: HistogramPart| {
            let is_it = |(map, part, _): &&(String, HistogramPart, String)| {
                *map == source.name && *part == wanted
            };
            said.iter()
                .rev()
                .find(is_it)
                .map(|(.., text)| text.as_str())
        };
        let chosen = of_map(HistogramPart::Key);
        let buckets = of_map(HistogramPart::Buckets).map(buckets).transpose();
        let buckets = buckets.map_err(|error| error.within(format!("map `{}`", source.name)))?;
        let fields: Vec<String> = rows::leaves(&source.table)
            .into_iter()
            .filter(|field| field != COUNT)
            .collect();
        let field = match (chosen, fields.as_slice()) {
            (Some(chosen), fields) if fields.iter().any(|it| it == chosen) => chosen.to_owned(),
            (Some(chosen), fields) => {
                return Err(Error::usage(format!(
                    "map `{}`: its key has no field `{chosen}`, but: {}",
                    source.name,
                    fields.join(", ")
                )));
            }
            (None, [only]) => only.clone(),
            (None, fields) => {
                warnings.push(format!(
                    "`{0}` is counted by key: --hist-value-key {0},FIELD says of which field it is \
                     a histogram: {1}",
                    source.name,
                    fields.join(", ")
                ));
                continue;
            }
        };
        make_histogram(
            Arc::make_mut(&mut source.table),
            &source.name,
            &field,
            buckets,
        );
    }
    plan.warnings.extend(warnings);
    Ok(())
}

/// Upper bounds as hints have them: `[1,2,3]` becomes `1,2,3`.
fn buckets(text: &str) -> Result<String> {
    let inside = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    let inside = inside.unwrap_or(text);
    match output::buckets(inside) {
        Some(_) => Ok(inside.to_owned()),
        None => Err(Error::usage(format!(
            "`{text}`: at most {BUCKETS_MAX} ascending numbers, as in [1,10,100]"
        ))),
    }
}

fn make_histogram(table: &mut Table, map: &str, field: &str, buckets: Option<String>) {
    for key in ["metric", "metric-name", HISTOGRAM_MARK] {
        if let Some(hints) = table.field_hints.get_mut(COUNT) {
            hints.remove(key);
        }
    }
    rows::hint(table, field, "metric", "histogram");
    rows::hint(
        table,
        field,
        "metric-name",
        &format!("{METRIC_PREFIX}{map}"),
    );
    rows::hint(table, field, "weight", COUNT);
    if let Some(buckets) = buckets {
        rows::hint(table, field, "buckets", &buckets);
    }
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
        Role::Counter => metric(&mut table, map, COUNT, "counter"),
        Role::Histogram => {
            metric(&mut table, map, COUNT, "counter");
            rows::hint(&mut table, COUNT, HISTOGRAM_MARK, "true");
        }
        Role::Gauge => metric(&mut table, map, COUNT, "gauge"),
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
