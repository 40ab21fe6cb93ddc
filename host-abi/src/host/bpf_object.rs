//! `bpf-object`: open, configure, load, attach.

use std::sync::Arc;

use wasmtime::component::Resource;

use super::bpf_map::{self, BpfMap};
use super::btf::Btf;
use super::error::{HostResult, checked_name};
use super::link::{self, Link};
use super::object_state::ObjectRef;
use super::program::{self, Program};
use super::{BpfCtx, BpfCtxView};
use crate::bindings::eunomia::bpf::bpf_map::MapInfo;
use crate::bindings::eunomia::bpf::bpf_object::{GlobalInfo, Host, HostBpfObject, ProgramInfo};
use crate::error::{Error, ErrorKind, Result};
use crate::global_value;
use crate::kernel::ProgramSetting;
use crate::target::Target;

/// The host's side of a `bpf-object` handle.
#[derive(Debug)]
pub struct BpfObject {
    object: ObjectRef,
}

impl BpfObject {
    pub(super) fn object(&self) -> &ObjectRef {
        &self.object
    }
}

/// Open the BPF object in `elf`.
pub(crate) fn open(ctx: &BpfCtx, name: &str, elf: &[u8]) -> Result<ObjectRef> {
    if Arc::strong_count(&ctx.object_token) > ctx.limits.objects_max {
        return Err(Error::new(
            ErrorKind::LimitExceeded,
            format!("open BPF object `{name}`: the guest holds as many as it may"),
        ));
    }
    let object = ctx.kernel.open_object(name, elf)?;
    let token = Arc::clone(&ctx.object_token);
    Ok(ObjectRef::new(name.to_owned(), object, token))
}

/// Load an opened object as the operator decided, if the policy allows it.
pub(crate) fn load(ctx: &BpfCtx, object: &ObjectRef) -> Result<()> {
    let mut state = object.opened("load")?;
    let programs = state.object.programs();
    for (name, text) in &ctx.overrides.globals {
        let Some(global) = state
            .object
            .globals()
            .into_iter()
            .find(|global| global.name == *name)
        else {
            return Err(Error::new(
                ErrorKind::NotFound,
                format!("set global `{name}` as the operator asked: no such variable"),
            ));
        };
        let btf = state.btf()?;
        let value = global_value::parse(&btf, eunomia_btf::TypeId(global.type_id), text)
            .map_err(|error| error.for_global(name))?;
        state.object.set_global(name, &value)?;
    }
    for (name, targets) in &ctx.overrides.targets {
        if !programs.iter().any(|program| program.name == *name) {
            let names: Vec<&str> = programs.iter().map(|program| &*program.name).collect();
            return Err(Error::new(
                ErrorKind::NotFound,
                format!(
                    "attach program `{name}` as the operator asked: the object has: {}",
                    names.join(", ")
                ),
            ));
        }
        for target in targets {
            if let Target::Trace {
                function: Some(function),
                ..
            } = target
            {
                state
                    .object
                    .set_program(name, ProgramSetting::AttachTarget(function))?;
            }
        }
    }
    ctx.policy
        .load(object.name(), &programs, &state.object.maps())?;
    state.load()
}

impl Host for BpfCtxView<'_> {
    fn list_objects(&mut self) -> wasmtime::Result<Vec<String>> {
        Ok(self
            .ctx
            .objects
            .iter()
            .map(|(name, _)| name.clone())
            .collect())
    }
}

