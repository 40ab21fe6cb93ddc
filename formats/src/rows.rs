//! Rows: BTF structs that put together what the host read, with hints on how they look.

use std::collections::BTreeMap;
use std::sync::Arc;

use eunomia_btf::decode::Decoder;
use eunomia_btf::{Btf, Definition, Extension, Int, NewMember, Place, TypeId};
use eunomia_host_abi::kernel::MapInfo;
use eunomia_host_abi::output::{Cardinality, Field, Hints, Layout, Scalar, Table};

use crate::error::{Error, Result};
use crate::facts::{self, Facts};
use crate::limits::ROW_BYTES_MAX;
use crate::plan::{EntryLayout, Integers, PerCpu, Shape};

/// The host's time in front of a record.
const TIME_BYTES: u32 = 8;

/// The hint that says how a value is written.
pub(crate) const FORMAT: &str = "format";

/// A table whose rows are what a record is, perhaps with the time in front.
pub(crate) fn of_records(
    btf: &Arc<Btf>,
    name: &str,
    ty: TypeId,
    time: bool,
) -> Result<(Table, Shape)> {
    let bytes = row_bytes(btf, name, ty)?;
    let shape = Shape {
        time,
        record_bytes_min: needed_bytes(btf, ty)?.unwrap_or(bytes) as usize,
    };
    if !time && is_composite(btf, ty)? {
        return Ok((table(name, Arc::clone(btf), ty, bytes), shape));
    }
    let names = member_names(btf, ty)?;
    let mut extension = Extension::of(btf);
    let mut members = Vec::new();
    let mut offset = 0;
    let time_name = free_name("time", &names);
    if time {
        let stamp = extension.unsigned("ecli_time", TIME_BYTES)?;
        members.push((time_name.clone(), stamp, 0));
        offset = TIME_BYTES;
    }
    let own = if is_composite(btf, ty)? { "" } else { "value" };
    members.push((own.to_owned(), ty, offset));
    let (btf, row, bytes) = structure(extension, name, offset + bytes, &members)?;
    let mut table = table(name, btf, row, bytes);
    if time {
        hint(&mut table, &time_name, FORMAT, "time-ns");
        // A column for people; programs get what the tool itself says.
        hint(&mut table, &time_name, "json", "skip");
    }
    Ok((table, shape))
}

/// Bytes that a record of this type has at least: an array at its end may be cut, as of the
/// arguments of a program, of which only those are sent that there are.
fn needed_bytes(btf: &Btf, ty: TypeId) -> Result<Option<u32>> {
    let composite = match btf.resolve(ty)?.definition() {
        Definition::Struct(composite) => composite,
        Definition::Array(_) => return Ok(Some(0)),
        _ => return Ok(None),
    };
    let Some(last) = composite.members().last().transpose()? else {
        return Ok(None);
    };
    let is_array = matches!(btf.resolve(last.ty)?.definition(), Definition::Array(_));
    Ok(match last.place {
        Place::Byte { offset } if is_array => Some(offset),
        _ => None,
    })
}

/// A member of a record, under a name that a package gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NamedMember {
    pub(crate) name: String,
    pub(crate) ty: TypeId,
    /// Bytes from the start of the record.
    pub(crate) offset: u32,
}

/// A table whose rows are some members of a record, perhaps with the time in front.
pub(crate) fn of_members(
    btf: &Arc<Btf>,
    name: &str,
    members: &[NamedMember],
    time: bool,
) -> Result<(Table, Shape)> {
    let mut extension = Extension::of(btf);
    let mut bytes = 0;
    let mut placed = Vec::with_capacity(members.len());
    for member in members {
        let end = btf
            .size_of(member.ty)?
            .checked_add(member.offset)
            .filter(|end| *end <= ROW_BYTES_MAX)
            .ok_or_else(|| Error::new(format!("member `{}`: it lies too far", member.name)))?;
        bytes = bytes.max(end);
        placed.push((member.name.clone(), member.ty, member.offset));
    }
    let members: Vec<NewMember<'_>> = placed
        .iter()
        .map(|(name, ty, offset)| NewMember {
            name,
            ty: *ty,
            offset: *offset,
        })
        .collect();
    let ty = extension.structure(name, bytes, &members)?;
    of_records(&Arc::new(extension.finish()), name, ty, time)
}

/// The field of a row that has the slots of a histogram.
pub(crate) fn slots(table: &Table) -> Option<String> {
    let candidates = ["slots", "value.slots", "value"];
    let is_array = |path: &&str| table.layout.has_field(path);
    candidates
        .iter()
        .copied()
        .find(|path| is_array(path))
        .map(str::to_owned)
}

