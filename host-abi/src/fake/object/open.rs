//! An opened object: what may still be changed, then what is loaded.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::fake::journal::Operation;
use crate::fake::kernel::FakeKernel;
use crate::fake::map::shape;
use crate::fake::map::table::Existence;
use crate::fake::map::{FakeMap, MapState};
use crate::fake::object::attach;
use crate::fake::object::describe::{DataSection, DeclaredMap, FakeObject, is_constant};
use crate::kernel::{
    GlobalInfo, Link, Map, MapInfo, MapSetting, Object, ProgramInfo, ProgramSetting,
    ProgramStatistics, RunInput, RunOutput, map_type,
};
use crate::target::{Section, Target};

/// An object in one of its phases: opened, then loaded or failed.
#[derive(Debug)]
pub(crate) struct OpenObject {
    pub(super) kernel: FakeKernel,
    pub(super) name: String,
    pub(super) source: Arc<FakeObject>,
    pub(super) programs: Vec<ProgramInfo>,
    pub(super) maps: Vec<OpenMap>,
    pub(super) sections: Vec<DataSection>,
    phase: Phase,
}

#[derive(Debug)]
pub(super) struct OpenMap {
    pub(super) declared: DeclaredMap,
    pub(super) autocreate: bool,
}

#[derive(Debug)]
enum Phase {
    Opened,
    Loaded(Arc<LoadedObject>),
    Failed,
}

/// What is loaded; links keep it so.
#[derive(Debug)]
pub(crate) struct LoadedObject {
    kernel: FakeKernel,
    name: String,
    maps: BTreeMap<String, Arc<MapState>>,
}

impl Drop for LoadedObject {
    fn drop(&mut self) {
        self.kernel.record(Operation::Unload, &self.name);
    }
}

impl OpenObject {
    pub(crate) fn new(kernel: FakeKernel, name: &str, source: Arc<FakeObject>) -> Self {
        let programs = source.programs.iter().map(program_info).collect();
        let data = source.sections.iter().map(DataSection::map);
        let maps = source.maps.iter().cloned().chain(data);
        let mut maps: Vec<OpenMap> = maps
            .map(|declared| OpenMap {
                declared,
                autocreate: true,
            })
            .collect();
        for map in &mut maps {
            shape::adjust(&mut map.declared.info, kernel.machine().possible_cpus);
        }
        Self {
            sections: source.sections.clone(),
            name: name.to_owned(),
            kernel,
            programs,
            maps,
            phase: Phase::Opened,
            source,
        }
    }

    /// What is loaded.
    pub(super) fn loaded(&self, what: &str) -> Result<&Arc<LoadedObject>> {
        match &self.phase {
            Phase::Loaded(loaded) => Ok(loaded),
            Phase::Opened => Err(self.wrong_phase(what, "it is not loaded yet")),
            Phase::Failed => Err(self.wrong_phase(what, "it failed to load")),
        }
    }

    /// Fails after load.
    pub(super) fn opened(&self, what: &str) -> Result<()> {
        match &self.phase {
            Phase::Opened => Ok(()),
            Phase::Loaded(_) => Err(self.wrong_phase(what, "it is loaded already")),
            Phase::Failed => Err(self.wrong_phase(what, "it failed to load")),
        }
    }

    fn wrong_phase(&self, what: &str, why: &str) -> Error {
        let message = format!("{what} of object \"{}\": {why}", self.name);
        Error::new(ErrorKind::InvalidState, message)
    }

    pub(super) fn not_found(&self, what: &str) -> Error {
        let message = format!("{what}: there is none in object \"{}\"", self.name);
        Error::new(ErrorKind::NotFound, message)
    }

    pub(super) fn program(&self, name: &str) -> Result<&ProgramInfo> {
        let mut programs = self.programs.iter();
        programs
            .find(|program| program.name == name)
            .ok_or_else(|| self.not_found(&format!("program \"{name}\"")))
    }

