//! What an object declares: programs, maps, global variables and types.

use std::sync::Arc;

use eunomia_btf::{Btf, Definition, Linkage};
use eunomia_host_abi::kernel::{GlobalInfo, MapInfo, ProgramInfo};
use eunomia_host_abi::{Error, ErrorKind, Result};
use libbpf_rs::{OpenMap, OpenObject, OpenProgram};

use super::inner_map::InnerTemplate;
use super::map_fd::user_value_size;
use super::raw;

/// Sections of global variables whose map libbpf names after the object.
const DATA_SECTIONS: [&str; 4] = [".rodata", ".data", ".bss", ".kconfig"];

/// What is known of an object. Programs and maps are in the order of libbpf.
#[derive(Debug)]
pub(super) struct Catalog {
    pub(super) programs: Vec<ProgramInfo>,
    pub(super) maps: Vec<DeclaredMap>,
    pub(super) globals: Vec<Global>,
    pub(super) btf: Option<Arc<[u8]>>,
}

/// A map as the object declares it.
#[derive(Debug)]
pub(super) struct DeclaredMap {
    pub(super) info: MapInfo,
    /// What libbpf calls it: with a prefix for global data.
    pub(super) libbpf_name: String,
    pub(super) inner: Option<InnerTemplate>,
    /// What was declared, of a perf event array in the place of a ring buffer.
    pub(super) stands_for_ring: Option<MapInfo>,
}

/// A global variable, and where it is.
#[derive(Debug)]
pub(super) struct Global {
    pub(super) info: GlobalInfo,
    /// The map that holds it, by place in [`Catalog::maps`].
    pub(super) map: usize,
}

impl Catalog {
    pub(super) fn of(object: &OpenObject, name: &str, possible_cpus: u32) -> Result<Self> {
        let btf = raw::object_btf(object);
        let programs = object
            .progs()
            .map(|program| program_info(&program))
            .collect();
        let maps: Vec<_> = object
            .maps()
            .map(|map| declared_map(&map, possible_cpus))
            .collect();
        let globals = match &btf {
            Some(btf) => globals(btf, &maps, name)?,
            None => Vec::new(),
        };
        Ok(Self {
            programs,
            maps,
            globals,
            btf: btf.map(Arc::from),
        })
    }

    /// The place of a program in `programs`.
    pub(super) fn program(&self, name: &str) -> Result<usize> {
        self.programs
            .iter()
            .position(|program| program.name == name)
            .ok_or_else(|| not_found("program", name))
    }

    /// The place of a map in `maps`.
    pub(super) fn map(&self, name: &str) -> Result<usize> {
        self.maps
            .iter()
            .position(|map| map.info.name == name)
            .ok_or_else(|| not_found("map", name))
    }

    pub(super) fn global(&self, name: &str) -> Result<&Global> {
        self.globals
            .iter()
            .find(|global| global.info.name == name)
            .ok_or_else(|| not_found("global variable", name))
    }
}

fn not_found(what: &str, name: &str) -> Error {
    Error::new(
        ErrorKind::NotFound,
        format!("{what} `{name}`: the object has none of this name"),
    )
}

fn program_info(program: &OpenProgram<'_>) -> ProgramInfo {
    let program_type = raw::program_type(program);
    let section = program.section().to_string_lossy().into_owned();
    ProgramInfo {
        name: program.name().to_string_lossy().into_owned(),
        attach_target: attach_target(program_type, &section),
        section,
        program_type,
        type_name: raw::program_type_name(program_type),
        attach_type: raw::program_attach_type(program),
        autoload: program.autoload(),
        autoattach: raw::program_autoattach(program),
        id: 0,
    }
}

