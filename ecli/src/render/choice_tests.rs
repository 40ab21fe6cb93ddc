//! Formats side by side, and what the operator chooses.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use eunomia_runtime::output::{Cardinality, Metric, OutputSink as _, Scalar, Table};

use super::tests::{Screen, batch, field, table, text_value};
use super::*;

/// Connections: a name, an address, a port, a size, and whether it failed.
fn connections() -> Arc<Table> {
    let mut error = field("error", Scalar::S32, &[("format", "errno")]);
    error.cardinality = Cardinality::Optional;
    table(
        "connections",
        vec![
            field("comm", Scalar::Text, &[("width", "6")]),
            field("task.pid", Scalar::U32, &[("width", "5")]),
            field(
                "task.uid",
                Scalar::U32,
                &[("format", "uid"), ("hidden", "true")],
            ),
            field("to", Scalar::U32, &[("format", "ip-address")]),
            field("port", Scalar::U16, &[("format", "port")]),
            field("sent", Scalar::U64, &[("format", "bytes")]),
            error,
        ],
    )
}

fn connection(comm: &[u8], pid: u32, last: u8, sent: u64, error: Option<i32>) -> Vec<u8> {
    let error = error.map_or(vec![0], |error| [&[1][..], &error.to_le_bytes()].concat());
    [
        &text_value(comm)[..],
        &pid.to_le_bytes(),
        &0_u32.to_le_bytes(),
        &[10, 0, 0, last],
        &443_u16.to_be_bytes(),
        &sent.to_le_bytes(),
        &error,
    ]
    .concat()
}

fn rows() -> [Vec<u8>; 3] {
    [
        connection(b"curl", 7, 1, 1536, None),
        connection(b"a\x1b[2J,\"b\"\n", 300, 2, 10, Some(-111)),
        connection(b"=cmd()", 20, 3, 0, Some(0)),
    ]
}

fn setting(format: Format, choice: Choice) -> Setting {
    Setting {
        format,
        choice,
        ..Setting::default()
    }
}

fn shown(format: Format, choice: Choice) -> String {
    Screen::shown(setting(format, choice), &connections(), &rows())
}

/// The names of the rows that a filter lets through.
fn filtered(filter: &str) -> Vec<String> {
    let choice = Choice {
        filters: vec![Filter::parse(filter).unwrap()],
        fields: Some(Selection::parse("task.pid").unwrap()),
        ..Choice::default()
    };
    let text = shown(Format::Csv, choice);
    text.lines().skip(1).map(str::to_owned).collect()
}

#[test]
fn json_names_addresses_and_ports_and_ends_with_the_lost_events() {
    let text = shown(Format::Json, Choice::default());
    let expected = [
        "{\"comm\":\"curl\",\"task\":{\"pid\":7,\"uid\":0},\"to\":\"10.0.0.1\",\"port\":443,\
         \"sent\":1536,\"error\":null}",
        "{\"comm\":\"a\\u001b[2J,\\\"b\\\"\\n\",\"task\":{\"pid\":300,\"uid\":0},\
         \"to\":\"10.0.0.2\",\"port\":443,\"sent\":10,\"error\":-111}",
        "{\"comm\":\"=cmd()\",\"task\":{\"pid\":20,\"uid\":0},\"to\":\"10.0.0.3\",\
         \"port\":443,\"sent\":0,\"error\":0}",
        "{\"lost\":0}",
        "",
    ];
    assert_eq!(text, expected.join("\n"));
}

#[test]
fn pretty_json_is_the_same_on_many_lines() {
    let text = shown(Format::Jsonpretty, Choice::default());
    assert!(
        text.starts_with("{\n  \"comm\": \"curl\",\n  \"task\": {\n    \"pid\": 7,\n"),
        "{text}"
    );
    let values = serde_json::Deserializer::from_str(&text).into_iter::<serde_json::Value>();
    let pretty: Vec<serde_json::Value> = values.map(Result::unwrap).collect();
    let line = shown(Format::Json, Choice::default());
    let lines: Vec<serde_json::Value> = line
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(pretty, lines);
}

