//! The JSON schema of `ecli.toml`, by which editors complete and check it.

use std::path::Path;

use anyhow::Result;

use super::manifest::MANIFEST_FILE;
use super::{file, sdk};

/// The document: draft 7, which the editors' TOML plugins read.
pub(crate) const TEXT: &str = include_str!("../../../docs/ecli.schema.json");

/// Where a project has it, which a manifest names in a line `#:schema`. It comes from the ecli that
/// builds the project, so that editors know what that understands, without a network.
pub(super) const FILE: &str = ".ecli/ecli.schema.json";

/// Writes it into the project's folder, if the manifest names it.
pub(super) fn write_beside(project: &Path) -> Result<()> {
    if sdk::expects(project, MANIFEST_FILE, FILE) {
        file::write_if_changed(&project.join(FILE), TEXT.as_bytes())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::PathBuf;

    use clap::ValueEnum;
    use serde_json::Value;

    use super::*;
    use crate::project::manifest::{self, Language};
    use crate::project::{NewProject, Template};

    fn schema() -> Value {
        serde_json::from_str(TEXT).unwrap()
    }

    /// What the schema says of a manifest, with the part of JSON schema that it uses.
    fn judge(text: &str) -> Result<(), String> {
        let document: Value = toml::from_str(text).map_err(|error| error.to_string())?;
        judge_value(&schema(), &document)
    }

    fn judge_value(schema: &Value, value: &Value) -> Result<(), String> {
        for (key, rule) in schema.as_object().unwrap() {
            let holds = match (key.as_str(), value) {
                ("$schema" | "title" | "description" | "default" | "additionalProperties", _) => {
                    true
                }
                ("type", _) => rule.as_str().unwrap() == type_of(value),
                ("enum", _) => rule.as_array().unwrap().contains(value),
                ("pattern", Value::String(text)) => regex::Regex::new(rule.as_str().unwrap())
                    .unwrap()
                    .is_match(text),
                ("items", Value::Array(items)) => {
                    items.iter().try_for_each(|item| judge_value(rule, item))?;
                    true
                }
                ("properties", Value::Object(members)) => {
                    for (name, member) in members {
                        let known = rule
                            .get(name)
                            .ok_or_else(|| format!("unknown key {name}"))?;
                        judge_value(known, member).map_err(|error| format!("{name}: {error}"))?;
                    }
                    true
                }
                ("pattern" | "items" | "properties", _) => true,
                _ => panic!("this test does not know {key:?}"),
            };
            if !holds {
                return Err(format!("{value} is not: {key} {rule}"));
            }
        }
        Ok(())
    }

    fn type_of(value: &Value) -> &'static str {
        match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        }
    }

    /// A table of the manifest: its name (empty for the top) and what the schema has in it.
    fn tables(schema: &Value) -> Vec<(String, BTreeSet<String>)> {
        let mut tables = Vec::new();
        let mut add = |name: &str, table: &Value| {
            assert_eq!(table["additionalProperties"], false, "{name}");
            let members = table["properties"].as_object().unwrap();
            tables.push((name.to_owned(), members.keys().cloned().collect()));
        };
        add("", schema);
        for (name, member) in schema["properties"].as_object().unwrap() {
            if member["type"] == "object" {
                add(name, member);
            }
        }
        tables
    }

    /// What the parser says it expects in a table, of which it is shown a key that it cannot know.
    fn keys_of_parser(table: &str) -> BTreeSet<String> {
        let head = match table {
            "" => String::new(),
            name => format!("[{name}]\n"),
        };
        let said = manifest::parse(&format!("{head}no-such-key = 1")).unwrap_err();
        let said = said.to_string();
        let (_, expected) = said.split_once("expected ").unwrap();
        let names = expected.split('`').skip(1).step_by(2);
        names.map(str::to_owned).collect()
    }

    #[test]
    fn the_schema_has_the_keys_that_the_parser_knows() {
        let tables = tables(&schema());
        assert_eq!(tables.len(), 5);
        for (name, keys) in tables {
            assert_eq!(keys, keys_of_parser(&name), "[{name}]");
        }
    }

    #[test]
    fn the_schema_has_the_languages_that_the_parser_knows() {
        let known = Language::value_variants().iter();
        let known = known.map(|language| language.to_possible_value().unwrap());
        let known: Vec<String> = known.map(|value| value.get_name().to_owned()).collect();
        let schema = schema();
        let named = &schema["properties"]["guest"]["properties"]["language"]["enum"];
        assert_eq!(*named, serde_json::to_value(known).unwrap());
    }

    #[test]
    fn manifests_of_the_repository_and_of_new_projects_are_valid() {
        let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
        let mut manifests = vec![("documented".to_owned(), manifest::documented())];
        for folder in ["examples", "tests/guests", "bench"] {
            for entry in root.join(folder).read_dir().unwrap() {
                let path = entry.unwrap().path().join(MANIFEST_FILE);
                if let Ok(text) = std::fs::read_to_string(&path) {
                    manifests.push((path.display().to_string(), text));
                }
            }
        }
        for language in Language::value_variants() {
            let project = NewProject {
                name: "new",
                language: *language,
                template: Template::Tracepoint,
            };
            let files = project.files().unwrap();
            let text = |name: &str| {
                let mut files = files.iter();
                let found = files.find(|(path, _)| path == Path::new(name));
                found.unwrap().1.clone()
            };
            assert!(text(MANIFEST_FILE).starts_with(&format!("#:schema {FILE}\n")));
            assert_eq!(text(FILE), TEXT);
            manifests.push((format!("{language:?}"), text(MANIFEST_FILE)));
        }
        assert!(manifests.len() > 40, "{}", manifests.len());
        for (name, text) in manifests {
            assert_eq!(judge(&text), Ok(()), "{name}");
            assert!(manifest::parse(&text).is_ok(), "{name}");
        }
    }

    /// Every key with a value of every type: the schema takes what the parser takes.
    #[test]
    fn the_schema_and_the_parser_want_the_same_types() {
        let values = ["true", "1", "\"c\"", "[\"c\"]", "[1]", "[]", "{}", "1.5"];
        let schema = schema();
        for (table, keys) in tables(&schema) {
            for key in &keys {
                let is_table = table.is_empty() && schema["properties"][key]["type"] == "object";
                for value in values {
                    // Serde also takes an array of a table's values in their order.
                    if is_table && value.starts_with('[') {
                        continue;
                    }
                    let text = match &*table {
                        "" => format!("{key} = {value}"),
                        name => format!("[{name}]\n{key} = {value}"),
                    };
                    let parsed = manifest::parse(&text).is_ok();
                    // The parser leaves the text of a size to who reads it.
                    let is_size = (&*table, &**key) == ("resources", "memory");
                    let parsed = parsed && !is_size;
                    assert_eq!(judge(&text).is_ok(), parsed, "{text}");
                }
            }
        }
    }

    #[test]
    fn wrong_manifests_are_refused_by_both() {
        for text in [
            "nam = \"x\"",
            "[guest]\nlang = \"c\"",
            "[guest]\nlanguage = \"cobol\"",
            "[kernel]\nrelease_min = \"5.15\"",
            "[bpf]\nsources = \"x.bpf.c\"",
            "[guest]\nfreestanding = \"yes\"",
            "[other]",
            "guest = \"c\"",
        ] {
            assert!(judge(text).is_err(), "{text}");
            assert!(manifest::parse(text).is_err(), "{text}");
        }
        for (size, is_right) in [
            ("65536", true),
            ("64MiB", true),
            ("64 MiB", true),
            ("1g", true),
            ("", false),
            ("1TiB", false),
            ("1Mi", false),
            ("-1", false),
            ("1.5MiB", false),
        ] {
            let text = format!("[resources]\nmemory = {size:?}");
            assert_eq!(judge(&text).is_ok(), is_right, "{size}");
            assert_eq!(crate::size::parse(size).is_ok(), is_right, "{size}");
        }
    }
}
