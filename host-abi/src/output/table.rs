//! A kind of row.

use std::collections::BTreeMap;
use std::sync::Arc;

use eunomia_btf::{Btf, Definition, TypeId};

use super::fields::{Field, Values};
use crate::error::{Error, ErrorKind, Result};
use crate::record::Records;

/// Hints on how to show something: key to value.
pub type Hints = BTreeMap<String, String>;

/// A kind of row that a guest declared.
#[derive(Clone, Debug)]
pub struct Table {
    /// Unique within the guest.
    pub name: String,
    /// What a row's payload holds.
    pub layout: Layout,
    /// Hints for the table as a whole.
    pub hints: Hints,
    /// Hints by field, nested ones with dots. Those of declared fields are in [`Field::hints`] too.
    pub field_hints: BTreeMap<String, Hints>,
}

/// What a row's payload holds.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Layout {
    /// A struct of the BPF object, perhaps with bytes behind it.
    Btf {
        /// The types of the object.
        btf: Arc<Btf>,
        /// The struct.
        type_id: TypeId,
        /// Bytes that a row has at least.
        size: usize,
    },
    /// Declared fields, packed.
    Fields(Vec<Field>),
}

impl Layout {
    /// Whether a row has a field of this name; `event.pid` names a nested one.
    pub fn has_field(&self, path: &str) -> bool {
        match self {
            Self::Btf { btf, type_id, .. } => has_member(btf, *type_id, path, NESTING_MAX),
            Self::Fields(fields) => fields.iter().any(|field| field.name == path),
        }
    }
}

/// How deep structs, arrays and anonymous members are nested in a path; C has few levels.
const NESTING_MAX: u32 = 32;

fn has_member(btf: &Btf, id: TypeId, path: &str, depth_left: u32) -> bool {
    let Some(depth_left) = depth_left.checked_sub(1) else {
        return false;
    };
    let Ok(ty) = btf.resolve(id) else {
        return false;
    };
    let composite = match ty.definition() {
        Definition::Struct(composite) | Definition::Union(composite) => composite,
        // The fields of each of its items.
        Definition::Array(array) => return has_member(btf, array.item, path, depth_left),
        _ => return false,
    };
    let (name, rest) = match path.split_once('.') {
        Some((name, rest)) => (name, Some(rest)),
        None => (path, None),
    };
    composite.members().flatten().any(|member| match rest {
        _ if member.name.is_empty() => has_member(btf, member.ty, path, depth_left),
        _ if member.name != name => false,
        None => true,
        Some(rest) => has_member(btf, member.ty, rest, depth_left),
    })
}

impl Table {
    /// Check that `rows` is a batch of whole records that fit this table.
    ///
    /// # Errors
    /// `InvalidArgument`, naming the first row that does not.
    pub fn check(&self, rows: &[u8]) -> Result<()> {
        let mut records = Records::new(rows);
        for (index, record) in records.by_ref().enumerate() {
            let outcome = match &self.layout {
                _ if record.discarded => Ok(()),
                Layout::Btf { size, .. } if record.payload.len() >= *size => Ok(()),
                Layout::Btf { size, .. } => Err(format!(
                    "{} bytes are less than {size}",
                    record.payload.len()
                )),
                Layout::Fields(fields) => Values::new(fields, record.payload).check(),
            };
            outcome.map_err(|reason| self.misfit(&format!("row {index}: {reason}")))?;
        }
        if records.rest().is_empty() {
            return Ok(());
        }
        Err(self.misfit("not a batch of whole records"))
    }

    fn misfit(&self, reason: &str) -> Error {
        Error::new(
            ErrorKind::InvalidArgument,
            format!("emit rows of table `{}`: {reason}", self.name),
        )
    }
}
