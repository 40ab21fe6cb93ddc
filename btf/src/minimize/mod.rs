//! The part of a kernel's types that the relocations of objects can tell from the whole.
//!
//! libbpf relocates an object by comparing its types with those of the kernel: it reads megabytes
//! of them and looks at each name. A [`Minimized`] section holds what that comparison looks at, and
//! so leads to the same instructions: all types of the kernel that bear the name of one of the
//! object's (candidates), and of their members those on the way to what is accessed.
//!
//! The rules are those of `tools/lib/bpf/relo_core.c`. Where they ask for more than candidates and
//! their parts, or for numbers of types, the answer is [`Minimized::Whole`].

mod keep;
mod write;

use std::collections::{HashMap, HashSet};

use crate::btf::Btf;
use crate::error::Result;
use crate::kind::Kind;
use crate::relocation::{self, Relocation};
use crate::ty::Type;
use keep::{Keep, Way};

/// What [`minimize`] finds.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Minimized {
    /// The objects ask nothing of the kernel's types.
    Nothing,
    /// The bytes of a `.BTF` section.
    Section {
        /// It, for `btf_custom_path` of libbpf.
        bytes: Vec<u8>,
        /// Some type is none of the kernel itself. Its modules may have it, in which libbpf looks
        /// too, but only when it reads the kernel's own BTF.
        lacks_candidates: bool,
    },
    /// It takes the kernel's own BTF: why.
    Whole(String),
}

/// `enum bpf_core_relo_kind`.
mod relocation_kind {
    pub(super) const FIELD_RSHIFT_U64: u32 = 5;
    pub(super) const TYPE_ID_LOCAL: u32 = 6;
    pub(super) const TYPE_ID_TARGET: u32 = 7;
    pub(super) const TYPE_EXISTS: u32 = 8;
    pub(super) const TYPE_SIZE: u32 = 9;
    pub(super) const ENUMVAL_EXISTS: u32 = 10;
    pub(super) const ENUMVAL_VALUE: u32 = 11;
}

/// The part of `kernel` that `objects` (ELF files) need, to be relocated as with all of it.
///
/// # Errors
/// When an object is malformed. libbpf will refuse it, too.
pub fn minimize(kernel: &Btf, objects: &[&[u8]]) -> Result<Minimized> {
    let mut keep = Keep::new(kernel);
    let mut lacks_candidates = false;
    let mut asks = false;
    for object in objects {
        let (local, relocations) = relocation::read(object)?;
        let mut wanted = Wanted::default();
        for relocation in &relocations {
            match wanted.add(&local, relocation) {
                Ok(added) => asks |= added,
                Err(reason) => return Ok(Minimized::Whole(reason)),
            }
        }
        for (ty, ways) in wanted.candidates(kernel) {
            for way in ways {
                keep.along(ty.id(), way)?;
            }
        }
        lacks_candidates |= wanted.roots.values().flatten().any(|root| !root.found);
    }
    if !asks {
        return Ok(Minimized::Nothing);
    }
    let bytes = write::section(kernel, keep)?;
    Btf::parse(&bytes).map_err(|error| error.within("check minimized BTF"))?;
    Ok(Minimized::Section {
        bytes,
        lacks_candidates,
    })
}

/// Whether a relocation asks for anything, or why it is more than can be noted.
type Noted = std::result::Result<bool, String>;

/// The roots of an object's relocations, by the essential part of their names.
#[derive(Default)]
struct Wanted<'a> {
    roots: HashMap<&'a str, Vec<Root<'a>>>,
}

/// A type of the object, and what its relocations look at.
struct Root<'a> {
    kind: Kind,
    ways: HashSet<Way<'a>>,
    /// The kernel has a type of this name.
    found: bool,
}

impl<'a> Wanted<'a> {
    /// Note what a relocation asks for; false when that is nothing of the kernel's.
    fn add(&mut self, local: &'a Btf, relocation: &Relocation) -> Noted {
        use relocation_kind::*;

        let text = |error: crate::Error| error.to_string();
        let root = local.ty(relocation.root).map_err(text)?;
        let way = match relocation.kind {
            TYPE_ID_LOCAL => return Ok(false),
            ..=FIELD_RSHIFT_U64 => Way::Field(relocation.steps(local).map_err(text)?),
            TYPE_EXISTS | TYPE_SIZE => Way::Shape,
            ENUMVAL_EXISTS | ENUMVAL_VALUE => Way::Enumerators,
            TYPE_ID_TARGET => return Err(format!("{root}: its number in the kernel is asked for")),
            kind => return Err(format!("{root}: a relocation of kind {kind}")),
        };
        let has_candidates = matches!(
            root.kind(),
            Kind::Struct
                | Kind::Union
                | Kind::Enum
                | Kind::Enum64
                | Kind::Typedef
                | Kind::Int
                | Kind::Float
                | Kind::Forward
        );
        if !has_candidates || root.name().is_empty() {
            return Err(format!("{root}: it has no name or is no data"));
        }
        let roots = self.roots.entry(essential_name(root.name())).or_default();
        let kind = comparable(root.kind());
        match roots.iter_mut().find(|root| root.kind == kind) {
            Some(root) => {
                root.ways.insert(way);
            }
            None => roots.push(Root {
                kind,
                ways: HashSet::from([way]),
                found: false,
            }),
        }
        Ok(true)
    }

    /// The types of the kernel with the names of roots, and what is looked at in each.
    fn candidates<'k>(&mut self, kernel: &'k Btf) -> Vec<(Type<'k>, HashSet<Way<'a>>)> {
        let mut found = Vec::new();
        // Of a hundred thousand names few begin like one that is looked for.
        let mut initials = [false; 256];
        for name in self.roots.keys() {
            initials[usize::from(name.as_bytes()[0])] = true;
        }
        for ty in kernel.types() {
            if !initials[usize::from(ty.initial())] {
                continue;
            }
            let Some(roots) = self.roots.get_mut(essential_name(ty.name())) else {
                continue;
            };
            let kind = comparable(ty.kind());
            if let Some(root) = roots.iter_mut().find(|root| root.kind == kind) {
                root.found = true;
                found.push((ty, root.ways.clone()));
            }
        }
        found
    }
}

/// Kinds that libbpf takes for the same.
fn comparable(kind: Kind) -> Kind {
    match kind {
        Kind::Enum64 => Kind::Enum,
        kind => kind,
    }
}

/// A name without its flavour: `task_struct` of `task_struct___old`. The mark are three underscores
/// between characters that are none.
fn essential_name(name: &str) -> &str {
    let bytes = name.as_bytes();
    let flavour = bytes
        .windows(5)
        .rposition(|window| window[0] != b'_' && window[1..4] == *b"___" && window[4] != b'_');
    match flavour {
        // An ASCII character follows, so this is where a character ends.
        Some(at) => &name[..at + 1],
        None => name,
    }
}

#[cfg(test)]
mod tests {
    use super::essential_name;

    #[test]
    fn a_flavour_begins_at_the_last_three_underscores() {
        for (name, essential) in [
            ("task_struct", "task_struct"),
            ("task_struct___old", "task_struct"),
            ("a___b___c", "a___b"),
            ("a____b", "a____b"),
            ("___b", "___b"),
            ("a___", "a___"),
            ("a", "a"),
            ("", ""),
            ("\u{e9}___b", "\u{e9}"),
        ] {
            assert_eq!(essential_name(name), essential, "{name}");
        }
    }
}
