//! Which types of the kernel are kept, and which of their parts.

use std::collections::{BTreeMap, BTreeSet};

use crate::btf::{Btf, TypeId};
use crate::error::{Error, Result};
use crate::kind::Kind;
use crate::layout::NESTING_MAX;
use crate::relocation::{STEPS_MAX, Step};
use crate::ty::Type;

/// What a relocation looks at, from a candidate on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Way<'a> {
    /// The parts along these steps, and the type of the last one.
    Field(Vec<Step<'a>>),
    /// What kind of type it is, behind names and pointers, down to the first struct.
    Shape,
    /// The enumerators.
    Enumerators,
}

/// The kept types.
pub(super) struct Keep<'k> {
    kernel: &'k Btf,
    pub(super) parts: BTreeMap<u32, Parts>,
}

/// What is kept of a type beside its name, kind and size.
#[derive(Debug, Default)]
pub(super) struct Parts {
    /// What it refers to: always of typedefs and qualifiers, of pointers and functions when the
    /// shape is looked at.
    pub(super) target: bool,
    /// The shape has been followed from here on.
    shaped: bool,
    /// Indices of members.
    pub(super) members: BTreeSet<usize>,
    /// All enumerators.
    pub(super) enumerators: bool,
}

/// Levels of types below each other: more than any chain of steps through nested anonymous structs
/// and the names and dimensions between them.
const DEPTH_MAX: usize = STEPS_MAX * NESTING_MAX;

impl<'k> Keep<'k> {
    pub(super) fn new(kernel: &'k Btf) -> Self {
        Self {
            kernel,
            parts: BTreeMap::new(),
        }
    }

    /// Keep what `way` looks at from the type `id` on.
    pub(super) fn along(&mut self, id: TypeId, way: Way<'_>) -> Result<()> {
        match way {
            Way::Field(steps) => self.field(id, &steps, 0),
            Way::Shape => self.shape(id, 0),
            Way::Enumerators => {
                let resolved = self.named(id)?;
                self.parts.entry(resolved.id().0).or_default().enumerators = true;
                Ok(())
            }
        }
    }

    /// Keep a type with the typedefs and qualifiers in front of it; returns what is behind them.
    fn named(&mut self, id: TypeId) -> Result<Type<'k>> {
        let resolved = self.kernel.resolve(id)?;
        let mut id = id;
        while id != resolved.id() {
            self.parts.entry(id.0).or_default().target = true;
            id = TypeId(self.kernel.ty(id)?.words()[2]);
        }
        if id != TypeId::VOID {
            self.parts.entry(id.0).or_default();
        }
        Ok(resolved)
    }

    /// Keep what the value of a type is: pointers to nothing, structs without members.
    fn value(&mut self, id: TypeId, depth: usize) -> Result<Type<'k>> {
        check_depth(depth)?;
        let ty = self.named(id)?;
        if ty.kind() == Kind::Array {
            self.value(TypeId(ty.words()[3]), depth + 1)?;
        }
        Ok(ty)
    }

    /// Keep the parts along `steps`, on all ways that lead through members of these names.
    fn field(&mut self, id: TypeId, steps: &[Step<'_>], depth: usize) -> Result<()> {
        check_depth(depth)?;
        let ty = self.value(id, depth)?;
        match (steps, ty.kind()) {
            ([Step::Item, further @ ..], Kind::Array) => {
                self.field(TypeId(ty.words()[3]), further, depth + 1)
            }
            ([Step::Member(name), further @ ..], Kind::Struct | Kind::Union) => {
                let members = ty.members();
                for (index, [member_name, member, _]) in members.iter().enumerate() {
                    let further = match self.kernel.name_at(*member_name) {
                        "" => steps,
                        found if found == *name => further,
                        _ => continue,
                    };
                    self.keep_member(ty, index);
                    self.field(TypeId(*member), further, depth + 1)?;
                }
                // An array without items is a flexible one if it is in the last member.
                if let Some(last) = members.len().checked_sub(1) {
                    self.keep_member(ty, last);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn keep_member(&mut self, ty: Type<'_>, index: usize) {
        let parts = self.parts.entry(ty.id().0).or_default();
        parts.members.insert(index);
    }

    fn shape(&mut self, id: TypeId, depth: usize) -> Result<()> {
        check_depth(depth)?;
        let ty = self.named(id)?;
        let parts = self.parts.entry(ty.id().0).or_default();
        if std::mem::replace(&mut parts.shaped, true) {
            return Ok(());
        }
        match ty.kind() {
            Kind::Pointer => {
                parts.target = true;
                self.shape(TypeId(ty.words()[2]), depth + 1)
            }
            Kind::Array => self.shape(TypeId(ty.words()[3]), depth + 1),
            Kind::FunctionPrototype => {
                parts.target = true;
                for [_, parameter] in ty.words()[3..].as_chunks::<2>().0 {
                    self.shape(TypeId(*parameter), depth + 1)?;
                }
                self.shape(TypeId(ty.words()[2]), depth + 1)
            }
            _ => Ok(()),
        }
    }
}

fn check_depth(depth: usize) -> Result<()> {
    if depth > DEPTH_MAX {
        return Err(Error::too_large(format!(
            "more than {DEPTH_MAX} types within each other"
        )));
    }
    Ok(())
}
