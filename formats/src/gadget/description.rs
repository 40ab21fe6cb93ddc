//! What `gadget.yaml` says about fields and programs.

use std::time::Duration;

use eunomia_host_abi::Target;
use eunomia_host_abi::kernel::ProgramInfo;
use eunomia_host_abi::output::Table;
use serde_json::Value;

use crate::error::{Error, Result};
use crate::limits::{INTERVAL_MAX, LIST_MAX};
use crate::places::{self, Chosen, Place};
use crate::{options, rows};

/// Put what the annotations of a data source say into its table.
pub(super) fn annotate(description: &Value, name: &str, table: &mut Table) -> Result<()> {
    let Some(source) = description.pointer(&format!("/datasources/{name}")) else {
        return Ok(());
    };
    if annotation(source, "cli.clear-screen-before").as_deref() == Some("true") {
        table
            .hints
            .insert("clear-screen".to_owned(), "true".to_owned());
    }
    let Some(fields) = source.get("fields").and_then(Value::as_object) else {
        return Ok(());
    };
    if fields.len() > LIST_MAX {
        return Err(Error::new(format!(
            "gadget.yaml: datasources.{name}.fields: {} entries",
            fields.len()
        )));
    }
    let leaves = rows::leaves(table);
    for (path, field) in fields {
        if table.layout.has_field(path) {
            annotate_field(table, path, field);
        }
        // What is hidden of a struct is all of it.
        let inside = format!("{path}.");
        for leaf in leaves.iter().filter(|leaf| leaf.starts_with(&inside)) {
            hide(table, leaf, field);
        }
    }
    for (path, field) in fields {
        // In columns, another field stands for this one.
        if let Some(other) = annotation(field, "columns.replace").filter(|it| !it.is_empty()) {
            rows::hint(table, path, "hidden", "true");
            rows::hint(table, &other, "hidden", "false");
        }
    }
    Ok(())
}

fn hide(table: &mut Table, path: &str, field: &Value) {
    let is_true = |key| annotation(field, key).as_deref() == Some("true");
    if is_true("columns.hidden") {
        rows::hint(table, path, "hidden", "true");
    }
    if is_true("json.skip") {
        rows::hint(table, path, "json", "skip");
    }
}

/// Annotations that go by one name: those that gadgets' own runner has.
fn template(name: &str) -> &'static [(&'static str, &'static str)] {
    match name {
        "timestamp" => &[("width", "35"), ("ellipsis", "end")],
        "node" | "pod" => &[("width", "30"), ("ellipsis", "middle")],
        "container" | "namespace" | "containerImageName" | "containerImageDigest" => {
            &[("width", "30")]
        }
        "containerStartedAt" => &[("hidden", "true"), ("width", "35")],
        "comm" => &[("description", "Process name"), ("width", "16")],
        "pcomm" => &[
            ("description", "The process name of the parent process"),
            ("width", "16"),
        ],
        "pid" => &[("width", "7"), ("align", "right")],
        "uid" | "gid" => &[("width", "8"), ("align", "right")],
        "ns" => &[("hidden", "true"), ("width", "12"), ("align", "right")],
        "l4endpoint" => &[("width", "40")],
        "syscall" => &[("width", "18")],
        "errorString" => &[("width", "12")],
        _ => &[],
    }
}

fn annotate_field(table: &mut Table, path: &str, field: &Value) {
    for (hint, value) in annotation(field, "template").map_or(&[][..], |name| template(&name)) {
        rows::hint(table, path, hint, value);
    }
    for (key, hint) in [
        ("columns.maxwidth", "width"),
        ("columns.minwidth", "width"),
        ("columns.width", "width"),
        ("columns.alignment", "align"),
        ("columns.ellipsis", "ellipsis"),
        ("columns.hidden", "hidden"),
        ("columns.precision", "precision"),
        ("columns.alias", "title"),
        ("description", "description"),
    ] {
        if let Some(value) = annotation(field, key).filter(|value| !value.is_empty()) {
            let value = if hint == "title" {
                value.to_uppercase()
            } else {
                value
            };
            rows::hint(table, path, hint, &value);
        }
    }
    if annotation(field, "columns.hex").as_deref() == Some("true") {
        rows::hint(table, path, rows::FORMAT, "hex");
    }
    hide(table, path, field);
    let metric = match annotation(field, "metrics.type").as_deref() {
        Some("counter") => "counter",
        Some("gauge") => "gauge",
        Some("histogram") => "histogram",
        Some("key") => "label",
        _ => return,
    };
    rows::hint(table, path, "metric", metric);
}