impl HostBpfObject for BpfCtxView<'_> {
    fn open(&mut self, name: String) -> HostResult<Resource<BpfObject>> {
        checked_name("open a BPF object", &name)?;
        let found = match name.as_str() {
            "" => self.ctx.objects.first(),
            _ => self
                .ctx
                .objects
                .iter()
                .find(|(candidate, _)| *candidate == name),
        };
        let Some((name, elf)) = found else {
            let names: Vec<&str> = self.ctx.objects.iter().map(|(name, _)| &**name).collect();
            return Err(Error::new(
                ErrorKind::NotFound,
                format!(
                    "open BPF object `{name}`: the image has: {}",
                    names.join(", ")
                ),
            )
            .into());
        };
        let object = open(self.ctx, name, elf)?;
        Ok(self.table.push(BpfObject { object })?)
    }

    fn programs(&mut self, self_: Resource<BpfObject>) -> wasmtime::Result<Vec<ProgramInfo>> {
        let programs = self.table.get(&self_)?.object.state().object.programs();
        Ok(programs.into_iter().map(program::info_to_guest).collect())
    }

    fn maps(&mut self, self_: Resource<BpfObject>) -> wasmtime::Result<Vec<MapInfo>> {
        let maps = self.table.get(&self_)?.object.state().object.maps();
        Ok(maps.into_iter().map(bpf_map::info_to_guest).collect())
    }

    fn globals(&mut self, self_: Resource<BpfObject>) -> wasmtime::Result<Vec<GlobalInfo>> {
        let globals = self.table.get(&self_)?.object.state().object.globals();
        Ok(globals
            .into_iter()
            .map(|global| GlobalInfo {
                name: global.name,
                section: global.section,
                offset: global.offset,
                size: global.size,
                type_id: global.type_id,
                constant: global.constant,
            })
            .collect())
    }

    fn program(
        &mut self,
        self_: Resource<BpfObject>,
        name: String,
    ) -> HostResult<Resource<Program>> {
        checked_name("find a program", &name)?;
        let object = self.table.get(&self_)?.object.clone();
        let program = Program::find(object, name)?;
        Ok(self.table.push(program)?)
    }

    fn map(&mut self, self_: Resource<BpfObject>, name: String) -> HostResult<Resource<BpfMap>> {
        checked_name("find a map", &name)?;
        let object = self.table.get(&self_)?.object.clone();
        let map = BpfMap::find(object, name)?;
        Ok(self.table.push(map)?)
    }

    fn get_global(&mut self, self_: Resource<BpfObject>, name: String) -> HostResult<Vec<u8>> {
        checked_name("read a global", &name)?;
        Ok(self
            .table
            .get(&self_)?
            .object
            .state()
            .object
            .get_global(&name)?)
    }

    fn set_global(
        &mut self,
        self_: Resource<BpfObject>,
        name: String,
        value: Vec<u8>,
    ) -> HostResult<()> {
        checked_name("set a global", &name)?;
        Ok(self
            .table
            .get(&self_)?
            .object
            .state()
            .object
            .set_global(&name, &value)?)
    }

    fn load(&mut self, self_: Resource<BpfObject>) -> HostResult<()> {
        Ok(load(self.ctx, &self.table.get(&self_)?.object)?)
    }

    fn attach(&mut self, self_: Resource<BpfObject>) -> HostResult<Vec<Resource<Link>>> {
        let object = self.table.get(&self_)?.object.clone();
        let links = link::attach_all(self.ctx, &object)?;
        let mut handles = Vec::with_capacity(links.len());
        for link in links {
            handles.push(self.table.push(link)?);
        }
        Ok(handles)
    }

    fn attach_struct_ops(
        &mut self,
        self_: Resource<BpfObject>,
        map: Resource<BpfMap>,
    ) -> HostResult<Resource<Link>> {
        let object = self.table.get(&self_)?.object.clone();
        let name = self.table.get(&map)?.name().to_owned();
        let link = link::attach_struct_ops(self.ctx, &object, &name)?;
        Ok(self.table.push(link)?)
    }

    fn btf(&mut self, self_: Resource<BpfObject>) -> HostResult<Resource<Btf>> {
        let btf = self.table.get(&self_)?.object.state().btf()?;
        Ok(self.table.push(Btf::new(btf))?)
    }

    fn drop(&mut self, rep: Resource<BpfObject>) -> wasmtime::Result<()> {
        self.table.delete(rep)?;
        Ok(())
    }
}
