//! The metadata document: what an image says about the tool in it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::document::{from_json, to_json};
use crate::limits::{
    METADATA_BYTES_MAX, METADATA_LIST_MAX, NAME_BYTES_MAX, OBJECTS_MAX, TEXT_BYTES_MAX,
};
use crate::{Error, ErrorKind, Result};

/// The newest schema version that this crate reads and the one that it writes.
pub(crate) const SCHEMA_VERSION: u32 = 1;

/// What an image says about its tool (layer [`crate::media_type::METADATA`]).
///
/// Unknown fields are ignored when reading, so that fields can be added without a new schema
/// version; a higher `schemaVersion` means that a reader of this version must not run the image.
///
/// It is a claim of the image's author: whoever decides on permissions computes them from the
/// object and the component and compares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Metadata {
    schema_version: u32,
    /// Name of the tool: letters, digits, `.`, `_` and `-`, as in a file name.
    pub name: String,
    /// One sentence about the tool.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Version of the tool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The world that the component implements.
    pub world: World,
    /// Names of the BPF objects, sorted; each is a layer. Filled in by the builder.
    #[serde(default)]
    pub objects: Vec<String>,
    /// Arguments that the guest gets when the user gives none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arguments: Vec<String>,
    /// What the tool needs to run well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,
    /// What the tool needs from the kernel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kernel: Option<KernelNeeds>,
    /// What the tool does; `None` when it was not computed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions: Option<Permissions>,
}

/// A world of the WIT contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum World {
    /// The guest drives: an ordinary `main`.
    Command,
    /// The host drives: start, events, ticks, stop.
    Plugin,
}

/// Hints about resources. The host's own limits always apply as well.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Resources {
    /// Linear memory that the guest may need, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
}

/// What a tool needs from the kernel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct KernelNeeds {
    /// Oldest kernel, as in `5.8`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release_min: Option<String>,
    /// Whether the kernel must describe its types (`/sys/kernel/btf/vmlinux`).
    #[serde(default)]
    pub btf: bool,
}

/// A summary of what a tool does, computed from its objects and its component when it is built.
/// Every list is sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Permissions {
    /// BPF program types, in libbpf's spelling: `tracepoint`, `xdp`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub program_types: Vec<String>,
    /// Where the programs attach by default: `tracepoint/sched/sched_process_exec`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attach_targets: Vec<String>,
    /// BPF helpers that its programs call: `bpf_map_lookup_elem`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub helpers: Vec<String>,
    /// Kernel functions (kfuncs) that its programs call.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kernel_functions: Vec<String>,
    /// Maps that are pinned or shared.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pinned_maps: Vec<String>,
    /// Interfaces that the component imports: `wasi:filesystem/types`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub imports: Vec<String>,
}

impl Metadata {
    /// A document with only the required fields. The builder checks it.
    pub fn new(name: impl Into<String>, world: World) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            name: name.into(),
            description: String::new(),
            version: None,
            world,
            objects: Vec::new(),
            arguments: Vec::new(),
            resources: None,
            kernel: None,
            permissions: None,
        }
    }

    /// Parses and checks a document.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] for a newer schema version or an unknown world,
    /// [`ErrorKind::Corrupt`] for JSON of another shape, [`ErrorKind::InvalidInput`] and
    /// [`ErrorKind::TooLarge`] for fields out of bounds.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        if bytes.len() as u64 > METADATA_BYTES_MAX {
            return Err(too_large(
                "document",
                bytes.len(),
                METADATA_BYTES_MAX as usize,
            ));
        }
        // The version comes first: a newer document may have another shape.
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Version {
            schema_version: u32,
        }
        let version: Version = from_json("parse metadata", bytes)?;
        if version.schema_version != SCHEMA_VERSION {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!(
                    "parse metadata: schema version {}, but this program reads version \
                     {SCHEMA_VERSION}: use a newer one",
                    version.schema_version
                ),
            ));
        }
        let metadata: Self = from_json("parse metadata", bytes)?;
        metadata.check()?;
        Ok(metadata)
    }

    /// The document's bytes: the same value always gives the same bytes.
    pub fn to_json(&self) -> Vec<u8> {
        to_json(self)
    }

    /// Checks every bound.
    ///
    /// # Errors
    /// The first field that is out of bounds.
    pub fn check(&self) -> Result<()> {
        check_name("tool", &self.name)?;
        check_text("description", &self.description)?;
        check_text("version", self.version.as_deref().unwrap_or_default())?;
        if self.objects.len() > OBJECTS_MAX {
            return Err(too_large(
                "list of objects",
                self.objects.len(),
                OBJECTS_MAX,
            ));
        }
        self.objects
            .iter()
            .try_for_each(|name| check_name("BPF object", name))?;
        check_list("arguments", &self.arguments)?;
        let kernel_release = self
            .kernel
            .as_ref()
            .and_then(|kernel| kernel.release_min.as_deref());
        check_text("kernel.releaseMin", kernel_release.unwrap_or_default())?;
        let Some(permissions) = &self.permissions else {
            return Ok(());
        };
        check_list("permissions.programTypes", &permissions.program_types)?;
        check_list("permissions.attachTargets", &permissions.attach_targets)?;
        check_list("permissions.helpers", &permissions.helpers)?;
        check_list("permissions.kernelFunctions", &permissions.kernel_functions)?;
        check_list("permissions.pinnedMaps", &permissions.pinned_maps)?;
        check_list("permissions.imports", &permissions.imports)
    }
}

