//! YAML from events: bounded in size, depth and number of values, without aliases, which can make
//! gigabytes of a kilobyte. All scalars are text.

use saphyr_parser::{Event, Parser};
use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::limits::{YAML_BYTES_MAX, YAML_DEPTH_MAX, YAML_NODES_MAX};

/// A list or mapping that is not complete yet.
enum Open {
    List(Vec<Value>),
    /// With the key whose value is to come.
    Mapping(Map<String, Value>, Option<String>),
}

/// The first document of `bytes`; `null` when there is none.
pub(super) fn parse(bytes: &[u8]) -> Result<Value> {
    if bytes.len() > YAML_BYTES_MAX {
        return Err(Error::new(format!(
            "{} bytes, at most {YAML_BYTES_MAX}",
            bytes.len()
        )));
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|error| Error::new(format!("it is not UTF-8: {error}")))?;
    let mut open: Vec<Open> = Vec::new();
    let mut nodes = 0;
    for event in Parser::new_from_str(text) {
        let (event, _) = event.map_err(|error| Error::new(error.to_string()))?;
        nodes += 1;
        if nodes > YAML_NODES_MAX {
            return Err(Error::new(format!("more than {YAML_NODES_MAX} values")));
        }
        let complete = match event {
            Event::Alias(_) => return Err(Error::new("aliases (*name) are not read")),
            Event::SequenceStart(..) => {
                open.push(Open::List(Vec::new()));
                None
            }
            Event::MappingStart(..) => {
                open.push(Open::Mapping(Map::new(), None));
                None
            }
            Event::Scalar(text, ..) => Some(Value::String(text.into_owned())),
            Event::SequenceEnd | Event::MappingEnd => match open.pop() {
                Some(Open::List(list)) => Some(Value::Array(list)),
                Some(Open::Mapping(mapping, _)) => Some(Value::Object(mapping)),
                None => None,
            },
            Event::DocumentEnd => break,
            _ => None,
        };
        if open.len() > YAML_DEPTH_MAX {
            return Err(Error::new(format!("more than {YAML_DEPTH_MAX} levels")));
        }
        let Some(value) = complete else { continue };
        match open.last_mut() {
            None => return Ok(value),
            Some(Open::List(list)) => list.push(value),
            Some(Open::Mapping(mapping, key)) => match (key.take(), value) {
                (Some(key), _) if mapping.contains_key(&key) => {
                    return Err(Error::new(format!("the key `{key}` is there twice")));
                }
                (Some(key), value) => drop(mapping.insert(key, value)),
                (None, Value::String(name)) => *key = Some(name),
                (None, _) => return Err(Error::new("a key that is no text")),
            },
        }
    }
    Ok(Value::Null)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mappings_lists_and_scalars_are_read() {
        let value = parse(b"a:\n  b: [1, two]\n  c: 'x: y'\n").unwrap();
        assert_eq!(value.pointer("/a/b/1").unwrap(), "two");
        assert_eq!(value.pointer("/a/c").unwrap(), "x: y");
        assert_eq!(parse(b"").unwrap(), Value::Null);
    }

    #[test]
    fn hostile_texts_are_refused() {
        let deep = "[".repeat(YAML_DEPTH_MAX + 1);
        let many = "[".to_owned() + &"0,".repeat(YAML_NODES_MAX) + "0]";
        let laughs = "a: &a [x, x]\nb: [*a, *a]\n";
        let large = " ".repeat(YAML_BYTES_MAX + 1);
        for text in [
            &deep,
            &many,
            laughs,
            &large,
            "{[a]: b}",
            "\"",
            "a: b: c",
            "{a: b, a: c}",
        ] {
            let shown: String = text.chars().take(40).collect();
            assert!(parse(text.as_bytes()).is_err(), "{shown}");
        }
        assert!(parse(b"\xff").is_err());
    }
}
