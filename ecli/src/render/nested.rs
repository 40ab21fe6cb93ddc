//! Arrays of structs as text: `{pid=1 comm=x} {pid=2 comm=y}`.

use eunomia_btf::decode::{Group, Label, Scalar, Visitor};

use super::cell::Cell;

/// Writes an array; its own brackets are left out.
#[derive(Debug)]
pub(super) struct NestedText<'a, F> {
    text: &'a mut Vec<u8>,
    write: F,
    depth: usize,
    /// Nothing stands before the next value in its brackets.
    is_first: bool,
}

impl<'a, F: FnMut(&mut Vec<u8>, Cell<'_>)> NestedText<'a, F> {
    /// Writes each value with `write`.
    pub(super) fn new(text: &'a mut Vec<u8>, write: F) -> Self {
        Self {
            text,
            write,
            depth: 0,
            is_first: true,
        }
    }

    fn introduce(&mut self, label: &Label) {
        if !self.is_first {
            self.text.push(b' ');
        }
        self.is_first = false;
        if !label.name().is_empty() {
            self.text.extend_from_slice(label.name().as_bytes());
            self.text.push(b'=');
        }
    }
}

impl<F: FnMut(&mut Vec<u8>, Cell<'_>)> Visitor for NestedText<'_, F> {
    fn begin(&mut self, label: &Label, group: Group) {
        if self.depth > 0 {
            self.introduce(label);
            let is_array = matches!(group, Group::Array(_));
            self.text.push(if is_array { b'[' } else { b'{' });
            self.is_first = true;
        }
        self.depth += 1;
    }

    fn end(&mut self, _: &Label, group: Group) {
        self.depth -= 1;
        if self.depth > 0 {
            let is_array = matches!(group, Group::Array(_));
            self.text.push(if is_array { b']' } else { b'}' });
            self.is_first = false;
        }
    }

    fn scalar(&mut self, label: &Label, value: Scalar<'_>) {
        self.introduce(label);
        (self.write)(self.text, value.into());
    }
}
