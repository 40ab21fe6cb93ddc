//! Inspektor Gadget images without a WebAssembly part: data sources from the symbols of the object,
//! how they look from types and from `gadget.yaml`.

mod description;
mod marks;
mod readable;
mod shape;
mod sources;
mod types;
mod yaml;

use eunomia_host_abi::Target;
use eunomia_host_abi::kernel::map_type;
use eunomia_host_abi::target::IteratorTarget;
use serde_json::Value;

use marks::Mark;

use crate::bare;
use crate::error::{Error, Result};
use crate::facts::Facts;
use crate::options::{OptionSpec, Sets};
use crate::package::{Package, PackageKind};
use crate::plan::{About, MapChange, Plan};
use crate::variables::{self, Said};

/// The `gadget.yaml`, as a tree; empty when there is none.
#[derive(Clone, Debug, Default)]
pub struct Gadget {
    pub(crate) description: Value,
}

/// What `attach_to` says of a program that is not attached.
const NOT_ATTACHED: &str = "gadget_program_disabled";
/// Maps in which programs count what they lost end like this.
const LOST_SUFFIX: &str = "_lost_samples";

/// Read an image's object and `gadget.yaml`.
///
/// # Errors
/// When the object is none, or the text is no YAML that fits the bounds.
pub fn read(name: &str, elf: Vec<u8>, description: &[u8]) -> Result<Package> {
    crate::check_object(&elf)?;
    let description = yaml::parse(description)
        .and_then(|parsed| shape::check(&parsed).map(|()| parsed))
        .map_err(|error| error.within("gadget.yaml"))?;
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
        ..Plan::default()
    };
    let marks = marks::all(facts);
    plan.options = options(gadget, facts, &marks)?;
    plan.options.extend(filters(facts, &plan.options));
    plan.options = bare::with_host_options(facts, plan.options);
    for (option, usual) in OTHER_NAMES {
        add_name(&mut plan.options, option, usual);
    }
    let of_object = |name: &str| {
        let mut parameters = marks.iter();
        parameters.any(|mark| mark.kind == marks::Kind::Parameter && mark.rest == name)
    };
    let described = gadget.description.pointer("/params/ebpf");
    let described = described.and_then(Value::as_object).into_iter().flatten();
    plan.warnings.extend(
        described
            .filter(|(name, _)| !of_object(name))
            .map(|(name, _)| {
                format!("gadget.yaml: params.ebpf.{name}: the object has no such parameter")
            }),
    );
    plan.sources = sources::sources(facts, &gadget.description, &marks)?;
    let conditions = marks
        .iter()
        .filter(|mark| mark.kind == marks::Kind::Condition);
    plan.warnings.extend(conditions.map(|mark| {
        format!(
            "`{}` is not evaluated: maps and programs are used as they are",
            mark.text
        )
    }));
    if plan.sources.is_empty() {
        plan.warnings
            .push("the object names no data source: nothing will be shown".to_owned());
    }
    plan.map_changes = sizes(facts);
    let counters = facts
        .maps
        .iter()
        .filter(|map| map.name.ends_with(LOST_SUFFIX));
    plan.lost_counters
        .extend(counters.map(|map| map.name.clone()));
    for program in &facts.programs {
        if description::attach_to(&gadget.description, program) == Some(NOT_ATTACHED) {
            plan.targets.insert(program.name.clone(), Vec::new());
        } else if let Some(target) = description::target(&gadget.description, program)? {
            plan.targets.insert(program.name.clone(), vec![target]);
        }
    }
    for mark in marks
        .iter()
        .filter(|it| it.kind == marks::Kind::IteratorMap)
    {
        if let [program, map] = mark.parts()[..] {
            facts
                .map(map)
                .map_err(|error| error.within(format!("tag {}", mark.text)))?;
            let target = Target::Iterator(IteratorTarget::MapElements(map.to_owned()));
            plan.targets.insert(program.to_owned(), vec![target]);
        }
    }
    Ok(plan)
}

/// Entries of a map that leaves their number to the runner.
const ENTRIES_DEFAULT: u32 = 1024;

/// Sizes of hash maps that have none: the runner sets them, by a parameter called like the map if
/// there is one.
fn sizes(facts: &Facts) -> Vec<(String, MapChange)> {
    use map_type::{HASH, LRU_HASH, LRU_PERCPU_HASH, PERCPU_HASH};
    let kinds = [HASH, LRU_HASH, LRU_PERCPU_HASH, PERCPU_HASH];
    let unsized_maps = facts
        .maps
        .iter()
        .filter(|map| map.max_entries == 0 && kinds.contains(&map.map_type));
    unsized_maps
        .map(|map| {
            let parameter = format!("{}_max_entries", map.name);
            let global = facts.globals.iter().find(|it| it.info.name == parameter);
            let initial = global.and_then(|it| it.initial.as_deref()?.first_chunk::<4>());
            let entries = initial.map_or(ENTRIES_DEFAULT, |bytes| u32::from_ne_bytes(*bytes));
            let change = MapChange::MaxEntries(entries.max(1));
            (map.name.clone(), change)
        })
        .collect()
}