/// Give every field whose type is called so the hints that go with it. Type names are found behind
/// qualifiers and through other typedefs.
pub(crate) fn hint_by_type(
    table: &mut Table,
    hints_of: &dyn Fn(&str) -> &'static [(&'static str, &'static str)],
) {
    let Layout::Btf { btf, type_id, .. } = &table.layout else {
        return;
    };
    let mut found = Vec::new();
    walk(btf, *type_id, "", NESTING_MAX, &mut |path, name| {
        for (key, value) in hints_of(name) {
            found.push((path.to_owned(), *key, *value));
        }
    });
    for (path, key, value) in found {
        hint(table, &path, key, value);
    }
}

/// The fields of a row that are no structs themselves.
pub(crate) fn leaves(table: &Table) -> Vec<String> {
    let Layout::Btf { btf, type_id, .. } = &table.layout else {
        return Vec::new();
    };
    let mut found: Vec<String> = Vec::new();
    walk(btf, *type_id, "", NESTING_MAX, &mut |path, _| {
        if found.last().is_none_or(|last| last != path) {
            found.push(path.to_owned());
        }
    });
    let all = found.clone();
    let has_inner = |path: &String| all.iter().any(|it| it.starts_with(&format!("{path}.")));
    found.retain(|path| !path.is_empty() && !has_inner(path));
    found
}

/// Levels of structs in a row that are looked into.
const NESTING_MAX: u32 = 8;

/// Tell the path of every member, and each name of its type.
fn walk(btf: &Btf, id: TypeId, prefix: &str, depth: u32, tell: &mut dyn FnMut(&str, &str)) {
    let Ok(ty) = btf.resolve(id) else { return };
    let (Definition::Struct(composite) | Definition::Union(composite)) = ty.definition() else {
        return;
    };
    for member in composite.members().flatten() {
        let path = match (prefix, member.name) {
            (prefix, "") => prefix.to_owned(),
            ("", name) => name.to_owned(),
            (prefix, name) => format!("{prefix}.{name}"),
        };
        let mut names = type_names(btf, member.ty);
        // An array looks as its items do.
        if let Ok(Definition::Array(array)) = btf.resolve(member.ty).map(|ty| ty.definition()) {
            names.extend(type_names(btf, array.item));
        }
        if names.is_empty() {
            tell(&path, "");
        }
        for name in names {
            tell(&path, name);
        }
        if depth > 0 {
            walk(btf, member.ty, &path, depth - 1, tell);
        }
    }
}

/// The names of a type: of its typedefs, and of what is behind them.
pub(crate) fn type_names(btf: &Btf, id: TypeId) -> Vec<&str> {
    let mut names = Vec::new();
    let mut next = btf.get(id);
    // As many as the format follows.
    for _ in 0..eunomia_btf::CHAIN_LENGTH_MAX {
        let Some(ty) = next else { break };
        if !ty.name().is_empty() {
            names.push(ty.name());
        }
        next = match ty.definition() {
            Definition::Typedef(target) | Definition::Qualifier(target) => btf.get(target),
            _ => None,
        };
    }
    names
}

/// A table for records of which nothing is known.
pub(crate) fn of_bytes(name: &str) -> Table {
    let field = Field {
        name: "bytes".into(),
        scalar: Scalar::Bytes,
        cardinality: Cardinality::One,
        hints: Hints::new(),
    };
    Table {
        name: name.to_owned(),
        layout: Layout::Fields(vec![field]),
        hints: Hints::new(),
        field_hints: BTreeMap::new(),
    }
}

/// A table whose rows are a record and a `u64` called `count` behind it.
pub(crate) fn of_counts(btf: &Arc<Btf>, name: &str, ty: TypeId) -> Result<(Table, usize)> {
    let bytes = row_bytes(btf, name, ty)?;
    let names = member_names(btf, ty)?;
    let mut extension = Extension::of(btf);
    let count = extension.unsigned("ecli_count", 8)?;
    let own = if is_composite(btf, ty)? { "" } else { "value" };
    let at = bytes.next_multiple_of(8);
    let members = [
        (own.to_owned(), ty, 0),
        (free_name("count", &names), count, at),
    ];
    let (btf, row, all) = structure(extension, name, at + 8, &members)?;
    let mut table = table(name, btf, row, all);
    table.hints.insert("rows".to_owned(), "totals".to_owned());
    Ok((table, bytes as usize))
}