#[test]
fn yaml_is_a_document_a_row_and_hostile_text_is_in_quotes() {
    let choice = Choice {
        fields: Some(Selection::parse("comm,task").unwrap()),
        ..Choice::default()
    };
    let text = shown(Format::Yaml, choice);
    let expected = "---\ncomm: curl\ntask:\n  pid: 7\n  uid: 0\n\
                    ---\ncomm: \"a\\u001b[2J,\\\"b\\\"\\n\"\ntask:\n  pid: 300\n  uid: 0\n\
                    ---\ncomm: \"=cmd()\"\ntask:\n  pid: 20\n  uid: 0\n\
                    ---\nlost: 0\n";
    assert_eq!(text, expected);
    let words = table("t", vec![field("w", Scalar::Text, &[])]);
    let row = |word: &str| text_value(word.as_bytes());
    let rows = ["no", "1e3", "-", "a: b", "0x1", "\u{2028}", "", "/bin/sh"].map(row);
    let text = Screen::shown(setting(Format::Yaml, Choice::default()), &words, &rows);
    let values: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("w: "))
        .collect();
    let expected = [
        "\"no\"",
        "\"1e3\"",
        "\"-\"",
        "\"a: b\"",
        "\"0x1\"",
        "\"\\u2028\"",
        "\"\"",
        "/bin/sh",
    ];
    assert_eq!(values, expected);
}

#[test]
fn csv_quotes_what_could_break_out_of_its_value() {
    let expected = "comm,task.pid,task.uid,to,port,sent,error\r\n\
                    curl,7,0,10.0.0.1,443,1536,\r\n\
                    \"a\\u{1b}[2J,\"\"b\"\"\\n\",300,0,10.0.0.2,443,10,-111\r\n\
                    \"'=cmd()\",20,0,10.0.0.3,443,0,0\r\n";
    assert_eq!(shown(Format::Csv, Choice::default()), expected);
}

#[test]
fn nothing_is_shown_when_nothing_is_wanted() {
    assert_eq!(shown(Format::None, Choice::default()), "");
}