    /// A program that is loaded, with what it is loaded in.
    pub(super) fn loaded_program(
        &self,
        what: &str,
        name: &str,
    ) -> Result<(&ProgramInfo, &Arc<LoadedObject>)> {
        let program = self.program(name)?;
        let what = format!("{what} program \"{name}\"");
        let loaded = self.loaded(&what)?;
        if program.id == 0 {
            return Err(self.wrong_phase(&what, "load left the program out"));
        }
        Ok((program, loaded))
    }

    pub(super) fn loaded_map(&self, what: &str, name: &str) -> Result<&Arc<MapState>> {
        if !self.maps.iter().any(|map| map.declared.info.name == name) {
            return Err(self.not_found(&format!("map \"{name}\"")));
        }
        let what = format!("{what} map \"{name}\"");
        let loaded = self.loaded(&what)?;
        let map = loaded.maps.get(name);
        map.ok_or_else(|| self.wrong_phase(&what, "load left the map out"))
    }

    fn global(&self, name: &str) -> Result<&GlobalInfo> {
        let mut globals = self.source.globals.iter();
        globals
            .find(|global| global.name == name)
            .ok_or_else(|| self.not_found(&format!("global variable \"{name}\"")))
    }

    /// Creates all maps and fills those of global data.
    fn create(&self) -> Result<BTreeMap<String, Arc<MapState>>> {
        let mut created = BTreeMap::new();
        for map in self.maps.iter().filter(|map| map.autocreate) {
            let state = self.create_map(&map.declared)?;
            created.insert(map.declared.info.name.clone(), state);
        }
        for map in &self.maps {
            let name = &map.declared.info.name;
            for (index, content) in &map.declared.slots {
                self.fill_slot(&created, name, (*index, content))?;
            }
        }
        for section in &self.sections {
            let Some(map) = created.get(&section.name) else {
                continue;
            };
            let mut table = map.table("fill")?.lock();
            table.update(&0_u32.to_le_bytes(), &section.bytes, Existence::Any)?;
            drop(table);
            if is_constant(&section.name) {
                map.freeze();
            }
        }
        Ok(created)
    }

    /// Puts a map or program into a slot. What load leaves out leaves its slot empty.
    fn fill_slot(
        &self,
        created: &BTreeMap<String, Arc<MapState>>,
        map: &str,
        (index, content): (u32, &str),
    ) -> Result<()> {
        let Some(map) = created.get(map) else {
            return Ok(());
        };
        if map.info.map_type == map_type::PROG_ARRAY {
            let is_loaded = self.program(content)?.autoload;
            return match is_loaded {
                true => map.set_program(index, content),
                false => Ok(()),
            };
        }
        match created.get(content) {
            Some(inner) => map.set_inner_map(&index.to_le_bytes(), inner, Existence::Any),
            None => Ok(()),
        }
    }

    fn create_map(&self, declared: &DeclaredMap) -> Result<Arc<MapState>> {
        let mut info = declared.info.clone();
        info.id = self.kernel.next_id();
        let cpus = self.kernel.machine().possible_cpus;
        let is_shared = info.pin_name.is_some();
        let mut state = MapState::create(info, declared.inner.as_ref(), cpus)?;
        state.has_lock = declared.has_lock;
        let state = Arc::new(state);
        if is_shared {
            return self.kernel.share_map(state);
        }
        Ok(state)
    }

    fn try_load(&mut self) -> Result<LoadedObject> {
        self.kernel.enter(Operation::Load, &self.name)?;
        self.check_programs()?;
        let maps = self.create()?;
        for program in self.programs.iter_mut().filter(|it| it.autoload) {
            program.id = self.kernel.next_id();
        }
        for map in &mut self.maps {
            let info = &mut map.declared.info;
            let Some(created) = maps.get(&info.name) else {
                continue;
            };
            info.id = created.info.id;
            let globals = self.source.globals.iter();
            let globals = globals.filter(|global| global.section == info.name);
            self.kernel
                .register_map(&self.name, &info.name, created, globals.cloned().collect());
        }
        Ok(LoadedObject {
            kernel: self.kernel.clone(),
            name: self.name.clone(),
            maps,
        })
    }

