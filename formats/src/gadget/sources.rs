//! Data sources, as the object names them.

use std::sync::Arc;

use eunomia_btf::{Extension, Kind, TypeId};
use eunomia_host_abi::kernel::{MapInfo, map_type};
use eunomia_host_abi::output::{Layout, Table};
use serde_json::Value;

use super::marks::{self, Mark};
use super::readable::{self, Readable, StackField};
use super::{description, types};
use crate::error::{Error, Result};
use crate::facts::{self, Facts};
use crate::limits::INTERVAL_DEFAULT;
use crate::plan::{Source, SourceKind, StackLookup};
use crate::rows;

/// What gadgets call the maps of their stacks.
const KERNEL_STACKS: &str = "ig_kstack";
const USER_STACKS: &str = "ig_ustack";
/// Fields that tell a process, if the stack itself does not.
const PROCESSES: [&str; 5] = ["proc.pid", "pid", "tgid", "proc.tid", "tid"];

/// All data sources that the object names.
pub(super) fn sources(facts: &Facts, description: &Value, marks: &[Mark]) -> Result<Vec<Source>> {
    let mut found = Vec::new();
    for mark in marks {
        let within = |error: Error| error.within(format!("symbol {}", mark.text));
        let parts = mark.parts();
        match (mark.kind, parts.as_slice()) {
            (marks::Kind::Tracer, [name, map, type_name]) => {
                let making = Making::of(facts, description, name).map_err(within)?;
                found.push(making.tracer(map, type_name).map_err(within)?);
            }
            (marks::Kind::MapIterator, [name, map]) => {
                let making = Making::of(facts, description, name).map_err(within)?;
                found.push(making.entries(map).map_err(within)?);
            }
            (marks::Kind::Iterator, [name, type_name, programs @ ..]) => {
                let making = Making::of(facts, description, name).map_err(within)?;
                let iterators = making.iterators(type_name, programs);
                found.extend(iterators.map_err(within)?);
            }
            (marks::Kind::Tracer | marks::Kind::MapIterator | marks::Kind::Iterator, parts) => {
                let message = format!("it has {} parts between `___`", parts.len());
                return Err(within(Error::new(message)));
            }
            _ => {}
        }
    }
    Ok(found)
}

/// A data source that is being made.
struct Making<'a> {
    facts: &'a Facts,
    description: &'a Value,
    name: &'a str,
}

impl<'a> Making<'a> {
    fn of(facts: &'a Facts, description: &'a Value, name: &'a str) -> Result<Self> {
        facts.btf()?;
        Ok(Self {
            facts,
            description,
            name,
        })
    }

    fn tracer(&self, map: &str, type_name: &str) -> Result<Source> {
        let info = self.facts.map(map)?;
        if !facts::is_buffer(info) {
            return Err(Error::new(format!("map `{map}` is no buffer")));
        }
        let (source, _) = self.structs(map, type_name)?;
        // Records may end early: what is behind their end counts as zero.
        let shape = crate::Shape::default();
        Ok(Source {
            kind: SourceKind::Events(shape),
            ..source
        })
    }

    fn iterators(&self, type_name: &str, programs: &[&str]) -> Result<Vec<Source>> {
        let all = &self.facts.programs;
        let is_iterator = |section: &str| section.trim_start_matches('?').starts_with("iter");
        let programs: Vec<&str> = match programs {
            // Older objects do not say which.
            [] => all
                .iter()
                .filter(|program| is_iterator(&program.section))
                .map(|program| program.name.as_str())
                .collect(),
            programs => programs.to_vec(),
        };
        let (source, bytes) = self.structs("", type_name)?;
        let kind = SourceKind::Structs {
            bytes,
            interval: None,
        };
        let of_program = |program: &&str| {
            if !all.iter().any(|it| it.name == *program) {
                return Err(Error::new(format!("the object has no program `{program}`")));
            }
            Ok(Source {
                name: (*program).to_owned(),
                kind: kind.clone(),
                ..source.clone()
            })
        };
        programs.iter().map(of_program).collect()
    }

    /// A source whose rows are a struct, and the bytes of the struct.
    fn structs(&self, from: &str, type_name: &str) -> Result<(Source, usize)> {
        let btf = self.facts.btf()?;
        let ty = btf.find(type_name, Kind::Struct)?.id();
        let mut extension = Extension::of(btf);
        let readable = readable::copy(btf, &mut extension, ty)?;
        let btf = Arc::new(extension.finish());
        let (table, shape) = rows::of_records(&btf, self.name, readable.ty, false)?;
        let bytes = shape.record_bytes_min;
        let source = self.finish(from, table, SourceKind::Text, &[(0, readable)])?;
        Ok((source, bytes))
    }

