//! Rows as JSON or YAML: what stands between the values is the same in all rows, and is written
//! once.

use eunomia_runtime::output::{Format, JsonForm};

use super::Renderer;
use super::cell::Cell;
use super::format::{port, write_unsigned};
use super::json::{Dialect, write_cell, write_nested, write_quoted, write_text};
use super::names::Names;
use super::shape::{Datum, Row, Shape};
use super::style::Style;

/// How objects are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// One line a row.
    Line,
    /// One line a field.
    Pretty,
    /// One line a field, in YAML.
    Yaml,
}

/// Shows rows as objects.
#[derive(Debug)]
pub(super) struct Template {
    parts: Vec<Part>,
    end: Vec<u8>,
    dialect: Dialect,
    /// Memory for a formatted value.
    scratch: Vec<u8>,
}

/// A value, and what stands before it.
#[derive(Debug)]
struct Part {
    before: Box<[u8]>,
    field: usize,
    form: Form,
    style: Style,
}

/// What is written of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// The value itself.
    Value,
    /// The text that columns show.
    Text,
    /// The number that people know for a port.
    Port,
    /// An array of the frames of a stack.
    Frames,
}

/// A member of an object that is being laid out.
struct Member {
    name: String,
    content: Content,
}

enum Content {
    Value { field: usize, form: Form },
    Object(Vec<Member>),
}

impl Template {
    /// Shows the selected fields, in this order; members of one struct stand together.
    pub(super) fn new(shape: &Shape, fields: &[usize], layout: Layout) -> Self {
        let mut root = Vec::new();
        for field in fields {
            add_field(&mut root, shape, *field);
        }
        let mut writer = Writer {
            shape,
            layout,
            parts: Vec::new(),
            pending: Vec::new(),
        };
        if layout == Layout::Yaml {
            writer.pending.extend_from_slice(b"---\n");
        }
        writer.object(&root, 0);
        if layout != Layout::Yaml {
            writer.pending.push(b'\n');
        }
        Self {
            parts: writer.parts,
            end: writer.pending,
            dialect: layout.dialect(),
            scratch: Vec::new(),
        }
    }
}

impl Renderer for Template {
    fn row(&mut self, row: &Row<'_>, names: &mut Names, text: &mut Vec<u8>) {
        for part in &self.parts {
            text.extend_from_slice(&part.before);
            let datum = row.get(part.field);
            match (part.form, &datum) {
                (Form::Value, Datum::One(cell)) => write_cell(text, *cell, self.dialect),
                (_, Datum::Absent) => text.extend_from_slice(b"null"),
                (Form::Value, Datum::Array(array)) => write_nested(text, array, self.dialect),
                (Form::Frames, datum) => {
                    let frames = part.style.frames(row, datum, names);
                    let frames = frames.iter().map(|frame| frame.as_bytes());
                    write_array(text, frames, |text, frame| {
                        write_quoted(text, frame, self.dialect);
                    });
                }
                (_, Datum::Many(values)) => {
                    write_array(text, values.map(Cell::from), |text, cell| {
                        part.write_item(text, row, cell, names, &mut self.scratch, self.dialect);
                    })
                }
                (_, Datum::One(cell)) => {
                    part.write_one(text, row, *cell, names, &mut self.scratch, self.dialect);
                }
                (_, Datum::Array(_)) => {
                    self.scratch.clear();
                    part.style.write(&mut self.scratch, row, &datum, names);
                    write_text(text, &self.scratch, self.dialect);
                }
            }
        }
        text.extend_from_slice(&self.end);
    }
}

impl Part {
    fn write_one(
        &self,
        text: &mut Vec<u8>,
        row: &Row<'_>,
        cell: Cell<'_>,
        names: &mut Names,
        scratch: &mut Vec<u8>,
        dialect: Dialect,
    ) {
        match (self.form, port(cell)) {
            (Form::Port, Some(port)) => write_unsigned(text, port.into()),
            (Form::Text, _) => {
                scratch.clear();
                self.style.write_cell(scratch, row, cell, names);
                write_text(text, scratch, dialect);
            }
            _ => write_cell(text, cell, dialect),
        }
    }

    /// The same in an array, where YAML wants text in quotes.
    fn write_item(
        &self,
        text: &mut Vec<u8>,
        row: &Row<'_>,
        cell: Cell<'_>,
        names: &mut Names,
        scratch: &mut Vec<u8>,
        dialect: Dialect,
    ) {
        match (self.form, cell) {
            (Form::Text, cell) => {
                scratch.clear();
                self.style.write_cell(scratch, row, cell, names);
                write_quoted(text, scratch, dialect);
            }
            (Form::Value, Cell::Text(value)) => write_quoted(text, value, dialect),
            _ => self.write_one(text, row, cell, names, scratch, dialect),
        }
    }
}

