//! `link`, and attaching as the operator decided.

use std::io::Read;
use std::sync::Arc;

use wasmtime::component::Resource;
use wasmtime_wasi_io::bytes::Bytes;
use wasmtime_wasi_io::poll::Pollable;
use wasmtime_wasi_io::streams::{DynInputStream, InputStream, StreamError, StreamResult};

use super::error::HostResult;
use super::object_state::ObjectRef;
use super::program::find_info;
use super::{BpfCtx, BpfCtxView};
use crate::bindings::eunomia::bpf::attach::{Host, HostLink, LinkInfo};
use crate::error::{Error, ErrorKind, Result};
use crate::kernel;
use crate::kernel::map_type::STRUCT_OPS;
use crate::limits::BATCH_BYTES_MAX;
use crate::target::Target;

/// The host's side of a `link` handle: one attachment, or several where the operator gave several
/// targets for the program.
#[derive(Debug)]
pub struct Link {
    // Dropped before the object that they need.
    parts: Vec<Box<dyn kernel::Link>>,
    detached: bool,
    _object: ObjectRef,
    /// Counted against `Limits::links_max`.
    _token: Arc<()>,
}

impl Link {
    fn new(ctx: &BpfCtx, object: &ObjectRef, parts: Vec<Box<dyn kernel::Link>>) -> Self {
        Self {
            parts,
            detached: false,
            _object: object.clone(),
            _token: Arc::clone(&ctx.link_token),
        }
    }

    /// The attachment of a link that has just one.
    pub(super) fn single_part(&mut self) -> Result<&mut dyn kernel::Link> {
        self.check_attached("replace the program of a link")?;
        match self.parts.as_mut_slice() {
            [part] => Ok(&mut **part),
            parts => Err(Error::new(
                ErrorKind::NotSupported,
                format!(
                    "replace the program of a link: it stands for {} of them",
                    parts.len()
                ),
            )),
        }
    }

    fn check_attached(&self, doing: &str) -> Result<()> {
        if self.detached {
            return Err(Error::new(
                ErrorKind::InvalidState,
                format!("{doing}: it is detached"),
            ));
        }
        Ok(())
    }
}

/// Attach a program: where the operator said, else to `target`, else to where its section says.
pub(crate) fn attach(
    ctx: &BpfCtx,
    object: &ObjectRef,
    program: &str,
    target: Option<&Target>,
) -> Result<Link> {
    let info = find_info(object, program)?;
    let mut state = object.loaded(&format!("attach program `{program}`"))?;
    check_room(ctx)?;
    let Some(targets) = ctx.overrides.targets.get(program) else {
        ctx.policy.attach(&info, target)?;
        let part = state.object.attach(program, target)?;
        return Ok(Link::new(ctx, object, vec![part]));
    };
    if state.overridden.contains(program) {
        return Err(Error::new(
            ErrorKind::AlreadyExists,
            format!("attach program `{program}` again: the operator has said where it goes"),
        ));
    }
    let mut parts = Vec::with_capacity(targets.len());
    for target in targets {
        ctx.policy.attach(&info, Some(target))?;
        parts.push(state.object.attach(program, Some(target))?);
    }
    state.overridden.insert(program.to_owned());
    Ok(Link::new(ctx, object, parts))
}

/// Attach every program that says where it goes, and every `struct_ops` map. All or nothing: on an
/// error the links made so far are dropped, which detaches them.
pub(super) fn attach_all(ctx: &BpfCtx, object: &ObjectRef) -> Result<Vec<Link>> {
    let (programs, maps) = {
        let state = object.loaded("attach")?;
        (state.object.programs(), state.object.maps())
    };
    let mut links = Vec::new();
    for program in programs
        .iter()
        .filter(|program| program.autoload && program.autoattach)
    {
        let overridden = ctx.overrides.targets.contains_key(&program.name);
        if overridden || object.state().object.can_attach_by_section(&program.name) {
            links.push(attach(ctx, object, &program.name, None)?);
        }
    }
    for map in maps.iter().filter(|map| map.map_type == STRUCT_OPS) {
        links.push(attach_struct_ops(ctx, object, &map.name)?);
    }
    Ok(links)
}