/// A table whose rows are key and value of a map.
pub(crate) fn of_entries(
    facts: &Facts,
    map: &MapInfo,
    value: Option<TypeId>,
) -> Result<(Table, EntryLayout)> {
    let empty = Arc::new(Extension::of_nothing().finish());
    let btf = facts.btf.as_ref().unwrap_or(&empty);
    let mut extension = Extension::of(btf);
    let key = part(btf, &mut extension, facts::key_type(map), map.key_size)
        .map_err(|error| error.within(format!("map `{}`: key", map.name)))?;
    let value = part(
        btf,
        &mut extension,
        value.or(facts::value_type(map)),
        map.value_size,
    )
    .map_err(|error| error.within(format!("map `{}`: value", map.name)))?;
    let clash = key.names.iter().any(|name| value.names.contains(name));
    let own_name = |part: &Part, name: &str| match part.names.is_empty() || clash {
        true => name.to_owned(),
        false => String::new(),
    };
    let value_at = map.key_size.next_multiple_of(8);
    let mut members = vec![(own_name(&key, "key"), key.ty, 0)];
    let summed = value.integers.filter(|_| facts::is_per_cpu(map));
    let (value_type, value_bytes) = match summed {
        Some(summed) => sums(btf, &mut extension, (value.ty, summed))?,
        None => (value.ty, map.value_size),
    };
    let mut end = value_bytes
        .checked_next_multiple_of(8)
        .and_then(|bytes| bytes.checked_add(value_at))
        .filter(|end| *end <= ROW_BYTES_MAX)
        .ok_or_else(|| Error::new(format!("map `{}`: rows are too large", map.name)))?;
    let per_cpu = match (facts::is_per_cpu(map), summed) {
        (false, _) => PerCpu::No,
        (true, Some(integers)) => PerCpu::Sum(integers),
        (true, None) => {
            let number = extension.unsigned("ecli_cpu", 4)?;
            let all: Vec<String> = [key.names.as_slice(), &value.names].concat();
            members.push((free_name("cpu", &all), number, end));
            end += 8;
            PerCpu::Rows {
                cpu_at: end as usize - 8,
            }
        }
    };
    members.push((own_name(&value, "value"), value_type, value_at));
    let (btf, row, bytes) = structure(extension, &map.name, end, &members)?;
    let layout = EntryLayout {
        key_at: 0,
        key_bytes: map.key_size as usize,
        value_at: value_at as usize,
        value_bytes: map.value_size as usize,
        row_bytes: bytes as usize,
        per_cpu,
        skip_zero: facts::is_array(map),
    };
    let mut table = table(&map.name, btf, row, bytes);
    table.hints.insert("rows".to_owned(), "totals".to_owned());
    Ok((table, layout))
}

/// Addresses of a stack: as many as kernels keep unless they are told otherwise.
const STACK_DEPTH: u32 = 127;

/// Append a field for the addresses of a stack to the rows of a table; where it is, and its bytes.
pub(crate) fn append_stack(table: &mut Table, name: &str) -> Result<(usize, usize)> {
    let Layout::Btf { btf, type_id, size } = &table.layout else {
        return Err(Error::new(format!("stack {name}: its row is no struct")));
    };
    let too_large = || Error::new(format!("stack {name}: its row is too large"));
    let at = u32::try_from(size.next_multiple_of(8)).map_err(|_| too_large())?;
    let bytes = STACK_DEPTH * 8;
    let all = at.checked_add(bytes).filter(|all| *all <= ROW_BYTES_MAX);
    let all = all.ok_or_else(too_large)?;
    let names = member_names(btf, *type_id)?;
    let mut extension = Extension::of(btf);
    let address = extension.unsigned("ecli_address", 8)?;
    let stack = extension.array(address, STACK_DEPTH)?;
    let members = [
        (String::new(), *type_id, 0),
        (free_name(name, &names), stack, at),
    ];
    let (btf, row, all) = structure(extension, &table.name, all, &members)?;
    table.layout = Layout::Btf {
        btf,
        type_id: row,
        size: all as usize,
    };
    Ok((at as usize, bytes as usize))
}

/// Say how a field looks.
pub(crate) fn hint(table: &mut Table, field: &str, key: &str, value: &str) {
    let hints = table.field_hints.entry(field.to_owned()).or_default();
    hints.insert(key.to_owned(), value.to_owned());
}

/// Names of the members that a struct of this type has; none for what is no struct.
pub(crate) fn member_names(btf: &Btf, ty: TypeId) -> Result<Vec<String>> {
    if !is_composite(btf, ty)? {
        return Ok(Vec::new());
    }
    let decoder = Decoder::new(btf, ty)?;
    let columns = decoder.columns();
    Ok(columns.iter().map(|it| it.name().to_owned()).collect())
}

/// Key or value of a map.
struct Part {
    ty: TypeId,
    names: Vec<String>,
    /// It consists of nothing else.
    integers: Option<Integers>,
}

