//! Whether CO-RE relocations resolve, by the rules of libbpf (`tools/lib/bpf/relo_core.c`).

use std::collections::HashMap;

use eunomia_btf::{Btf, Definition, Kind, Type, TypeId};

use super::elf::Relocation;

/// Anonymous structs in each other, and arrays of arrays: more than people write, and an end for
/// types in a circle.
const DEPTH_MAX: usize = 16;

/// `enum bpf_core_relo_kind`: those that ask whether something is there.
const FIELD_EXISTS: u32 = 2;
const TYPE_ID_LOCAL: u32 = 6;
const TYPE_ID_TARGET: u32 = 7;
const TYPE_EXISTS: u32 = 8;
const TYPE_SIZE: u32 = 9;
const ENUMVAL_EXISTS: u32 = 10;
const TYPE_MATCHES: u32 = 12;
/// Below this they are about fields, then about types, from 10 on about values of enums.
const TYPES_FROM: u32 = 6;
const VALUES_FROM: u32 = 10;
const VALUES_TO: u32 = 11;

/// The types of a kernel, by name.
pub(super) struct Types {
    pub(super) btf: Btf,
    by_name: HashMap<String, Vec<TypeId>>,
}

impl Types {
    pub(super) fn new(btf: Btf) -> Self {
        let mut by_name: HashMap<String, Vec<TypeId>> = HashMap::new();
        for ty in btf.types().filter(|ty| !ty.name().is_empty()) {
            let name = essential(ty.name()).to_owned();
            by_name.entry(name).or_default().push(ty.id());
        }
        Self { btf, by_name }
    }

    /// Whether there is a type of this name and kind.
    pub(super) fn has(&self, name: &str, kind: Kind) -> bool {
        self.named(name).any(|ty| ty.kind() == kind)
    }

    /// Whether an enumeration has this value; `None`: there is no such enumeration.
    pub(super) fn has_value(&self, enumeration: &str, value: u32) -> Option<bool> {
        self.named(enumeration)
            .find_map(|ty| match ty.definition() {
                Definition::Enum(values) => {
                    let mut values = values.enumerators();
                    Some(values.any(|own| own.value == i128::from(value)))
                }
                _ => None,
            })
    }

    fn named(&self, name: &str) -> impl Iterator<Item = Type<'_>> {
        let ids = self.by_name.get(essential(name)).into_iter().flatten();
        ids.filter_map(|id| self.btf.get(*id))
    }
}

/// A name without its flavour: `task_struct___old` is `task_struct`.
fn essential(name: &str) -> &str {
    match name.rfind("___") {
        Some(at) if at > 0 && at + 3 < name.len() => &name[..at],
        _ => name,
    }
}

/// How a relocation comes out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Resolved,
    /// It only asks, or the program asks before: what is missing.
    Guarded(String),
    /// What is missing.
    Unresolved(String),
}

/// Try every relocation of a program; `local` has the types of its object.
pub(super) fn resolve(local: &Btf, relocations: &[Relocation], kernel: &Types) -> Vec<Outcome> {
    let asks = |relocation: &Relocation| {
        let kinds = [FIELD_EXISTS, TYPE_EXISTS, ENUMVAL_EXISTS, TYPE_MATCHES];
        kinds.contains(&relocation.kind)
    };
    // Of a type that is missing these are 0.
    let is_zero = |relocation: &Relocation| [TYPE_ID_TARGET, TYPE_SIZE].contains(&relocation.kind);
    let root_name = |relocation: &Relocation| {
        let name = local.get(TypeId(relocation.root))?.name();
        Some(essential(name))
    };
    let asked: Vec<_> = relocations
        .iter()
        .filter(|r| asks(r))
        .filter_map(root_name)
        .collect();
    relocations
        .iter()
        .map(|relocation| match resolve_one(local, relocation, kernel) {
            None => Outcome::Resolved,
            Some(missing) if asks(relocation) || is_zero(relocation) => Outcome::Guarded(missing),
            Some(missing) if root_name(relocation).is_some_and(|name| asked.contains(&name)) => {
                Outcome::Guarded(missing)
            }
            Some(missing) => Outcome::Unresolved(missing),
        })
        .collect()
}

/// What is missing.
fn resolve_one(local: &Btf, relocation: &Relocation, kernel: &Types) -> Option<String> {
    let unreadable = || Some(format!("type {} of the object", relocation.root));
    if relocation.kind == TYPE_ID_LOCAL {
        return None;
    }
    let Some(root) = local.get(TypeId(relocation.root)) else {
        return unreadable();
    };
    let mut candidates = kernel
        .named(root.name())
        .filter(|candidate| same_kind(&root, candidate))
        .peekable();
    if candidates.peek().is_none() {
        return Some(named(&root));
    }
    match relocation.kind {
        VALUES_FROM..=VALUES_TO => {
            let Some(wanted) = enumerator(local, &root, &relocation.access) else {
                return unreadable();
            };
            let has = |candidate: Type<'_>| {
                let resolved = kernel.btf.resolve(candidate.id());
                match resolved.map(|resolved| resolved.definition()) {
                    Ok(Definition::Enum(values)) => values
                        .enumerators()
                        .any(|value| essential(value.name) == essential(wanted)),
                    _ => false,
                }
            };
            (!candidates.any(has)).then(|| format!("{wanted} of {}", named(&root)))
        }
        TYPES_FROM.. => None,
        _ => {
            let Some(path) = path(local, &root, &relocation.access) else {
                return unreadable();
            };
            let has = |candidate: Type<'_>| follows(local, &path, &kernel.btf, candidate.id());
            (!candidates.any(has)).then(|| {
                let names: Vec<_> = path.iter().filter_map(|step| step.name).collect();
                format!("{}.{}", named(&root), names.join("."))
            })
        }
    }
}

