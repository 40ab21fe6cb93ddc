//! Whole renderers, from batches of records to text.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Mutex;

use eunomia_runtime::console::Console;
use eunomia_runtime::output::{Cardinality, Field, Hints, Layout, OutputSink as _, Scalar, Table};
use eunomia_runtime::{HostErrorKind, record};

use super::*;

/// What was written, and whether the reader is gone.
#[derive(Clone, Default)]
pub(super) struct Screen(Arc<Mutex<(Vec<u8>, bool)>>);

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut screen = self.0.lock().unwrap();
        if screen.1 {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        screen.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Screen {
    pub(super) fn rows(&self, format: Format) -> StdoutRows {
        self.rows_with(Setting {
            format,
            colour: true,
            ..Setting::default()
        })
    }

    pub(super) fn rows_with(&self, setting: Setting) -> StdoutRows {
        StdoutRows::new(setting, Console::new(Box::new(self.clone()), false))
    }

    /// What is written of rows of one table, without the line that ends the output.
    pub(super) fn shown(setting: Setting, table: &Arc<Table>, rows: &[Vec<u8>]) -> String {
        let screen = Self::default();
        let mut sink = screen.rows_with(setting);
        sink.rows(table, &batch(rows)).unwrap();
        sink.report().finish().unwrap();
        screen.text()
    }

    /// Nobody reads any more.
    pub(super) fn close(&self) {
        self.0.lock().unwrap().1 = true;
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().0.clone()).unwrap()
    }
}

pub(super) fn field(name: &str, scalar: Scalar, hints: &[(&str, &str)]) -> Field {
    let hints = hints
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    Field {
        name: name.into(),
        scalar,
        cardinality: Cardinality::One,
        hints: hints.collect(),
    }
}

pub(super) fn table(name: &str, fields: Vec<Field>) -> Arc<Table> {
    Arc::new(Table {
        name: name.into(),
        layout: Layout::Fields(fields),
        hints: Hints::new(),
        field_hints: BTreeMap::new(),
    })
}

pub(super) fn text_value(text: &[u8]) -> Vec<u8> {
    let length = u32::try_from(text.len()).unwrap();
    [&length.to_le_bytes(), text].concat()
}

/// A pid, a name and a duration.
fn processes() -> Arc<Table> {
    let mut name = field("comm", Scalar::Text, &[("width", "6")]);
    name.cardinality = Cardinality::Optional;
    table(
        "processes",
        vec![
            field("pid", Scalar::U32, &[("width", "5")]),
            name,
            field("secret", Scalar::U8, &[("hidden", "true")]),
            field("took", Scalar::U64, &[("format", "duration-ns")]),
        ],
    )
}

fn process(pid: u32, name: Option<&[u8]>, took: u64) -> Vec<u8> {
    let name = name.map_or(vec![0], |name| [vec![1], text_value(name)].concat());
    [&pid.to_le_bytes()[..], &name, &[7], &took.to_le_bytes()].concat()
}

pub(super) fn batch(rows: &[Vec<u8>]) -> Vec<u8> {
    let mut batch = Vec::new();
    for row in rows {
        record::push(&mut batch, 0, row);
    }
    batch
}

#[test]
fn columns_have_one_header_and_hints_shape_them() {
    let screen = Screen::default();
    let mut rows = screen.rows(Format::Columns);
    let table = processes();
    let one = [process(7, Some(b"bash"), 1_500), process(123_456, None, 0)];
    rows.rows(&table, &batch(&one)).unwrap();
    rows.rows(
        &table,
        &batch(&[process(8, Some(b"a\x1b[2J\xff"), 90_000_000_000)]),
    )
    .unwrap();
    rows.flush().unwrap();
    let expected = [
        "  PID COMM       TOOK",
        "    7 bash     1.50us",
        "123456            0ns",
        "    8 a\\u{1b}[2J\u{fffd} 1m30s",
        "",
    ];
    assert_eq!(screen.text(), expected.join("\n"));
}

#[test]
fn an_interval_ends_with_a_line_between_and_a_new_header() {
    let screen = Screen::default();
    let mut rows = screen.rows(Format::Columns);
    let table = table("t", vec![field("n", Scalar::U8, &[])]);
    for _ in 0..2 {
        rows.rows(&table, &batch(&[vec![1]])).unwrap();
        rows.end_of_interval(&table).unwrap();
    }
    assert_eq!(screen.text(), "   N\n   1\n\n   N\n   1\n");
}

#[test]
fn json_rows_are_what_serde_would_read_with_exact_numbers() {
    let screen = Screen::default();
    let mut rows = screen.rows(Format::Json);
    let mut list = field("list", Scalar::S16, &[]);
    list.cardinality = Cardinality::Repeated;
    let table = table(
        "t",
        vec![
            field("big", Scalar::U64, &[("format", "hex")]),
            field("small", Scalar::S64, &[]),
            list,
            field("text", Scalar::Text, &[]),
            field("bytes", Scalar::Bytes, &[]),
            field("ratio", Scalar::F64, &[]),
            field("flag", Scalar::Boolean, &[]),
        ],
    );
    let row = [
        &u64::MAX.to_le_bytes()[..],
        &i64::MIN.to_le_bytes(),
        &2u32.to_le_bytes(),
        &(-1i16).to_le_bytes(),
        &300i16.to_le_bytes(),
        &text_value(b"a\"\\\n\x01\x7f\xffz"),
        &text_value(&[0xde, 0xad]),
        &f64::NAN.to_le_bytes(),
        &[1],
    ]
    .concat();
    rows.rows(&table, &batch(&[row])).unwrap();
    rows.flush().unwrap();
    let text = screen.text();
    assert_eq!(
        text,
        "{\"big\":18446744073709551615,\"small\":-9223372036854775808,\"list\":[-1,300],\
         \"text\":\"a\\\"\\\\\\n\\u0001\\u007f\u{fffd}z\",\"bytes\":\"dead\",\"ratio\":null,\
         \"flag\":true}\n"
    );
    let parsed: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(parsed["big"], u64::MAX);
    assert_eq!(parsed["text"], "a\"\\\n\u{1}\u{7f}\u{fffd}z");
}

#[test]
fn a_reader_that_is_gone_closes_the_output() {
    let screen = Screen::default();
    let mut rows = screen.rows(Format::Json);
    screen.close();
    let table = processes();
    let row = batch(&[process(1, None, 1)]);
    let closed = (0..2).find_map(|_| rows.rows(&table, &row).and_then(|()| rows.flush()).err());
    assert_eq!(closed.unwrap().kind(), HostErrorKind::Closed);
}

#[test]
fn discarded_records_are_not_shown_and_lost_events_are_counted() {
    let screen = Screen::default();
    let mut rows = screen.rows(Format::Json);
    let mut records = batch(&[vec![1], vec![2]]);
    let length = 1 | record::DISCARD;
    records[..4].copy_from_slice(&length.to_le_bytes());
    rows.rows(&table("t", vec![field("n", Scalar::U8, &[])]), &records)
        .unwrap();
    rows.report_lost(3);
    rows.report_lost(4);
    assert_eq!(rows.report().finish().unwrap(), 7);
    assert_eq!(screen.text(), "{\"n\":2}\n{\"lost\":7}\n");
}
