//! Maps that a C program declares, as the BTF describes them.

use eunomia_btf::{
    Btf, Composite, DataSection, Definition, Kind, Place as MemberPlace, Type, TypeId,
};

use crate::error::Result;
use crate::fake::object::DeclaredMap;
use crate::fake::object::elf::{Place, Reference, malformed, wrong_btf};
use crate::kernel::{MapInfo, map_type};

/// `LIBBPF_PIN_BY_NAME`.
const PIN_BY_NAME: u32 = 1;

/// The variables of `.maps`, then the `struct_ops` of their sections, each in order of the symbols.
pub(super) fn maps(
    btf: &Btf,
    symbols: &[Place],
    references: &[Reference],
) -> Result<Vec<DeclaredMap>> {
    let mut maps = Vec::new();
    for (name, ty) in variables(btf, ".maps", symbols)? {
        let mut declared = declared(btf, name, ty)?;
        let mut places = symbols.iter();
        let place = places.find(|place| place.section == ".maps" && place.name == name);
        if let Some(place) = place {
            declared.slots = slots(btf, ty, place, references)?;
        }
        maps.push(declared);
    }
    for section in [".struct_ops", ".struct_ops.link"] {
        for (name, ty) in variables(btf, section, symbols)? {
            maps.push(DeclaredMap::from(MapInfo {
                name: name.to_owned(),
                map_type: map_type::STRUCT_OPS,
                key_size: 4,
                value_size: size_of(btf, ty)?,
                max_entries: 1,
                ..MapInfo::default()
            }));
        }
    }
    Ok(maps)
}

/// Bytes of a pointer in a map's declaration.
const POINTER_BYTES: u64 = 8;

/// The slots that the declaration of the map at a place fills, with the names of their contents.
fn slots(
    btf: &Btf,
    ty: TypeId,
    place: &Place,
    references: &[Reference],
) -> Result<Vec<(u32, String)>> {
    let Definition::Struct(definition) = btf.resolve(ty).map_err(wrong_btf)?.definition() else {
        return Ok(Vec::new());
    };
    let mut members = definition.members().flatten();
    let values = members.find(|member| member.name == "values");
    let Some(MemberPlace::Byte { offset }) = values.map(|member| member.place) else {
        return Ok(Vec::new());
    };
    let start = place.offset.saturating_add(u64::from(offset));
    let end = place.offset.saturating_add(place.size);
    let own = references
        .iter()
        .filter(|reference| (start..end).contains(&reference.offset));
    own.map(|reference| {
        let index = u32::try_from((reference.offset - start) / POINTER_BYTES);
        let index = index.map_err(|_| malformed("a map declares too many slots"))?;
        Ok((index, reference.name.clone()))
    })
    .collect()
}

/// Names and types of the variables of a section.
fn variables<'a>(btf: &'a Btf, section: &str, symbols: &[Place]) -> Result<Vec<(&'a str, TypeId)>> {
    let Ok(ty) = btf.find(section, Kind::DataSection) else {
        return Ok(Vec::new());
    };
    let Definition::DataSection(data) = ty.definition() else {
        return Ok(Vec::new());
    };
    let mut found = named_variables(btf, data)?;
    found.sort_by_key(|(name, _)| {
        let mut places = symbols.iter();
        places.position(|place| place.section == section && place.name == *name)
    });
    Ok(found)
}

fn named_variables<'a>(btf: &'a Btf, data: DataSection<'a>) -> Result<Vec<(&'a str, TypeId)>> {
    let mut found = Vec::new();
    for variable in data.variables() {
        let ty = btf.ty(variable.variable).map_err(wrong_btf)?;
        if let Definition::Variable(definition) = ty.definition() {
            found.push((ty.name(), definition.ty));
        }
    }
    Ok(found)
}

fn declared(btf: &Btf, name: &str, ty: TypeId) -> Result<DeclaredMap> {
    let Definition::Struct(definition) = btf.resolve(ty).map_err(wrong_btf)?.definition() else {
        return Err(malformed(format!(
            "map \"{name}\" is not declared by a struct"
        )));
    };
    let declared = members(btf, name, definition, Nesting::Outer)?;
    if declared.info.map_type == 0 {
        return Err(malformed(format!("map \"{name}\" has no type")));
    }
    Ok(declared)
}

/// Maps nest once.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Nesting {
    Outer,
    Inner,
}

