//! What `gadget.yaml` says about fields and programs.

use eunomia_host_abi::kernel::ProgramInfo;
use eunomia_host_abi::output::Table;
use serde_json::Value;

use crate::error::{Error, Result};
use crate::limits::LIST_MAX;
use crate::places::{Chosen, Place, needed_kind};
use crate::rows;

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
    for (path, field) in fields {
        if table.layout.has_field(path) {
            annotate_field(table, path, field);
        }
    }
    Ok(())
}

fn annotate_field(table: &mut Table, path: &str, field: &Value) {
    for (key, hint) in [
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
    if annotation(field, "json.skip").as_deref() == Some("true") {
        rows::hint(table, path, "json", "skip");
    }
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

/// The parts of a program's target that the description chooses.
pub(super) fn chosen(description: &Value, program: &ProgramInfo) -> Result<Chosen> {
    let mut chosen = Chosen::new();
    let said = description.pointer(&format!("/programs/{}", program.name));
    if needed_kind(program) == Some("perf_event") {
        let frequency = said.and_then(|it| it.pointer("/sampler/frequency"));
        let frequency = frequency.and_then(Value::as_str).unwrap_or("99");
        chosen.insert(Place::Frequency, frequency.to_owned());
    }
    let Some(attach_to) = said.and_then(|it| it.get("attach_to")) else {
        return Ok(chosen);
    };
    let attach_to = attach_to.as_str().ok_or_else(|| {
        let field = format!("gadget.yaml: programs.{}.attach_to", program.name);
        Error::new(format!("{field}: it is no text"))
    })?;
    match needed_kind(program) {
        Some("kprobe" | "trace") => drop(chosen.insert(Place::Function, attach_to.to_owned())),
        Some("tracepoint" | "raw_tracepoint") => {
            chosen.insert(Place::Tracepoint, attach_to.to_owned());
        }
        Some("uprobe") => {
            if let Some((binary, symbol)) = attach_to.split_once(':') {
                chosen.insert(Place::Binary, binary.to_owned());
                chosen.insert(Place::Symbol, symbol.to_owned());
            }
        }
        _ => {}
    }
    Ok(chosen)
}
