//! What an opened object says about itself.

use std::sync::Arc;

use eunomia_btf::{Btf, TypeId};
use eunomia_host_abi::kernel::{GlobalInfo, MapInfo, Object, ProgramInfo, map_type};

use crate::error::{Error, Result};

/// How the names of maps begin that libbpf fills for probes of USDT.
const USDT_MAPS: &str = "__bpf_usdt_";

/// Programs, maps, variables and types of one object, taken down before it is loaded.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// In the order of the ELF file.
    pub programs: Vec<ProgramInfo>,
    /// In the order of the ELF file.
    pub maps: Vec<MapInfo>,
    /// Global variables.
    pub globals: Vec<Global>,
    /// `None`: the object has no types.
    pub btf: Option<Arc<Btf>>,
}

/// A global variable and what it holds before anybody changes it.
#[derive(Clone, Debug)]
pub struct Global {
    /// What is known of it.
    pub info: GlobalInfo,
    /// Its initial bytes; `None` where they cannot be read.
    pub initial: Option<Vec<u8>>,
}

impl Facts {
    /// The facts of an opened object.
    ///
    /// # Errors
    /// When its BTF is damaged. An object without BTF is fine.
    pub fn of(object: &dyn Object) -> Result<Self> {
        let btf = match object.btf() {
            Ok(section) => {
                Some(Arc::new(Btf::parse(&section).map_err(|error| {
                    Error::from(error).within("read the BTF of the object")
                })?))
            }
            Err(_) => None,
        };
        let globals = object.globals().into_iter().map(|info| Global {
            initial: object.get_global(&info.name).ok(),
            info,
        });
        Ok(Self {
            programs: object.programs(),
            maps: object.maps(),
            globals: globals.collect(),
            btf,
        })
    }

    /// The map of a name.
    ///
    /// # Errors
    /// When there is none, naming those that there are.
    pub fn map(&self, name: &str) -> Result<&MapInfo> {
        self.maps
            .iter()
            .find(|map| map.name == name)
            .ok_or_else(|| {
                let names: Vec<&str> = self.shown_maps().map(|map| map.name.as_str()).collect();
                Error::new(format!(
                    "map `{name}`: the object has none of this name, but: {}",
                    names.join(", ")
                ))
            })
    }

    /// Maps that a program declares by itself, without those for global variables and those of
    /// libbpf's `usdt.bpf.h`.
    pub fn shown_maps(&self) -> impl Iterator<Item = &MapInfo> {
        let is_own = |name: &str| !name.contains('.') && !name.starts_with(USDT_MAPS);
        self.maps.iter().filter(move |map| is_own(&map.name))
    }

    /// The object's types.
    ///
    /// # Errors
    /// When it has none.
    pub fn btf(&self) -> Result<&Arc<Btf>> {
        self.btf.as_ref().ok_or_else(|| {
            Error::new("the object has no BTF, so that nothing can be decoded: compile it with -g")
        })
    }
}

/// Whether records come out of it by themselves.
pub(crate) fn is_buffer(map: &MapInfo) -> bool {
    matches!(map.map_type, map_type::RINGBUF | map_type::PERF_EVENT_ARRAY)
}

/// Whether its entries can be listed.
pub(crate) fn is_listed(map: &MapInfo) -> bool {
    use map_type::*;
    matches!(
        map.map_type,
        HASH | ARRAY | PERCPU_HASH | PERCPU_ARRAY | LRU_HASH | LRU_PERCPU_HASH | LPM_TRIE
    )
}

/// Whether it holds a value for each CPU.
pub(crate) fn is_per_cpu(map: &MapInfo) -> bool {
    use map_type::*;
    matches!(map.map_type, PERCPU_HASH | PERCPU_ARRAY | LRU_PERCPU_HASH)
}

/// Whether all of its entries exist from the start.
pub(crate) fn is_array(map: &MapInfo) -> bool {
    matches!(map.map_type, map_type::ARRAY | map_type::PERCPU_ARRAY)
}

/// The type of a map's value, if it is declared.
pub(crate) fn value_type(map: &MapInfo) -> Option<TypeId> {
    Some(TypeId(map.value_type_id)).filter(|id| *id != TypeId::VOID)
}

/// The type of a map's key, if it is declared.
pub(crate) fn key_type(map: &MapInfo) -> Option<TypeId> {
    Some(TypeId(map.key_type_id)).filter(|id| *id != TypeId::VOID)
}
