//! What is in a tool, found by reading it: programs, maps and globals of its BPF objects, imports
//! and exports of its component. Nothing is loaded or run.

use anyhow::{Context as _, Result};
use eunomia_btf::decode::{Decoder, Value};
use eunomia_btf::{Btf, Definition, TypeId};
use eunomia_runtime::kernel::{GlobalInfo, MapInfo, Object, ProgramInfo};
use eunomia_runtime::{Runtime, Tool, World};
use serde::Serialize;

/// A tool's BPF objects and component.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Inspection {
    /// In the order of the image.
    pub(crate) objects: Vec<ObjectFacts>,
    /// The component.
    pub(crate) component: Option<ComponentFacts>,
}

/// What a BPF object declares.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ObjectFacts {
    /// The name by which the guest opens it.
    pub(crate) name: String,
    /// Its programs.
    pub(crate) programs: Vec<ProgramFacts>,
    /// Its maps, without those that only hold global variables.
    pub(crate) maps: Vec<MapFacts>,
    /// Its global variables.
    pub(crate) globals: Vec<GlobalFacts>,
}

/// A BPF program.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ProgramFacts {
    /// The C function.
    pub(crate) name: String,
    /// libbpf's name of its type: `tracepoint`.
    #[serde(rename = "type")]
    pub(crate) type_name: String,
    /// The ELF section, which says where it is attached.
    pub(crate) section: String,
}

/// A map.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MapFacts {
    /// The C variable.
    pub(crate) name: String,
    /// libbpf's name of its type: `ringbuf`.
    #[serde(rename = "type")]
    pub(crate) type_name: String,
    /// The key's C type, or its size.
    pub(crate) key: Option<String>,
    /// The value's C type, or its size.
    pub(crate) value: Option<String>,
    /// Entries, or bytes of a ring buffer; 0 is the number of CPUs.
    pub(crate) max_entries: u32,
    /// The name under which it is shared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pin_name: Option<String>,
}

/// A global variable.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GlobalFacts {
    /// The C variable.
    pub(crate) name: String,
    /// Its C type.
    #[serde(rename = "type")]
    pub(crate) type_name: String,
    /// It can only be set before the object is loaded.
    pub(crate) constant: bool,
    /// Its initial value.
    pub(crate) value: Option<serde_json::Value>,
}

/// What a component imports and exports.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ComponentFacts {
    /// The world that it implements, as its exports tell.
    pub(crate) world: &'static str,
    /// Interfaces.
    pub(crate) imports: Vec<String>,
    /// Interfaces.
    pub(crate) exports: Vec<String>,
}

/// libbpf's name of the maps that hold global variables.
const DATA_SECTIONS: [&str; 5] = [".rodata", ".data", ".bss", ".kconfig", ".maps"];

impl Inspection {
    /// Inspects a tool; one without a component when its bytes are empty.
    pub(crate) fn of(runtime: &Runtime, tool: Tool) -> Result<Self> {
        let objects = tool
            .objects
            .iter()
            .map(|(name, elf)| {
                inspect_object(runtime, name, elf)
                    .with_context(|| format!("read BPF object {name:?}"))
            })
            .collect::<Result<_>>()?;
        let component = match tool.component.is_empty() {
            true => None,
            false => Some(inspect_component(runtime, tool)?),
        };
        Ok(Self { objects, component })
    }
}

fn inspect_component(runtime: &Runtime, tool: Tool) -> Result<ComponentFacts> {
    let opened = runtime.open(tool)?;
    let sorted = |names: &[String]| {
        let mut names = names.to_vec();
        names.sort();
        names
    };
    Ok(ComponentFacts {
        world: match opened.world() {
            World::Command => "command",
            World::Plugin => "plugin",
            World::Module => "wasm-bpf module",
        },
        imports: sorted(opened.imports()),
        exports: sorted(opened.exports()),
    })
}

fn inspect_object(runtime: &Runtime, name: &str, elf: &[u8]) -> Result<ObjectFacts> {
    let object = runtime.kernel().open_object(name, elf)?;
    // Objects without types are rare but work.
    let btf = object.btf().ok().and_then(|bytes| Btf::parse(&bytes).ok());
    let btf = btf.as_ref();
    let is_data = |map: &MapInfo| {
        DATA_SECTIONS
            .iter()
            .any(|section| map.name.starts_with(section))
    };
    Ok(ObjectFacts {
        name: name.to_owned(),
        programs: object.programs().into_iter().map(program).collect(),
        maps: object
            .maps()
            .into_iter()
            .filter(|map| !is_data(map))
            .map(|info| map(info, btf))
            .collect(),
        globals: object
            .globals()
            .into_iter()
            .map(|info| global(&*object, info, btf))
            .collect(),
    })
}

fn program(info: ProgramInfo) -> ProgramFacts {
    ProgramFacts {
        name: info.name,
        type_name: info.type_name,
        section: info.section,
    }
}

fn map(info: MapInfo, btf: Option<&Btf>) -> MapFacts {
    MapFacts {
        key: type_or_size(btf, info.key_type_id, info.key_size),
        value: type_or_size(btf, info.value_type_id, info.value_size),
        name: info.name,
        type_name: info.type_name,
        max_entries: info.max_entries,
        pin_name: info.pin_name,
    }
}

fn global(object: &dyn Object, info: GlobalInfo, btf: Option<&Btf>) -> GlobalFacts {
    let decoder = btf.and_then(|btf| Decoder::new(btf, TypeId(info.type_id)).ok());
    let value = decoder.and_then(|decoder| {
        let bytes = object.get_global(&info.name).ok()?;
        decoder.value(&bytes).ok()
    });
    GlobalFacts {
        type_name: type_or_size(btf, info.type_id, info.size).unwrap_or_default(),
        value: value.and_then(|value| to_json(&value)),
        name: info.name,
        constant: info.constant,
    }
}

fn to_json(value: &Value) -> Option<serde_json::Value> {
    serde_json::to_value(value).ok()
}

/// The C type, or how many bytes it has; nothing for what has none, as the key of a ring buffer.
fn type_or_size(btf: Option<&Btf>, type_id: u32, size: u32) -> Option<String> {
    let named = btf
        .filter(|_| type_id != 0)
        .and_then(|btf| short_name(btf, TypeId(type_id)));
    named.or_else(|| (size > 0).then(|| format!("{size} bytes")))
}

/// Steps from a type to its name: more than people write, and an end for types in a circle.
const STEPS_MAX: usize = 16;

/// How C names a type, without qualifiers: `__u32`, `struct event`, `char[16]`, `struct event *`.
fn short_name(btf: &Btf, mut id: TypeId) -> Option<String> {
    let mut suffix = String::new();
    for _ in 0..STEPS_MAX {
        let ty = btf.ty(id).ok()?;
        match ty.definition() {
            Definition::Void => return Some(format!("void{suffix}")),
            Definition::Qualifier(inner) => id = inner,
            Definition::Array(array) => {
                suffix.push_str(&format!("[{}]", array.count));
                id = array.item;
            }
            Definition::Pointer(inner) => {
                suffix.insert_str(0, " *");
                id = inner;
            }
            _ => return Some(format!("{ty}{suffix}")),
        }
    }
    None
}
