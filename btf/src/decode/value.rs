//! A decoded record as a tree.

use std::sync::Arc;

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

/// A decoded value.
///
/// It serializes as what a reader of JSON expects: structs and unions as maps in the order of their
/// members, enums as their names or else numbers, pointers as text like `0xffff888012345678`,
/// a `char` as text of one character (none for NUL), integers beyond 64 bits as decimal text.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// An unsigned integer.
    Unsigned(u64),
    /// A signed integer.
    Signed(i64),
    /// An unsigned integer of more than 64 bits.
    Unsigned128(u128),
    /// A signed integer of more than 64 bits.
    Signed128(i128),
    /// A `_Bool`.
    Boolean(bool),
    /// A single `char`.
    Character(u8),
    /// An enum.
    Enum {
        /// Its number.
        number: i128,
        /// The name that the number has, if it has one.
        name: Option<String>,
    },
    /// A pointer.
    Pointer(u64),
    /// A `float`.
    Float32(f32),
    /// A `double`.
    Float64(f64),
    /// An array of `char`; what was not UTF-8 is replaced.
    Text(String),
    /// An array of other bytes.
    Bytes(Vec<u8>),
    /// An array.
    Array(Vec<Self>),
    /// A struct.
    Struct(Vec<Field>),
    /// A union.
    Union(Vec<Field>),
}

/// A member of a struct or union.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// Its name.
    pub name: Arc<str>,
    /// Its value.
    pub value: Value,
}

impl Value {
    /// The member of a struct or union with a name.
    pub fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Struct(fields) | Self::Union(fields) => fields
                .iter()
                .find(|field| &*field.name == name)
                .map(|field| &field.value),
            _ => None,
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Unsigned(value) => serializer.serialize_u64(*value),
            Self::Signed(value) => serializer.serialize_i64(*value),
            Self::Unsigned128(value) => match u64::try_from(*value) {
                Ok(value) => serializer.serialize_u64(value),
                Err(_) => serializer.collect_str(value),
            },
            Self::Signed128(value) => serialize_signed(*value, serializer),
            Self::Boolean(value) => serializer.serialize_bool(*value),
            Self::Character(0) => serializer.serialize_str(""),
            Self::Character(value) => serializer.serialize_char(char::from(*value)),
            Self::Enum {
                name: Some(name), ..
            } => serializer.serialize_str(name),
            Self::Enum { number, name: None } => serialize_signed(*number, serializer),
            Self::Pointer(value) => serializer.collect_str(&format_args!("{value:#x}")),
            Self::Float32(value) => serializer.serialize_f32(*value),
            Self::Float64(value) => serializer.serialize_f64(*value),
            Self::Text(value) => serializer.serialize_str(value),
            Self::Bytes(value) => serializer.collect_seq(value),
            Self::Array(items) => {
                let mut sequence = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    sequence.serialize_element(item)?;
                }
                sequence.end()
            }
            Self::Struct(fields) | Self::Union(fields) => {
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                for field in fields {
                    map.serialize_entry(&*field.name, &field.value)?;
                }
                map.end()
            }
        }
    }
}

fn serialize_signed<S: Serializer>(value: i128, serializer: S) -> Result<S::Ok, S::Error> {
    if let Ok(value) = i64::try_from(value) {
        return serializer.serialize_i64(value);
    }
    match u64::try_from(value) {
        Ok(value) => serializer.serialize_u64(value),
        Err(_) => serializer.collect_str(&value),
    }
}
