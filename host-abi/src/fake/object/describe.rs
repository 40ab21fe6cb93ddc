//! What an object declares: written by hand in a test, or read from an ELF file.

use std::fmt;
use std::sync::Arc;

use crate::error::Result;
use crate::fake::map::shape::{F_MMAPABLE, F_RDONLY_PROG};
use crate::kernel::{GlobalInfo, MapInfo, RunInput, RunOutput, map_type};

/// A BPF object as it lies in an image, before it is opened.
#[derive(Clone, Debug, Default)]
pub struct FakeObject {
    pub(crate) programs: Vec<FakeProgram>,
    pub(crate) maps: Vec<DeclaredMap>,
    pub(crate) globals: Vec<GlobalInfo>,
    pub(crate) sections: Vec<DataSection>,
    pub(crate) btf: Option<Arc<[u8]>>,
}

/// A section of global variables.
#[derive(Clone, Debug, Default)]
pub(crate) struct DataSection {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    /// Type of the section, 0 when there is no BTF for it.
    pub(crate) type_id: u32,
}

/// Puts a [`FakeObject`] together. What is declared again under the same name takes the place of
/// the first, so that a test can change one thing of an object that it read from ELF.
#[derive(Clone, Debug, Default)]
pub struct FakeObjectBuilder {
    object: FakeObject,
}

impl FakeObject {
    /// An object without anything.
    pub fn builder() -> FakeObjectBuilder {
        FakeObjectBuilder::default()
    }

    /// To change this object.
    pub fn into_builder(self) -> FakeObjectBuilder {
        FakeObjectBuilder { object: self }
    }
}

impl FakeObjectBuilder {
    /// Declares a program.
    #[must_use]
    pub fn program(mut self, program: FakeProgram) -> Self {
        put(&mut self.object.programs, program, |it| &it.name);
        self
    }

    /// Declares a map: a [`MapInfo`] with the fields that a C declaration would have.
    #[must_use]
    pub fn map(mut self, map: impl Into<DeclaredMap>) -> Self {
        put(&mut self.object.maps, map.into(), |it| &it.info.name);
        self
    }

    /// Declares a global variable, behind those that its section has already.
    #[must_use]
    pub fn global(mut self, global: FakeGlobal) -> Self {
        let section = self.section(global.section);
        // As a compiler aligns numbers; structs of odd sizes are not aligned to more than 8.
        let align = match global.value.len() {
            size if size.is_power_of_two() => size.min(8),
            _ => 8,
        };
        let offset = section.bytes.len().next_multiple_of(align);
        section.bytes.resize(offset, 0);
        section.bytes.extend_from_slice(&global.value);
        let info = GlobalInfo {
            name: global.name,
            section: global.section.to_owned(),
            offset: u32::try_from(offset).unwrap_or(u32::MAX),
            size: u32::try_from(global.value.len()).unwrap_or(u32::MAX),
            type_id: global.type_id,
            constant: is_constant(global.section),
        };
        put(&mut self.object.globals, info, |it| &it.name);
        self
    }

    /// Gives the bytes of the object's `.BTF` section.
    #[must_use]
    pub fn btf(mut self, btf: impl Into<Arc<[u8]>>) -> Self {
        self.object.btf = Some(btf.into());
        self
    }

    /// The object.
    pub fn build(self) -> FakeObject {
        self.object
    }

    fn section(&mut self, name: &str) -> &mut DataSection {
        let sections = &mut self.object.sections;
        let index = match sections.iter().position(|section| section.name == name) {
            Some(index) => index,
            None => {
                sections.push(DataSection {
                    name: name.to_owned(),
                    ..DataSection::default()
                });
                sections.len() - 1
            }
        };
        &mut sections[index]
    }
}

fn put<T>(items: &mut Vec<T>, item: T, name: impl Fn(&T) -> &String) {
    match items.iter_mut().find(|known| name(known) == name(&item)) {
        Some(place) => *place = item,
        None => items.push(item),
    }
}

impl DataSection {
    /// The map that holds the section.
    pub(crate) fn map(&self) -> DeclaredMap {
        let constant_flag = if is_constant(&self.name) {
            F_RDONLY_PROG
        } else {
            0
        };
        DeclaredMap::from(MapInfo {
            name: self.name.clone(),
            map_type: map_type::ARRAY,
            key_size: 4,
            value_size: u32::try_from(self.bytes.len()).unwrap_or(u32::MAX),
            max_entries: 1,
            map_flags: F_MMAPABLE | constant_flag,
            value_type_id: self.type_id,
            ..MapInfo::default()
        })
    }
}

/// Whether the variables of a section cannot change after load.
pub(crate) fn is_constant(section: &str) -> bool {
    section == ".rodata" || section.starts_with(".rodata.")
}

/// A map that an object declares.
#[derive(Clone, Debug, Default)]
pub struct DeclaredMap {
    pub(crate) info: MapInfo,
    pub(crate) inner: Option<MapInfo>,
    pub(crate) has_lock: bool,
    /// Slots that load fills, with the name of the map or program in each.
    pub(crate) slots: Vec<(u32, String)>,
}

