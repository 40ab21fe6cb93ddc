//! `program`: one BPF program of an object.

use wasmtime::component::Resource;

use super::BpfCtxView;
use super::bpf_map::BpfMap;
use super::error::{HostResult, checked_length, checked_name};
use super::link::{self, Link};
use super::object_state::ObjectRef;
use super::target::from_guest;
use crate::bindings::eunomia::bpf::attach::Target as GuestTarget;
use crate::bindings::eunomia::bpf::bpf_object::{
    HostProgram, ProgramInfo, ProgramStatistics, RunInput, RunOutput,
};
use crate::error::{Error, ErrorKind, Result};
use crate::kernel::{self, ProgramSetting};
use crate::limits;

/// The host's side of a `program` handle.
#[derive(Debug)]
pub struct Program {
    object: ObjectRef,
    name: String,
}

impl Program {
    pub(super) fn find(object: ObjectRef, name: String) -> Result<Self> {
        find_info(&object, &name)?;
        Ok(Self { object, name })
    }

    fn set(&self, setting: ProgramSetting<'_>) -> HostResult<()> {
        let doing = format!("configure program `{}`", self.name);
        Ok(self
            .object
            .opened(&doing)?
            .object
            .set_program(&self.name, setting)?)
    }
}

/// What is known of the program `name`.
pub(crate) fn find_info(object: &ObjectRef, name: &str) -> Result<kernel::ProgramInfo> {
    let programs = object.state().object.programs();
    if let Some(program) = programs.iter().find(|program| program.name == name) {
        return Ok(program.clone());
    }
    let names: Vec<&str> = programs.iter().map(|program| &*program.name).collect();
    Err(Error::new(
        ErrorKind::NotFound,
        format!(
            "find program `{name}`: object `{}` has: {}",
            object.name(),
            names.join(", ")
        ),
    ))
}

pub(super) fn info_to_guest(info: kernel::ProgramInfo) -> ProgramInfo {
    ProgramInfo {
        name: info.name,
        section: info.section,
        program_type: info.program_type,
        type_name: info.type_name,
        attach_type: info.attach_type,
        attach_target: info.attach_target,
        autoload: info.autoload,
        autoattach: info.autoattach,
        id: info.id,
    }
}

impl HostProgram for BpfCtxView<'_> {
    fn info(&mut self, self_: Resource<Program>) -> wasmtime::Result<ProgramInfo> {
        let program = self.table.get(&self_)?;
        let info = find_info(&program.object, &program.name)?;
        Ok(info_to_guest(info))
    }

    fn set_autoload(&mut self, self_: Resource<Program>, load: bool) -> HostResult<()> {
        self.table.get(&self_)?.set(ProgramSetting::Autoload(load))
    }

    fn set_autoattach(&mut self, self_: Resource<Program>, attach: bool) -> HostResult<()> {
        let program = self.table.get(&self_)?;
        let mut state = program.object.state();
        Ok(state
            .object
            .set_program(&program.name, ProgramSetting::Autoattach(attach))?)
    }

    fn set_attach_target(&mut self, self_: Resource<Program>, function: String) -> HostResult<()> {
        checked_name("set an attach target", &function)?;
        self.table
            .get(&self_)?
            .set(ProgramSetting::AttachTarget(&function))
    }

    fn attach(
        &mut self,
        self_: Resource<Program>,
        target: Option<GuestTarget>,
    ) -> HostResult<Resource<Link>> {
        let program = self.table.get(&self_)?;
        let target = target.map(from_guest).transpose()?;
        let link = link::attach(self.ctx, &program.object, &program.name, target.as_ref())?;
        Ok(self.table.push(link)?)
    }

    fn replace_in(&mut self, self_: Resource<Program>, link: Resource<Link>) -> HostResult<()> {
        let program = self.table.get(&self_)?;
        let (object, name) = (program.object.clone(), program.name.clone());
        let state = object.loaded("replace a program")?;
        let part = self.table.get_mut(&link)?.single_part()?;
        Ok(state.object.replace_in(&name, part)?)
    }

    fn store_in(
        &mut self,
        self_: Resource<Program>,
        map: Resource<BpfMap>,
        index: u32,
    ) -> HostResult<()> {
        let map = self.table.get_mut(&map)?.loaded("store a program")?;
        let program = self.table.get(&self_)?;
        let state = program.object.loaded("store a program")?;
        Ok(state.object.store_in(&program.name, &*map, index)?)
    }

    fn test_run(&mut self, self_: Resource<Program>, input: RunInput) -> HostResult<RunOutput> {
        checked_length(
            "run a program: data",
            input.data.len(),
            limits::RUN_DATA_BYTES_MAX,
        )?;
        let context_bytes = input.context.len();
        checked_length(
            "run a program: context",
            context_bytes,
            limits::RUN_CONTEXT_BYTES_MAX,
        )?;
        checked_length(
            "run a program: repeat",
            input.repeat as usize,
            limits::RUN_REPEAT_MAX,
        )?;
        let program = self.table.get(&self_)?;
        let state = program.object.loaded("run a program")?;
        let info = find_listed(&*state.object, &program.name)?;
        self.ctx.policy.test_run(&info, input.flags)?;
        let output = state.object.test_run(
            &program.name,
            &kernel::RunInput {
                data: input.data,
                context: input.context,
                repeat: input.repeat,
                flags: input.flags,
                cpu: input.cpu,
                batch_size: input.batch_size,
            },
        )?;
        Ok(RunOutput {
            return_value: output.return_value,
            data: output.data,
            context: output.context,
            duration_ns: output.duration_ns,
        })
    }

    fn statistics(&mut self, self_: Resource<Program>) -> HostResult<ProgramStatistics> {
        let program = self.table.get(&self_)?;
        let state = program.object.loaded("read statistics")?;
        let statistics = state.object.statistics(&program.name)?;
        Ok(ProgramStatistics {
            run_count: statistics.run_count,
            run_time_ns: statistics.run_time_ns,
            recursion_misses: statistics.recursion_misses,
        })
    }

    fn drop(&mut self, rep: Resource<Program>) -> wasmtime::Result<()> {
        self.table.delete(rep)?;
        Ok(())
    }
}

fn find_listed(object: &dyn kernel::Object, name: &str) -> Result<kernel::ProgramInfo> {
    object
        .programs()
        .into_iter()
        .find(|program| program.name == name)
        .ok_or_else(|| {
            Error::new(
                ErrorKind::NotFound,
                format!("find program `{name}`: it is gone"),
            )
        })
}