/// What the members of a map's struct say (`parse_btf_map_def` of libbpf).
fn members(
    btf: &Btf,
    name: &str,
    definition: Composite<'_>,
    nesting: Nesting,
) -> Result<DeclaredMap> {
    let mut declared = DeclaredMap::default();
    let info = &mut declared.info;
    name.clone_into(&mut info.name);
    for member in definition.members() {
        let member = member.map_err(wrong_btf)?;
        let number = || number(btf, name, member.name, member.ty);
        match member.name {
            "type" => info.map_type = number()?,
            "max_entries" => info.max_entries = number()?,
            "map_flags" => info.map_flags = number()?,
            "key_size" => info.key_size = number()?,
            "value_size" => info.value_size = number()?,
            "map_extra" => info.map_extra = wide_number(btf, name, member.name, member.ty)?,
            "pinning" if number()? == PIN_BY_NAME => info.pin_name = Some(name.to_owned()),
            "key" => {
                info.key_type_id = pointee(btf, name, member.ty)?.0;
                info.key_size = size_of(btf, TypeId(info.key_type_id))?;
            }
            "value" => {
                let ty = pointee(btf, name, member.ty)?;
                info.value_type_id = ty.0;
                info.value_size = size_of(btf, ty)?;
                declared.has_lock = has_lock(btf, ty);
            }
            "values" => {
                // Slots hold descriptors.
                info.value_size = 4;
                if nesting == Nesting::Inner {
                    return Err(malformed(format!(
                        "map \"{name}\" has slots for maps itself"
                    )));
                }
                declared.inner = inner(btf, name, member.ty)?;
            }
            _ => {}
        }
        if matches!(member.place, MemberPlace::Bits(_)) {
            return Err(malformed(format!(
                "map \"{name}\": \"{}\" is a bit field",
                member.name
            )));
        }
    }
    Ok(declared)
}

/// `enum { _ = NUMBER } name`: how `__ulong(name, NUMBER)` writes it; or as `__uint` does.
fn wide_number(btf: &Btf, map: &str, member: &str, ty: TypeId) -> Result<u64> {
    if let Definition::Enum(definition) = btf.resolve(ty).map_err(wrong_btf)?.definition() {
        let value = definition.enumerators().next().map(|it| it.value);
        return value
            .and_then(|value| u64::try_from(value).ok())
            .ok_or_else(|| malformed(format!("map \"{map}\": \"{member}\" has no value")));
    }
    number(btf, map, member, ty).map(u64::from)
}

/// `int (*name)[NUMBER]`: how `__uint(name, NUMBER)` writes it.
fn number(btf: &Btf, map: &str, member: &str, ty: TypeId) -> Result<u32> {
    let array = pointee(btf, map, ty).and_then(|ty| btf.resolve(ty).map_err(wrong_btf));
    match array.map(|ty| ty.definition()) {
        Ok(Definition::Array(array)) => Ok(array.count),
        _ => Err(malformed(format!(
            "map \"{map}\": \"{member}\" is not written with __uint()"
        ))),
    }
}

fn pointee(btf: &Btf, map: &str, ty: TypeId) -> Result<TypeId> {
    match btf.resolve(ty).map_err(wrong_btf)?.definition() {
        Definition::Pointer(pointee) => Ok(pointee),
        _ => Err(malformed(format!(
            "map \"{map}\": a member is not written with __type(), __uint() or __array()"
        ))),
    }
}

/// `typeof(TYPE) *values[]`: the map in the slots, or a function for program arrays.
fn inner(btf: &Btf, map: &str, ty: TypeId) -> Result<Option<MapInfo>> {
    let Definition::Array(array) = btf.resolve(ty).map_err(wrong_btf)?.definition() else {
        return Err(malformed(format!(
            "map \"{map}\": \"values\" is not written with __array()"
        )));
    };
    let slot = pointee(btf, map, array.item)?;
    match btf.resolve(slot).map_err(wrong_btf)?.definition() {
        Definition::Struct(definition) => {
            let name = format!("{map}.inner");
            let declared = members(btf, &name, definition, Nesting::Inner)?;
            Ok(Some(declared.info))
        }
        _ => Ok(None),
    }
}

fn size_of(btf: &Btf, ty: TypeId) -> Result<u32> {
    btf.size_of(ty).map_err(wrong_btf)
}

fn has_lock(btf: &Btf, ty: TypeId) -> bool {
    let is_lock = |ty: Type<'_>| ty.kind() == Kind::Struct && ty.name() == "bpf_spin_lock";
    let Ok(Definition::Struct(definition)) = btf.resolve(ty).map(|ty| ty.definition()) else {
        return false;
    };
    definition
        .members()
        .flatten()
        .any(|member| btf.resolve(member.ty).is_ok_and(is_lock))
}
