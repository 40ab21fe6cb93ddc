//! An object: opened, then loaded.

use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};

use eunomia_host_abi::kernel::{
    GlobalInfo, Link, Map, MapInfo, MapSetting, Object, ProgramInfo, ProgramSetting,
    ProgramStatistics, RunInput, RunOutput,
};
use eunomia_host_abi::{Error, ErrorKind, Result, Target};
use libbpf_rs::{OpenObject, ProgramMut};

use super::catalog::{Catalog, DeclaredMap};
use super::failure::from_io;
use super::kernel::LastFailure;
use super::kernel_types::TypesFile;
use super::map::{LibbpfMap, of_libbpf};
use super::pins::{ObjectPins, Pins};
use super::{attach, globals, link, load, map_kind, raw, run, settings};

/// See the trait's documentation.
pub(super) struct LibbpfObject {
    pub(super) name: String,
    pub(super) catalog: Catalog,
    pub(super) phase: Phase,
    pub(super) possible_cpus: u32,
    pub(super) pin_root: PathBuf,
    /// What libbpf reads at load in place of the kernel's types.
    pub(super) kernel_types: Option<TypesFile>,
    /// Its relocations are done by types that the kernel does not show.
    pub(super) has_other_types: bool,
    /// Ring buffers are to be perf buffers even where the kernel has rings.
    pub(super) perf_buffers: bool,
    /// What it has is pinned here, and where its links are.
    pub(super) pins: Option<Arc<Pins>>,
    pub(super) own_pins: Option<ObjectPins>,
    pub(super) failure: LastFailure,
    /// Programs of which programs of this object will replace functions.
    pub(super) verified_against: Vec<OwnedFd>,
    /// Loaded maps that somebody asked for, in the order of [`Catalog::maps`].
    maps: Vec<OnceLock<Arc<LibbpfMap>>>,
}

/// What an object can do now.
pub(super) enum Phase {
    Opened(OpenObject),
    Loaded(Arc<Loaded>),
    /// Load failed; libbpf's object is gone.
    Failed,
}

/// A loaded object. Links hold it, since libbpf's links of some kinds refer to their object.
pub(super) struct Loaded {
    pub(super) object: libbpf_rs::Object,
    /// Held while attaching and detaching: both may change the object's table of USDT places.
    pub(super) attaching: Mutex<()>,
}

impl LibbpfObject {
    pub(super) fn new(
        name: &str,
        object: OpenObject,
        possible_cpus: u32,
        pin_root: PathBuf,
    ) -> Result<Self> {
        let catalog = Catalog::of(&object, name, possible_cpus)?;
        let maps = catalog.maps.iter().map(|_| OnceLock::new()).collect();
        Ok(Self {
            name: name.to_owned(),
            catalog,
            phase: Phase::Opened(object),
            possible_cpus,
            pin_root,
            kernel_types: None,
            has_other_types: false,
            perf_buffers: false,
            pins: None,
            own_pins: None,
            failure: LastFailure::default(),
            verified_against: Vec::new(),
            maps,
        })
    }

    /// The opened object, or why `operation` comes too late.
    pub(super) fn opened(&mut self, operation: &str) -> Result<(&mut OpenObject, &mut Catalog)> {
        match &mut self.phase {
            Phase::Opened(object) => Ok((object, &mut self.catalog)),
            Phase::Loaded(_) | Phase::Failed => Err(Error::new(
                ErrorKind::InvalidState,
                format!("{operation}: object `{}` is loaded already", self.name),
            )),
        }
    }

    pub(super) fn loaded(&self, operation: &str) -> Result<&Arc<Loaded>> {
        let state = match &self.phase {
            Phase::Loaded(loaded) => return Ok(loaded),
            Phase::Opened(_) => "is not loaded yet",
            Phase::Failed => "failed to load",
        };
        Err(Error::new(
            ErrorKind::InvalidState,
            format!("{operation}: object `{}` {state}", self.name),
        ))
    }

    /// Pinned things do not stay if the tool fails because something of it failed here, and who
    /// explains the failure wants to know what it was.
    fn noted<T>(&self, program: Option<&str>, outcome: Result<T>) -> Result<T> {
        if outcome.is_err() {
            self.failure.note(&self.name, program);
            if let Some(pins) = &self.pins {
                pins.note_failure();
            }
        }
        outcome
    }

    /// A loaded map.
    pub(super) fn loaded_map(&self, name: &str) -> Result<Arc<LibbpfMap>> {
        self.map_at(self.catalog.map(name)?)
    }

    pub(super) fn map_at(&self, place: usize) -> Result<Arc<LibbpfMap>> {
        let declared = &self.catalog.maps[place];
        let loaded = self.loaded(&format!("use map `{}`", declared.info.name))?;
        if let Some(map) = self.maps[place].get() {
            return Ok(Arc::clone(map));
        }
        let map = Arc::new(open_map(loaded, declared, self.possible_cpus)?);
        Ok(Arc::clone(self.maps[place].get_or_init(|| map)))
    }
}

fn open_map(loaded: &Loaded, declared: &DeclaredMap, possible_cpus: u32) -> Result<LibbpfMap> {
    let name = &declared.info.name;
    let map = loaded.map(&declared.libbpf_name, &format!("use map `{name}`"))?;
    let fd = map
        .as_fd()
        .try_clone_to_owned()
        .map_err(|error| from_io(&error, format!("use map `{name}`: keep it open")))?;
    LibbpfMap::new(
        fd,
        declared.info.clone(),
        declared.inner.clone(),
        possible_cpus,
    )
    .map(|map| map.in_place_of(declared.stands_for_ring.clone()))
}

