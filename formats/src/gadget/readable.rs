//! Structs as people read them: private members left out, `_raw` members under their readable name,
//! addresses as one value, and where identifiers of stacks are.

use eunomia_btf::{Btf, Composite, Definition, Extension, Member, NewMember, Place, Type, TypeId};

use crate::error::Result;
use crate::rows;

/// Ends the name of a field that has a readable sibling.
const RAW: &str = "_raw";

/// Levels of structs that are looked into.
const NESTING_MAX: u32 = 8;

/// A copy of a struct, and what is special in it. Paths are from the copy's start.
#[derive(Debug)]
pub(super) struct Readable {
    pub(super) ty: TypeId,
    /// Fields whose names ended in `_raw`.
    pub(super) raw: Vec<String>,
    /// Fields of well-known structs, and the headers that they have without their struct's name.
    pub(super) titles: Vec<(String, String)>,
    /// Structs of an address and the version of its protocol.
    pub(super) endpoints: Vec<String>,
    pub(super) stacks: Vec<StackField>,
}

/// An identifier of a stack.
#[derive(Clone, Debug)]
pub(super) struct StackField {
    /// How the stack is called.
    pub(super) name: String,
    pub(super) is_user: bool,
    /// Where the identifier is, 4 bytes.
    pub(super) id_at: u32,
    /// Where a number of 8 bytes is that is 0 if there is no stack.
    pub(super) present_at: Option<u32>,
    /// The field with the process, if the struct tells it.
    pub(super) pid: Option<String>,
}

/// The readable copy of a struct; one with bit fields is left as it is.
pub(super) fn copy(btf: &Btf, extension: &mut Extension, ty: TypeId) -> Result<Readable> {
    let mut readable = Readable {
        ty,
        raw: Vec::new(),
        titles: Vec::new(),
        endpoints: Vec::new(),
        stacks: Vec::new(),
    };
    let outermost = Within {
        prefix: "",
        base: 0,
        depth: NESTING_MAX,
    };
    readable.ty = Copying { btf, extension }.copied(&mut readable, ty, &outermost)?;
    Ok(readable)
}

/// Name, type and offset.
type PlacedMember = (String, TypeId, u32);

struct Copying<'a> {
    btf: &'a Btf,
    extension: &'a mut Extension,
}

/// The header of a member of a struct that every gadget has: a process, its user, its parent.
fn title(of: &str, member: &str) -> Option<String> {
    match of {
        "gadget_process" | "gadget_creds" => Some(member.to_uppercase()),
        "gadget_parent" => Some(format!("P{}", member.to_uppercase())),
        _ => None,
    }
}

/// Where a struct is in the outermost one.
struct Within<'a> {
    prefix: &'a str,
    base: u32,
    depth: u32,
}

impl Within<'_> {
    fn path(&self, name: &str) -> String {
        match (self.prefix, name) {
            ("", name) => name.to_owned(),
            (prefix, "") => prefix.to_owned(),
            (prefix, name) => format!("{prefix}.{name}"),
        }
    }
}

