//! Rows as aligned columns under a header.

use eunomia_runtime::output::{Cardinality, Field, Hints, Layout, Scalar, Table, Values};

use super::btf_columns::BtfColumns;
use super::cell::Cell;
use super::format::{self, KernelClocks, Style};
use super::line::{Line, Slot};
use super::{Renderer, Setting};

/// The widest column that a hint can ask for, in characters: a line of the largest terminals.
const WIDTH_MAX: usize = 400;

/// Width of a text column that says nothing about it: the kernel's names of tasks have 15.
pub(super) const TEXT_WIDTH: usize = 16;

/// The width of a line where there is no terminal to say it.
const NO_LIMIT: usize = usize::MAX;

/// The renderer of a table.
pub(super) fn renderer(
    table: &Table,
    setting: &Setting,
    is_terminal: bool,
) -> Result<Box<dyn Renderer>, String> {
    let page = Page {
        header: Vec::new(),
        colour: setting.colour && is_terminal,
        limit: NO_LIMIT,
        is_first: true,
    };
    match &table.layout {
        Layout::Fields(fields) => Ok(Box::new(FieldsColumns::new(
            table,
            fields,
            page,
            setting.clocks,
        ))),
        Layout::Btf { btf, type_id, size } => {
            let columns = BtfColumns::new(table, btf, (*type_id, *size), page, setting.clocks)?;
            Ok(Box::new(columns))
        }
        _ => Err("this version of ecli does not know the layout of its rows".to_owned()),
    }
}

/// A visible column.
#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) title: String,
    pub(super) style: Style,
    pub(super) slot: Slot,
}

/// What decides how a column looks when its hints do not.
#[derive(Clone, Copy, Debug)]
pub(super) struct Nature {
    /// Aligned at the right end.
    pub(super) is_number: bool,
    /// In characters.
    pub(super) width: usize,
}

impl Column {
    /// The column that hints ask for; `None` when they hide it. Its place comes later.
    pub(super) fn new(name: &str, hints: [Option<&Hints>; 2], nature: Nature) -> Option<Self> {
        let hint = |key: &str| {
            hints
                .iter()
                .flatten()
                .find_map(|hints| hints.get(key))
                .map(String::as_str)
        };
        if hint("hidden") == Some("true") {
            return None;
        }
        let style = hint("format").and_then(Style::named).unwrap_or_default();
        let title = hint("title").map_or_else(|| name.to_uppercase(), str::to_owned);
        let width = hint("width").and_then(|text| text.parse().ok());
        let width = width
            .or(style.width())
            .unwrap_or(nature.width)
            .min(WIDTH_MAX);
        let right = match hint("align") {
            Some("left") => false,
            Some("right") => true,
            _ => nature.is_number && !style.makes_words(),
        };
        let slot = Slot {
            start: 0,
            width: width.max(title.chars().count()),
            right,
            last: false,
        };
        Some(Self { title, style, slot })
    }
}

/// Places columns beside each other.
pub(super) fn place<'c>(columns: impl Iterator<Item = &'c mut Column>) {
    let mut start = 0;
    let mut last = None;
    for column in columns {
        column.slot.start = start;
        start += column.slot.width + 1;
        last = Some(&mut column.slot.last);
    }
    if let Some(last) = last {
        *last = true;
    }
}

/// What stands around the rows.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) header: Vec<Column>,
    colour: bool,
    /// Columns of the terminal in a line.
    pub(super) limit: usize,
    is_first: bool,
}

impl Page {
    /// Writes the header, with a line between it and what was before.
    pub(super) fn begin(&mut self, text: &mut Vec<u8>) {
        if !self.is_first {
            text.push(b'\n');
        }
        self.is_first = false;
        if self.colour {
            text.extend_from_slice(b"\x1b[1m");
        }
        let mut line = Line::new(text, self.limit);
        for column in &self.header {
            line.put(&column.slot, &column.title);
        }
        line.end();
        if self.colour {
            // Before the end of the line, or the next one begins with it.
            text.pop();
            text.extend_from_slice(b"\x1b[0m\n");
        }
    }
}

/// Rows of declared fields.
#[derive(Debug)]
struct FieldsColumns {
    fields: Vec<Field>,
    /// By field; hidden ones have none.
    columns: Vec<Option<Column>>,
    page: Page,
    clocks: KernelClocks,
    /// The value that is being written, kept for its memory.
    value: Vec<u8>,
}

impl FieldsColumns {
    fn new(table: &Table, fields: &[Field], mut page: Page, clocks: KernelClocks) -> Self {
        let column = |field: &Field| {
            let hints = [table.field_hints.get(&field.name), Some(&field.hints)];
            Column::new(&field.name, hints, nature(field))
        };
        let mut columns: Vec<Option<Column>> = fields.iter().map(column).collect();
        place(columns.iter_mut().flatten());
        page.header = columns.iter().flatten().cloned().collect();
        Self {
            fields: fields.to_vec(),
            columns,
            page,
            clocks,
            value: Vec::new(),
        }
    }
}

impl Renderer for FieldsColumns {
    fn row(&mut self, payload: &[u8], text: &mut Vec<u8>) -> Result<(), String> {
        let mut row = Values::new(&self.fields, payload);
        let mut line = Line::new(text, self.page.limit);
        let mut columns = self.columns.iter();
        while let (Some((_, values)), Some(column)) = (row.next_field()?, columns.next()) {
            let Some(column) = column else {
                continue;
            };
            self.value.clear();
            for (index, value) in values.enumerate() {
                if index > 0 {
                    self.value.push(b' ');
                }
                format::write(
                    &mut self.value,
                    Cell::from(value),
                    column.style,
                    &self.clocks,
                );
            }
            line.put(&column.slot, &String::from_utf8_lossy(&self.value));
        }
        line.end();
        Ok(())
    }

    fn set_width(&mut self, columns: usize) {
        self.page.limit = columns;
    }

    fn begin(&mut self, text: &mut Vec<u8>) {
        self.page.begin(text);
    }
}

fn nature(field: &Field) -> Nature {
    let is_number = field.cardinality != Cardinality::Repeated
        && !matches!(field.scalar, Scalar::Text | Scalar::Bytes);
    let width = match field.scalar {
        Scalar::U8 | Scalar::S8 => 4,
        Scalar::Boolean | Scalar::U16 | Scalar::S16 => 6,
        Scalar::U32 | Scalar::S32 => 8,
        Scalar::U64 | Scalar::S64 | Scalar::F32 | Scalar::F64 => 12,
        Scalar::Text | Scalar::Bytes => TEXT_WIDTH,
    };
    Nature { is_number, width }
}