impl fmt::Display for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            World::Command => "command",
            World::Plugin => "plugin",
        })
    }
}

/// Checks the name of a tool or of a BPF object: it becomes a file name when other clients pull
/// the image, so that it must not be a path.
pub(crate) fn check_name(what: &str, name: &str) -> Result<()> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    let valid = (1..=NAME_BYTES_MAX).contains(&name.len())
        && name.bytes().all(allowed)
        && !name.starts_with(['.', '-']);
    if valid {
        return Ok(());
    }
    let shown: String = name.chars().take(NAME_BYTES_MAX).collect();
    Err(Error::new(
        ErrorKind::InvalidInput,
        format!(
            "name {what} {shown:?}: a name is 1 to {NAME_BYTES_MAX} letters, digits, `.`, `_` or \
             `-`, and starts with neither `.` nor `-`"
        ),
    ))
}

fn check_text(field: &str, text: &str) -> Result<()> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(too_large(field, text.len(), TEXT_BYTES_MAX));
    }
    Ok(())
}

fn check_list(field: &str, list: &[String]) -> Result<()> {
    if list.len() > METADATA_LIST_MAX {
        return Err(too_large(field, list.len(), METADATA_LIST_MAX));
    }
    list.iter().try_for_each(|text| check_text(field, text))
}

fn too_large(field: &str, len: usize, max: usize) -> Error {
    Error::new(
        ErrorKind::TooLarge,
        format!("check metadata {field}: length {len}, at most {max}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_reads_back_as_it_was_written() {
        let mut metadata = Metadata::new("execsnoop", World::Plugin);
        metadata.description = "trace exec".into();
        metadata.objects = vec!["execsnoop".into()];
        metadata.arguments = vec!["--interval".into(), "1".into()];
        metadata.resources = Some(Resources {
            memory_bytes: Some(1 << 20),
        });
        metadata.kernel = Some(KernelNeeds {
            release_min: Some("5.8".into()),
            btf: true,
        });
        metadata.permissions = Some(Permissions {
            program_types: vec!["tracepoint".into()],
            ..Permissions::default()
        });
        assert_eq!(
            Metadata::parse(&metadata.to_json()).expect("valid"),
            metadata
        );
    }

    #[test]
    fn unknown_fields_are_ignored() {
        let text = br#"{"schemaVersion":1,"name":"x","world":"command","later":{"a":[1]}}"#;
        assert_eq!(
            Metadata::parse(text).expect("valid"),
            Metadata::new("x", World::Command)
        );
    }

    #[test]
    fn a_newer_schema_is_named_as_such() {
        let text = br#"{"schemaVersion":2,"name":{"en":"x"}}"#;
        let error = Metadata::parse(text).expect_err("newer");
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.to_string().contains("schema version 2"), "{error}");
    }

    #[test]
    fn fields_out_of_bounds_are_refused() {
        for text in [
            r#"{"schemaVersion":1,"name":"","world":"command"}"#.to_owned(),
            r#"{"schemaVersion":1,"name":"../x","world":"command"}"#.to_owned(),
            r#"{"schemaVersion":1,"name":"x","world":"other"}"#.to_owned(),
            r#"{"schemaVersion":1,"name":"x"}"#.to_owned(),
            r#"{"schemaVersion":1,"name":"x","world":"command","objects":["a/b"]}"#.to_owned(),
            format!(
                r#"{{"schemaVersion":1,"name":"x","world":"command","description":"{}"}}"#,
                "d".repeat(TEXT_BYTES_MAX + 1)
            ),
            format!(
                r#"{{"schemaVersion":1,"name":"x","world":"command","arguments":[{}"a"]}}"#,
                r#""a","#.repeat(METADATA_LIST_MAX)
            ),
            format!(r#"{{"schemaVersion":1,"name":"{}"}}"#, "n".repeat(1 << 20)),
        ] {
            let shown: String = text.chars().take(100).collect();
            assert!(Metadata::parse(text.as_bytes()).is_err(), "{shown}");
        }
    }
}