impl Copying<'_> {
    fn copied(
        &mut self,
        readable: &mut Readable,
        ty: TypeId,
        within: &Within<'_>,
    ) -> Result<TypeId> {
        let resolved = self.btf.resolve(ty)?;
        let Definition::Struct(composite) = resolved.definition() else {
            return Ok(ty);
        };
        if resolved.name().ends_with("endpoint_t")
            && let Some(address) = self.endpoint(&resolved, &composite)?
        {
            readable.endpoints.push(within.prefix.to_owned());
            return Ok(address);
        }
        if within.depth == 0 {
            return Ok(ty);
        }
        let mut placed: Vec<PlacedMember> = Vec::new();
        for member in composite.members() {
            let member = member?;
            let Place::Byte { offset } = member.place else {
                return Ok(ty);
            };
            if member.name.starts_with("__") {
                continue;
            }
            let name = member.name.strip_suffix(RAW).unwrap_or(member.name);
            let at = within.base.saturating_add(offset);
            if let Some((stack, pid)) = self.stack(&member, &within.path(name), at)? {
                placed.extend(pid.map(|(name, ty, inner)| (name, ty, offset + inner)));
                readable.stacks.push(stack);
                continue;
            }
            if let Some(title) = title(resolved.name(), name) {
                readable.titles.push((within.path(name), title));
            }
            if name != member.name {
                readable.raw.push(within.path(name));
            }
            let inner = Within {
                prefix: &within.path(name),
                base: at,
                depth: within.depth - 1,
            };
            let copy = self.copied(readable, member.ty, &inner)?;
            placed.push((name.to_owned(), copy, offset));
        }
        self.add(&resolved, &placed)
    }

    fn add(&mut self, original: &Type<'_>, placed: &[PlacedMember]) -> Result<TypeId> {
        let members: Vec<NewMember<'_>> = placed
            .iter()
            .map(|(name, ty, offset)| NewMember {
                name,
                ty: *ty,
                offset: *offset,
            })
            .collect();
        let size = self.btf.size_of(original.id())?;
        Ok(self.extension.structure(original.name(), size, &members)?)
    }

    /// The copy of an address with its version: the bytes of the larger kind of address stand for
    /// the union of both. `None` when it is another struct of such a name.
    fn endpoint(&mut self, ty: &Type<'_>, composite: &Composite<'_>) -> Result<Option<TypeId>> {
        let mut placed = Vec::new();
        let mut has_address = false;
        for member in composite.members() {
            let member = member?;
            let Place::Byte { offset } = member.place else {
                return Ok(None);
            };
            let mut ty = member.ty;
            if let Definition::Union(kinds) = self.btf.resolve(ty)?.definition() {
                let Some(larger) = kinds.members().flatten().find(|kind| kind.name == "v6") else {
                    return Ok(None);
                };
                ty = larger.ty;
                has_address = true;
            }
            let name = member.name.strip_suffix(RAW).unwrap_or(member.name);
            placed.push((name.to_owned(), ty, offset));
        }
        let is_whole = |name| placed.iter().any(|(own, ..)| own == name);
        if !(has_address && is_whole("addr") && is_whole("version")) {
            return Ok(None);
        }
        self.add(ty, &placed).map(Some)
    }

    /// The identifier of a stack that a member is, and the member with its process.
    fn stack(
        &self,
        member: &Member<'_>,
        path: &str,
        at: u32,
    ) -> Result<Option<(StackField, Option<PlacedMember>)>> {
        let names = rows::type_names(self.btf, member.ty);
        let is_user = names.contains(&"gadget_user_stack");
        if !is_user && !names.contains(&"gadget_kernel_stack") {
            return Ok(None);
        }
        let mut stack = StackField {
            name: path.replace('.', "_"),
            is_user,
            id_at: at,
            present_at: None,
            pid: None,
        };
        let Definition::Struct(composite) = self.btf.resolve(member.ty)?.definition() else {
            return Ok(Some((stack, None)));
        };
        let place_of = |wanted: &str| {
            let member = composite.members().flatten().find(|it| it.name == wanted)?;
            match member.place {
                Place::Byte { offset } => Some((member.ty, offset)),
                _ => None,
            }
        };
        let Some((_, offset)) = place_of("stack_id") else {
            return Ok(None);
        };
        stack.id_at = at.saturating_add(offset);
        stack.present_at = place_of("exe_inode").map(|(_, offset)| at.saturating_add(offset));
        let pid = place_of("tgid_level0").or_else(|| place_of("pid_level0"));
        let name = format!("{}_pid", stack.name);
        stack.pid = pid.map(|_| name.clone());
        Ok(Some((stack, pid.map(|(ty, offset)| (name, ty, offset)))))
    }
}