/// Variables that gadgets filter by, and the options for them.
const FILTERS: [(&str, &str, &str); 5] = [
    ("targ_pid", "pid", "Only this process"),
    ("targ_tid", "tid", "Only this thread"),
    ("targ_uid", "uid", "Only processes of this user"),
    ("targ_gid", "gid", "Only processes of this group"),
    ("targ_comm", "comm", "Only processes of this name"),
];
/// Whether namespaces are filtered, and the map of those that count.
const BY_NAMESPACE: &str = "gadget_filter_by_mntns";
const NAMESPACES: &str = "gadget_mntns_filter_map";

/// Options for what every gadget's filters are called, unless it says otherwise.
fn filters(facts: &Facts, own: &[OptionSpec]) -> Vec<OptionSpec> {
    let is_set = |wanted: &str| {
        own.iter()
            .any(|option| matches!(&option.sets, Sets::Global { name, .. } if name == wanted))
    };
    let is_free = |name: &str| !own.iter().any(|option| option.is_called(name));
    let mut options = Vec::new();
    for (variable, long, help) in FILTERS {
        let global = facts.globals.iter().find(|it| it.info.name == variable);
        let Some(global) = global.filter(|_| !is_set(variable) && is_free(long)) else {
            continue;
        };
        let said = Said {
            long: Some(long.to_owned()),
            help: Some(help.to_owned()),
            ..Said::default()
        };
        options.extend(variables::option(facts, global, &said));
    }
    if facts.map(NAMESPACES).is_ok() && is_free("mntns") {
        options.push(OptionSpec {
            long: "mntns".to_owned(),
            short: None,
            value: Some("INODE".to_owned()),
            default: None,
            initial: None,
            help: "Only processes in this mount namespace (`readlink /proc/PID/ns/mnt`); may be \
                   repeated"
                .to_owned(),
            sets: Sets::MountNamespace,
            required: false,
        });
    }
    options
}

/// Let only processes in these mount namespaces count; of none, all do.
pub(crate) fn filter(plan: &mut Plan, facts: &Facts, namespaces: &[u64]) -> Result<()> {
    if namespaces.is_empty() {
        return Ok(());
    }
    let map = facts.map(NAMESPACES)?;
    if map.key_size != 8 || !facts.globals.iter().any(|it| it.info.name == BY_NAMESPACE) {
        return Err(Error::new(format!(
            "map `{NAMESPACES}`: its keys are no numbers of inodes, or nothing asks for them"
        )));
    }
    plan.globals.push((BY_NAMESPACE.to_owned(), vec![1]));
    for inode in namespaces {
        let mut value = vec![0; map.value_size as usize];
        if let Some(first) = value.first_mut() {
            *first = 1;
        }
        let entry = (map.name.clone(), inode.to_ne_bytes().to_vec(), value);
        plan.entries.push(entry);
    }
    Ok(())
}

/// What gadgets' own runner calls options of ours.
const OTHER_NAMES: [(&str, &str); 2] = [("map-fetch-interval", "interval"), ("iface", "interface")];

/// Let an option have another name, too, where both are free.
fn add_name(options: &mut Vec<OptionSpec>, name: &str, usual: &str) {
    let of_host = options
        .iter()
        .find(|it| it.is_called(usual) && !it.is_own());
    if options.iter().any(|it| it.is_called(name)) {
        return;
    }
    if let Some(option) = of_host.cloned() {
        options.push(OptionSpec {
            long: name.to_owned(),
            help: format!("The same as --{usual}"),
            ..option
        });
    }
}

/// Options for the variables that the object calls parameters.
fn options(gadget: &Gadget, facts: &Facts, marks: &[Mark]) -> Result<Vec<OptionSpec>> {
    let mut options = Vec::new();
    for mark in marks.iter().filter(|it| it.kind == marks::Kind::Parameter) {
        let name = &mark.rest;
        let global = facts
            .globals
            .iter()
            .find(|it| it.info.name == *name)
            .ok_or_else(|| {
                Error::new(format!(
                    "symbol {}: the object has no variable `{name}`",
                    mark.text
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
            default: None,
            value: None,
        };
        let key = said.long.as_deref().unwrap_or(name);
        let preset = description::preset(&gadget.description, key);
        let default = preset.or_else(|| text("defaultValue"));
        let said = Said {
            default: default.filter(|default| !default.is_empty()),
            ..said
        };
        let required = text("isMandatory").as_deref() == Some("true");
        for mut option in variables::option(facts, global, &said) {
            option.required = required;
            options.push(option);
        }
    }
    Ok(options)
}
