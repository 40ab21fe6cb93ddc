//! Bytecode images of bpfman: an object in an ordinary container image, described by its labels.

use std::collections::BTreeMap;
use std::io::Read;

use crate::error::{Error, Result};
use crate::facts::Facts;
use crate::limits::{ARCHIVE_ENTRIES_MAX, BYTECODE_BYTES_MAX, LIST_MAX};
use crate::options::{OptionSpec, Sets};
use crate::package::{Package, PackageKind};
use crate::plan::Plan;
use crate::{bare, elf};

/// What the labels of an image say.
#[derive(Clone, Debug, Default)]
pub struct Labels {
    /// Functions and the types of their programs.
    pub(crate) programs: BTreeMap<String, String>,
}

const PROGRAMS: &str = "io.ebpf.programs";
const MAPS: &str = "io.ebpf.maps";
const OLD_FUNCTION: &str = "io.ebpf.bpf_function_name";
const OLD_NAME: &str = "io.ebpf.program_name";
const OLD_TYPE: &str = "io.ebpf.program_type";
const OLD_FILE: &str = "io.ebpf.filename";
const GZIP: &[u8] = &[0x1f, 0x8b];

/// Read an image: its labels, and its one layer as it is in the registry.
///
/// # Errors
/// Names the label, or says what is wrong with the layer.
pub fn read(name: &str, labels: &BTreeMap<String, String>, layer: &[u8]) -> Result<Package> {
    let elf = unpack(layer, labels.get(OLD_FILE).map(String::as_str))
        .map_err(|error| error.within("the layer of the image"))?;
    crate::check_object(&elf)?;
    Ok(Package {
        name: name.to_owned(),
        elf: elf.into(),
        kind: PackageKind::Bpfman(Labels {
            programs: programs(labels)?,
        }),
    })
}

fn programs(labels: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>> {
    let list = |key: &str| -> Result<BTreeMap<String, String>> {
        let Some(text) = labels.get(key) else {
            return Ok(BTreeMap::new());
        };
        let list: BTreeMap<String, String> = serde_json::from_str(text)
            .map_err(|error| Error::new(format!("label {key}: {error}")))?;
        match list.len() {
            0..=LIST_MAX => Ok(list),
            count => Err(Error::new(format!("label {key}: {count} entries"))),
        }
    };
    list(MAPS)?;
    let mut programs = list(PROGRAMS)?;
    let old = labels.get(OLD_FUNCTION).or_else(|| labels.get(OLD_NAME));
    if let (true, Some(function), Some(kind)) = (programs.is_empty(), old, labels.get(OLD_TYPE)) {
        programs.insert(function.clone(), kind.clone());
    }
    Ok(programs)
}

/// The object in a layer: an archive, or the object itself, either compressed or not.
fn unpack(layer: &[u8], wanted: Option<&str>) -> Result<Vec<u8>> {
    let bytes = match layer.starts_with(GZIP) {
        true => bounded(flate2::read::MultiGzDecoder::new(layer))?,
        false => layer.to_vec(),
    };
    if bytes.starts_with(elf::MAGIC) {
        return Ok(bytes);
    }
    let broken = |error: std::io::Error| Error::new(format!("read the tar archive: {error}"));
    let mut archive = tar::Archive::new(bytes.as_slice());
    let mut found: Option<(String, Vec<u8>)> = None;
    for (count, entry) in archive.entries().map_err(broken)?.enumerate() {
        if count >= ARCHIVE_ENTRIES_MAX {
            return Err(Error::new(format!("more than {ARCHIVE_ENTRIES_MAX} files")));
        }
        let entry = entry.map_err(broken)?;
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let path = path
            .trim_start_matches("./")
            .trim_start_matches('/')
            .to_owned();
        let is_it = match wanted {
            Some(wanted) => path == wanted.trim_start_matches(['.', '/']),
            None => path.ends_with(".o") && !path.contains('/'),
        };
        if !is_it || !entry.header().entry_type().is_file() {
            continue;
        }
        if let Some((first, _)) = found {
            return Err(Error::new(format!("two objects, {first} and {path}")));
        }
        let content = bounded(entry)?;
        let content = match content.starts_with(GZIP) {
            true => bounded(flate2::read::MultiGzDecoder::new(content.as_slice()))?,
            false => content,
        };
        found = Some((path, content));
    }
    found.map(|(_, content)| content).ok_or_else(|| {
        Error::new(format!(
            "there is no {} in it",
            wanted.unwrap_or("*.o at its root")
        ))
    })
}

fn bounded(reader: impl Read) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = BYTECODE_BYTES_MAX as u64 + 1;
    reader
        .take(limit)
        .read_to_end(&mut bytes)
        .map_err(|error| Error::new(format!("unpack: {error}")))?;
    if bytes.len() > BYTECODE_BYTES_MAX {
        return Err(Error::new(format!("more than {BYTECODE_BYTES_MAX} bytes")));
    }
    Ok(bytes)
}

pub(crate) fn plan(name: &str, labels: &Labels, facts: &Facts) -> Result<Plan> {
    let mut plan = bare::plan(name, facts)?;
    for function in labels.programs.keys() {
        if !facts
            .programs
            .iter()
            .any(|program| program.name == *function)
        {
            let names: Vec<&str> = facts.programs.iter().map(|it| it.name.as_str()).collect();
            return Err(Error::new(format!(
                "label {PROGRAMS}: the object has no program `{function}`, but: {}",
                names.join(", ")
            )));
        }
    }
    let short = plan
        .options
        .iter()
        .all(|option| option.short != Some('g'))
        .then_some('g');
    plan.options.push(OptionSpec {
        long: "global".to_owned(),
        short,
        value: Some("NAME=HEX".to_owned()),
        default: None,
        initial: None,
        help: "Set the bytes of a global variable; may be repeated".to_owned(),
        sets: Sets::GlobalBytes,
        required: false,
    });
    Ok(plan)
}
