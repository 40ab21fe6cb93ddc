//! The values of a record one by one, at their places.

use super::decoder::Decoder;
use super::label::Label;
use super::plan::{Child, Form, Meaning, Names, NumberForm};
use super::visitor::{Scalar, Visitor};
use crate::error::{Error, Result};

/// Leaves of one type. Each has a name of its own; a wider row is no row that anybody could read.
pub const LEAVES_MAX: usize = 1 << 14;
/// Bytes of the names of all leaves.
const PATH_BYTES_MAX: usize = 4 << 20;

/// A value of a record that has its own place: a number, a text, or an array as a whole. Structs
/// and unions are walked into.
#[derive(Debug, Clone)]
pub struct Leaf {
    child: Child,
    path: String,
    kind: LeafKind,
}

/// What a leaf holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
#[non_exhaustive]
pub enum LeafKind {
    /// An unsigned integer of so many bytes, also in a bit field.
    Unsigned(u32),
    /// A signed one.
    Signed(u32),
    Boolean,
    Character,
    Enum,
    Pointer,
    Float,
    Text,
    Bytes,
    /// Of anything but `char` and bytes.
    Array,
}

impl Leaf {
    /// Its name, with dots between those of the structs that it is in; empty when the record is no
    /// struct.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What it holds.
    pub fn kind(&self) -> LeafKind {
        self.kind
    }
}

impl Decoder {
    /// All leaves of a record, in the order of its members.
    ///
    /// # Errors
    /// `TooLarge` above [`LEAVES_MAX`].
    pub fn leaves(&self) -> Result<Vec<Leaf>> {
        let mut walk = Walk {
            decoder: self,
            leaves: Vec::new(),
            path: String::new(),
            path_bytes: 0,
        };
        walk.visit(self.plan.root, 0)?;
        Ok(walk.leaves)
    }

    /// Checks that a record is long enough for all values of its type.
    ///
    /// # Errors
    /// As [`Decoder::decode`].
    pub fn check(&self, record: &[u8]) -> Result<()> {
        if record.len() < self.extent() {
            return Err(self.short_record(record));
        }
        self.check_flexible(self.plan.root, record.len())
    }

    /// The value of one of this decoder's leaves; `None` for an array, and when the record is too
    /// short.
    pub fn read<'a>(&'a self, leaf: &Leaf, record: &'a [u8]) -> Option<Scalar<'a>> {
        self.scalar(leaf.child, record)
    }

    /// Visits one of this decoder's leaves, also an array; `None` when the record is too short.
    pub fn visit_leaf<V: Visitor>(
        &self,
        leaf: &Leaf,
        record: &[u8],
        visitor: &mut V,
    ) -> Option<()> {
        self.visit(leaf.child, record, visitor)
    }

    /// The label of one of this decoder's leaves.
    pub fn label_of(&self, leaf: &Leaf) -> &Label {
        self.label(leaf.child)
    }

    /// The names of an enum's numbers, ascending, also of an array of enums; nothing for other
    /// leaves.
    pub fn enumerators(&self, leaf: &Leaf) -> impl Iterator<Item = (i128, &str)> {
        let mut node = self.node(leaf.child);
        while let Form::Array(items, _) | Form::FlexibleArray(items) = &node.form {
            node = self.node(items.child);
        }
        let names = match &node.form {
            Form::Number(NumberForm { meaning, .. })
            | Form::Bits(_, NumberForm { meaning, .. }) => match meaning {
                Meaning::Enum { names, .. } => Some(names),
                _ => None,
            },
            _ => None,
        };
        let pairs = names.map_or(&[][..], |Names(pairs)| pairs);
        pairs.iter().map(|(number, name)| (*number, &**name))
    }
}

struct Walk<'a> {
    decoder: &'a Decoder,
    leaves: Vec<Leaf>,
    path: String,
    path_bytes: usize,
}

impl Walk<'_> {
    /// Recursion is bounded by `NESTING_MAX`.
    fn visit(&mut self, child: Child, base: u32) -> Result<()> {
        let decoder = self.decoder;
        let offset = base.saturating_add(child.offset);
        let node = decoder.node(child);
        let before = self.path.len();
        let name = decoder.label(child).name();
        if before > 0 && !name.is_empty() {
            self.path.push('.');
        }
        self.path.push_str(name);
        match &node.form {
            Form::Struct(children) | Form::Union(children) => {
                for child in children {
                    self.visit(*child, offset)?;
                }
            }
            form => self.add(Child { offset, ..child }, kind(form))?,
        }
        self.path.truncate(before);
        Ok(())
    }

    fn add(&mut self, child: Child, kind: LeafKind) -> Result<()> {
        self.path_bytes += self.path.len();
        if self.leaves.len() == LEAVES_MAX || self.path_bytes > PATH_BYTES_MAX {
            return Err(Error::too_large(format!(
                "{}: more than {LEAVES_MAX} values or {PATH_BYTES_MAX} bytes of their names",
                self.decoder.type_name()
            )));
        }
        self.leaves.push(Leaf {
            child,
            path: self.path.clone(),
            kind,
        });
        Ok(())
    }
}

fn kind(form: &Form) -> LeafKind {
    match form {
        Form::Number(number) | Form::Bits(_, number) => match number.meaning {
            Meaning::Unsigned => LeafKind::Unsigned(number.size),
            Meaning::Signed => LeafKind::Signed(number.size),
            Meaning::Boolean => LeafKind::Boolean,
            Meaning::Character => LeafKind::Character,
            Meaning::Pointer => LeafKind::Pointer,
            Meaning::Enum { .. } => LeafKind::Enum,
        },
        Form::Float32 | Form::Float64 => LeafKind::Float,
        Form::Text | Form::FlexibleText => LeafKind::Text,
        Form::Bytes | Form::FlexibleBytes => LeafKind::Bytes,
        Form::Array(..) | Form::FlexibleArray(_) | Form::Struct(_) | Form::Union(_) => {
            LeafKind::Array
        }
    }
}
