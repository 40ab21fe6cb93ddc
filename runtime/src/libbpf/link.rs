//! What holds a program where it is attached.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError};

use eunomia_host_abi::kernel::{Link, LinkInfo};
use eunomia_host_abi::{Error, ErrorKind, Result};

use super::attach::Attachment;
use super::failure::{errno_of, from_io};
use super::object::{LibbpfObject, Loaded};
use super::pins::Pins;

/// An attached program: one attachment, or one for each CPU.
pub(super) struct LibbpfLink {
    info: LinkInfo,
    attachments: Vec<Attachment>,
    /// Where it lives on, and in whose pins.
    pins: Option<(Arc<Pins>, Vec<PathBuf>)>,
    /// Dropped last: libbpf's links may refer to it.
    object: Arc<Loaded>,
}

impl LibbpfLink {
    pub(super) fn new(
        name: &str,
        target: String,
        attachments: Vec<Attachment>,
        object: &Arc<Loaded>,
    ) -> Self {
        let infos: Vec<_> = attachments.iter().filter_map(Attachment::info).collect();
        Self {
            info: LinkInfo {
                name: name.to_owned(),
                link_type: infos.first().map_or(0, |(link_type, _)| *link_type),
                target,
                ids: infos.into_iter().map(|(_, id)| id).collect(),
            },
            attachments,
            pins: None,
            object: Arc::clone(object),
        }
    }

    /// The link, pinned if the run's are. One that cannot be is detached.
    pub(super) fn pinned(mut self, object: &LibbpfObject) -> Result<Box<dyn Link>> {
        let Some((pins, folder)) = object.pins.as_ref().zip(object.own_pins.as_ref()) else {
            return Ok(Box::new(self));
        };
        let links: Option<Vec<_>> = self.attachments.iter().map(Attachment::link).collect();
        let links = links.ok_or_else(|| {
            let LinkInfo { name, target, .. } = &self.info;
            Error::new(
                ErrorKind::NotSupported,
                format!(
                    "pin program `{name}` at {target}: attached there without a link of the \
                     kernel's, it ends with its process"
                ),
            )
        })?;
        let paths = pins.links(folder, &self.info.name, &links)?;
        self.pins = Some((Arc::clone(pins), paths));
        Ok(Box::new(self))
    }

    /// Put `program` of `loaded` in the place of the one that is attached.
    pub(super) fn replace(&mut self, loaded: &Arc<Loaded>, program: &str) -> Result<()> {
        let operation = format!(
            "replace program `{}` at {} by `{program}`",
            self.info.name, self.info.target
        );
        let found = loaded.program(program, "replace by")?;
        let replaced = match self.attachments.as_mut_slice() {
            [attachment] => attachment.replace(&found),
            _ => None,
        };
        match replaced {
            Some(Ok(())) => {
                self.info.name = program.to_owned();
                // The kernel holds the new program; its object must live as long.
                self.object = Arc::clone(loaded);
                Ok(())
            }
            Some(Err(error)) => Err(from_io(&error, operation)),
            None => Err(Error::new(
                ErrorKind::NotSupported,
                format!("{operation}: it is not attached by one link of the kernel's"),
            )),
        }
    }

    fn detach_all(&mut self) -> Result<()> {
        let _attaching = self
            .object
            .attaching
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut outcome = Ok(());
        for attachment in self.attachments.drain(..) {
            outcome = outcome.and(attachment.detach());
        }
        outcome.map_err(|error| {
            let LinkInfo { name, target, .. } = &self.info;
            from_io(&error, format!("detach program `{name}` from {target}"))
        })
    }
}

impl Link for LibbpfLink {
    fn info(&self) -> LinkInfo {
        self.info.clone()
    }

    fn detach(&mut self) -> Result<()> {
        // On purpose, not as the end of the run.
        if let Some((pins, paths)) = self.pins.take() {
            pins.remove(&paths);
        }
        self.detach_all()
    }

    fn iterate(&self) -> Result<Box<dyn std::io::Read + Send>> {
        let operation = || format!("iterate with program `{}`", self.info.name);
        let [Attachment::Link(link)] = self.attachments.as_slice() else {
            return Err(Error::new(
                ErrorKind::NotSupported,
                format!("{}: it is not an attached iterator", operation()),
            ));
        };
        let reader = libbpf_rs::Iter::new(link).map_err(|error| {
            let error = Error::from_errno(errno_of(&error), operation());
            match error.kind() {
                // What the kernel says of links of other programs.
                ErrorKind::InvalidArgument => error.with_kind(ErrorKind::NotSupported),
                _ => error,
            }
        })?;
        Ok(Box::new(reader))
    }

    fn as_any_mut(&mut self) -> &mut dyn std::any::Any {
        self
    }
}

impl Drop for LibbpfLink {
    fn drop(&mut self) {
        if self.pins.is_some() {
            return self.attachments.drain(..).for_each(Attachment::leave);
        }
        if let Err(error) = self.detach_all() {
            // Nobody is left to tell; `detach` is for those who want to know.
            tracing::warn!("{error}");
        }
    }
}

impl std::fmt::Debug for LibbpfLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LibbpfLink")
            .field("info", &self.info)
            .finish_non_exhaustive()
    }
}

/// A link of this kernel.
pub(super) fn of_libbpf(link: &mut dyn Link) -> Result<&mut LibbpfLink> {
    let info = link.info();
    link.as_any_mut().downcast_mut().ok_or_else(|| {
        Error::new(
            ErrorKind::InvalidArgument,
            format!("the link of `{}` is of another kernel", info.name),
        )
    })
}
