//! Expressions that read and write members.

use crate::composite::BitRange;
use crate::records::model::{Accessor, AccessorPlace, DataType, Form, Integer};

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
            Form::Integer(_) | Form::Float | Form::Bool | Form::Enum { .. } => value,
            Form::Bytes { .. } => format!("*{value}"),
            Form::Array { .. } => format!("{value}.to_array()"),
            Form::Composite { .. } => format!("::eunomia_bpf::RecordRef::to_record({value})"),
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
                    Form::Enum { .. } => "value.0",
                    _ => "value",
                };
                let (offset, size) = (bits.offset - self.offset * 8, bits.size);
                format!("set_bits_at(&mut {place}, {offset}, {size}, {value} as u64);")
            }
        }
    }

    fn read_bytes(&self, offset: u32, ty: &DataType) -> String {
        let offset = offset - self.offset;
        let bytes = format!(
            "bytes_at::<{offset}, {}, {}>({})",
            ty.size, self.size, self.reference
        );
        match &ty.form {
            Form::Integer(_) | Form::Float => {
                format!("{}::from_le_bytes(*{bytes})", ty.rust())
            }
            Form::Bool => format!("{bytes}[0] != 0"),
            Form::Enum { name, integer } => {
                format!("{name}({}::from_le_bytes(*{bytes}))", integer.rust())
            }
            Form::Bytes { .. } => bytes,
            Form::Array { .. } => format!("::eunomia_bpf::Array::from_array({bytes})"),
            Form::Composite { name } => format!("{name}Ref::from_array({bytes})"),
        }
    }

    fn read_bits(&self, bits: BitRange, ty: &DataType) -> String {
        let arguments = format!(
            "({}, {}, {})",
            self.reference,
            bits.offset - self.offset * 8,
            bits.size
        );
        let number = |integer: &Integer| match integer.signed {
            true => format!("signed_bits_at{arguments} as {}", integer.rust()),
            false => format!("bits_at{arguments} as {}", integer.rust()),
        };
        match &ty.form {
            Form::Integer(integer) => number(integer),
            Form::Enum { name, integer } => format!("{name}({})", number(integer)),
            _ => format!("bits_at{arguments} != 0"),
        }
    }
}
