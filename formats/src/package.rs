//! What was read, whatever its format.

use std::sync::Arc;

use eunomia_btf::TypeId;

use crate::bpfman::{self, Labels};
use crate::bumblebee::{self, Bumblebee};
use crate::error::Result;
use crate::eunomia::{self, Eunomia};
use crate::facts::{self, Facts};
use crate::gadget::{self, Gadget};
use crate::kernel_types::{self, HostKernel};
use crate::options::Choices;
use crate::places::{self, Chosen};
use crate::plan::{MapChange, Plan, SourceKind};
use crate::{bare, sources};

/// A BPF object and what came with it.
#[derive(Clone, Debug)]
pub struct Package {
    /// How the user calls it.
    pub name: String,
    /// The object.
    pub elf: Arc<[u8]>,
    /// What came with it.
    pub kind: PackageKind,
}

/// What came with an object.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum PackageKind {
    /// Nothing.
    Bare,
    /// A `package.json`.
    Eunomia(Box<Eunomia>),
    /// bumblebee's conventions.
    Bumblebee(Bumblebee),
    /// Labels of a bytecode image.
    Bpfman(Labels),
    /// Inspektor Gadget's description.
    Gadget(Box<Gadget>),
}

impl Package {
    /// A BPF object by itself.
    ///
    /// # Errors
    /// When the bytes are none.
    pub fn bare(name: &str, elf: Vec<u8>) -> Result<Self> {
        crate::check_object(&elf)?;
        Ok(Self {
            name: name.to_owned(),
            elf: elf.into(),
            kind: PackageKind::Bare,
        })
    }

    /// The types of `kernel` that it brings along, for when that does not show its own: a BTF file.
    ///
    /// # Errors
    /// When its archive is damaged.
    pub fn kernel_types(&self, kernel: &HostKernel) -> Result<Option<Vec<u8>>> {
        match &self.kind {
            PackageKind::Eunomia(package) => match &package.archive {
                Some(archive) => kernel_types::find(&**archive, kernel),
                None => Ok(None),
            },
            _ => Ok(None),
        }
    }

    /// What to do with it.
    ///
    /// # Errors
    /// When the description does not fit the object.
    pub fn plan(&self, facts: &Facts) -> Result<Plan> {
        let mut plan = match &self.kind {
            PackageKind::Bare => bare::plan(&self.name, facts)?,
            PackageKind::Eunomia(package) => eunomia::plan(&self.name, package, facts)?,
            PackageKind::Bumblebee(package) => bumblebee::plan(&self.name, package, facts)?,
            PackageKind::Gadget(gadget) => gadget::plan(&self.name, gadget, facts)?,
            PackageKind::Bpfman(labels) => bpfman::plan(&self.name, labels, facts)?,
        };
        // The kernel refuses ring buffers that say what their records are.
        for map in &facts.maps {
            if map.map_type == RINGBUF && map.value_size != 0 {
                plan.map_changes
                    .push((map.name.clone(), MapChange::ValueSize(0)));
            }
        }
        Ok(plan)
    }
}

const RINGBUF: u32 = eunomia_host_abi::kernel::map_type::RINGBUF;

impl Plan {
    /// Put what the user chose into the plan.
    ///
    /// # Errors
    /// Names the option.
    pub fn apply(&mut self, facts: &Facts, choices: Choices) -> Result<()> {
        self.globals.extend(choices.globals);
        let chosen: Chosen = choices.places.into_iter().collect();
        self.apply_places(facts, &chosen)?;
        for (program, _) in &choices.targets {
            self.targets.remove(program);
        }
        for (program, target) in choices.targets {
            self.targets.entry(program).or_default().push(target);
        }
        for (map, type_name) in choices.types {
            self.set_type(facts, &map, &type_name)
                .map_err(|error| error.within(format!("--type {map}={type_name}")))?;
        }
        if self.shows_all_maps && !choices.maps.is_empty() {
            self.sources.retain(|source| {
                let is_entries = matches!(source.kind, SourceKind::Entries { .. });
                !is_entries || choices.maps.contains(&source.name)
            });
        }
        for name in &choices.maps {
            let maps = sources::named(facts, name);
            for map in maps.map_err(|error| error.within(format!("--map {name}")))? {
                if !self.sources.iter().any(|source| source.name == map.name) {
                    let interval = crate::limits::INTERVAL_DEFAULT;
                    self.sources
                        .push(sources::entries(facts, map, None, interval)?);
                }
            }
        }
        gadget::filter(self, facts, &choices.mount_namespaces)?;
        bumblebee::apply_histograms(self, &choices.histograms)?;
        if let Some(chosen) = choices.interval {
            for source in &mut self.sources {
                match &mut source.kind {
                    SourceKind::Entries { interval, .. } | SourceKind::Counted { interval, .. } => {
                        *interval = chosen;
                    }
                    SourceKind::Structs { interval, .. } => *interval = Some(chosen),
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// Attach programs that need to be told where to what was chosen. Perf events have defaults.
    fn apply_places(&mut self, facts: &Facts, chosen: &Chosen) -> Result<()> {
        for program in &facts.programs {
            let said_otherwise = self.targets.contains_key(&program.name);
            if said_otherwise && chosen.is_empty() {
                continue;
            }
            if let Some(target) = places::target(program, chosen)? {
                self.targets.insert(program.name.clone(), vec![target]);
            }
        }
        Ok(())
    }

    fn set_type(&mut self, facts: &Facts, map: &str, type_name: &str) -> Result<()> {
        let info = facts.map(map)?;
        let ty: TypeId = facts.btf()?.find_data(type_name)?.id();
        let source = match facts::is_buffer(info) {
            true => sources::events(facts, info, Some(ty))?,
            false => sources::entries(facts, info, Some(ty), crate::limits::INTERVAL_DEFAULT)?,
        };
        self.warnings
            .retain(|warning| !warning.contains(&format!("`{map}`")));
        match self.sources.iter_mut().find(|source| source.name == map) {
            Some(known) => *known = source,
            None => self.sources.push(source),
        }
        Ok(())
    }
}

impl PackageKind {
    /// The name of the format.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Bare => "BPF object",
            Self::Eunomia(_) => "eunomia package",
            Self::Bumblebee(_) => "bumblebee image",
            Self::Bpfman(_) => "bytecode image",
            Self::Gadget(_) => "gadget image",
        }
    }
}
