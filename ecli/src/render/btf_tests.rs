//! Rows that are structs of a BPF object.

use std::collections::BTreeMap;

use eunomia_btf::{Btf, Kind};
use eunomia_runtime::HostErrorKind;
use eunomia_runtime::output::{Hints, Layout, OutputSink as _, Table};

use super::tests::{Screen, batch};
use super::*;

/// A `.BTF` section that is being written.
#[derive(Default)]
struct Section {
    types: Vec<u32>,
    strings: Vec<u8>,
}

impl Section {
    fn name(&mut self, name: &str) -> u32 {
        if name.is_empty() {
            return 0;
        }
        let offset = u32::try_from(self.strings.len()).unwrap() + 1;
        self.strings.extend_from_slice(name.as_bytes());
        self.strings.push(0);
        offset
    }

    /// A type with its common words, and what its kind adds.
    fn add(&mut self, name: &str, kind: u32, count: usize, size: u32, tail: &[u32]) {
        let name = self.name(name);
        let info = kind << 24 | u32::try_from(count).unwrap();
        self.types.extend_from_slice(&[name, info, size]);
        self.types.extend_from_slice(tail);
    }

    fn structure(&mut self, name: &str, size: u32, members: &[(&str, u32, u32)]) {
        let mut tail = Vec::new();
        for (name, ty, byte) in members {
            tail.extend_from_slice(&[self.name(name), *ty, byte * 8]);
        }
        self.add(name, 4, members.len(), size, &tail);
    }

    fn bytes(self) -> Vec<u8> {
        let type_bytes = u32::try_from(self.types.len() * 4).unwrap();
        let string_bytes = u32::try_from(self.strings.len()).unwrap() + 1;
        let header = [
            0xeb9f | 1 << 16,
            24,
            0,
            type_bytes,
            type_bytes,
            string_bytes,
        ];
        let words = header
            .into_iter()
            .chain(self.types)
            .flat_map(u32::to_le_bytes);
        words.chain([0]).chain(self.strings).collect()
    }
}

/// ```c
/// struct event {
///     u32 pid; char comm[8]; enum kind kind; struct point at; struct point trail[2];
/// };
/// ```
pub(super) fn section() -> Vec<u8> {
    let mut section = Section::default();
    section.add("unsigned int", 1, 0, 4, &[32]);
    section.add("char", 1, 0, 1, &[8]);
    section.add("", 3, 0, 0, &[2, 1, 8]);
    let kinds = [section.name("EXEC"), 0, section.name("EXIT"), 1];
    section.add("kind", 6, 2, 4, &kinds);
    section.structure("point", 8, &[("x", 1, 0), ("y", 1, 4)]);
    section.add("", 3, 0, 0, &[5, 1, 2]);
    section.structure(
        "event",
        40,
        &[
            ("pid", 1, 0),
            ("comm", 3, 4),
            ("kind", 4, 12),
            ("at", 5, 16),
            ("trail", 6, 24),
        ],
    );
    section.bytes()
}

/// Such events.
pub(super) fn table() -> Arc<Table> {
    let btf = Btf::parse(&section()).unwrap();
    let type_id = btf.find("event", Kind::Struct).unwrap().id();
    let hint = |key: &str, value: &str| Hints::from([(key.to_owned(), value.to_owned())]);
    Arc::new(Table {
        name: "events".into(),
        layout: Layout::Btf {
            btf: Arc::new(btf),
            type_id,
            size: 40,
        },
        hints: Hints::new(),
        field_hints: BTreeMap::from([
            ("pid".to_owned(), hint("width", "5")),
            ("comm".to_owned(), hint("width", "8")),
            ("kind".to_owned(), hint("width", "4")),
            ("at.x".to_owned(), hint("format", "hex")),
            ("at.y".to_owned(), hint("hidden", "true")),
        ]),
    })
}

pub(super) fn event(kind: u32) -> Vec<u8> {
    let numbers = |numbers: &[u32]| -> Vec<u8> {
        numbers
            .iter()
            .flat_map(|number| number.to_le_bytes())
            .collect()
    };
    [
        numbers(&[7]),
        b"a\x1b\xffb\0xyz".to_vec(),
        numbers(&[kind, 255, 2, 3, 4, 5, 6]),
    ]
    .concat()
}

#[test]
fn members_are_columns_and_arrays_one_column() {
    let screen = Screen::default();
    let mut rows = screen.rows(Format::Columns);
    rows.rows(&table(), &batch(&[event(1), event(9)])).unwrap();
    rows.flush().unwrap();
    let expected = [
        "  PID COMM     KIND       AT.X TRAIL",
        "    7 a\\u{1b}\u{fffd}b EXIT      0xff {x=3 y=4} {x=5 y=6}",
        "    7 a\\u{1b}\u{fffd}b 9         0xff {x=3 y=4} {x=5 y=6}",
        "",
    ];
    assert_eq!(screen.text(), expected.join("\n"));
}

#[test]
fn structs_are_json_objects() {
    let screen = Screen::default();
    let mut rows = screen.rows(Format::Json);
    rows.rows(&table(), &batch(&[event(1), event(9)])).unwrap();
    rows.flush().unwrap();
    let text = screen.text();
    let first = "{\"pid\":7,\"comm\":\"a\\u001b\u{fffd}b\",\"kind\":\"EXIT\",\
                 \"at\":{\"x\":255,\"y\":2},\"trail\":[{\"x\":3,\"y\":4},{\"x\":5,\"y\":6}]}";
    assert_eq!(text.lines().next(), Some(first));
    let second: serde_json::Value = serde_json::from_str(text.lines().nth(1).unwrap()).unwrap();
    assert_eq!(second["kind"], 9);
}

#[test]
fn a_record_that_is_too_short_names_the_member() {
    let mut rows = Screen::default().rows(Format::Columns);
    let error = rows
        .rows(&table(), &batch(&[event(1)[..18].to_vec()]))
        .unwrap_err();
    assert_eq!(error.kind(), HostErrorKind::InvalidArgument);
    assert!(error.to_string().contains("at.x"), "{error}");
}
