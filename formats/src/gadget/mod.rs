//! Inspektor Gadget images without a WebAssembly part: data sources from the symbols of the object,
//! how they look from types and from `gadget.yaml`.

mod description;
mod sources;
mod types;
mod yaml;

use serde_json::Value;

use crate::error::{Error, Result};
use crate::facts::Facts;
use crate::options::OptionSpec;
use crate::package::{Package, PackageKind};
use crate::plan::{About, Plan};
use crate::variables::{self, Said};
use crate::{bare, places};

/// The `gadget.yaml`, as a tree; empty when there is none.
#[derive(Clone, Debug, Default)]
pub struct Gadget {
    pub(crate) description: Value,
}

/// Symbols that name the parameters of a gadget.
const PARAMETER: &str = "gadget_param_";
/// Maps in which programs count what they lost end like this.
const LOST_SUFFIX: &str = "_lost_samples";

/// Read an image's object and `gadget.yaml`.
///
/// # Errors
/// When the object is none, or the text is no YAML that fits the bounds.
pub fn read(name: &str, elf: Vec<u8>, description: &[u8]) -> Result<Package> {
    crate::check_object(&elf)?;
    let description = yaml::parse(description).map_err(|error| error.within("gadget.yaml"))?;
    Ok(Package {
        name: name.to_owned(),
        elf: elf.into(),
        kind: PackageKind::Gadget(Box::new(Gadget { description })),
    })
}

pub(crate) fn plan(name: &str, gadget: &Gadget, facts: &Facts) -> Result<Plan> {
    let text = |key: &str| {
        let value = gadget.description.get(key).and_then(Value::as_str);
        value.unwrap_or_default().to_owned()
    };
    let mut plan = Plan {
        about: About {
            name: name.to_owned(),
            brief: text("description"),
            details: [text("homepageURL"), text("documentationURL")]
                .join("\n")
                .trim()
                .to_owned(),
            version: String::new(),
        },
        options: bare::with_host_options(facts, options(gadget, facts)?),
        ..Plan::default()
    };
    plan.sources = sources::sources(facts, &gadget.description)?;
    if plan.sources.is_empty() {
        plan.warnings
            .push("the object names no data source: nothing will be shown".to_owned());
    }
    let counters = facts
        .maps
        .iter()
        .filter(|map| map.name.ends_with(LOST_SUFFIX));
    plan.lost_counters
        .extend(counters.map(|map| map.name.clone()));
    for program in &facts.programs {
        let chosen = description::chosen(&gadget.description, program)?;
        if let Some(target) = places::target(program, &chosen)? {
            plan.targets.insert(program.name.clone(), vec![target]);
        }
    }
    Ok(plan)
}

/// Options for the variables that symbols call parameters.
fn options(gadget: &Gadget, facts: &Facts) -> Result<Vec<OptionSpec>> {
    let mut options = Vec::new();
    for symbol in &facts.globals {
        let Some(name) = symbol.info.name.strip_prefix(PARAMETER) else {
            continue;
        };
        let global = facts
            .globals
            .iter()
            .find(|it| it.info.name == name)
            .ok_or_else(|| {
                Error::new(format!(
                    "symbol {PARAMETER}{name}: the object has no variable `{name}`"
                ))
            })?;
        let said = gadget.description.pointer(&format!("/params/ebpf/{name}"));
        let text = |key: &str| {
            let value = said?.get(key)?;
            match value {
                Value::String(text) => Some(text.clone()),
                Value::Null => None,
                other => Some(other.to_string()),
            }
        };
        let alias = text("alias").unwrap_or_default();
        let said = Said {
            long: text("key").filter(|key| !key.is_empty()),
            short: alias.chars().next().filter(|_| alias.chars().count() == 1),
            help: text("description"),
            default: text("defaultValue").filter(|default| !default.is_empty()),
            value: None,
        };
        let required = text("isMandatory").as_deref() == Some("true");
        for mut option in variables::option(facts, global, &said) {
            option.required = required;
            options.push(option);
        }
    }
    Ok(options)
}
