//! From a package's description to a plan.

use std::time::Duration;

use eunomia_btf::{Definition, Kind, TypeId};
use eunomia_host_abi::kernel::{MapInfo, map_type};
use serde_json::Value;

use super::schema::{CustomMember, ExportType, Map, Meta, Sample, Variable};
use super::{Eunomia, targets};
use crate::error::{Error, Result};
use crate::facts::{self, Facts};
use crate::limits::{INTERVAL_MAX, INTERVAL_MIN, LIST_MAX};
use crate::options::OptionSpec;
use crate::plan::{About, Plan, Source, SourceKind};
use crate::rows;
use crate::variables::{self, Said};
use crate::{bare, places, sources};

/// What upstream calls the unit of a histogram that has none.
const NO_UNIT: &str = "(unit)";

/// The plan of a package called `name`.
pub(crate) fn plan(name: &str, package: &Eunomia, facts: &Facts) -> Result<Plan> {
    let meta = &package.meta;
    let doc = &meta.bpf_skel.doc;
    let mut plan = Plan {
        about: About {
            name: name.to_owned(),
            brief: doc.brief.clone(),
            details: [&*doc.description, &*doc.details]
                .join("\n")
                .trim()
                .to_owned(),
            version: doc.version.clone(),
        },
        ..Plan::default()
    };
    plan.options = bare::with_host_options(facts, options(meta, facts, &mut plan.warnings)?);
    for program in &meta.bpf_skel.progs {
        let Some(info) = facts.programs.iter().find(|it| it.name == program.name) else {
            return Err(Error::new(format!(
                "meta.bpf_skel.progs: the object has no program `{}`",
                program.name
            )));
        };
        if !program.link {
            plan.targets.insert(program.name.clone(), Vec::new());
            continue;
        }
        let chosen = targets::chosen(program, info)?;
        if let Some(target) = places::target(info, &chosen)? {
            plan.targets.insert(program.name.clone(), vec![target]);
        }
    }
    let exported = exported_type(meta, facts)?;
    // Maps of global variables are listed, too.
    let declared = meta
        .bpf_skel
        .maps
        .iter()
        .filter(|map| !map.name.contains('.'));
    for map in declared {
        let info = facts
            .map(&map.name)
            .map_err(|error| error.within("meta.bpf_skel.maps"))?;
        if let Some(source) = source(meta, facts, map, info, exported, &mut plan.warnings)
            .map_err(|error| error.within(format!("meta.bpf_skel.maps[{}]", map.name)))?
        {
            plan.sources.push(source);
        }
    }
    plan.sources.extend(bare::iterators(facts));
    Ok(plan)
}

fn options(meta: &Meta, facts: &Facts, warnings: &mut Vec<String>) -> Result<Vec<OptionSpec>> {
    let mut options = Vec::new();
    for section in &meta.bpf_skel.data_sections {
        for variable in &section.variables {
            let field = format!(
                "meta.bpf_skel.data_sections[{}].variables[{}]",
                section.name, variable.name
            );
            let found = facts
                .globals
                .iter()
                .find(|it| it.info.name == variable.name);
            let Some(global) = found else {
                warnings.push(format!("{field}: the object has no such variable"));
                continue;
            };
            let said = said(variable).map_err(|error| error.within(&field))?;
            options.extend(variables::option(facts, global, &said));
        }
    }
    Ok(options)
}

fn said(variable: &Variable) -> Result<Said> {
    let argument = &variable.cmdarg;
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    };
    let mut letters = argument.short.as_deref().unwrap_or_default().chars();
    let short = letters.next();
    if letters.next().is_some() {
        return Err(Error::new("cmdarg.short: more than one character"));
    }
    Ok(Said {
        long: argument.long.clone().filter(|long| !long.is_empty()),
        short,
        help: argument
            .help
            .clone()
            .or_else(|| variable.description.clone()),
        default: argument.default.as_ref().and_then(text),
        value: variable.value.as_ref().and_then(text),
    })
}

/// The one type that all buffers export, checked against the object's types.
fn exported_type(meta: &Meta, facts: &Facts) -> Result<Option<TypeId>> {
    if meta.enable_multiple_export_types || meta.export_types.is_empty() {
        return Ok(None);
    }
    if meta.export_types.len() > 1 {
        return Err(Error::new(format!(
            "meta.export_types: {} types, but enable_multiple_export_types is not set",
            meta.export_types.len()
        )));
    }
    meta.export_types
        .first()
        .map(|it| checked(it, facts))
        .transpose()
}

