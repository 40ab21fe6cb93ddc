//! `index.json` of a layout, which other tools write too.

use serde::Deserialize as _;
use serde_json::{Map, Value, json};

use crate::document::{Descriptor, from_json, to_json};
use crate::signature::is_signature_type;
use crate::{Error, ErrorKind, Reference, Result, annotation};

const MANIFESTS: &str = "manifests";

/// The list of images in a layout.
///
/// Entries are kept as they were read: one that is broken does not hide the others, and what other
/// tools wrote (fields unknown here) survives a change.
#[derive(Debug)]
pub(crate) struct IndexFile {
    /// All but the manifests.
    rest: Map<String, Value>,
    entries: Vec<Entry>,
}

/// One image of a layout.
#[derive(Debug)]
pub(crate) struct Entry {
    raw: Value,
    descriptor: std::result::Result<Descriptor, String>,
}

impl IndexFile {
    /// The index of a new layout.
    pub(crate) fn empty() -> Self {
        let mut rest = Map::new();
        rest.insert("schemaVersion".to_owned(), json!(2));
        rest.insert("mediaType".to_owned(), json!(crate::media_type::OCI_INDEX));
        Self {
            rest,
            entries: Vec::new(),
        }
    }

    pub(crate) fn parse(bytes: &[u8]) -> Result<Self> {
        let mut rest: Map<String, Value> = from_json("parse index.json", bytes)?;
        if rest.get("schemaVersion") != Some(&json!(2)) {
            return Err(Error::new(
                ErrorKind::Corrupt,
                "parse index.json: its schemaVersion is not 2",
            ));
        }
        let entries = match rest.remove(MANIFESTS) {
            Some(Value::Array(entries)) => entries.into_iter().map(Entry::new).collect(),
            None | Some(Value::Null) => Vec::new(),
            Some(_) => {
                let message = "parse index.json: its manifests are not a list";
                return Err(Error::new(ErrorKind::Corrupt, message));
            }
        };
        Ok(Self { rest, entries })
    }

    pub(crate) fn to_json(&self) -> Vec<u8> {
        let mut all = self.rest.clone();
        let entries = self.entries.iter().map(|entry| entry.raw.clone()).collect();
        all.insert(MANIFESTS.to_owned(), Value::Array(entries));
        to_json(&all)
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }

    /// Makes `reference` name `descriptor` and nothing else.
    pub(crate) fn set(&mut self, reference: &Reference, mut descriptor: Descriptor) {
        self.entries
            .retain(|entry| entry.reference().as_ref() != Some(reference));
        descriptor
            .annotations
            .insert(annotation::REF_NAME.to_owned(), reference.to_string());
        let raw = serde_json::to_value(&descriptor).expect("a descriptor has string keys only");
        self.entries.push(Entry {
            raw,
            descriptor: Ok(descriptor),
        });
    }

    /// Lists a manifest that is about an image, without a name; once.
    pub(crate) fn add_attachment(&mut self, descriptor: Descriptor) {
        let is_listed = self.entries.iter().any(|entry| {
            entry.is_attachment()
                && entry
                    .descriptor()
                    .is_ok_and(|own| own.digest == descriptor.digest)
        });
        if is_listed {
            return;
        }
        let raw = serde_json::to_value(&descriptor).expect("a descriptor has string keys only");
        self.entries.push(Entry {
            raw,
            descriptor: Ok(descriptor),
        });
    }

    /// Removes the entries for which `doomed` is true and returns them.
    pub(crate) fn remove(&mut self, doomed: impl Fn(&Entry) -> bool) -> Vec<Entry> {
        let (removed, kept) = std::mem::take(&mut self.entries)
            .into_iter()
            .partition(|entry| doomed(entry));
        self.entries = kept;
        removed
    }
}

impl Entry {
    fn new(raw: Value) -> Self {
        let descriptor = Descriptor::deserialize(&raw).map_err(|error| error.to_string());
        Self { raw, descriptor }
    }

    /// What the entry points to.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] when the entry is broken.
    pub(crate) fn descriptor(&self) -> Result<&Descriptor> {
        self.descriptor.as_ref().map_err(|reason| {
            let name = self.name().unwrap_or("without name");
            Error::new(
                ErrorKind::Corrupt,
                format!("parse entry {name:?} of index.json: {reason}"),
            )
        })
    }

    /// Whether it is no image but a signature of one. Such entries have no name.
    pub(crate) fn is_attachment(&self) -> bool {
        self.name().is_none()
            && self
                .raw
                .get("artifactType")
                .and_then(Value::as_str)
                .is_some_and(is_signature_type)
    }

    /// Whether `cosign save` marked it as the signatures of the image beside it.
    pub(crate) fn is_of_cosign(&self) -> bool {
        let annotations = self.raw.get("annotations");
        let kind = annotations.and_then(|all| all.get(annotation::COSIGN_KIND));
        kind.and_then(Value::as_str) == Some(annotation::COSIGN_KIND_SIGNATURES)
    }

    /// The name as it is written, also of a broken entry.
    pub(crate) fn name(&self) -> Option<&str> {
        self.raw
            .get("annotations")?
            .get(annotation::REF_NAME)?
            .as_str()
    }

    /// The name as a reference: `None` without a name, or when other tools gave it one that is no
    /// reference.
    pub(crate) fn reference(&self) -> Option<Reference> {
        Reference::parse(self.name()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reference(text: &str) -> Reference {
        Reference::parse(text).expect("valid")
    }

    #[test]
    fn fields_and_entries_of_other_tools_survive_a_change() {
        let text = br#"{"schemaVersion":2,"x-other":{"a":1},"manifests":[
            {"mediaType":"a/b","digest":"md5:../../x","size":-1,"y-other":true}]}"#;
        let mut index = IndexFile::parse(text).expect("the frame is valid");
        index.set(&reference("a"), Descriptor::of("a/b", b"x"));
        let again = IndexFile::parse(&index.to_json()).expect("written by us");
        assert_eq!(again.rest["x-other"]["a"], json!(1));
        assert_eq!(again.entries[0].raw["y-other"], json!(true));
        assert!(again.entries[0].descriptor().is_err());
        assert!(again.entries[1].descriptor().is_ok());
    }

    #[test]
    fn setting_a_name_replaces_every_entry_of_that_name() {
        let text = format!(
            r#"{{"schemaVersion":2,"manifests":[{0},{0}]}}"#,
            r#"{"annotations":{"org.opencontainers.image.ref.name":"a"}}"#
        );
        let mut index = IndexFile::parse(text.as_bytes()).expect("valid");
        index.set(&reference("a:latest"), Descriptor::of("a/b", b"x"));
        assert_eq!(index.entries().count(), 1);
    }

    #[test]
    fn what_is_no_index_is_refused() {
        for text in [
            "",
            "{}",
            "[]",
            "null",
            r#"{"schemaVersion":2"#,
            r#"{"schemaVersion":1}"#,
            r#"{"schemaVersion":2,"manifests":{}}"#,
        ] {
            let error = IndexFile::parse(text.as_bytes()).expect_err(text);
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{text}");
        }
    }
}
