//! Expressions that read and write members.

use super::model::{Accessor, AccessorPlace, Form, RustType};
use crate::composite::BitRange;

/// An array of bytes in the generated code that holds members.
pub(super) struct Storage {
    /// An expression for a reference to it.
    pub(super) reference: String,
    /// An expression for it as a place to be written.
    pub(super) place: String,
    /// Where it starts in the record.
    pub(super) offset: u32,
    pub(super) size: u32,
}

impl Storage {
    /// What a view gives for a member: the value, or a view of it.
    pub(super) fn read(&self, accessor: &Accessor) -> String {
        match accessor.place {
            AccessorPlace::Byte(offset) => self.read_bytes(offset, &accessor.ty),
            AccessorPlace::Bits(bits) => self.read_bits(bits, &accessor.ty),
        }
    }

    /// What `read` gives, as an owned value.
    pub(super) fn read_owned(&self, accessor: &Accessor) -> String {
        let value = self.read(accessor);
        match &accessor.ty.form {
            Form::Scalar | Form::Bool | Form::Enum(_) => value,
            Form::Bytes { .. } => format!("*{value}"),
            Form::Array { .. } => format!("{value}.to_array()"),
            Form::Composite => format!("::eunomia_bpf::RecordRef::to_record({value})"),
        }
    }

    /// A statement that writes a variable called `value` to a member.
    pub(super) fn write(&self, accessor: &Accessor) -> String {
        let place = &self.place;
        match accessor.place {
            AccessorPlace::Byte(offset) => {
                let start = offset - self.offset;
                let end = start + accessor.ty.size;
                format!(
                    "let _ = ::eunomia_bpf::Record::write_to(&value, &mut {place}[{start}..{end}]);"
                )
            }
            AccessorPlace::Bits(bits) => {
                let value = match accessor.ty.form {
                    Form::Enum(_) => "value.0",
                    _ => "value",
                };
                let (offset, size) = (bits.offset - self.offset * 8, bits.size);
                format!("set_bits_at(&mut {place}, {offset}, {size}, {value} as u64);")
            }
        }
    }

    fn read_bytes(&self, offset: u32, ty: &RustType) -> String {
        let (offset, text) = (offset - self.offset, &ty.text);
        let bytes = format!(
            "bytes_at::<{offset}, {}, {}>({})",
            ty.size, self.size, self.reference
        );
        match &ty.form {
            Form::Scalar => format!("{text}::from_le_bytes(*{bytes})"),
            Form::Bool => format!("{bytes}[0] != 0"),
            Form::Enum(repr) => format!("{text}({repr}::from_le_bytes(*{bytes}))"),
            Form::Bytes { .. } => bytes,
            Form::Array { .. } => format!("::eunomia_bpf::Array::from_array({bytes})"),
            Form::Composite => format!("{text}Ref::from_array({bytes})"),
        }
    }

    fn read_bits(&self, bits: BitRange, ty: &RustType) -> String {
        let arguments = format!(
            "({}, {}, {})",
            self.reference,
            bits.offset - self.offset * 8,
            bits.size
        );
        let number = |name: &str| match name.starts_with('i') {
            true => format!("signed_bits_at{arguments} as {name}"),
            false => format!("bits_at{arguments} as {name}"),
        };
        match &ty.form {
            Form::Bool => format!("bits_at{arguments} != 0"),
            Form::Enum(repr) => format!("{}({})", ty.text, number(repr)),
            _ => number(&ty.text),
        }
    }
}

/// The type of what [`Storage::read`] gives.
pub(super) fn view_type(ty: &RustType) -> String {
    match &ty.form {
        Form::Scalar | Form::Bool | Form::Enum(_) => ty.text.clone(),
        Form::Bytes { .. } => format!("&'a {}", ty.text),
        Form::Array { item, count } => format!("::eunomia_bpf::Array<'a, {item}, {count}>"),
        Form::Composite => format!("{}Ref<'a>", ty.text),
    }
}
