//! The fields of a table, whatever declared them, and their values in a row.

use eunomia_btf::decode::{Decoder, Group, Label, Leaf, LeafKind, Scalar as BtfScalar, Visitor};
use eunomia_runtime::output::{
    Cardinality, Field, FieldHints, FieldValues, Layout, Scalar, Table, Values,
};

use super::cell::Cell;

/// The fields of a table. Structs are walked into: their members are fields, named with dots.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) fields: Vec<ShapeField>,
    source: Source,
}

#[derive(Debug)]
enum Source {
    Declared(Vec<Field>),
    Btf(Box<Decoder>),
}

/// A field.
#[derive(Debug)]
pub(super) struct ShapeField {
    pub(super) path: String,
    pub(super) kind: Kind,
    pub(super) hints: FieldHints,
    /// Of a struct of the BPF object.
    leaf: Option<Leaf>,
}

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kind {
    pub(super) class: Class,
    /// Any number of values.
    pub(super) many: bool,
}

/// Type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// An integer of so many bytes.
    Integer(u32),
    Boolean,
    Float,
    Text,
    Bytes,
    Enum,
    Pointer,
    Character,
    /// Structs in an array, for example.
    Mixed,
}

impl Class {
    /// Whether it is compared and counted as a number.
    pub(super) fn is_number(self) -> bool {
        !matches!(self, Self::Text | Self::Bytes | Self::Mixed)
    }
}

/// The value or the values of a field.
#[derive(Clone, Copy, Debug)]
pub(super) enum Datum<'a> {
    Absent,
    One(Cell<'a>),
    Many(FieldValues<'a>),
    Array(Array<'a>),
}

/// An array in a struct.
#[derive(Clone, Copy, Debug)]
pub(super) struct Array<'a> {
    decoder: &'a Decoder,
    leaf: &'a Leaf,
    record: &'a [u8],
}

/// A row, split into its fields.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row<'a> {
    shape: &'a Shape,
    payload: &'a [u8],
    values: &'a [FieldValues<'a>],
}

impl Shape {
    /// The fields of a table.
    pub(super) fn of(table: &Table) -> Result<Self, String> {
        match &table.layout {
            Layout::Fields(fields) => Ok(Self {
                fields: fields.iter().map(|field| declared(table, field)).collect(),
                source: Source::Declared(fields.clone()),
            }),
            Layout::Btf { btf, type_id, .. } => {
                let decoder = Decoder::new(btf, *type_id).map_err(|error| error.to_string())?;
                let leaves = decoder.leaves().map_err(|error| error.to_string())?;
                let zeros = vec![0; decoder.size()];
                let field = |leaf: Leaf| ShapeField {
                    path: leaf.path().to_owned(),
                    kind: kind_of(&decoder, &leaf, &zeros),
                    hints: table.hints_of(leaf.path()),
                    leaf: Some(leaf),
                };
                Ok(Self {
                    fields: leaves.into_iter().map(field).collect(),
                    source: Source::Btf(Box::new(decoder)),
                })
            }
            _ => Err("this version of ecli does not know the layout of its rows".to_owned()),
        }
    }

    /// The field of this name.
    pub(super) fn find(&self, path: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.path == path)
    }

    /// The names of an enum's numbers.
    pub(super) fn enumerators(&self, field: usize) -> Vec<(i128, &str)> {
        match (&self.source, &self.fields[field].leaf) {
            (Source::Btf(decoder), Some(leaf)) => decoder.enumerators(leaf).collect(),
            _ => Vec::new(),
        }
    }

    /// Finds the values of a row's declared fields, for [`Shape::row`]; checks that the row fits.
    pub(super) fn fill<'a>(
        &'a self,
        payload: &'a [u8],
        values: &mut Vec<FieldValues<'a>>,
    ) -> Result<(), String> {
        match &self.source {
            Source::Btf(decoder) => decoder.check(payload).map_err(|error| error.to_string()),
            Source::Declared(fields) => {
                values.clear();
                let mut row = Values::new(fields, payload);
                while let Some((_, field)) = row.next_field()? {
                    values.push(field);
                }
                Ok(())
            }
        }
    }

    /// The row whose values `fill` found.
    pub(super) fn row<'a>(&'a self, payload: &'a [u8], values: &'a [FieldValues<'a>]) -> Row<'a> {
        Row {
            shape: self,
            payload,
            values,
        }
    }
}