fn declared_map(map: &OpenMap<'_>, possible_cpus: u32) -> DeclaredMap {
    let declaration = raw::map_declaration(map);
    let libbpf_name = map.name().to_string_lossy().into_owned();
    let value_size = map.value_size();
    let user_value_size = user_value_size(
        declaration.map_type,
        value_size as usize,
        possible_cpus as usize,
    );
    DeclaredMap {
        info: MapInfo {
            name: public_name(&libbpf_name, declaration.internal),
            map_type: declaration.map_type,
            type_name: raw::map_type_name(declaration.map_type),
            key_size: map.key_size(),
            value_size,
            user_value_size: u32::try_from(user_value_size).unwrap_or(u32::MAX),
            max_entries: map.max_entries(),
            map_flags: map.map_flags(),
            key_type_id: declaration.key_type_id,
            value_type_id: declaration.value_type_id,
            map_extra: declaration.map_extra,
            pin_name: declaration.pin_path.as_deref().map(pin_name),
            frozen: false,
            id: 0,
        },
        libbpf_name,
        inner: raw::inner_map(map).map(InnerTemplate::new),
        stands_for_ring: None,
    }
}

/// Maps of global data go by the name of their section; libbpf puts the start of the object's name
/// in front of some.
fn public_name(libbpf_name: &str, internal: bool) -> String {
    DATA_SECTIONS
        .into_iter()
        .filter(|_| internal && !libbpf_name.starts_with('.'))
        .find(|section| libbpf_name.ends_with(section))
        .unwrap_or(libbpf_name)
        .to_owned()
}

/// `fentry/do_unlinkat` is verified against `do_unlinkat`.
fn attach_target(program_type: u32, section: &str) -> String {
    let typed = matches!(
        program_type,
        libbpf_sys::BPF_PROG_TYPE_TRACING
            | libbpf_sys::BPF_PROG_TYPE_LSM
            | libbpf_sys::BPF_PROG_TYPE_EXT
    );
    match section.split_once('/') {
        Some((_, function)) if typed => function.to_owned(),
        _ => String::new(),
    }
}

/// The last part of the path where a map is pinned.
fn pin_name(path: &str) -> String {
    path.rsplit('/').next().unwrap_or(path).to_owned()
}

fn globals(btf: &[u8], maps: &[DeclaredMap], object: &str) -> Result<Vec<Global>> {
    let btf = Btf::parse(btf).map_err(|error| {
        Error::new(
            ErrorKind::InvalidArgument,
            format!("open object `{object}`: parse its BTF"),
        )
        .with_source(error)
    })?;
    let mut globals = Vec::new();
    for section in btf.types() {
        let Definition::DataSection(variables) = section.definition() else {
            continue;
        };
        let name = section.name();
        let Some(map) = maps.iter().position(|map| map.info.name == name) else {
            continue;
        };
        if name == ".kconfig" {
            continue;
        }
        for place in variables.variables() {
            let Some(variable) = btf.get(place.variable) else {
                continue;
            };
            let Definition::Variable(definition) = variable.definition() else {
                continue;
            };
            // The place of a static variable is not in the ELF file's symbols.
            if definition.linkage == Linkage::Static {
                continue;
            }
            let end = place.offset.checked_add(place.size);
            if end.is_none_or(|end| end > maps[map].info.value_size) {
                return Err(Error::new(
                    ErrorKind::InvalidArgument,
                    format!(
                        "open object `{object}`: variable `{}` lies outside of its section {name}",
                        variable.name()
                    ),
                ));
            }
            globals.push(Global {
                info: GlobalInfo {
                    name: variable.name().to_owned(),
                    section: name.to_owned(),
                    offset: place.offset,
                    size: place.size,
                    type_id: definition.ty.0,
                    constant: name.starts_with(".rodata"),
                },
                map,
            });
        }
    }
    Ok(globals)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_of_global_data_go_by_their_section() {
        assert_eq!(public_name("minimal_.rodata", true), ".rodata");
        assert_eq!(public_name("tool.kconfig", true), ".kconfig");
        assert_eq!(public_name(".data.config", true), ".data.config");
        assert_eq!(public_name("events", false), "events");
    }
}