fn annotation(holder: &Value, key: &str) -> Option<String> {
    let value = holder.get("annotations")?.get(key)?;
    value.as_str().map(str::to_owned)
}

/// What the description sets an option of gadgets' own runner to.
pub(super) fn preset(description: &Value, option: &str) -> Option<String> {
    let presets = description.get("paramDefaults")?;
    let value = presets.get(format!("operator.oci.ebpf.{option}"))?;
    value.as_str().map(str::to_owned)
}

/// How often the entries of the map of a data source are shown, if the description says it: for all
/// data sources or, with its name in front, for one. 0: only at the end.
pub(super) fn interval(description: &Value, name: &str) -> Result<Option<Duration>> {
    const OPTION: &str = "map-fetch-interval";
    let Some(text) = preset(description, OPTION) else {
        return Ok(None);
    };
    let mut chosen = None;
    for part in text.split(',') {
        match part.split_once(':') {
            Some((of, interval)) if of == name => chosen = Some(interval),
            Some(_) => {}
            None => chosen = chosen.or(Some(part)),
        }
    }
    let Some(chosen) = chosen.filter(|chosen| !chosen.is_empty()) else {
        return Ok(None);
    };
    if chosen == "0" {
        return Ok(Some(INTERVAL_MAX));
    }
    let interval = options::duration(chosen);
    let interval = interval
        .map_err(|error| Error::new(format!("gadget.yaml: paramDefaults: {OPTION}: {error}")));
    interval.map(Some)
}

/// What the description says of a program: by its name, or by the rest of its section's.
fn said<'a>(description: &'a Value, program: &ProgramInfo) -> Option<&'a Value> {
    let programs = description.get("programs")?;
    let by_section = || program.section.split_once('/').map(|(_, rest)| rest);
    let by_section = || by_section().and_then(|name| programs.get(name));
    programs.get(&program.name).or_else(by_section)
}

/// What a program is attached to in place of what its section says.
pub(super) fn attach_to<'a>(description: &'a Value, program: &ProgramInfo) -> Option<&'a str> {
    let attach_to = said(description, program)?.get("attach_to")?.as_str();
    attach_to.filter(|text| !text.is_empty())
}

/// Where a program is attached, if the description says it or there is a usual place.
pub(super) fn target(description: &Value, program: &ProgramInfo) -> Result<Option<Target>> {
    let Some(kind) = places::kind(program) else {
        return Ok(None);
    };
    let mut chosen = Chosen::new();
    match kind {
        "perf_event" => {
            let said = said(description, program);
            let frequency = said.and_then(|it| it.pointer("/sampler/frequency"));
            let frequency = frequency.and_then(Value::as_str).unwrap_or("99");
            chosen.insert(Place::Frequency, frequency.to_owned());
        }
        // Of the host, as without a container there is no other network.
        "socket_filter" => drop(chosen.insert(Place::Interface, "*".to_owned())),
        _ => {}
    }
    if let Some(attach_to) = attach_to(description, program) {
        choose(&mut chosen, kind, attach_to);
    } else if places::needed_kind(program).is_none() {
        return Ok(None);
    }
    places::target_of_kind(kind, &program.section, &chosen)
        .map_err(|error| error.within(format!("gadget.yaml: programs.{}.attach_to", program.name)))
}

fn choose(chosen: &mut Chosen, kind: &str, attach_to: &str) {
    match kind {
        "kprobe" | "trace" => drop(chosen.insert(Place::Function, attach_to.to_owned())),
        "tracepoint" | "raw_tracepoint" => {
            chosen.insert(Place::Tracepoint, attach_to.to_owned());
        }
        "uprobe" => {
            if let Some((binary, symbol)) = attach_to.split_once(':') {
                chosen.insert(Place::Binary, binary.to_owned());
                chosen.insert(Place::Symbol, symbol.to_owned());
            }
        }
        _ => {}
    }
}