fn checked(exported: &ExportType, facts: &Facts) -> Result<TypeId> {
    let field = format!("meta.export_types[{}]", exported.name);
    let within = |error: Error| error.within(&field);
    let btf = facts.btf().map_err(within)?;
    let by_id = exported
        .type_id
        .map(TypeId)
        .and_then(|id| btf.resolve(id).ok());
    let by_id = by_id.filter(|ty| ty.name() == exported.name);
    let ty = match by_id {
        Some(ty) => ty,
        None => btf
            .find(&exported.name, Kind::Struct)
            .or_else(|_| btf.find_data(&exported.name))
            .map_err(|error| within(error.into()))?,
    };
    let size = btf.size_of(ty.id()).map_err(|error| within(error.into()))?;
    if exported.size.is_some_and(|said| said != u64::from(size)) {
        return Err(within(Error::new(format!(
            "size: {} bytes, the object's BTF says {size}",
            exported.size.unwrap_or_default()
        ))));
    }
    let (Definition::Struct(composite) | Definition::Union(composite)) = ty.definition() else {
        return Err(within(Error::new("it is no struct")));
    };
    for member in &exported.members {
        let known = composite
            .members()
            .flatten()
            .any(|it| it.name == member.name);
        if !known {
            return Err(within(Error::new(format!(
                "members[{}]: the object's BTF has no such member",
                member.name
            ))));
        }
    }
    Ok(ty.id())
}

/// What is shown of a map, if anything is.
fn source(
    meta: &Meta,
    facts: &Facts,
    map: &Map,
    info: &MapInfo,
    exported: Option<TypeId>,
    warnings: &mut Vec<String>,
) -> Result<Option<Source>> {
    let config = match meta.enable_multiple_export_types {
        true => config(map)?,
        false => Config::Default,
    };
    if config == Config::Nothing {
        return Ok(None);
    }
    if let Some(sample) = &map.sample {
        return sampled(facts, info, sample, &config).map(Some);
    }
    if !facts::is_buffer(info) {
        return Ok(None);
    }
    if let Some(stack) = map.intepreter.as_ref().and_then(|it| it.get("stack_trace")) {
        return stacks(facts, info, exported, stack).map(Some);
    }
    let ty = match config {
        Config::Type(ty) => Some(ty),
        Config::Members(members) => {
            let (table, shape) = rows::of_members(facts.btf()?, &info.name, &members, true)?;
            return Ok(Some(sources::source(
                &info.name,
                table,
                SourceKind::Events(shape),
            )));
        }
        _ => exported.or(facts::value_type(info).filter(|_| info.key_size == 0)),
    };
    if ty.is_none() {
        warnings.push(format!(
            "meta.export_types: it does not say what the records of `{}` are; they are not shown",
            info.name
        ));
        return Ok(None);
    }
    sources::events(facts, info, ty).map(Some)
}

/// `export_config`.
#[derive(Debug, PartialEq)]
enum Config {
    Nothing,
    Default,
    Type(TypeId),
    Members(Vec<rows::NamedMember>),
}

fn config(map: &Map) -> Result<Config> {
    let wrong = |what: String| Error::new(format!("export_config: {what}"));
    match &map.export_config {
        None | Some(Value::Null) => Ok(Config::Default),
        Some(Value::String(text)) if text == "no_export" => Ok(Config::Nothing),
        Some(Value::String(text)) if text == "default" => Ok(Config::Default),
        Some(Value::Object(object)) => {
            if let Some(id) = object.get("btf_type_id") {
                let id = id.as_u64().and_then(|id| u32::try_from(id).ok());
                let id = id.ok_or_else(|| wrong("btf_type_id is no type number".to_owned()))?;
                return Ok(Config::Type(TypeId(id)));
            }
            let members = object.get("custom_members").cloned().unwrap_or_default();
            let members: Vec<CustomMember> = serde_json::from_value(members)
                .map_err(|error| wrong(format!("custom_members: {error}")))?;
            if members.is_empty() || members.len() > LIST_MAX {
                return Err(wrong(format!("custom_members: {} of them", members.len())));
            }
            for (index, member) in members.iter().enumerate() {
                let is_taken = members[..index].iter().any(|it| it.name == member.name);
                if member.name.is_empty() || is_taken {
                    let what = if is_taken { "twice" } else { "empty" };
                    return Err(wrong(format!(
                        "custom_members[{index}].name: {:?} is {what}",
                        member.name
                    )));
                }
            }
            let member = |it: CustomMember| rows::NamedMember {
                name: it.name,
                ty: TypeId(it.btf_type_id),
                offset: it.offset,
            };
            Ok(Config::Members(members.into_iter().map(member).collect()))
        }
        Some(other) => Err(wrong(format!("{other} is not known"))),
    }
}

