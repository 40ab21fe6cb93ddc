//! Building a tree from what a decoder tells.

use std::sync::Arc;

use super::label::Label;
use super::value::{Field, Value};
use super::visitor::{Group, Scalar, Visitor};

/// A visitor that builds a [`Value`].
#[derive(Default)]
pub(super) struct ValueBuilder {
    /// The groups that have begun, the innermost last.
    open: Vec<Value>,
    complete: Option<Value>,
}

impl ValueBuilder {
    /// The value of the record, if one was visited.
    pub(super) fn finish(self) -> Option<Value> {
        self.complete
    }

    fn add(&mut self, label: &Label, value: Value) {
        match self.open.last_mut() {
            Some(Value::Struct(fields) | Value::Union(fields)) => {
                fields.push(Field {
                    name: Arc::clone(&label.name),
                    value,
                });
            }
            Some(Value::Array(items)) => items.push(value),
            _ => self.complete = Some(value),
        }
    }
}

impl Visitor for ValueBuilder {
    fn begin(&mut self, _label: &Label, group: Group) {
        self.open.push(match group {
            Group::Struct => Value::Struct(Vec::new()),
            Group::Union => Value::Union(Vec::new()),
            Group::Array(count) => Value::Array(Vec::with_capacity(count)),
        });
    }

    fn end(&mut self, label: &Label, _group: Group) {
        if let Some(value) = self.open.pop() {
            self.add(label, value);
        }
    }

    fn scalar(&mut self, label: &Label, value: Scalar<'_>) {
        let value = match value {
            Scalar::Unsigned(value) => Value::Unsigned(value),
            Scalar::Signed(value) => Value::Signed(value),
            Scalar::Unsigned128(value) => Value::Unsigned128(value),
            Scalar::Signed128(value) => Value::Signed128(value),
            Scalar::Boolean(value) => Value::Boolean(value),
            Scalar::Character(value) => Value::Character(value),
            Scalar::Enum { number, name } => Value::Enum {
                number,
                name: name.map(str::to_owned),
            },
            Scalar::Pointer(value) => Value::Pointer(value),
            Scalar::Float32(value) => Value::Float32(value),
            Scalar::Float64(value) => Value::Float64(value),
            Scalar::Text(value) => Value::Text(String::from_utf8_lossy(value).into_owned()),
            Scalar::Bytes(value) => Value::Bytes(value.to_vec()),
        };
        self.add(label, value);
    }
}
