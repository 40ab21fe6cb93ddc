//! What is attached, and the handles that keep it so.

use std::any::Any;
use std::io::{Cursor, Read};
use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::fake::errno::Errno;
use crate::fake::journal::Operation;
use crate::fake::kernel::FakeKernel;
use crate::fake::object::LoadedObject;
use crate::kernel::{Link, LinkInfo};

/// A program that is attached, or a `struct_ops` map that is registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttachedProgram {
    /// The link's id.
    pub id: u32,
    /// Name of the object in the image.
    pub object: String,
    /// Name of the program or map.
    pub name: String,
    /// Where, in text form.
    pub target: String,
}

/// Everything that is attached, by id and so in the order of attaching.
#[derive(Debug, Default)]
pub(crate) struct Links(Vec<Entry>);

#[derive(Debug)]
struct Entry {
    program: AttachedProgram,
    /// The place that it has for itself.
    exclusive: Option<String>,
}

impl Links {
    pub(crate) fn attached(&self) -> Vec<AttachedProgram> {
        self.0.iter().map(|entry| entry.program.clone()).collect()
    }

    /// Adds a program; fails when it wants a place for itself that another program has.
    fn add(&mut self, program: AttachedProgram, exclusive: Option<String>) -> Result<()> {
        let mut holders = self.0.iter();
        let holder = holders.find(|entry| exclusive.is_some() && entry.exclusive == exclusive);
        if let Some(holder) = holder {
            return Err(Errno::Busy.error(format!(
                "attach \"{}\" to {}: \"{}\" is attached there",
                program.name, program.target, holder.program.name
            )));
        }
        self.0.push(Entry { program, exclusive });
        Ok(())
    }

    fn remove(&mut self, id: u32) {
        self.0.retain(|entry| entry.program.id != id);
    }

    fn rename(&mut self, id: u32, name: &str) {
        for entry in self.0.iter_mut().filter(|entry| entry.program.id == id) {
            name.clone_into(&mut entry.program.name);
        }
    }
}

/// A link of the fake kernel.
#[derive(Debug)]
pub(crate) struct FakeLink {
    kernel: FakeKernel,
    id: u32,
    info: LinkInfo,
    pub(crate) program_type: u32,
    /// Whether another program can take its place (`BPF_LINK_UPDATE`).
    pub(crate) is_replaceable: bool,
    /// What an iterator writes; none for other programs.
    iterator: Option<Arc<[u8]>>,
    is_attached: bool,
    /// The object stays loaded as long as the link.
    _object: Arc<LoadedObject>,
}

/// What distinguishes links of one kind from those of others.
#[derive(Debug)]
pub(crate) struct LinkKind {
    pub(crate) link_type: u32,
    pub(crate) program_type: u32,
    pub(crate) is_replaceable: bool,
    /// The place that it has for itself, if it must have one.
    pub(crate) exclusive: Option<String>,
    pub(crate) iterator: Option<Arc<[u8]>>,
}

impl FakeLink {
    pub(crate) fn attach(
        kernel: FakeKernel,
        program: AttachedProgram,
        kind: LinkKind,
        object: Arc<LoadedObject>,
    ) -> Result<Self> {
        let id = program.id;
        let info = LinkInfo {
            name: program.name.clone(),
            link_type: kind.link_type,
            target: program.target.clone(),
            ids: vec![id],
        };
        kernel.links().lock().add(program, kind.exclusive)?;
        Ok(Self {
            kernel,
            id,
            info,
            program_type: kind.program_type,
            is_replaceable: kind.is_replaceable,
            iterator: kind.iterator,
            is_attached: true,
            _object: object,
        })
    }

    pub(crate) fn is_attached(&self) -> bool {
        self.is_attached
    }

    /// Another program takes the place of the one that was attached.
    pub(crate) fn replace(&mut self, name: &str, object: Arc<LoadedObject>) {
        name.clone_into(&mut self.info.name);
        self.kernel.links().lock().rename(self.id, name);
        self._object = object;
    }

    fn subject(&self) -> String {
        format!("{} {}", self.info.name, self.info.target)
    }
}

impl Link for FakeLink {
    fn info(&self) -> LinkInfo {
        self.info.clone()
    }

    fn detach(&mut self) -> Result<()> {
        if !std::mem::replace(&mut self.is_attached, false) {
            return Err(Error::new(
                ErrorKind::InvalidState,
                format!("detach \"{}\": it is detached already", self.info.name),
            ));
        }
        // A detach that fails leaves nothing attached either: the kernel closes the link.
        self.kernel.links().lock().remove(self.id);
        self.kernel.enter(Operation::Detach, &self.subject())
    }

    fn iterate(&self) -> Result<Box<dyn Read + Send>> {
        self.kernel.enter(Operation::Iterate, &self.subject())?;
        match &self.iterator {
            Some(output) if self.is_attached => Ok(Box::new(Cursor::new(output.clone()))),
            Some(_) => Err(Error::new(
                ErrorKind::InvalidState,
                format!("run iterator \"{}\": it is detached", self.info.name),
            )),
            None => Err(Error::new(
                ErrorKind::NotSupported,
                format!("run \"{}\": it is no iterator", self.info.name),
            )),
        }
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}

impl Drop for FakeLink {
    fn drop(&mut self) {
        if self.is_attached {
            self.kernel.links().lock().remove(self.id);
            self.kernel.record(Operation::Detach, &self.subject());
        }
    }
}
