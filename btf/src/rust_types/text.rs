//! Types as Rust text.

use crate::records::model::{Accessor, DataType, Field, Form, Integer};
use crate::records::names::Namespace;

use super::names::METHODS;

impl DataType {
    /// How the type is written inside of the generated module.
    pub(super) fn rust(&self) -> String {
        match &self.form {
            Form::Integer(integer) => integer.rust().to_owned(),
            Form::Float => format!("f{}", self.size * 8),
            Form::Bool => "bool".to_owned(),
            Form::Enum { name, .. } | Form::Composite { name } => name.clone(),
            Form::Bytes { .. } => format!("[u8; {}]", self.size),
            Form::Array { item, count } => format!("[{}; {count}]", item.rust()),
        }
    }

    /// The type of what a view gives.
    pub(super) fn rust_view(&self) -> String {
        match &self.form {
            Form::Bytes { .. } => format!("&'a {}", self.rust()),
            Form::Array { item, count } => {
                format!("::eunomia_bpf::Array<'a, {}, {count}>", item.rust())
            }
            Form::Composite { name } => format!("{name}Ref<'a>"),
            _ => self.rust(),
        }
    }
}

impl Integer {
    pub(super) fn rust(self) -> &'static str {
        match (self.bytes, self.signed) {
            (1, false) => "u8",
            (1, true) => "i8",
            (2, false) => "u16",
            (2, true) => "i16",
            (4, false) => "u32",
            (4, true) => "i32",
            (8, false) => "u64",
            (8, true) => "i64",
            (_, false) => "u128",
            (_, true) => "i128",
        }
    }
}

/// An accessor with the methods that come with it.
pub(super) struct Member<'a> {
    pub(super) accessor: &'a Accessor,
    /// The method that gives it as text, where that makes sense.
    pub(super) text_name: Option<String>,
    /// The method that writes it, where it is not simply a field.
    pub(super) setter_name: Option<String>,
}

impl<'a> Member<'a> {
    /// Names the methods, where no member has such a name.
    pub(super) fn name_all(accessors: &'a [Accessor], fields: &[Field]) -> Vec<Self> {
        let mut names = Namespace::reserving(&METHODS);
        let fields = fields.iter().map(|field| &field.name);
        for name in fields.chain(accessors.iter().map(|it| &it.name)) {
            if names.is_free(name) {
                names.take(name.clone());
            }
        }
        let mut take = |name: String| names.is_free(&name).then(|| names.take(name));
        accessors
            .iter()
            .map(|accessor| {
                let plain = accessor.name.trim_start_matches("r#");
                let is_text = matches!(accessor.ty.form, Form::Bytes { is_text: true });
                Self {
                    accessor,
                    text_name: is_text.then(|| take(format!("{plain}_str"))).flatten(),
                    setter_name: take(format!("set_{plain}")),
                }
            })
            .collect()
    }
}
