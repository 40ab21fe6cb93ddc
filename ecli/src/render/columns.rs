//! Rows as aligned columns under a header.

use eunomia_runtime::output::Ellipsis;

use super::cut::{self, cut};
use super::format;
use super::line::{Line, Slot, push_visible, width_of};
use super::names::Names;
use super::plot;
use super::shape::{Class, Datum, Kind, Row, Shape, ShapeField};
use super::style::Style;
use super::{Begin, Renderer};

/// The widest column that a hint can ask for, in characters: a line of the largest terminals.
const WIDTH_MAX: usize = 400;

/// Width of a text column that says nothing about it: the kernel's names of tasks have 15.
const TEXT_WIDTH: usize = 16;

/// A column of text is not made narrower than this to fit the terminal.
const NARROW_WIDTH: usize = 8;

/// The width of a line where there is no terminal to say it.
const NO_LIMIT: usize = usize::MAX;

/// What the terminal can do.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Screen {
    /// Headers are set off.
    pub(super) colour: bool,
    /// It is cleared before an interval.
    pub(super) clear: bool,
}

/// Shows rows as columns.
#[derive(Debug)]
pub(super) struct Columns {
    columns: Vec<Column>,
    /// Fields whose values are lines below the row.
    blocks: Vec<Block>,
    screen: Screen,
    /// Columns of the terminal in a line.
    limit: usize,
    /// The value that is being written, kept for its memory.
    value: Vec<u8>,
    cut: String,
}

/// A column.
#[derive(Debug)]
struct Column {
    field: usize,
    title: String,
    style: Style,
    slot: Slot,
    /// Without regard to the terminal.
    width: usize,
    /// It may be narrower than that.
    shrinks: bool,
    ellipsis: Option<Ellipsis>,
}

/// A field below the row.
#[derive(Debug)]
struct Block {
    field: usize,
    title: String,
    unit: String,
    style: Style,
}

impl Columns {
    /// Shows the selected fields, in this order.
    pub(super) fn new(shape: &Shape, fields: &[usize], screen: Screen) -> Self {
        let mut columns = Vec::new();
        let mut blocks = Vec::new();
        for field in fields {
            let style = Style::of(shape, *field);
            if style.is_block() {
                blocks.push(Block::new(shape, *field, style));
            } else {
                columns.push(Column::new(shape, *field, style));
            }
        }
        let mut shown = Self {
            columns,
            blocks,
            screen,
            limit: NO_LIMIT,
            value: Vec::new(),
            cut: String::new(),
        };
        shown.place();
        shown
    }

    /// Places columns beside each other; where that is too much for the terminal, columns of text
    /// are made narrower, the widest first.
    fn place(&mut self) {
        let wanted: usize = self.columns.iter().map(|column| column.width + 1).sum();
        let mut excess = wanted.saturating_sub(self.limit.saturating_add(1));
        for column in &mut self.columns {
            column.slot.width = column.width;
        }
        // More columns than that cannot be shown, however narrow they are.
        while excess > 0 && self.columns.len() < self.limit {
            let narrower = |column: &&mut Column| {
                let least = NARROW_WIDTH.max(width_of(&column.title));
                column.shrinks && column.slot.width > least
            };
            let widest = self.columns.iter_mut().filter(narrower);
            let Some(column) = widest.max_by_key(|column| column.slot.width) else {
                break;
            };
            column.slot.width -= 1;
            excess -= 1;
        }
        let mut start = 0;
        for column in &mut self.columns {
            column.slot.start = start;
            column.slot.last = false;
            start += column.slot.width + 1;
        }
        if let Some(column) = self.columns.last_mut() {
            column.slot.last = true;
        }
    }
}

impl Renderer for Columns {
    fn row(&mut self, row: &Row<'_>, names: &mut Names, text: &mut Vec<u8>) {
        let mut line = Line::new(text, self.limit);
        for column in &self.columns {
            self.value.clear();
            let datum = row.get(column.field);
            column.style.write(&mut self.value, row, &datum, names);
            let value = String::from_utf8_lossy(&self.value);
            match column.cut_at() {
                Some(place) if cut::is_wider(&value, column.slot.width) => {
                    cut(&value, column.slot.width, place, &mut self.cut);
                    line.put(&column.slot, &self.cut);
                }
                _ => line.put(&column.slot, &value),
            }
        }
        if !self.columns.is_empty() {
            line.end();
        }
        for block in &self.blocks {
            block.write(row, names, text);
        }
    }