    /// The entries of a map. They are taken out of it, as everybody does who runs gadgets: what is
    /// shown is what came since the last time.
    fn entries(&self, map: &str) -> Result<Source> {
        let info = self.facts.map(map)?;
        if !facts::is_listed(info) {
            return Err(Error::new(format!(
                "the entries of map `{map}` of type {} cannot be listed",
                info.type_name
            )));
        }
        let btf = self.facts.btf()?;
        let mut extension = Extension::of(btf);
        let mut copy = |ty: Option<TypeId>| -> Result<Option<Readable>> {
            ty.map(|ty| readable::copy(btf, &mut extension, ty))
                .transpose()
        };
        let (key, value) = (copy(facts::key_type(info))?, copy(facts::value_type(info))?);
        let id = |part: &Option<Readable>| part.as_ref().map_or(0, |part| part.ty.0);
        let info = MapInfo {
            key_type_id: id(&key),
            value_type_id: id(&value),
            ..info.clone()
        };
        let facts = Facts {
            btf: Some(Arc::new(extension.finish())),
            ..Facts::default()
        };
        let (mut table, layout) = rows::of_entries(&facts, &info, None)?;
        table.name = self.name.to_owned();
        let clear = !facts::is_array(&info);
        if clear {
            table.hints.remove("rows");
        }
        let parts = [(layout.key_at, key), (layout.value_at, value)];
        let parts: Vec<(usize, Readable)> = parts
            .into_iter()
            .filter_map(|(at, part)| Some((at, part?)))
            .collect();
        let kind = SourceKind::Entries {
            layout,
            interval: description::interval(self.description, self.name)?
                .unwrap_or(INTERVAL_DEFAULT),
            clear,
        };
        let mut source = self.finish(map, table, kind, &parts)?;
        if let (SourceKind::Entries { layout, .. }, Layout::Btf { size, .. }) =
            (&mut source.kind, &source.table.layout)
        {
            layout.row_bytes = *size;
        }
        Ok(source)
    }

    /// Add stacks, and say how fields look: by type, then as the description says.
    fn finish(
        &self,
        from: &str,
        mut table: Table,
        kind: SourceKind,
        parts: &[(usize, Readable)],
    ) -> Result<Source> {
        let mut stacks = Vec::new();
        for (at, part) in parts {
            for field in &part.stacks {
                stacks.extend(self.stack(&mut table, *at, field)?);
            }
            for (field, title) in &part.titles {
                rows::hint(&mut table, field, "title", title);
            }
            for raw in &part.raw {
                rows::hint(&mut table, raw, "json", "both");
            }
            for endpoint in &part.endpoints {
                let address = format!("{endpoint}.addr");
                rows::hint(&mut table, &address, rows::FORMAT, "ip-address");
                rows::hint(
                    &mut table,
                    &address,
                    "family",
                    &format!("{endpoint}.version"),
                );
                rows::hint(&mut table, &format!("{endpoint}.version"), "hidden", "true");
            }
        }
        rows::hint_by_type(&mut table, &types::hints);
        description::annotate(self.description, self.name, &mut table)?;
        Ok(Source {
            name: from.to_owned(),
            table: Arc::new(table),
            kind,
            stacks,
        })
    }

    /// Add the field of a stack; none when no map has it.
    fn stack(
        &self,
        table: &mut Table,
        part_at: usize,
        field: &StackField,
    ) -> Result<Option<StackLookup>> {
        let maps = || {
            let maps = self.facts.maps.iter();
            maps.filter(|map| map.map_type == map_type::STACK_TRACE)
        };
        let usual = match field.is_user {
            true => USER_STACKS,
            false => KERNEL_STACKS,
        };
        let named = maps().find(|map| map.name == usual);
        let only = || maps().next().filter(|_| maps().count() == 1);
        let Some(map) = named.or_else(only) else {
            return Ok(None);
        };
        if map.key_size != 4 {
            let message = format!("map `{}`: its keys are no identifiers of stacks", map.name);
            return Err(Error::new(message));
        }
        let (at, bytes) = rows::append_stack(table, &field.name)?;
        let format = match field.is_user {
            true => "user-stack",
            false => "kernel-stack",
        };
        rows::hint(table, &field.name, rows::FORMAT, format);
        if let Some(pid) = &field.pid {
            rows::hint(table, pid, "hidden", "true");
            rows::hint(table, pid, "json", "skip");
        }
        let process = PROCESSES.iter().find(|name| table.layout.has_field(name));
        let process = field.pid.clone().or(process.map(|name| (*name).to_owned()));
        if let Some(process) = process.filter(|_| field.is_user) {
            rows::hint(table, &field.name, "pid", &process);
        }
        Ok(Some(StackLookup {
            map: map.name.clone(),
            id_at: part_at + field.id_at as usize,
            present_at: field.present_at.map(|at| part_at + at as usize),
            at,
            bytes,
        }))
    }
}