pub(super) fn attach_struct_ops(ctx: &BpfCtx, object: &ObjectRef, map: &str) -> Result<Link> {
    check_room(ctx)?;
    let state = object.loaded(&format!("register struct_ops map `{map}`"))?;
    let part = state.object.attach_struct_ops(map)?;
    Ok(Link::new(ctx, object, vec![part]))
}

fn check_room(ctx: &BpfCtx) -> Result<()> {
    if Arc::strong_count(&ctx.link_token) > ctx.limits.links_max {
        return Err(Error::new(
            ErrorKind::LimitExceeded,
            "attach a program: the guest holds as many links as it may",
        ));
    }
    Ok(())
}

impl Host for BpfCtxView<'_> {}

impl HostLink for BpfCtxView<'_> {
    fn info(&mut self, self_: Resource<Link>) -> wasmtime::Result<LinkInfo> {
        let link = self.table.get(&self_)?;
        let mut info = LinkInfo {
            name: String::new(),
            link_type: 0,
            targets: Vec::new(),
            ids: Vec::new(),
        };
        for part in &link.parts {
            let part = part.info();
            info.name = part.name;
            info.link_type = part.link_type;
            info.targets.push(part.target);
            info.ids.extend(part.ids);
        }
        Ok(info)
    }

    fn keep(&mut self, self_: Resource<Link>) -> wasmtime::Result<()> {
        // The handle stays, empty: `info` then says nothing and `detach` is a wrong phase.
        let link = self.table.get_mut(&self_)?;
        let kept = Link {
            parts: std::mem::take(&mut link.parts),
            detached: std::mem::replace(&mut link.detached, true),
            _object: link._object.clone(),
            _token: Arc::clone(&link._token),
        };
        self.ctx.kept_links.push(kept);
        Ok(())
    }

    fn detach(&mut self, self_: Resource<Link>) -> HostResult<()> {
        let link = self.table.get_mut(&self_)?;
        link.check_attached("detach a link")?;
        link.detached = true;
        let mut outcome = Ok(());
        for mut part in link.parts.drain(..) {
            // All are detached, the first failure is told.
            let detached = part.detach();
            outcome = outcome.and(detached);
        }
        Ok(outcome?)
    }

    fn iterate(&mut self, self_: Resource<Link>) -> HostResult<Resource<DynInputStream>> {
        let link = self.table.get(&self_)?;
        link.check_attached("iterate")?;
        let [part] = link.parts.as_slice() else {
            return Err(Error::new(
                ErrorKind::NotSupported,
                "iterate: the link stands for several programs",
            )
            .into());
        };
        let reader = part.iterate()?;
        let stream: DynInputStream = Box::new(IteratorStream {
            reader: Some(reader),
        });
        Ok(self.table.push(stream)?)
    }

    fn drop(&mut self, rep: Resource<Link>) -> wasmtime::Result<()> {
        self.table.delete(rep)?;
        Ok(())
    }
}

/// What an iterator program writes. Reading runs the program, so it is always ready.
struct IteratorStream {
    reader: Option<Box<dyn Read + Send>>,
}

#[wasmtime_wasi_io::async_trait]
impl Pollable for IteratorStream {
    async fn ready(&mut self) {}
}

impl InputStream for IteratorStream {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        let Some(reader) = &mut self.reader else {
            return Err(StreamError::Closed);
        };
        let mut bytes = vec![0; size.min(BATCH_BYTES_MAX)];
        match reader.read(&mut bytes) {
            Ok(0) if !bytes.is_empty() => {
                self.reader = None;
                Err(StreamError::Closed)
            }
            Ok(count) => {
                bytes.truncate(count);
                Ok(bytes.into())
            }
            Err(error) => Err(StreamError::LastOperationFailed(error.into())),
        }
    }
}