/// `struct task_struct`, without a flavour.
fn named(ty: &Type<'_>) -> String {
    let whole = ty.to_string();
    essential(&whole).to_owned()
}

fn same_kind(local: &Type<'_>, candidate: &Type<'_>) -> bool {
    let plain = |kind| match kind {
        Kind::Enum64 => Kind::Enum,
        other => other,
    };
    plain(local.kind()) == plain(candidate.kind())
}

fn enumerator<'a>(local: &'a Btf, root: &Type<'_>, access: &str) -> Option<&'a str> {
    let Definition::Enum(values) = local.resolve(root.id()).ok()?.definition() else {
        return None;
    };
    let place = access.parse().ok()?;
    values.enumerators().nth(place).map(|value| value.name)
}

/// A step of an access: to a named member, or (without a name) to an element of an array.
struct Step<'a> {
    name: Option<&'a str>,
    /// The type that it leads to.
    ty: TypeId,
}

/// The steps of an access like `0:3:1`; the first number is that of an array of roots. Anonymous
/// members are no steps: the kernel may have others.
fn path<'a>(local: &'a Btf, root: &Type<'a>, access: &str) -> Option<Vec<Step<'a>>> {
    let mut steps = Vec::new();
    let mut ty = local.resolve(root.id()).ok()?;
    for number in access.split(':').skip(1) {
        let number: usize = number.parse().ok()?;
        let (name, next) = match ty.definition() {
            Definition::Struct(parts) | Definition::Union(parts) => {
                let member = parts.members().nth(number)?.ok()?;
                (Some(member.name), member.ty)
            }
            Definition::Array(array) => (None, array.item),
            _ => return None,
        };
        if name != Some("") {
            steps.push(Step { name, ty: next });
        }
        ty = local.resolve(next).ok()?;
    }
    Some(steps)
}

/// Whether the kernel's type has all steps.
fn follows(local: &Btf, path: &[Step<'_>], kernel: &Btf, start: TypeId) -> bool {
    let mut at = start;
    for step in path {
        let Ok(ty) = kernel.resolve(at) else {
            return false;
        };
        let next = match step.name {
            Some(name) => member(kernel, &ty, name, 0),
            None => match ty.definition() {
                Definition::Array(array) => Some(array.item),
                _ => None,
            },
        };
        match next {
            Some(next) if compatible(local, step.ty, kernel, next, 0) => at = next,
            _ => return false,
        }
    }
    true
}

/// The type of a member, also of one in anonymous members.
fn member(kernel: &Btf, ty: &Type<'_>, name: &str, depth: usize) -> Option<TypeId> {
    let (Definition::Struct(parts) | Definition::Union(parts)) = ty.definition() else {
        return None;
    };
    if depth > DEPTH_MAX {
        return None;
    }
    parts
        .members()
        .filter_map(Result::ok)
        .find_map(|candidate| {
            if candidate.name == name {
                return Some(candidate.ty);
            }
            let inner = candidate
                .name
                .is_empty()
                .then(|| kernel.resolve(candidate.ty).ok())??;
            member(kernel, &inner, name, depth + 1)
        })
}

/// `bpf_core_fields_are_compat`.
fn compatible(local: &Btf, a: TypeId, kernel: &Btf, b: TypeId, depth: usize) -> bool {
    let (Ok(a), Ok(b)) = (local.resolve(a), kernel.resolve(b)) else {
        return false;
    };
    let is_composite = |ty: &Type<'_>| matches!(ty.kind(), Kind::Struct | Kind::Union);
    if is_composite(&a) && is_composite(&b) {
        return true;
    }
    if !same_kind(&a, &b) {
        return false;
    }
    match (a.definition(), b.definition()) {
        (Definition::Array(a), Definition::Array(b)) if depth < DEPTH_MAX => {
            compatible(local, a.item, kernel, b.item, depth + 1)
        }
        (Definition::Enum(_), Definition::Enum(_)) | (Definition::Forward { .. }, _) => {
            let names = [essential(a.name()), essential(b.name())];
            names.contains(&"") || names[0] == names[1]
        }
        (Definition::Pointer(_) | Definition::Int(_) | Definition::Float { .. }, _) => true,
        _ => false,
    }
}
