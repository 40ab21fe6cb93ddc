//! `output`: tables and rows.

use std::collections::BTreeMap;
use std::sync::Arc;

use eunomia_btf::decode::Decoder;
use wasmtime::component::Resource;

use super::BpfCtxView;
use super::bpf_object::BpfObject;
use super::error::{HostResult, checked_length, checked_name};
use crate::bindings::eunomia::bpf::output as guest;
use crate::error::{Error, ErrorKind, Result};
use crate::limits::{BATCH_BYTES_MAX, FIELDS_MAX, HINT_BYTES_MAX, HINTS_MAX, TABLES_MAX};
use crate::output::{self, Cardinality, Field, Hints, Layout, Scalar};

/// The host's side of a `table` handle.
#[derive(Debug)]
pub struct Table {
    table: Arc<output::Table>,
    /// Rows were emitted: hints can no longer be added.
    started: bool,
}

impl BpfCtxView<'_> {
    fn declare(&mut self, name: String, layout: Layout) -> HostResult<Resource<Table>> {
        check_identifier("declare a table", &name)?;
        checked_length(
            "declare a table: tables",
            self.ctx.tables.len() + 1,
            TABLES_MAX,
        )?;
        if self.ctx.tables.contains(&name) {
            return Err(Error::new(
                ErrorKind::AlreadyExists,
                format!("declare table `{name}`: there is one of this name"),
            )
            .into());
        }
        let mut field_hints = BTreeMap::new();
        if let Layout::Fields(fields) = &layout {
            for field in fields {
                field_hints.insert(field.name.clone(), field.hints.clone());
            }
        }
        self.ctx.tables.push(name.clone());
        let table = output::Table {
            name,
            layout,
            hints: Hints::new(),
            field_hints,
        };
        self.ctx.output.declare(&table);
        Ok(self.table.push(Table {
            table: Arc::new(table),
            started: false,
        })?)
    }
}

impl guest::Host for BpfCtxView<'_> {
    fn report_lost(&mut self, count: u64) -> wasmtime::Result<()> {
        self.ctx.output.report_lost(count);
        Ok(())
    }

    fn flush(&mut self) -> HostResult<()> {
        let flushed = self.ctx.output.flush();
        Ok(self.ctx.noted(flushed)?)
    }
}