    fn set_width(&mut self, columns: usize) {
        if self.limit != columns {
            self.limit = columns;
            self.place();
        }
    }

    fn begin(&mut self, begin: Begin, text: &mut Vec<u8>) {
        match begin {
            Begin::First => {}
            // Home, and all behind it.
            Begin::Interval if self.screen.clear => text.extend_from_slice(b"\x1b[H\x1b[2J"),
            Begin::Table | Begin::Interval => text.push(b'\n'),
        }
        if self.columns.is_empty() {
            return;
        }
        if self.screen.colour {
            text.extend_from_slice(b"\x1b[1m");
        }
        let mut line = Line::new(text, self.limit);
        for column in &self.columns {
            line.put(&column.slot, &column.title);
        }
        line.end();
        if self.screen.colour {
            // Before the end of the line, or the next one begins with it.
            text.pop();
            text.extend_from_slice(b"\x1b[0m\n");
        }
    }
}

impl Column {
    fn new(shape: &Shape, field: usize, style: Style) -> Self {
        let shape_field = &shape.fields[field];
        let hints = &shape_field.hints;
        let nature = nature(shape_field.kind);
        let title = title(shape_field);
        let width = hints.width.or(format::width(style.format));
        let width = width.unwrap_or(nature.width).min(WIDTH_MAX);
        let is_right = nature.is_number && !format::makes_words(style.format);
        let width = width.max(width_of(&title));
        Self {
            field,
            title,
            style,
            slot: Slot {
                start: 0,
                width,
                right: hints.right.unwrap_or(is_right),
                last: false,
            },
            width,
            shrinks: !nature.is_number,
            ellipsis: hints.ellipsis,
        }
    }

    /// Where values that are wider than the column are cut, if they are.
    fn cut_at(&self) -> Option<Ellipsis> {
        let is_narrowed = self.slot.width < self.width;
        self.ellipsis.or(is_narrowed.then_some(Ellipsis::End))
    }
}

impl Block {
    fn new(shape: &Shape, field: usize, style: Style) -> Self {
        let shape_field = &shape.fields[field];
        Self {
            field,
            title: title(shape_field),
            unit: shape_field.hints.unit.clone().unwrap_or_default(),
            style,
        }
    }

    fn write(&self, row: &Row<'_>, names: &mut Names, text: &mut Vec<u8>) {
        let datum = row.get(self.field);
        if let Some(histogram) = self.style.histogram {
            let mut counts = Vec::new();
            datum.for_each(|cell| counts.push(cell.as_unsigned().unwrap_or(0)));
            let title = if self.unit.is_empty() {
                &self.title
            } else {
                &self.unit
            };
            plot::write(text, title, histogram, &counts);
        } else if !matches!(datum, Datum::Absent) {
            text.extend_from_slice(b"    ");
            write_line(text, &self.title);
            for frame in self.style.frames(row, &datum, names) {
                text.extend_from_slice(b"        ");
                write_line(text, &frame);
            }
        }
    }
}

fn write_line(text: &mut Vec<u8>, line: &str) {
    line.chars()
        .for_each(|character| push_visible(text, character));
    text.push(b'\n');
}

/// What decides how a column looks when its hints do not.
struct Nature {
    /// Aligned at the right end.
    is_number: bool,
    /// In characters.
    width: usize,
}

fn nature(kind: Kind) -> Nature {
    if kind.many {
        return Nature {
            is_number: false,
            width: TEXT_WIDTH,
        };
    }
    let width = match kind.class {
        Class::Integer(1) => 4,
        Class::Character => 1,
        Class::Boolean | Class::Integer(2) => 6,
        Class::Integer(..=4) => 8,
        Class::Integer(_) | Class::Float => 12,
        Class::Pointer => 18,
        Class::Text | Class::Bytes | Class::Enum | Class::Mixed => TEXT_WIDTH,
    };
    // The text of an enum may be its number or its name.
    let is_number = kind.class.is_number() && !matches!(kind.class, Class::Enum | Class::Character);
    Nature { is_number, width }
}

fn title(field: &ShapeField) -> String {
    field
        .hints
        .title
        .clone()
        .unwrap_or_else(|| match field.path.as_str() {
            "" => "VALUE".to_owned(),
            path => path.to_uppercase(),
        })
}