    /// Programs that are verified against a kernel function must say against which.
    fn check_programs(&self) -> Result<()> {
        for program in self.programs.iter().filter(|program| program.autoload) {
            let Some(section) = Section::find(&program.section) else {
                return Err(Error::new(
                    ErrorKind::InvalidArgument,
                    format!(
                        "load object \"{}\": section \"{}\" of program \"{}\" is none of libbpf's",
                        self.name, program.section, program.name
                    ),
                ));
            };
            if section.is_verified_against_target() && program.attach_target.is_empty() {
                return Err(Error::new(
                    ErrorKind::InvalidArgument,
                    format!(
                        "load object \"{}\": program \"{}\" has no attach target",
                        self.name, program.name
                    ),
                ));
            }
        }
        Ok(())
    }
}

impl Object for OpenObject {
    fn programs(&self) -> Vec<ProgramInfo> {
        self.programs.clone()
    }

    fn maps(&self) -> Vec<MapInfo> {
        let loaded = match &self.phase {
            Phase::Loaded(loaded) => Some(loaded),
            _ => None,
        };
        let maps = self.maps.iter().map(|map| &map.declared.info);
        maps.map(|info| {
            let created = loaded.and_then(|loaded| loaded.maps.get(&info.name));
            MapInfo {
                frozen: created.is_some_and(|map| map.is_frozen()),
                ..info.clone()
            }
        })
        .collect()
    }

    fn globals(&self) -> Vec<GlobalInfo> {
        self.source.globals.clone()
    }

    fn btf(&self) -> Result<Arc<[u8]>> {
        let btf = self.source.btf.clone();
        btf.ok_or_else(|| self.not_found("BTF"))
    }

    fn get_global(&self, name: &str) -> Result<Vec<u8>> {
        let global = self.global(name)?;
        let read = |bytes: &[u8]| place(global, bytes.len()).map(|place| bytes[place].to_vec());
        let value = match &self.phase {
            Phase::Opened => {
                let mut sections = self.sections.iter();
                let section = sections.find(|section| section.name == global.section);
                section.and_then(|section| read(&section.bytes))
            }
            _ => {
                let map = self.loaded_map("read", &global.section)?;
                let mut table = map.table("read")?.lock();
                table.memory().and_then(|memory| read(memory))
            }
        };
        value.ok_or_else(|| self.not_found(&format!("value of global variable \"{name}\"")))
    }