impl guest::HostTable for BpfCtxView<'_> {
    fn from_btf(
        &mut self,
        name: String,
        object: Resource<BpfObject>,
        type_name: String,
    ) -> HostResult<Resource<Table>> {
        checked_name("declare a table: type", &type_name)?;
        let btf = self.table.get(&object)?.object().state().btf()?;
        let Some(ty) = super::btf::find(&btf, &type_name) else {
            return Err(Error::new(
                ErrorKind::NotFound,
                format!("declare table `{name}`: the object has no type `{type_name}`"),
            )
            .into());
        };
        let type_id = ty.id();
        let decoder = Decoder::new(&btf, type_id).map_err(|error| {
            Error::new(
                ErrorKind::InvalidArgument,
                format!("declare table `{name}`: type `{type_name}`"),
            )
            .with_source(error)
        })?;
        // Records may come without padding at their ends, as those with a flexible array do.
        let size = decoder.extent();
        self.declare(name, Layout::Btf { btf, type_id, size })
    }

    fn from_fields(
        &mut self,
        name: String,
        fields: Vec<guest::Field>,
    ) -> HostResult<Resource<Table>> {
        checked_length("declare a table: fields", fields.len(), FIELDS_MAX)?;
        let mut declared: Vec<Field> = Vec::with_capacity(fields.len());
        for field in fields {
            check_identifier("declare a field", &field.name)?;
            if declared.iter().any(|other| other.name == field.name) {
                return Err(Error::new(
                    ErrorKind::InvalidArgument,
                    format!(
                        "declare table `{name}`: two fields are called `{}`",
                        field.name
                    ),
                )
                .into());
            }
            let mut hints = Hints::new();
            add_hints(&mut hints, field.hints)?;
            declared.push(Field {
                name: field.name,
                scalar: scalar(field.type_),
                cardinality: match field.cardinality {
                    guest::Cardinality::One => Cardinality::One,
                    guest::Cardinality::Optional => Cardinality::Optional,
                    guest::Cardinality::Repeated => Cardinality::Repeated,
                },
                hints,
            });
        }
        self.declare(name, Layout::Fields(declared))
    }

    fn add_hints(
        &mut self,
        self_: Resource<Table>,
        field: String,
        hints: Vec<guest::Hint>,
    ) -> HostResult<()> {
        checked_name("add hints", &field)?;
        let handle = self.table.get_mut(&self_)?;
        if handle.started {
            return Err(Error::new(
                ErrorKind::InvalidState,
                format!(
                    "add hints to table `{}`: it has rows already",
                    handle.table.name
                ),
            )
            .into());
        }
        let table = Arc::make_mut(&mut handle.table);
        if field.is_empty() {
            return Ok(add_hints(&mut table.hints, hints)?);
        }
        if !table.layout.has_field(&field) {
            return Err(Error::new(
                ErrorKind::NotFound,
                format!(
                    "add hints to table `{}`: it has no field `{field}`",
                    table.name
                ),
            )
            .into());
        }
        checked_length("add hints: fields", table.field_hints.len(), FIELDS_MAX)?;
        add_hints(table.field_hints.entry(field.clone()).or_default(), hints)?;
        if let Layout::Fields(fields) = &mut table.layout {
            for declared in fields.iter_mut().filter(|declared| declared.name == field) {
                declared.hints.clone_from(&table.field_hints[&field]);
            }
        }
        Ok(())
    }

    fn emit(&mut self, self_: Resource<Table>, rows: Vec<u8>) -> HostResult<()> {
        checked_length("emit rows", rows.len(), BATCH_BYTES_MAX)?;
        let handle = self.table.get_mut(&self_)?;
        handle.started = true;
        handle.table.check(&rows)?;
        let taken = self.ctx.output.rows(&handle.table, &rows);
        Ok(self.ctx.noted(taken)?)
    }

    fn end_of_interval(&mut self, self_: Resource<Table>) -> HostResult<()> {
        let handle = self.table.get(&self_)?;
        let taken = self.ctx.output.end_of_interval(&handle.table);
        Ok(self.ctx.noted(taken)?)
    }

    fn drop(&mut self, rep: Resource<Table>) -> wasmtime::Result<()> {
        self.table.delete(rep)?;
        Ok(())
    }
}

fn check_identifier(doing: &str, name: &str) -> Result<()> {
    checked_name(doing, name)?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if !name.is_empty() && name.bytes().all(plain) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::InvalidArgument,
        format!("{doing} `{name}`: names are letters, digits and `_`"),
    ))
}

fn add_hints(hints: &mut Hints, added: Vec<guest::Hint>) -> Result<()> {
    for hint in added {
        checked_length("hint: key", hint.key.len(), HINT_BYTES_MAX)?;
        checked_length("hint: value", hint.value.len(), HINT_BYTES_MAX)?;
        hints.insert(hint.key, hint.value);
        checked_length("hints of a field", hints.len(), HINTS_MAX)?;
    }
    Ok(())
}

fn scalar(scalar: guest::Scalar) -> Scalar {
    match scalar {
        guest::Scalar::Boolean => Scalar::Boolean,
        guest::Scalar::U8 => Scalar::U8,
        guest::Scalar::U16 => Scalar::U16,
        guest::Scalar::U32 => Scalar::U32,
        guest::Scalar::U64 => Scalar::U64,
        guest::Scalar::S8 => Scalar::S8,
        guest::Scalar::S16 => Scalar::S16,
        guest::Scalar::S32 => Scalar::S32,
        guest::Scalar::S64 => Scalar::S64,
        guest::Scalar::F32 => Scalar::F32,
        guest::Scalar::F64 => Scalar::F64,
        guest::Scalar::Text => Scalar::Text,
        guest::Scalar::Bytes => Scalar::Bytes,
    }
}