/// A map that is shown at intervals.
fn sampled(facts: &Facts, info: &MapInfo, sample: &Sample, config: &Config) -> Result<Source> {
    let interval = Duration::from_millis(sample.interval);
    if !(INTERVAL_MIN..=INTERVAL_MAX).contains(&interval) {
        return Err(Error::new(format!(
            "sample.interval: {} ms, not between {INTERVAL_MIN:?} and {INTERVAL_MAX:?}",
            sample.interval
        )));
    }
    let value = match config {
        Config::Type(ty) => Some(*ty),
        _ => None,
    };
    if !facts::is_listed(info) {
        return Err(Error::new(format!(
            "sample: a map of type {} cannot be sampled",
            info.type_name
        )));
    }
    if sample.clear_map && info.map_type == map_type::LPM_TRIE {
        return Err(Error::new(format!(
            "sample.clear_map: the kernel does not remove entries of a map of type {} while they \
             are read",
            info.type_name
        )));
    }
    let (mut table, layout) = rows::of_entries(facts, info, value)?;
    let histogram = match sample.kind.as_deref() {
        None | Some("default_kv") => None,
        Some("log2_hist") => Some("log2"),
        Some("linear_hist") => Some("linear"),
        Some(other) => {
            return Err(Error::new(format!("sample.type: {other:?} is not known")));
        }
    };
    if let Some(kind) = histogram {
        let field = rows::slots(&table)
            .ok_or_else(|| Error::new("sample.type: the value has no array `slots`"))?;
        rows::hint(&mut table, &field, "histogram", kind);
        let unit = sample.unit.as_deref().filter(|unit| *unit != NO_UNIT);
        if let Some(unit) = unit {
            let unit = unit.trim_start_matches('(').trim_end_matches(')');
            rows::hint(&mut table, &field, "unit", unit);
        }
    }
    let kind = SourceKind::Entries {
        layout,
        interval,
        clear: sample.clear_map,
    };
    Ok(sources::source(&info.name, table, kind))
}

/// Records that hold stacks.
fn stacks(
    facts: &Facts,
    info: &MapInfo,
    exported: Option<TypeId>,
    stack: &Value,
) -> Result<Source> {
    const FIELDS: [&str; 7] = [
        "pid",
        "cpu_id",
        "comm",
        "kstack_sz",
        "ustack_sz",
        "kstack",
        "ustack",
    ];
    let wrong = |what: &str| Error::new(format!("intepreter.stack_trace: {what}"));
    let ty = exported
        .or(facts::value_type(info))
        .ok_or_else(|| wrong("no exported type says what the records are"))?;
    let btf = facts.btf()?;
    let (Definition::Struct(composite) | Definition::Union(composite)) =
        btf.resolve(ty)?.definition()
    else {
        return Err(wrong("the exported type is no struct"));
    };
    let mut members = Vec::new();
    for field in FIELDS {
        let own = stack
            .pointer(&format!("/field_map/{field}"))
            .and_then(Value::as_str);
        let own = own.unwrap_or(field);
        let member = composite
            .members()
            .flatten()
            .find(|it| it.name == own)
            .ok_or_else(|| wrong(&format!("field_map.{field}: no member `{own}`")))?;
        let eunomia_btf::Place::Byte { offset } = member.place else {
            return Err(wrong(&format!("field_map.{field}: it is a bit field")));
        };
        members.push(rows::NamedMember {
            name: field.to_owned(),
            ty: member.ty,
            offset,
        });
    }
    let (mut table, shape) = rows::of_members(btf, &info.name, &members, true)?;
    if stack.get("with_symbols").and_then(Value::as_bool) != Some(false) {
        rows::hint(&mut table, "kstack", rows::FORMAT, "kernel-stack");
        rows::hint(&mut table, "ustack", rows::FORMAT, "user-stack");
        rows::hint(&mut table, "ustack", "pid", "pid");
    }
    for size in ["kstack_sz", "ustack_sz"] {
        rows::hint(&mut table, size, "hidden", "true");
    }
    Ok(sources::source(
        &info.name,
        table,
        SourceKind::Events(shape),
    ))
}
