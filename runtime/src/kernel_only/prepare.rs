//! From the bytes of an object to attached programs.

use eunomia_btf::{Btf, TypeId};
use eunomia_formats::MapChange;
use eunomia_host_abi::kernel::{
    Kernel, Link, MapSetting, Object, ProgramInfo, ProgramSetting, map_type,
};
use eunomia_host_abi::target::Section;
use eunomia_host_abi::{Error, ErrorKind, Result, Target, global_value};

use super::KernelTool;
use crate::settings::Settings;

/// A loaded object. Links go first, and with them everything is detached.
pub(super) struct Prepared {
    pub(super) links: Vec<Box<dyn Link>>,
    /// Loaded for as long as this lives.
    pub(super) _object: Box<dyn Object>,
}

/// Open the object, set what the plan and the operator say, load it.
pub(super) fn load(
    kernel: &dyn Kernel,
    tool: &KernelTool,
    settings: &Settings,
) -> Result<Box<dyn Object>> {
    let plan = &tool.plan;
    let mut object = kernel.open_object(&tool.name, &tool.elf)?;
    for (name, change) in &plan.map_changes {
        let setting = match change {
            MapChange::ValueSize(bytes) => MapSetting::ValueSize(*bytes),
            MapChange::MaxEntries(entries) => MapSetting::MaxEntries(*entries),
        };
        object.set_map(name, setting)?;
    }
    for (name, value) in &plan.globals {
        object.set_global(name, value)?;
    }
    for (name, text) in &settings.overrides.globals {
        set_by_text(&mut *object, name, text)?;
    }
    let programs = object.programs();
    for (name, targets) in settings.overrides.targets.iter().chain(&plan.targets) {
        check_program(&programs, name)?;
        for target in targets {
            match target {
                Target::Trace {
                    function: Some(function),
                    ..
                } => object.set_program(name, ProgramSetting::AttachTarget(function))?,
                Target::ProgramFunction {
                    program_id,
                    function,
                } => {
                    let other = format!("{program_id}:{function}");
                    object.set_program(name, ProgramSetting::AttachTarget(&other))?;
                }
                _ => {}
            }
        }
    }
    settings
        .policy
        .load(&tool.name, &programs, &object.maps())?;
    object.load()?;
    for (map, key, value) in &plan.entries {
        object.map(map)?.update(key, value, 0)?;
    }
    Ok(object)
}

fn set_by_text(object: &mut dyn Object, name: &str, text: &str) -> Result<()> {
    let globals = object.globals();
    let global = globals.iter().find(|it| it.name == name).ok_or_else(|| {
        Error::new(
            ErrorKind::NotFound,
            format!("set global `{name}` as the operator asked: no such variable"),
        )
    })?;
    let section = object.btf()?;
    let btf = Btf::parse(&section).map_err(|error| {
        Error::new(ErrorKind::InvalidArgument, "read the BTF of the object").with_source(error)
    })?;
    let value = global_value::parse(&btf, TypeId(global.type_id), text)
        .map_err(|error| error.for_global(name))?;
    object.set_global(name, &value)
}

fn check_program(programs: &[ProgramInfo], name: &str) -> Result<()> {
    if programs.iter().any(|program| program.name == name) {
        return Ok(());
    }
    let names: Vec<&str> = programs.iter().map(|program| &*program.name).collect();
    Err(Error::new(
        ErrorKind::NotFound,
        format!(
            "attach program `{name}`: the object has none of this name, but: {}",
            names.join(", ")
        ),
    ))
}

/// Attach every program that somebody says where: the operator, the plan, its section. All or
/// nothing.
pub(super) fn attach(
    object: &dyn Object,
    tool: &KernelTool,
    settings: &Settings,
) -> Result<Vec<Box<dyn Link>>> {
    let mut links = Vec::new();
    let mut lost: Vec<ProgramInfo> = Vec::new();
    for program in object.programs() {
        let chosen = settings.overrides.targets.get(&program.name);
        let chosen = chosen.or_else(|| tool.plan.targets.get(&program.name));
        if !program.autoload || !(program.autoattach || chosen.is_some()) {
            continue;
        }
        if links.len() >= settings.limits.links_max {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                format!("attach `{}`: too many programs", program.name),
            ));
        }
        if let Some(targets) = chosen {
            for target in targets {
                settings.policy.attach(&program, Some(target))?;
                links.push(object.attach(&program.name, Some(target))?);
            }
        } else if object.can_attach_by_section(&program.name) {
            settings.policy.attach(&program, None)?;
            links.push(object.attach(&program.name, None)?);
        } else if syntax(&program).is_some() {
            lost.push(program);
        }
    }
    for map in object.maps() {
        if map.map_type == map_type::STRUCT_OPS {
            links.push(object.attach_struct_ops(&map.name)?);
        }
    }
    told(&lost, links.is_empty())?;
    if links.is_empty() {
        tracing::warn!("nothing is attached: none of its programs runs by itself");
    }
    Ok(links)
}

/// Programs that nobody says where to attach: an error when there are no others. (Programs that
/// others call look like this as well.)
fn told(lost: &[ProgramInfo], nothing_attached: bool) -> Result<()> {
    let needs: Vec<String> = lost
        .iter()
        .map(|program| {
            let syntax = syntax(program).unwrap_or_default();
            format!("--attach {}={syntax}", program.name)
        })
        .collect();
    if needs.is_empty() {
        return Ok(());
    }
    if nothing_attached {
        return Err(Error::new(
            ErrorKind::InvalidArgument,
            format!(
                "nothing says where its programs are attached: {}",
                needs.join(", ")
            ),
        ));
    }
    tracing::warn!("not attached, for nothing says where: {}", needs.join(", "));
    Ok(())
}

fn syntax(program: &ProgramInfo) -> Option<&'static str> {
    Section::find(&program.section)?.target_syntax()
}