impl DeclaredMap {
    /// Says what the maps in the slots of a map of maps look like.
    #[must_use]
    pub fn with_inner(mut self, inner: MapInfo) -> Self {
        self.inner = Some(inner);
        self
    }

    /// Says that load puts a map, or a program of a program array, into a slot.
    #[must_use]
    pub fn with_slot(mut self, index: u32, name: &str) -> Self {
        self.slots.push((index, name.to_owned()));
        self
    }

    /// Says that a value has a `struct bpf_spin_lock`, so that `BPF_F_LOCK` is taken.
    #[must_use]
    pub fn with_lock(mut self) -> Self {
        self.has_lock = true;
        self
    }
}

impl From<MapInfo> for DeclaredMap {
    fn from(info: MapInfo) -> Self {
        Self {
            info,
            ..Self::default()
        }
    }
}

/// What a program does when it is run by [`Object::test_run`](crate::kernel::Object::test_run).
pub(crate) type TestRun = dyn Fn(&RunInput) -> Result<RunOutput> + Send + Sync;

/// A program that an object declares. It has no instructions: what it does is the test's to say.
#[derive(Clone)]
pub struct FakeProgram {
    pub(crate) name: String,
    pub(crate) section: String,
    pub(crate) autoattach: bool,
    pub(crate) output: Arc<[u8]>,
    pub(crate) test_run: Option<Arc<TestRun>>,
}

/// The ELF section of a program, which says its type: `tracepoint/sched/sched_process_exec`. With a
/// leading `?` it is not loaded unless asked for.
#[derive(Clone, Copy, Debug)]
pub struct SectionName<'a>(pub &'a str);

impl FakeProgram {
    /// A program by the name of its C function.
    pub fn new(name: &str, section: SectionName<'_>) -> Self {
        Self {
            name: name.to_owned(),
            section: section.0.to_owned(),
            autoattach: true,
            output: Arc::default(),
            test_run: None,
        }
    }

    /// Says that attaching the object leaves it out.
    #[must_use]
    pub fn without_autoattach(mut self) -> Self {
        self.autoattach = false;
        self
    }

    /// Says what an iterator writes.
    #[must_use]
    pub fn writing(mut self, output: &[u8]) -> Self {
        self.output = output.into();
        self
    }

    /// Says what running it by hand does.
    #[must_use]
    pub fn running(
        mut self,
        test_run: impl Fn(&RunInput) -> Result<RunOutput> + Send + Sync + 'static,
    ) -> Self {
        self.test_run = Some(Arc::new(test_run));
        self
    }
}

impl fmt::Debug for FakeProgram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeProgram")
            .field("name", &self.name)
            .field("section", &self.section)
            .finish_non_exhaustive()
    }
}

/// A global variable that an object declares, with its initial value.
#[derive(Clone, Debug)]
pub struct FakeGlobal {
    name: String,
    section: &'static str,
    value: Vec<u8>,
    type_id: u32,
}

impl FakeGlobal {
    /// One in `.rodata`, which can be set before load only.
    pub fn constant(name: &str, value: &[u8]) -> Self {
        Self::new(name, ".rodata", value.to_vec())
    }

    /// One in `.data`.
    pub fn variable(name: &str, value: &[u8]) -> Self {
        Self::new(name, ".data", value.to_vec())
    }

    /// One of so many zeros, in `.bss`.
    pub fn zeroed(name: &str, bytes: usize) -> Self {
        Self::new(name, ".bss", vec![0; bytes])
    }

    /// Its type in the object's BTF.
    #[must_use]
    pub fn with_type(mut self, type_id: u32) -> Self {
        self.type_id = type_id;
        self
    }

    fn new(name: &str, section: &'static str, value: Vec<u8>) -> Self {
        Self {
            name: name.to_owned(),
            section,
            value,
            type_id: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globals_of_a_section_follow_each_other_aligned() {
        let object = FakeObject::builder()
            .global(FakeGlobal::constant("flag", &[1]))
            .global(FakeGlobal::constant("limit", &7_u64.to_le_bytes()))
            .global(FakeGlobal::zeroed("name", 3))
            .build();
        let places: Vec<_> = object
            .globals
            .iter()
            .map(|it| (it.name.as_str(), it.section.as_str(), it.offset, it.size))
            .collect();
        let expected = [
            ("flag", ".rodata", 0, 1),
            ("limit", ".rodata", 8, 8),
            ("name", ".bss", 0, 3),
        ];
        assert_eq!(places, expected);
        assert!(object.globals[0].constant && !object.globals[2].constant);
        assert_eq!(object.sections[0].bytes.len(), 16);
        assert_eq!(object.sections[0].bytes[8], 7);
    }

    #[test]
    fn what_is_declared_again_takes_the_place_of_the_first() {
        let object = FakeObject::builder()
            .program(FakeProgram::new("a", SectionName("xdp")))
            .program(FakeProgram::new("b", SectionName("xdp")))
            .program(FakeProgram::new("a", SectionName("tc")))
            .build();
        let sections: Vec<&str> = object.programs.iter().map(|it| &*it.section).collect();
        assert_eq!(sections, ["tc", "xdp"]);
    }
}
