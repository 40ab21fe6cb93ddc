//! What of a `gadget.yaml` is a mapping and what is text, for what is read of it. What is not read
//! may be of any shape.

use serde_json::Value;

use crate::error::{Error, Result};

/// The shape of a value.
enum Shape {
    Text,
    /// With members whose names the format gives.
    Members(&'static [(&'static str, &'static Shape)]),
    /// With members whose names the author gives.
    Each(&'static Shape),
}

const ANNOTATIONS: Shape = Shape::Each(&Shape::Text);
const ANNOTATED: Shape = Shape::Members(&[("annotations", &ANNOTATIONS)]);
const DATA_SOURCE: Shape = Shape::Members(&[
    ("annotations", &ANNOTATIONS),
    ("fields", &Shape::Each(&ANNOTATED)),
]);
const PARAMETER: Shape = Shape::Members(&[
    ("key", &Shape::Text),
    ("alias", &Shape::Text),
    ("description", &Shape::Text),
    ("defaultValue", &Shape::Text),
    ("isMandatory", &Shape::Text),
]);
const PROGRAM: Shape = Shape::Members(&[
    ("attach_to", &Shape::Text),
    ("sampler", &Shape::Members(&[("frequency", &Shape::Text)])),
]);
const DESCRIPTION: Shape = Shape::Members(&[
    ("name", &Shape::Text),
    ("description", &Shape::Text),
    ("homepageURL", &Shape::Text),
    ("documentationURL", &Shape::Text),
    ("annotations", &ANNOTATIONS),
    ("datasources", &Shape::Each(&DATA_SOURCE)),
    ("params", &Shape::Each(&Shape::Each(&PARAMETER))),
    ("paramDefaults", &Shape::Each(&Shape::Text)),
    ("programs", &Shape::Each(&PROGRAM)),
]);

/// Refuse what is of another shape, by its name: `datasources.open.fields: it is a list`.
pub(super) fn check(description: &Value) -> Result<()> {
    check_value(description, &DESCRIPTION)
}

fn check_value(value: &Value, shape: &Shape) -> Result<()> {
    // All scalars are text here; an empty one is how YAML says that there is nothing.
    let is_nothing = |value: &Value| {
        value.is_null() || matches!(value.as_str(), Some("" | "~" | "null" | "Null" | "NULL"))
    };
    let found = match value {
        Value::Array(_) => "a list",
        Value::Object(_) => "a mapping",
        _ => "a text or number",
    };
    match (shape, value) {
        _ if is_nothing(value) => Ok(()),
        (Shape::Text, Value::Array(_) | Value::Object(_)) => {
            Err(Error::new(format!("it is {found}, not a text or number")))
        }
        (Shape::Text, _) => Ok(()),
        (Shape::Members(members), Value::Object(mapping)) => members
            .iter()
            .filter_map(|(name, shape)| Some((name, mapping.get(*name)?, shape)))
            .try_for_each(|(name, value, shape)| {
                check_value(value, shape).map_err(|error| error.within(*name))
            }),
        (Shape::Each(shape), Value::Object(mapping)) => {
            mapping.iter().try_for_each(|(name, value)| {
                check_value(value, shape).map_err(|error| error.within(name.as_str()))
            })
        }
        _ => Err(Error::new(format!("it is {found}, not a mapping"))),
    }
}

#[cfg(test)]
mod tests {
    use super::super::yaml;
    use super::*;

    fn checked(text: &str) -> Result<()> {
        check(&yaml::parse(text.as_bytes()).unwrap())
    }

    #[test]
    fn what_is_of_another_shape_is_named() {
        for (text, names) in [
            ("datasources: 7", &["datasources", "not a mapping"][..]),
            ("params: x", &["params"]),
            ("programs: [1]", &["programs", "a list"]),
            (
                "datasources: {a: {fields: [b]}}",
                &["datasources", "a", "fields"],
            ),
            (
                "params: {ebpf: {p: {key: [k]}}}",
                &["ebpf", "p", "key", "a list"],
            ),
            ("programs: {p: {sampler: 9}}", &["sampler"]),
            ("[a]", &["a list"]),
            ("name: {a: b}", &["name", "a mapping"]),
        ] {
            let said = format!("{}", checked(text).unwrap_err());
            for name in names {
                assert!(said.contains(name), "{text}: {said}");
            }
        }
    }

    #[test]
    fn nothing_and_what_is_not_read_may_be_anything() {
        for text in [
            "",
            "datasources:\nparams: ~\n",
            "name: x\nother: [1, {a: b}]\n",
            "datasources: {a: {fields: {b: {annotations: {columns.width: 7}, attributes: []}}}}",
            "params: {ebpf: {p: {key: k, possibleValues: [1, 2]}}}",
        ] {
            checked(text).unwrap();
        }
    }
}
