//! The fields that the operator wants to see: `--fields a,b.c` or `--fields=-a`.

use super::shape::Shape;

/// Names that one option may have.
const NAMES_MAX: usize = 256;

/// What `--fields` says; by default nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Selection {
    /// In this order; none: all.
    shown: Vec<String>,
    hidden: Vec<String>,
}

impl Selection {
    /// Reads names with commas between; `-` in front of one hides it.
    pub(crate) fn parse(text: &str) -> anyhow::Result<Self> {
        let mut selection = Self::default();
        for word in text.split(',').map(str::trim) {
            let (list, name) = match word.strip_prefix('-') {
                Some(name) => (&mut selection.hidden, name),
                None => (&mut selection.shown, word),
            };
            anyhow::ensure!(
                !name.is_empty(),
                "`{text}` has an empty name: write a,b.c or -a,-b"
            );
            anyhow::ensure!(list.len() < NAMES_MAX, "more than {NAMES_MAX} fields");
            list.push(name.to_owned());
        }
        Ok(selection)
    }

    /// All names, which the table must have.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.shown.iter().chain(&self.hidden).map(String::as_str)
    }

    /// The fields to show, in order. `with_hidden`: also those that hints hide.
    pub(super) fn apply(&self, shape: &Shape, with_hidden: bool) -> Vec<usize> {
        let mut fields: Vec<usize> = Vec::new();
        if self.shown.is_empty() {
            let is_shown = |field: &usize| with_hidden || !shape.fields[*field].hints.hidden;
            fields.extend((0..shape.fields.len()).filter(is_shown));
        }
        for name in &self.shown {
            let named = (0..shape.fields.len()).filter(|field| is_in(shape, *field, name));
            let new: Vec<usize> = named.filter(|field| !fields.contains(field)).collect();
            fields.extend(new);
        }
        let is_hidden = |field: usize| self.hidden.iter().any(|name| is_in(shape, field, name));
        fields.retain(|field| !is_hidden(*field));
        fields
    }
}

/// Whether a field is what the name says, or in the struct of that name.
fn is_in(shape: &Shape, field: usize, name: &str) -> bool {
    let rest = shape.fields[field].path.strip_prefix(name);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Whether the table has a field, or a struct, of this name.
pub(super) fn has(shape: &Shape, name: &str) -> bool {
    (0..shape.fields.len()).any(|field| is_in(shape, field, name))
}