#[test]
fn fields_are_chosen_ordered_and_hidden() {
    let text = |fields: &str, format| {
        let fields = Some(Selection::parse(fields).unwrap());
        let choice = Choice {
            fields,
            ..Choice::default()
        };
        shown(format, choice).lines().next().unwrap().to_owned()
    };
    // What hints hide is shown when it is named.
    assert_eq!(
        text("port,task", Format::Columns),
        " PORT TASK.PID TASK.UID"
    );
    assert_eq!(
        text("-to,-sent,-error", Format::Columns),
        "COMM   TASK.PID  PORT"
    );
    assert_eq!(text("task,-task.uid", Format::Csv), "task.pid");
    let json = r#"{"task":{"uid":0,"pid":7},"comm":"curl"}"#;
    // The members of one struct stay together.
    assert_eq!(text("task.uid,comm,task.pid", Format::Json), json);
    for wrong in ["", "a,,b", "-"] {
        assert!(Selection::parse(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn filters_compare_what_people_see() {
    for (filter, pids) in [
        ("task.pid == 7", "7"),
        ("task.pid != 7", "300 20"),
        ("task.pid >= 0x14 and task.pid < 1_000", "300 20"),
        ("comm == curl", "7"),
        ("comm ~ '^[a=]'", "300 20"),
        ("comm !~ \"\\[2J\" && !(comm == curl)", "20"),
        ("to == 10.0.0.0/31 || to == 10.0.0.3", "7 20"),
        ("to != 10.0.0.0/30", ""),
        ("port == 443 and not task.pid > 100", "7 20"),
        ("sent > 1KiB", "7"),
        ("error == ECONNREFUSED", "300"),
        ("error", "300"),
        // Nothing equals what is absent.
        ("error != 0", "7 300"),
        ("task.uid == root and sent", "7 300"),
        ("to ~ '\\.2$'", "300"),
    ] {
        let expected: Vec<&str> = pids.split_ascii_whitespace().collect();
        assert_eq!(filtered(filter), expected, "{filter}");
    }
}

/// The message for an option that does not suit the table.
fn refusal(choice: Choice) -> String {
    let screen = Screen::default();
    let mut sink = screen.rows_with(setting(Format::Json, choice));
    let error = sink.rows(&connections(), &batch(&rows())).unwrap_err();
    assert_eq!(error.kind(), eunomia_runtime::HostErrorKind::Closed);
    assert_eq!(screen.text(), "");
    let Err(Unfinished::Wrong(reason)) = sink.report().finish() else {
        panic!("it is not refused");
    };
    reason
}

#[test]
fn unknown_names_are_told_with_close_ones() {
    let filter = |text: &str| Choice {
        filters: vec![Filter::parse(text).unwrap()],
        ..Choice::default()
    };
    let message = refusal(filter("task.pidd == 1"));
    assert_eq!(
        message,
        "--filter: no field `task.pidd`; close are task.pid, task.uid"
    );
    let message = refusal(filter("task.pid == many"));
    assert!(
        message.contains("field `task.pid` is a number, `many` is none"),
        "{message}"
    );
    let message = refusal(filter("to == 10.0.0"));
    assert!(message.contains("is an IP address"), "{message}");
    let message = refusal(Choice {
        order: Some(Order::parse("-bytes").unwrap()),
        ..Choice::default()
    });
    assert!(message.starts_with("--sort: no field `bytes`"), "{message}");
    let message = refusal(Choice {
        order: Some(Order::parse("task").unwrap()),
        ..Choice::default()
    });
    assert_eq!(
        message,
        "--sort: `task` is a struct, not a single field: it has task.pid, task.uid"
    );
    for (metric, text, expected) in [
        (
            Metric::Counter,
            "rows,com",
            "no field `com`; close are comm",
        ),
        (Metric::Counter, "task", "`task` is a struct"),
        (Metric::Gauge, "sent,task", "`task` is a struct"),
        (Metric::Histogram, "rows", "`rows` is the number of rows"),
    ] {
        let message = refusal(Choice {
            metrics: vec![MetricRequest::parse(metric, text).unwrap()],
            ..Choice::default()
        });
        assert!(message.contains(expected), "{text}: {message}");
    }
    let message = refusal(Choice {
        fields: Some(Selection::parse("nothing-like-it").unwrap()),
        ..Choice::default()
    });
    assert!(message.contains("there are comm, task.pid"), "{message}");
}

#[test]
fn options_apply_to_the_tables_that_have_their_fields() {
    let screen = Screen::default();
    let choice = Choice {
        filters: vec![Filter::parse("task.pid == 7").unwrap()],
        ..Choice::default()
    };
    let mut sink = screen.rows_with(setting(Format::Json, choice));
    let summary = table("summary", vec![field("rows", Scalar::U8, &[])]);
    sink.declare(&connections());
    sink.rows(&summary, &batch(&[vec![3]])).unwrap();
    sink.rows(&connections(), &batch(&rows())).unwrap();
    sink.report().finish().unwrap();
    let text = screen.text();
    assert_eq!(text.lines().count(), 3, "{text}");
    assert!(
        text.starts_with("{\"rows\":3}\n{\"comm\":\"curl\""),
        "{text}"
    );
}

#[test]
fn rows_are_sorted_and_limited_by_interval() {
    let choice = Choice {
        order: Some(Order::parse("-task.pid").unwrap()),
        limit: Some(2),
        fields: Some(Selection::parse("task.pid").unwrap()),
        ..Choice::default()
    };
    let screen = Screen::default();
    let mut sink = screen.rows_with(setting(Format::Csv, choice));
    let connections = connections();
    for _ in 0..2 {
        sink.rows(&connections, &batch(&rows())).unwrap();
        sink.end_of_interval(&connections).unwrap();
    }
    sink.rows(&connections, &batch(&rows()[..1])).unwrap();
    sink.report().finish().unwrap();
    assert_eq!(
        screen.text().replace("\r\n", " "),
        "task.pid 300 20 300 20 7 "
    );
}

#[test]
fn enough_rows_stop_the_tool_once() {
    let choice = Choice {
        count: Some(2),
        ..Choice::default()
    };
    let screen = Screen::default();
    let mut sink = screen.rows_with(setting(Format::Json, choice));
    let stops = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&stops);
    sink.report().when_enough(move || {
        counting.fetch_add(1, Ordering::Relaxed);
    });
    for _ in 0..2 {
        sink.rows(&connections(), &batch(&rows())).unwrap();
    }
    sink.report().finish().unwrap();
    assert_eq!(stops.load(Ordering::Relaxed), 1);
    assert_eq!(
        screen.text().lines().count(),
        3,
        "two rows, and the lost ones"
    );
}

#[test]
fn enough_sorted_rows_stop_the_tool() {
    let choice = Choice {
        count: Some(2),
        order: Some(Order::parse("-task.pid").unwrap()),
        fields: Some(Selection::parse("task.pid").unwrap()),
        ..Choice::default()
    };
    let screen = Screen::default();
    let mut sink = screen.rows_with(setting(Format::Csv, choice));
    let stops = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&stops);
    sink.report().when_enough(move || {
        counting.fetch_add(1, Ordering::Relaxed);
    });
    sink.rows(&connections(), &batch(&rows())).unwrap();
    assert_eq!(stops.load(Ordering::Relaxed), 1);
    sink.report().finish().unwrap();
    // The first two.
    assert_eq!(screen.text().replace("\r\n", " "), "task.pid 300 7 ");
    // A limit of the interval that is less holds until it ends.
    let choice = Choice {
        count: Some(2),
        limit: Some(1),
        order: Some(Order::parse("-task.pid").unwrap()),
        fields: Some(Selection::parse("task.pid").unwrap()),
        ..Choice::default()
    };
    let text = shown(Format::Csv, choice);
    assert_eq!(text.replace("\r\n", " "), "task.pid 300 ");
}

#[test]
fn ports_and_addresses_are_sorted_as_people_know_them() {
    let table = table(
        "t",
        vec![
            field("port", Scalar::U16, &[("format", "port")]),
            field("to", Scalar::U32, &[("format", "ip-address")]),
        ],
    );
    let row = |port: u16, to: [u8; 4]| [&port.to_be_bytes()[..], &to].concat();
    let rows = [
        row(8080, [192, 168, 0, 1]),
        row(80, [10, 0, 0, 1]),
        row(443, [9, 255, 255, 255]),
    ];
    let sorted = |by: &str| {
        let choice = Choice {
            order: Some(Order::parse(by).unwrap()),
            fields: Some(Selection::parse("port").unwrap()),
            ..Choice::default()
        };
        Screen::shown(setting(Format::Csv, choice), &table, &rows).replace("\r\n", " ")
    };
    assert_eq!(sorted("port"), "port 80 443 8080 ");
    assert_eq!(sorted("to"), "port 443 80 8080 ");
}

#[test]
fn signed_numbers_have_the_bits_of_their_fields() {
    let hint = |format: &str| field("n", Scalar::S32, &[("format", format)]);
    let shown = |format: &str, number: i32| {
        let table = table("t", vec![hint(format)]);
        let rows = [number.to_le_bytes().to_vec()];
        let text = Screen::shown(setting(Format::Columns, Choice::default()), &table, &rows);
        text.lines().last().unwrap().trim().to_owned()
    };
    for (format, number, text) in [
        ("hex", -1, "0xffffffff"),
        ("hex", 255, "0xff"),
        ("octal", 8, "010"),
        ("file-mode", 0o100_644, "-rw-r--r--"),
        ("ip-address", 0x0100_007f, "127.0.0.1"),
        ("bytes", 2048, "2.0 KiB"),
    ] {
        assert_eq!(shown(format, number), text, "{format} of {number}");
    }
}

#[test]
fn floats_have_the_digits_that_they_need() {
    let table = table(
        "t",
        vec![
            field("small", Scalar::F32, &[]),
            field("large", Scalar::F64, &[]),
        ],
    );
    let row = [&0.1_f32.to_le_bytes()[..], &1e16_f64.to_le_bytes()].concat();
    let shown = |format| {
        Screen::shown(
            setting(format, Choice::default()),
            &table,
            std::slice::from_ref(&row),
        )
    };
    let json = shown(Format::Json);
    assert!(json.starts_with("{\"small\":0.1,\"large\":1e16}"), "{json}");
    let yaml = shown(Format::Yaml);
    assert!(yaml.contains("large: 1.0e+16\n"), "{yaml}");
    let columns = shown(Format::Columns);
    assert!(columns.trim_end().ends_with("1e16"), "{columns}");
}

#[test]
fn what_is_left_at_the_end_must_be_written() {
    for (format, choice) in [
        (Format::Json, Choice::default()),
        (
            Format::Columns,
            Choice {
                order: Some(Order::parse("comm").unwrap()),
                ..Choice::default()
            },
        ),
    ] {
        let screen = Screen::default();
        let mut sink = screen.rows_with(setting(format, choice));
        sink.declare(&connections());
        if format == Format::Columns {
            sink.rows(&connections(), &batch(&rows())).unwrap();
        }
        screen.close();
        let error = match sink.report().finish() {
            Err(Unfinished::Unwritten(error)) => error,
            other => panic!("{other:?}"),
        };
        assert_eq!(error.kind(), eunomia_runtime::HostErrorKind::Closed);
    }
}

#[test]
fn hints_say_what_json_has_of_a_format() {
    let fields = ["value", "text", "both", "skip"]
        .map(|form| field(form, Scalar::S32, &[("format", "errno"), ("json", form)]));
    let table = table("t", fields.to_vec());
    let row: Vec<u8> = [-2_i32; 4]
        .iter()
        .flat_map(|number| number.to_le_bytes())
        .collect();
    let text = Screen::shown(setting(Format::Json, Choice::default()), &table, &[row]);
    let expected = r#"{"value":-2,"text":"ENOENT","both":"ENOENT","both_raw":-2}"#;
    assert_eq!(text.lines().next(), Some(expected));
}

#[test]
fn histograms_and_stacks_stand_below_their_row() {
    let mut slots = field(
        "slots",
        Scalar::U32,
        &[("histogram", "log2"), ("unit", "usecs")],
    );
    slots.cardinality = Cardinality::Repeated;
    let mut stack = field("stack", Scalar::U64, &[("format", "kernel-stack")]);
    stack.cardinality = Cardinality::Repeated;
    let table = table(
        "t",
        vec![field("comm", Scalar::Text, &[("width", "4")]), slots, stack],
    );
    let list = |bytes: Vec<u8>, count: u32| [count.to_le_bytes().to_vec(), bytes].concat();
    let counts = [3_u32, 0, 6]
        .iter()
        .flat_map(|count| count.to_le_bytes())
        .collect();
    let frames = [0x1234_u64, 0]
        .iter()
        .flat_map(|frame| frame.to_le_bytes())
        .collect();
    let row = [text_value(b"bash"), list(counts, 3), list(frames, 2)].concat();
    let shown = |format| {
        Screen::shown(
            setting(format, Choice::default()),
            &table,
            std::slice::from_ref(&row),
        )
    };
    let expected = [
        "COMM",
        "bash",
        "     usecs               : count    distribution",
        "         0 -> 1          : 3        |********************                    |",
        "         2 -> 3          : 0        |                                        |",
        "         4 -> 7          : 6        |****************************************|",
        "    STACK",
        "        0x1234",
        "",
    ];
    assert_eq!(shown(Format::Columns), expected.join("\n"));
    let json = "{\"comm\":\"bash\",\"slots\":[3,0,6],\"stack\":[\"0x1234\"]}\n{\"lost\":0}\n";
    assert_eq!(shown(Format::Json), json);
}