fn write_array<T>(
    text: &mut Vec<u8>,
    items: impl Iterator<Item = T>,
    mut write: impl FnMut(&mut Vec<u8>, T),
) {
    text.push(b'[');
    for (index, item) in items.enumerate() {
        if index > 0 {
            text.push(b',');
        }
        write(text, item);
    }
    text.push(b']');
}

/// Whether the value of a format is only an encoding of what people and programs mean.
fn decoded_form(shape: &Shape, field: usize) -> Form {
    match shape.fields[field].hints.format {
        Format::IpAddress | Format::MacAddress | Format::Flags => Form::Text,
        Format::Port => Form::Port,
        Format::KernelStack | Format::UserStack => Form::Frames,
        _ => Form::Value,
    }
}

fn add_field(root: &mut Vec<Member>, shape: &Shape, field: usize) {
    let path = match shape.fields[field].path.as_str() {
        "" => "value",
        path => path,
    };
    let decoded = decoded_form(shape, field);
    let text = if decoded == Form::Frames {
        decoded
    } else {
        Form::Text
    };
    match shape.fields[field].hints.json {
        JsonForm::Skip => {}
        JsonForm::Text => add_value(root, path, field, text),
        JsonForm::Both => {
            add_value(root, path, field, text);
            add_value(root, &format!("{path}_raw"), field, Form::Value);
        }
        _ => add_value(root, path, field, decoded),
    }
}

/// Adds a value where its path leads, to the object that is there already if there is one.
fn add_value(members: &mut Vec<Member>, path: &str, field: usize, form: Form) {
    let Some((name, rest)) = path.split_once('.') else {
        members.push(Member {
            name: path.to_owned(),
            content: Content::Value { field, form },
        });
        return;
    };
    let is_it =
        |member: &Member| member.name == name && matches!(member.content, Content::Object(_));
    let index = members.iter().position(is_it).unwrap_or_else(|| {
        members.push(Member {
            name: name.to_owned(),
            content: Content::Object(Vec::new()),
        });
        members.len() - 1
    });
    if let Content::Object(inner) = &mut members[index].content {
        add_value(inner, rest, field, form);
    }
}

impl Layout {
    fn dialect(self) -> Dialect {
        match self {
            Self::Yaml => Dialect::Yaml,
            Self::Line | Self::Pretty => Dialect::Json,
        }
    }
}

struct Writer<'a> {
    shape: &'a Shape,
    layout: Layout,
    parts: Vec<Part>,
    /// What stands before the next value.
    pending: Vec<u8>,
}

impl Writer<'_> {
    /// Recursion is bounded by the nesting of types.
    fn object(&mut self, members: &[Member], depth: usize) {
        if self.layout != Layout::Yaml {
            self.pending.push(b'{');
        }
        for (index, member) in members.iter().enumerate() {
            if index > 0 && self.layout != Layout::Yaml {
                self.pending.push(b',');
            }
            self.indent(depth + 1);
            let dialect = self.layout.dialect();
            write_text(&mut self.pending, member.name.as_bytes(), dialect);
            self.pending.push(b':');
            match &member.content {
                Content::Object(inner) => {
                    self.separate(b'\n');
                    self.object(inner, depth + 1);
                }
                Content::Value { field, form } => {
                    self.separate(b' ');
                    self.parts.push(Part {
                        before: std::mem::take(&mut self.pending).into(),
                        field: *field,
                        form: *form,
                        style: Style::of(self.shape, *field),
                    });
                    if self.layout == Layout::Yaml {
                        self.pending.push(b'\n');
                    }
                }
            }
        }
        if self.layout != Layout::Yaml {
            if !members.is_empty() {
                self.indent(depth);
            }
            self.pending.push(b'}');
        }
    }

    /// What stands between a key and its value; `yaml` in YAML.
    fn separate(&mut self, yaml: u8) {
        match self.layout {
            Layout::Line => {}
            Layout::Pretty => self.pending.push(b' '),
            Layout::Yaml => self.pending.push(yaml),
        }
    }

    fn indent(&mut self, depth: usize) {
        match self.layout {
            Layout::Line => {}
            Layout::Pretty => {
                self.pending.push(b'\n');
                self.pending.resize(self.pending.len() + depth * 2, b' ');
            }
            // YAML has no brackets around the outermost object.
            Layout::Yaml => self
                .pending
                .resize(self.pending.len() + (depth - 1) * 2, b' '),
        }
    }
}
