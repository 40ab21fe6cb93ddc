//! The JSON document. What is not used is not read: packages of other versions have more.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::error::{Error, Result};
use crate::limits::LIST_MAX;

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Document {
    pub(super) bpf_object: String,
    pub(super) bpf_object_size: u64,
    #[serde(deserialize_with = "object")]
    pub(super) meta: Meta,
}

/// What to do with the object.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Meta {
    #[serde(deserialize_with = "object_or_empty")]
    pub(super) bpf_skel: Skeleton,
    #[serde(deserialize_with = "or_empty")]
    pub(super) export_types: Vec<ExportType>,
    #[serde(deserialize_with = "or_empty")]
    pub(super) enable_multiple_export_types: bool,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Skeleton {
    #[serde(deserialize_with = "or_empty")]
    pub(super) obj_name: String,
    #[serde(deserialize_with = "or_empty")]
    pub(super) doc: Doc,
    #[serde(deserialize_with = "or_empty")]
    pub(super) data_sections: Vec<DataSection>,
    #[serde(deserialize_with = "or_empty")]
    pub(super) maps: Vec<Map>,
    #[serde(deserialize_with = "or_empty")]
    pub(super) progs: Vec<Program>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Doc {
    #[serde(deserialize_with = "or_empty")]
    pub(super) version: String,
    #[serde(deserialize_with = "or_empty")]
    pub(super) brief: String,
    #[serde(deserialize_with = "or_empty")]
    pub(super) details: String,
    #[serde(deserialize_with = "or_empty")]
    pub(super) description: String,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct DataSection {
    pub(super) name: String,
    #[serde(default, deserialize_with = "or_empty")]
    pub(super) variables: Vec<Variable>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Variable {
    pub(super) name: String,
    #[serde(default)]
    pub(super) value: Option<Value>,
    #[serde(default)]
    pub(super) description: Option<String>,
    #[serde(default, deserialize_with = "or_empty")]
    pub(super) cmdarg: CommandArgument,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct CommandArgument {
    pub(super) default: Option<Value>,
    pub(super) long: Option<String>,
    pub(super) short: Option<String>,
    pub(super) help: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Map {
    pub(super) name: String,
    #[serde(default)]
    pub(super) sample: Option<Sample>,
    #[serde(default)]
    pub(super) export_config: Option<Value>,
    /// The misspelling is the format's.
    #[serde(default, alias = "interpreter")]
    pub(super) intepreter: Option<Value>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Sample {
    #[serde(default = "a_second")]
    pub(super) interval: u64,
    #[serde(default, rename = "type")]
    pub(super) kind: Option<String>,
    #[serde(default)]
    pub(super) unit: Option<String>,
    #[serde(default)]
    pub(super) clear_map: bool,
}

fn a_second() -> u64 {
    1000
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Program {
    pub(super) name: String,
    #[serde(default = "yes")]
    pub(super) link: bool,
    #[serde(flatten)]
    pub(super) extra: BTreeMap<String, Value>,
}

fn yes() -> bool {
    true
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct ExportType {
    pub(super) name: String,
    #[serde(default)]
    pub(super) size: Option<u64>,
    #[serde(default)]
    pub(super) type_id: Option<u32>,
    #[serde(default, deserialize_with = "or_empty")]
    pub(super) members: Vec<ExportMember>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct ExportMember {
    pub(super) name: String,
}

/// A member of `custom_members`.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct CustomMember {
    pub(super) name: String,
    pub(super) offset: u32,
    pub(super) btf_type_id: u32,
}

pub(super) fn parse(json: &[u8]) -> Result<Document> {
    // serde_json refuses more than 128 levels by itself.
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let document: Document =
        serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
            let path = error.path().to_string();
            let reason = error.into_inner();
            // What is said of the document as a whole.
            let field = if path == "." {
                ""
            } else {
                &format!("{path}: ")
            };
            Error::new(format!("this is no eunomia package: {field}{reason}"))
        })?;
    let end = deserializer.end();
    end.map_err(|error| Error::new(format!("this is no eunomia package: {error}")))?;
    let skeleton = &document.meta.bpf_skel;
    let variables = skeleton.data_sections.iter().map(|it| it.variables.len());
    let members = document.meta.export_types.iter().map(|it| it.members.len());
    for (field, count) in [
        ("meta.bpf_skel.data_sections", variables.max().unwrap_or(0)),
        ("meta.bpf_skel.data_sections", skeleton.data_sections.len()),
        ("meta.bpf_skel.maps", skeleton.maps.len()),
        ("meta.bpf_skel.progs", skeleton.progs.len()),
        ("meta.export_types", document.meta.export_types.len()),
        ("meta.export_types", members.max().unwrap_or(0)),
    ] {
        if count > LIST_MAX {
            return Err(Error::new(format!(
                "{field}: {count} entries, at most {LIST_MAX}"
            )));
        }
    }
    Ok(document)
}

/// An object of JSON: serde takes a list for a struct, too.
fn object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> std::result::Result<T, D::Error> {
    struct Object<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for Object<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> std::result::Result<T, A::Error> {
            T::deserialize(MapAccessDeserializer::new(map))
        }
    }

    deserializer.deserialize_any(Object(PhantomData))
}

/// The same, or `null`.
fn object_or_empty<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> std::result::Result<T, D::Error> {
    #[derive(Deserialize)]
    #[serde(bound = "T: Deserialize<'de>", transparent)]
    struct Only<T>(#[serde(deserialize_with = "object")] T);

    let object: Option<Only<T>> = Option::deserialize(deserializer)?;
    Ok(object.map(|only| only.0).unwrap_or_default())
}

/// `null` is written for what is empty.
fn or_empty<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> std::result::Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