    fn set_global(&mut self, name: &str, value: &[u8]) -> Result<()> {
        self.kernel
            .enter(Operation::SetGlobal, &format!("{name} {}", hex(value)))?;
        let global = self.global(name)?.clone();
        if value.len() != global.size as usize {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format!(
                    "set global variable \"{name}\": {} bytes, not {}",
                    value.len(),
                    global.size
                ),
            ));
        }
        if global.constant {
            self.opened(&format!("set constant \"{name}\""))?;
        }
        let write = |bytes: &mut [u8]| {
            place(&global, bytes.len()).map(|place| bytes[place].copy_from_slice(value))
        };
        let written = match &self.phase {
            Phase::Opened => {
                let mut sections = self.sections.iter_mut();
                let section = sections.find(|section| section.name == global.section);
                section.and_then(|section| write(&mut section.bytes))
            }
            _ => {
                let map = self.loaded_map("write", &global.section)?;
                let mut table = map.table("write")?.lock();
                table.memory().and_then(write)
            }
        };
        written.ok_or_else(|| self.not_found(&format!("value of global variable \"{name}\"")))
    }

    fn set_program(&mut self, program: &str, setting: ProgramSetting<'_>) -> Result<()> {
        let subject = format!("{program} {setting:?}");
        self.kernel.enter(Operation::SetProgram, &subject)?;
        self.change_program(program, setting)
    }

    fn set_map(&mut self, map: &str, setting: MapSetting<'_>) -> Result<()> {
        let subject = format!("{map} {setting:?}");
        self.kernel.enter(Operation::SetMap, &subject)?;
        self.change_map(map, setting)
    }

    fn load(&mut self) -> Result<()> {
        self.opened("load")?;
        // What was created until it failed is dropped with the error.
        self.phase = Phase::Failed;
        self.phase = Phase::Loaded(Arc::new(self.try_load()?));
        Ok(())
    }

    fn map(&self, name: &str) -> Result<Arc<dyn Map>> {
        let map = self.loaded_map("use", name)?;
        Ok(Arc::new(FakeMap::new(self.kernel.clone(), map.clone())))
    }

    fn can_attach_by_section(&self, program: &str) -> bool {
        self.program(program)
            .is_ok_and(|program| attach::section_target(program).is_some())
    }

    fn attach(&self, program: &str, target: Option<&Target>) -> Result<Box<dyn Link>> {
        attach::attach(self, program, target)
    }

    fn attach_struct_ops(&self, map: &str) -> Result<Box<dyn Link>> {
        attach::attach_struct_ops(self, map)
    }

    fn replace_in(&self, program: &str, link: &mut dyn Link) -> Result<()> {
        attach::replace_in(self, program, link)
    }

    fn store_in(&self, program: &str, map: &dyn Map, index: u32) -> Result<()> {
        let info = map.info();
        let subject = format!("{program} {}[{index}]", info.name);
        self.kernel.enter(Operation::Store, &subject)?;
        let (program, _) = self.loaded_program("store", program)?;
        let Some(map) = map.as_any().downcast_ref::<FakeMap>() else {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format!(
                    "store program \"{}\" in map \"{}\": the map is of another kernel",
                    program.name, info.name
                ),
            ));
        };
        map.state().set_program(index, &program.name)
    }

    fn test_run(&self, program: &str, input: &RunInput) -> Result<RunOutput> {
        self.kernel.enter(Operation::TestRun, &program)?;
        self.loaded_program("run", program)?;
        let mut programs = self.source.programs.iter();
        let run = programs
            .find(|it| it.name == program)
            .and_then(|it| it.test_run.as_ref());
        let run = run.ok_or_else(|| {
            Error::new(
                ErrorKind::NotSupported,
                format!(
                    "run program \"{program}\": the fake kernel runs no instructions, and the test \
                     did not say what it does"
                ),
            )
        })?;
        run(input)
    }

    fn statistics(&self, program: &str) -> Result<ProgramStatistics> {
        self.kernel.enter(Operation::Statistics, &program)?;
        self.loaded_program("read statistics of", program)?;
        Ok(self.kernel.statistics_of(program))
    }
}

/// Where a variable is in its section of so many bytes.
fn place(global: &GlobalInfo, bytes: usize) -> Option<std::ops::Range<usize>> {
    let start = global.offset as usize;
    let end = start + global.size as usize;
    (end <= bytes).then_some(start..end)
}

fn program_info(program: &crate::fake::object::FakeProgram) -> ProgramInfo {
    let section = Section::find(&program.section);
    let attach_target = section
        .filter(Section::is_verified_against_target)
        .and_then(|_| program.section.split_once('/'))
        .map_or(String::new(), |(_, function)| function.to_owned());
    ProgramInfo {
        name: program.name.clone(),
        // The mark of programs that are not loaded is not part of it, as libbpf has it.
        section: program.section.trim_start_matches('?').to_owned(),
        program_type: section.map_or(0, |section| section.program_type),
        type_name: section
            .map_or("unspec", |section| section.type_name())
            .to_owned(),
        attach_type: section.map_or(0, |section| section.attach_type),
        attach_target,
        autoload: !program.section.starts_with('?'),
        autoattach: program.autoattach,
        id: 0,
    }
}

/// The first bytes of a value, for the journal.
fn hex(value: &[u8]) -> String {
    const BYTES_MAX: usize = 16;
    let mut text: String = value
        .iter()
        .take(BYTES_MAX)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    if value.len() > BYTES_MAX {
        text.push_str("...");
    }
    text
}
