//! Where programs are attached, from the extra keys that doc comments become.

use serde_json::Value;

use super::schema::Program;
use crate::error::{Error, Result};
use crate::places::{Chosen, Place, needed_kind};
use eunomia_host_abi::kernel::ProgramInfo;

/// `XDP_FLAGS_*` of `linux/if_link.h`.
const XDP_MODES: [(u64, &str); 3] = [
    (1 << 1, "generic"),
    (1 << 2, "driver"),
    (1 << 3, "hardware"),
];
/// `lo`, which upstream attaches to unless a package says otherwise.
const DEFAULT_INTERFACE: u64 = 1;

/// The parts of a program's target.
pub(super) fn chosen(program: &Program, info: &ProgramInfo) -> Result<Chosen> {
    let mut chosen = Chosen::new();
    let hook = structure(program, "tchook")?;
    let interface = number(program, &hook, "ifindex")?;
    let interface = match interface {
        Some(index) => Some(index),
        None => number(
            program,
            &Value::Object(program.extra.clone().into_iter().collect()),
            "ifindex",
        )?,
    };
    match needed_kind(info) {
        Some("xdp") => {
            let index = interface.unwrap_or(DEFAULT_INTERFACE);
            chosen.insert(Place::Interface, index.to_string());
            let own = Value::Object(program.extra.clone().into_iter().collect());
            let flags = number(program, &own, "flags")?.unwrap_or(0);
            if let Some((_, mode)) = XDP_MODES.iter().find(|(bit, _)| flags & bit != 0) {
                chosen.insert(Place::Mode, (*mode).to_owned());
            }
        }
        Some("tc") => {
            let index = interface.unwrap_or(DEFAULT_INTERFACE);
            chosen.insert(Place::Interface, index.to_string());
            let direction = match hook.get("attach_point").and_then(Value::as_str) {
                None | Some("BPF_TC_INGRESS") => "ingress",
                Some("BPF_TC_EGRESS") => "egress",
                Some(other) => {
                    return Err(Error::new(format!(
                        "meta.bpf_skel.progs[{}].tchook.attach_point: {other:?} is not supported",
                        program.name
                    )));
                }
            };
            chosen.insert(Place::Direction, direction.to_owned());
        }
        Some("perf_event") => {
            chosen.insert(Place::Frequency, "99".to_owned());
        }
        _ => {}
    }
    Ok(chosen)
}

/// A key whose value is an object, or text that holds one.
fn structure(program: &Program, key: &str) -> Result<Value> {
    let value = match program.extra.get(key) {
        None | Some(Value::Null) => return Ok(Value::Null),
        Some(Value::String(text)) => serde_json::from_str(text).map_err(|error| {
            Error::new(format!(
                "meta.bpf_skel.progs[{}].{key}: {error}",
                program.name
            ))
        })?,
        Some(other) => other.clone(),
    };
    if value.is_object() {
        return Ok(value);
    }
    Err(Error::new(format!(
        "meta.bpf_skel.progs[{}].{key}: it is no object",
        program.name
    )))
}

/// A number, or text that is one.
fn number(program: &Program, holder: &Value, key: &str) -> Result<Option<u64>> {
    let number = match holder.get(key) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) => text.trim().parse().ok(),
        Some(other) => other.as_u64(),
    };
    number.map(Some).ok_or_else(|| {
        Error::new(format!(
            "meta.bpf_skel.progs[{}].{key}: it is no whole number",
            program.name
        ))
    })
}