impl<'a> Row<'a> {
    /// The value of a field.
    pub(super) fn get(&self, field: usize) -> Datum<'a> {
        match &self.shape.source {
            Source::Declared(fields) => {
                let (Some(field), Some(values)) = (fields.get(field), self.values.get(field))
                else {
                    return Datum::Absent;
                };
                match field.cardinality {
                    Cardinality::Repeated => Datum::Many(*values),
                    _ => { *values }
                        .next()
                        .map_or(Datum::Absent, |value| Datum::One(value.into())),
                }
            }
            Source::Btf(decoder) => {
                let leaf = self.shape.fields.get(field);
                let Some(leaf) = leaf.and_then(|field| field.leaf.as_ref()) else {
                    return Datum::Absent;
                };
                match leaf.kind() {
                    LeafKind::Array => Datum::Array(Array {
                        decoder,
                        leaf,
                        record: self.payload,
                    }),
                    _ => decoder
                        .read(leaf, self.payload)
                        .map_or(Datum::Absent, |scalar| Datum::One(scalar.into())),
                }
            }
        }
    }
}

impl Datum<'_> {
    /// The cells, in order; those of structs in arrays too.
    pub(super) fn for_each(&self, mut each: impl FnMut(Cell<'_>)) {
        match self {
            Self::Absent => {}
            Self::One(cell) => each(*cell),
            Self::Many(values) => values.for_each(|value| each(value.into())),
            Self::Array(array) => array.visit(&mut Cells(each)),
        }
    }
}

impl Array<'_> {
    pub(super) fn visit(&self, visitor: &mut impl Visitor) {
        // Rows are checked before.
        let _ = self.decoder.visit_leaf(self.leaf, self.record, visitor);
    }
}

struct Cells<F>(F);

impl<F: FnMut(Cell<'_>)> Visitor for Cells<F> {
    fn begin(&mut self, _: &Label, _: Group) {}
    fn end(&mut self, _: &Label, _: Group) {}
    fn scalar(&mut self, _: &Label, value: BtfScalar<'_>) {
        (self.0)(value.into());
    }
}

fn declared(table: &Table, field: &Field) -> ShapeField {
    let class = match field.scalar {
        Scalar::Boolean => Class::Boolean,
        Scalar::U8 | Scalar::S8 => Class::Integer(1),
        Scalar::U16 | Scalar::S16 => Class::Integer(2),
        Scalar::U32 | Scalar::S32 => Class::Integer(4),
        Scalar::U64 | Scalar::S64 => Class::Integer(8),
        Scalar::F32 | Scalar::F64 => Class::Float,
        Scalar::Text => Class::Text,
        Scalar::Bytes => Class::Bytes,
    };
    let hints = match table.field_hints.get(&field.name) {
        Some(hints) => hints,
        None => &field.hints,
    };
    ShapeField {
        path: field.name.clone(),
        kind: Kind {
            class,
            many: field.cardinality == Cardinality::Repeated,
        },
        hints: FieldHints::read(hints),
        leaf: None,
    }
}

fn kind_of(decoder: &Decoder, leaf: &Leaf, zeros: &[u8]) -> Kind {
    let class = match leaf.kind() {
        LeafKind::Unsigned(bytes) | LeafKind::Signed(bytes) => Class::Integer(bytes),
        LeafKind::Boolean => Class::Boolean,
        LeafKind::Character => Class::Character,
        LeafKind::Enum => Class::Enum,
        LeafKind::Pointer => Class::Pointer,
        LeafKind::Float => Class::Float,
        LeafKind::Text => Class::Text,
        LeafKind::Bytes => Class::Bytes,
        _ => {
            // The items of an array that has some, whatever their values are.
            let mut items = Items::default();
            let _ = decoder.visit_leaf(leaf, zeros, &mut items);
            return Kind {
                class: items.class.unwrap_or(Class::Mixed),
                many: true,
            };
        }
    };
    Kind { class, many: false }
}

/// Finds the class that all items of an array have.
#[derive(Default)]
struct Items {
    class: Option<Class>,
}

impl Visitor for Items {
    fn begin(&mut self, _: &Label, group: Group) {
        if !matches!(group, Group::Array(_)) {
            self.class = Some(Class::Mixed);
        }
    }

    fn end(&mut self, _: &Label, _: Group) {}

    fn scalar(&mut self, _: &Label, value: BtfScalar<'_>) {
        self.class.get_or_insert(match value {
            BtfScalar::Boolean(_) => Class::Boolean,
            BtfScalar::Character(_) => Class::Character,
            BtfScalar::Enum { .. } => Class::Enum,
            BtfScalar::Pointer(_) => Class::Pointer,
            BtfScalar::Float32(_) | BtfScalar::Float64(_) => Class::Float,
            BtfScalar::Text(_) => Class::Text,
            BtfScalar::Bytes(_) => Class::Bytes,
            _ => Class::Integer(8),
        });
    }
}