fn part(btf: &Btf, extension: &mut Extension, ty: Option<TypeId>, bytes: u32) -> Result<Part> {
    if bytes > ROW_BYTES_MAX {
        return Err(Error::new(format!(
            "{bytes} bytes, at most {ROW_BYTES_MAX} are shown"
        )));
    }
    let Some(ty) = ty else {
        let byte = extension.unsigned("unsigned char", 1)?;
        return Ok(Part {
            ty: extension.array(byte, bytes)?,
            names: Vec::new(),
            integers: None,
        });
    };
    let declared = btf.size_of(ty)?;
    if declared > bytes {
        return Err(Error::new(format!(
            "type `{}` has {declared} bytes, the map's have {bytes}",
            btf.ty(ty)?
        )));
    }
    Decoder::new(btf, ty)?;
    Ok(Part {
        ty,
        names: member_names(btf, ty)?,
        integers: integers(btf, ty)?,
    })
}

/// The integers that a type consists of, if there is nothing else in it.
fn integers(btf: &Btf, ty: TypeId) -> Result<Option<Integers>> {
    let integers = |int: Int, count: u32| Integers {
        bytes: int.size as usize,
        count: count as usize,
        signed: int.signed,
    };
    Ok(match btf.resolve(ty)?.definition() {
        Definition::Int(int)
            if !int.boolean && !int.character && [1, 2, 4, 8].contains(&int.size) =>
        {
            Some(integers(int, 1))
        }
        // Bytes are no numbers.
        Definition::Array(array) => match btf.resolve(array.item)?.definition() {
            Definition::Int(int) if [2, 4, 8].contains(&int.size) => {
                Some(integers(int, array.count))
            }
            _ => None,
        },
        _ => None,
    })
}

/// The type of the sums of such integers, and its bytes: their own where they have 8, which has
/// room for sums.
fn sums(
    btf: &Btf,
    extension: &mut Extension,
    (own, integers): (TypeId, Integers),
) -> Result<(TypeId, u32)> {
    let too_many = || Error::new(format!("{} integers are too many", integers.count));
    let count = u32::try_from(integers.count).map_err(|_| too_many())?;
    let bytes = count.checked_mul(8).ok_or_else(too_many)?;
    if integers.bytes == 8 {
        return Ok((own, bytes));
    }
    let sum = match integers.signed {
        true => extension.signed("ecli_sum", 8)?,
        false => extension.unsigned("ecli_sum", 8)?,
    };
    match btf.resolve(own)?.definition() {
        Definition::Array(_) => Ok((extension.array(sum, count)?, bytes)),
        _ => Ok((sum, bytes)),
    }
}

fn is_composite(btf: &Btf, ty: TypeId) -> Result<bool> {
    Ok(matches!(
        btf.resolve(ty)?.definition(),
        Definition::Struct(_) | Definition::Union(_)
    ))
}

fn row_bytes(btf: &Btf, name: &str, ty: TypeId) -> Result<u32> {
    // What cannot be decoded is refused here, not at the first record.
    let decoder = Decoder::new(btf, ty).map_err(|error| Error::from(error).within(name))?;
    u32::try_from(decoder.size())
        .ok()
        .filter(|bytes| *bytes <= ROW_BYTES_MAX)
        .ok_or_else(|| Error::new(format!("{name}: rows of more than {ROW_BYTES_MAX} bytes")))
}

/// A name like `wanted` that is not taken.
fn free_name(wanted: &str, taken: &[String]) -> String {
    let mut name = wanted.to_owned();
    while taken.contains(&name) {
        name.insert_str(0, "ecli_");
    }
    name
}

fn structure(
    mut extension: Extension,
    name: &str,
    bytes: u32,
    members: &[(String, TypeId, u32)],
) -> Result<(Arc<Btf>, TypeId, u32)> {
    let members: Vec<NewMember<'_>> = members
        .iter()
        .map(|(name, ty, offset)| NewMember {
            name,
            ty: *ty,
            offset: *offset,
        })
        .collect();
    let row = extension.structure(&format!("{name}_row"), bytes, &members)?;
    let btf = Arc::new(extension.finish());
    Decoder::new(&btf, row).map_err(|error| Error::from(error).within(name))?;
    Ok((btf, row, bytes))
}

fn table(name: &str, btf: Arc<Btf>, type_id: TypeId, bytes: u32) -> Table {
    Table {
        name: name.to_owned(),
        layout: Layout::Btf {
            btf,
            type_id,
            size: bytes as usize,
        },
        hints: Hints::new(),
        field_hints: BTreeMap::new(),
    }
}
