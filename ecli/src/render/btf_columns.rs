//! Rows that are structs of the BPF object, as columns: one for each member. Members of structs in
//! it are columns of their own, named with dots; an array is one column.

use eunomia_btf::decode::{Decoder, Group, Label, Scalar, Visitor};
use eunomia_btf::{Btf, TypeId};
use eunomia_runtime::output::Table;

use super::Renderer;
use super::cell::{Cell, CharacterByte};
use super::columns::{Column, Nature, Page, TEXT_WIDTH, place};
use super::format::{self, KernelClocks};
use super::line::Line;

/// The renderer.
#[derive(Debug)]
pub(super) struct BtfColumns {
    decoder: Decoder,
    /// In the order in which the decoder tells the members; hidden ones have none.
    columns: Vec<Option<Column>>,
    page: Page,
    clocks: KernelClocks,
    /// The value that is being written, kept for its memory.
    value: Vec<u8>,
}

impl BtfColumns {
    pub(super) fn new(
        table: &Table,
        btf: &Btf,
        (type_id, size): (TypeId, usize),
        mut page: Page,
        clocks: KernelClocks,
    ) -> Result<Self, String> {
        let decoder = Decoder::new(btf, type_id).map_err(|error| error.to_string())?;
        // A record of zeros has all members; which ones they are does not depend on the values.
        let mut survey = Survey::default();
        decoder
            .decode(&vec![0; size], &mut survey)
            .map_err(|error| error.to_string())?;
        let column = |(name, nature): &(String, Nature)| {
            Column::new(name, [table.field_hints.get(name), None], *nature)
        };
        let mut columns: Vec<Option<Column>> = survey.members.iter().map(column).collect();
        place(columns.iter_mut().flatten());
        page.header = columns.iter().flatten().cloned().collect();
        Ok(Self {
            decoder,
            columns,
            page,
            clocks,
            value: Vec::new(),
        })
    }
}

impl Renderer for BtfColumns {
    fn row(&mut self, payload: &[u8], text: &mut Vec<u8>) -> Result<(), String> {
        let mut writer = Writer {
            columns: self.columns.iter(),
            column: None,
            line: Line::new(text, self.page.limit),
            value: &mut self.value,
            array_depth: 0,
            clocks: &self.clocks,
        };
        self.decoder
            .decode(payload, &mut writer)
            .map_err(|error| error.to_string())?;
        writer.line.end();
        Ok(())
    }

    fn set_width(&mut self, columns: usize) {
        self.page.limit = columns;
    }

    fn begin(&mut self, text: &mut Vec<u8>) {
        self.page.begin(text);
    }
}

/// Finds the members that become columns.
#[derive(Default)]
struct Survey {
    members: Vec<(String, Nature)>,
    /// The dotted name of the struct that is being visited, and the lengths to go back to.
    path: String,
    outer: Vec<usize>,
    array_depth: usize,
}

impl Survey {
    fn add(&mut self, label: &Label, nature: Nature) {
        let name = if self.path.is_empty() {
            label.name().to_owned()
        } else {
            format!("{}.{}", self.path, label.name())
        };
        self.members.push((name, nature));
    }
}

impl Visitor for Survey {
    fn begin(&mut self, label: &Label, group: Group) {
        if self.array_depth > 0 {
            self.array_depth += 1;
        } else if matches!(group, Group::Array(_)) {
            self.add(
                label,
                Nature {
                    is_number: false,
                    width: TEXT_WIDTH,
                },
            );
            self.array_depth = 1;
        } else {
            self.outer.push(self.path.len());
            if !self.path.is_empty() && !label.name().is_empty() {
                self.path.push('.');
            }
            self.path.push_str(label.name());
        }
    }

    fn end(&mut self, _: &Label, _: Group) {
        if self.array_depth > 0 {
            self.array_depth -= 1;
        } else if let Some(length) = self.outer.pop() {
            self.path.truncate(length);
        }
    }

    fn scalar(&mut self, label: &Label, value: Scalar<'_>) {
        if self.array_depth > 0 {
            return;
        }
        let mut character = CharacterByte::default();
        // The text of an enum may be its number or its name.
        let is_number = Cell::of_scalar(value, &mut character).is_number()
            && !matches!(value, Scalar::Enum { .. });
        let width = match value {
            Scalar::Boolean(_) => 5,
            Scalar::Character(_) => 1,
            Scalar::Pointer(_) => 18,
            _ if is_number => 10,
            _ => TEXT_WIDTH,
        };
        self.add(label, Nature { is_number, width });
    }
}

/// Writes one row.
struct Writer<'a> {
    columns: std::slice::Iter<'a, Option<Column>>,
    /// The column of the array that is being visited.
    column: Option<&'a Column>,
    line: Line<'a>,
    value: &'a mut Vec<u8>,
    array_depth: usize,
    clocks: &'a KernelClocks,
}

impl Writer<'_> {
    /// Separates items, but not the first one from its bracket.
    fn separate(&mut self) {
        if !matches!(self.value.last(), None | Some(b'[' | b'{')) {
            self.value.push(b' ');
        }
    }

    fn put(&mut self) {
        if let Some(column) = self.column {
            self.line
                .put(&column.slot, &String::from_utf8_lossy(self.value));
        }
    }
}

impl Visitor for Writer<'_> {
    fn begin(&mut self, label: &Label, group: Group) {
        let is_array = matches!(group, Group::Array(_));
        if self.array_depth > 0 {
            self.separate();
            write_name(self.value, label);
            self.value.push(if is_array { b'[' } else { b'{' });
            self.array_depth += 1;
        } else if is_array {
            self.column = self.columns.next().and_then(Option::as_ref);
            self.value.clear();
            self.array_depth = 1;
        }
    }

    fn end(&mut self, _: &Label, group: Group) {
        if self.array_depth == 0 {
            return;
        }
        self.array_depth -= 1;
        if self.array_depth == 0 {
            self.put();
        } else {
            self.value.push(if matches!(group, Group::Array(_)) {
                b']'
            } else {
                b'}'
            });
        }
    }

    fn scalar(&mut self, label: &Label, value: Scalar<'_>) {
        if self.array_depth == 0 {
            self.column = self.columns.next().and_then(Option::as_ref);
            self.value.clear();
        }
        let Some(column) = self.column else {
            return;
        };
        if self.array_depth > 0 {
            self.separate();
            write_name(self.value, label);
        }
        let mut character = CharacterByte::default();
        let cell = Cell::of_scalar(value, &mut character);
        format::write(self.value, cell, column.style, self.clocks);
        if self.array_depth == 0 {
            self.put();
        }
    }
}

fn write_name(value: &mut Vec<u8>, label: &Label) {
    if !label.name().is_empty() {
        value.extend_from_slice(label.name().as_bytes());
        value.push(b'=');
    }
}
