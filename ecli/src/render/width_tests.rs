//! Columns on terminals of any width, and formats that look at another field.

use std::sync::Arc;

use eunomia_runtime::output::{Scalar, Table};

use super::columns::{Columns, Screen as Terminal};
use super::line::width_of;
use super::names::Names;
use super::shape::Shape;
use super::tests::{Screen, field, table, text_value};
use super::{Begin, Choice, Format, KernelClocks, Renderer as _, Setting};

fn files() -> Arc<Table> {
    table(
        "files",
        vec![
            field("pid", Scalar::U32, &[("width", "7")]),
            field("comm", Scalar::Text, &[("width", "15")]),
            field(
                "file",
                Scalar::Text,
                &[("width", "30"), ("ellipsis", "start")],
            ),
            field("error", Scalar::S32, &[("format", "errno")]),
        ],
    )
}

fn shown(limit: usize, terminal: Terminal) -> String {
    let table = files();
    let shape = Shape::of(&table).unwrap();
    let mut columns = Columns::new(&shape, &[0, 1, 2, 3], terminal);
    columns.set_width(limit);
    let mut names = Names::new(KernelClocks::default(), None);
    let mut text = Vec::new();
    columns.begin(Begin::First, &mut text);
    for comm in ["sh", "a-name-of-fifteen"] {
        let payload = [
            &7_u32.to_le_bytes()[..],
            &text_value(comm.as_bytes()),
            &text_value("/very/long/path/to/the/字/configuration.toml".as_bytes()),
            &2_i32.to_le_bytes(),
        ]
        .concat();
        let mut values = Vec::new();
        shape.fill(&payload, &mut values).unwrap();
        columns.row(&shape.row(&payload, &values), &mut names, &mut text);
    }
    columns.begin(Begin::Interval, &mut text);
    String::from_utf8(text).unwrap()
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    for limit in 1..100 {
        for line in shown(limit, Terminal::default()).lines() {
            assert!(width_of(line) <= limit, "{limit}: {line:?}");
        }
    }
}

#[test]
fn text_gets_narrower_so_that_all_columns_fit() {
    let text = shown(40, Terminal::default());
    let expected = [
        "    PID COMM        FILE       ERROR",
        "      7 sh          …tion.toml ENOENT",
        "      7 a-name-of-… …tion.toml ENOENT",
    ];
    assert_eq!(text.lines().take(3).collect::<Vec<_>>(), expected);
    // With room, nothing but what asks for it is cut.
    let wide = shown(100, Terminal::default());
    assert!(wide.contains("a-name-of-fifteen …"), "{wide}");
    assert!(wide.contains("configuration.toml ENOENT"), "{wide}");
}

#[test]
fn only_a_terminal_gets_colours_and_is_cleared() {
    let plain = shown(100, Terminal::default());
    assert!(!plain.contains('\x1b'), "{plain:?}");
    let terminal = Terminal {
        colour: true,
        clear: true,
    };
    let coloured = shown(100, terminal);
    assert!(coloured.starts_with("\x1b[1m"), "{coloured:?}");
    assert!(coloured.contains("ERROR\x1b[0m\n"), "{coloured:?}");
    assert!(coloured.contains("\n\x1b[H\x1b[2J\x1b[1m"), "{coloured:?}");
}

#[test]
fn the_family_says_how_many_bytes_of_an_address_count() {
    let table = table(
        "t",
        vec![
            field("family", Scalar::U16, &[]),
            field(
                "to",
                Scalar::Bytes,
                &[("format", "ip-address"), ("family", "family")],
            ),
        ],
    );
    let row = |family: u16| {
        let mut address = [0_u8; 16];
        address[..4].copy_from_slice(&[127, 0, 0, 1]);
        [&family.to_le_bytes()[..], &text_value(&address)].concat()
    };
    let setting = Setting {
        format: Format::Json,
        choice: Choice::default(),
        ..Setting::default()
    };
    let text = Screen::shown(setting, &table, &[row(2), row(10)]);
    let expected = "{\"family\":2,\"to\":\"127.0.0.1\"}\n\
                    {\"family\":10,\"to\":\"7f00:1::\"}\n{\"lost\":0}\n";
    assert_eq!(text, expected);
}