impl Loaded {
    /// A map that load has created.
    pub(super) fn map(&self, libbpf_name: &str, operation: &str) -> Result<libbpf_rs::Map<'_>> {
        use libbpf_rs::MapCore as _;

        self.object
            .maps()
            .find(|map| map.name().as_encoded_bytes() == libbpf_name.as_bytes())
            .ok_or_else(|| {
                Error::new(
                    ErrorKind::InvalidState,
                    format!("{operation}: load did not create it"),
                )
            })
    }

    /// A program that load has loaded.
    pub(super) fn program(&self, name: &str, operation: &str) -> Result<ProgramMut<'_>> {
        let program = self
            .object
            .progs_mut()
            .find(|program| program.name().as_encoded_bytes() == name.as_bytes())
            .ok_or_else(|| {
                Error::new(
                    ErrorKind::NotFound,
                    format!("{operation} program `{name}`: the object has none of this name"),
                )
            })?;
        if raw::is_loaded(&program) {
            Ok(program)
        } else {
            Err(Error::new(
                ErrorKind::InvalidState,
                format!("{operation} program `{name}`: it was not loaded (autoload is off)"),
            ))
        }
    }
}

impl Object for LibbpfObject {
    fn programs(&self) -> Vec<ProgramInfo> {
        self.catalog.programs.clone()
    }

    fn maps(&self) -> Vec<MapInfo> {
        self.catalog
            .maps
            .iter()
            .map(|map| map.info.clone())
            .collect()
    }

    fn globals(&self) -> Vec<GlobalInfo> {
        self.catalog
            .globals
            .iter()
            .map(|global| global.info.clone())
            .collect()
    }

    fn btf(&self) -> Result<Arc<[u8]>> {
        self.catalog.btf.clone().ok_or_else(|| {
            Error::new(
                ErrorKind::NotFound,
                format!(
                    "types of object `{}`: it has no BTF; compile it with `clang -g`",
                    self.name
                ),
            )
        })
    }

    fn get_global(&self, name: &str) -> Result<Vec<u8>> {
        globals::get(self, name)
    }

    fn set_global(&mut self, name: &str, value: &[u8]) -> Result<()> {
        globals::set(self, name, value)
    }

    fn set_program(&mut self, program: &str, setting: ProgramSetting<'_>) -> Result<()> {
        settings::set_program(self, program, setting)
    }

    fn set_map(&mut self, map: &str, setting: MapSetting<'_>) -> Result<()> {
        settings::set_map(self, map, setting)
    }

    fn load(&mut self) -> Result<()> {
        let outcome = load::load(self);
        self.noted(None, outcome)
    }

    fn map(&self, name: &str) -> Result<Arc<dyn Map>> {
        Ok(self.loaded_map(name)?)
    }

    fn can_attach_by_section(&self, program: &str) -> bool {
        attach::can_attach_by_section(self, program)
    }

    fn attach(&self, program: &str, target: Option<&Target>) -> Result<Box<dyn Link>> {
        self.noted(Some(program), attach::attach(self, program, target))
    }

    fn attach_struct_ops(&self, map: &str) -> Result<Box<dyn Link>> {
        self.noted(Some(map), attach::attach_struct_ops(self, map))
    }

    fn replace_in(&self, program: &str, link: &mut dyn Link) -> Result<()> {
        let loaded = self.loaded(&format!("replace by program `{program}`"))?;
        link::of_libbpf(link)?.replace(loaded, program)
    }

    fn store_in(&self, program: &str, map: &dyn Map, index: u32) -> Result<()> {
        let operation = format!("store program `{program}` in map `{}`", map.info().name);
        let loaded = self.loaded(&operation)?;
        let program = loaded.program(program, "store")?;
        let map = of_libbpf(map)?;
        if map.fd().shape().map_type != eunomia_host_abi::kernel::map_type::PROG_ARRAY {
            return Err(Error::new(
                ErrorKind::NotSupported,
                format!("{operation}: it is not an array of programs"),
            ));
        }
        let value = map_kind::descriptor_value(program.as_fd());
        map.fd()
            .update(&index.to_ne_bytes(), &value, 0)
            .map_err(|error| from_io(&error, operation))
    }

    fn test_run(&self, program: &str, input: &RunInput) -> Result<RunOutput> {
        let loaded = self.loaded(&format!("run program `{program}`"))?;
        let program_type = self.catalog.programs[self.catalog.program(program)?].program_type;
        run::run(
            &loaded.program(program, "run")?,
            program,
            program_type,
            input,
        )
    }

    fn statistics(&self, program: &str) -> Result<ProgramStatistics> {
        let operation = format!("statistics of program `{program}`");
        let loaded = self.loaded(&operation)?;
        let found = loaded.program(program, "statistics of")?;
        let info = raw::program_info(found.as_fd()).map_err(|error| from_io(&error, operation))?;
        Ok(ProgramStatistics {
            run_count: info.run_cnt,
            run_time_ns: info.run_time_ns,
            recursion_misses: info.recursion_misses,
        })
    }
}

impl std::fmt::Debug for LibbpfObject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let phase = match &self.phase {
            Phase::Opened(_) => "opened",
            Phase::Loaded(_) => "loaded",
            Phase::Failed => "failed",
        };
        f.debug_struct("LibbpfObject")
            .field("name", &self.name)
            .field("phase", &phase)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Loaded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Loaded").finish_non_exhaustive()
    }
}
