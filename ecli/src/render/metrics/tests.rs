//! Metrics over HTTP, and what they count.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use eunomia_runtime::output::{OutputSink as _, Scalar, Table};

use super::super::tests::{Screen, batch, field, table, text_value};
use super::super::{Choice, Format, Setting, StdoutRows};
use super::{Address, MetricRequest};
use eunomia_runtime::output::{Cardinality, Hints, Metric};
use std::sync::Arc;

/// Rows with a name and a number, counted by name.
fn sizes(meaning: &str) -> Arc<Table> {
    let mut slots = field(
        "slots",
        Scalar::U32,
        &[("histogram", "log2"), ("metric", "histogram")],
    );
    slots.cardinality = Cardinality::Repeated;
    let fields = vec![
        field("comm", Scalar::Text, &[("metric", "label")]),
        field(
            "bytes",
            Scalar::U64,
            &[("metric", "counter"), ("metric-name", "sent")],
        ),
        field("depth", Scalar::S32, &[("metric", "gauge")]),
        slots,
    ];
    let mut table = Arc::unwrap_or_clone(table("sizes", fields));
    table.hints = Hints::from([
        ("rows".to_owned(), meaning.to_owned()),
        ("metric".to_owned(), "counter".to_owned()),
    ]);
    Arc::new(table)
}

fn size(comm: &[u8], bytes: u64, depth: i32) -> Vec<u8> {
    let slots = [
        2_u32.to_le_bytes(),
        1_u32.to_le_bytes(),
        5_u32.to_le_bytes(),
    ]
    .concat();
    [
        &text_value(comm)[..],
        &bytes.to_le_bytes(),
        &depth.to_le_bytes(),
        &slots,
    ]
    .concat()
}

fn sink(metrics: Vec<MetricRequest>) -> StdoutRows {
    let choice = Choice {
        metrics,
        ..Choice::default()
    };
    Screen::default().rows_with(Setting {
        format: Format::None,
        choice,
        ..Setting::default()
    })
}

/// What a client gets: the head and the body of the response.
fn fetch(sink: &StdoutRows, request: &str) -> (String, String) {
    let address = "0".parse::<Address>().unwrap();
    let address = sink.report().serve_metrics(address).unwrap();
    assert!(address.ip().is_loopback());
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "{request}\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    let (head, body) = response.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

fn lines<'b>(body: &'b str, start: &str) -> Vec<&'b str> {
    body.lines()
        .filter(|line| line.starts_with(start))
        .collect()
}

#[test]
fn events_are_counted_by_label() {
    let mut sink = sink(Vec::new());
    let rows = [size(b"a\"\n", 10, 3), size(b"b", 5, -1), size(b"b", 7, -2)];
    sink.rows(&sizes("events"), &batch(&rows)).unwrap();
    sink.report_lost(4);
    let (head, body) = fetch(&sink, "GET /metrics HTTP/1.1");
    assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
    assert!(head.contains("text/plain; version=0.0.4"), "{head}");
    assert_eq!(
        lines(&body, "sent"),
        ["sent{comm=\"a\\\"\\n\"} 10", "sent{comm=\"b\"} 12"]
    );
    assert_eq!(
        lines(&body, "ecli_sizes_depth{comm=\"b\"}"),
        ["ecli_sizes_depth{comm=\"b\"} -2"]
    );
    let rows = lines(&body, "ecli_sizes_rows_total{comm=\"b\"}");
    assert_eq!(rows, ["ecli_sizes_rows_total{comm=\"b\"} 2"]);
    let buckets = lines(&body, "ecli_sizes_slots_bucket{comm=\"b\"");
    assert_eq!(buckets[0], "ecli_sizes_slots_bucket{comm=\"b\",le=\"1\"} 2");
    assert_eq!(
        buckets[1],
        "ecli_sizes_slots_bucket{comm=\"b\",le=\"3\"} 12"
    );
    assert_eq!(
        lines(&body, "ecli_lost_events_total "),
        ["ecli_lost_events_total 4"]
    );
    assert_eq!(
        lines(&body, "ecli_rows_total{"),
        ["ecli_rows_total{table=\"sizes\"} 3"]
    );
    assert_eq!(lines(&body, "ecli_build_info{").len(), 1);
    assert!(body.contains("# TYPE sent counter\n"), "{body}");
}

#[test]
fn totals_replace_those_of_the_interval_before() {
    let mut sink = sink(Vec::new());
    let sizes = sizes("totals");
    for rows in [
        [size(b"a", 10, 1), size(b"b", 5, 2)],
        [size(b"a", 25, 1), size(b"a", 1, 1)],
    ] {
        sink.rows(&sizes, &batch(&rows)).unwrap();
        sink.end_of_interval(&sizes).unwrap();
    }
    let (_, body) = fetch(&sink, "GET /metrics HTTP/1.1");
    assert_eq!(
        lines(&body, "sent{"),
        ["sent{comm=\"a\"} 26", "sent{comm=\"b\"} 5"]
    );
    assert_eq!(
        lines(&body, "ecli_sizes_depth{"),
        ["ecli_sizes_depth{comm=\"a\"} 2"]
    );
    let counts = lines(&body, "ecli_sizes_slots_count{comm=\"a\"}");
    assert_eq!(counts, ["ecli_sizes_slots_count{comm=\"a\"} 12"]);
}

#[test]
fn options_add_metrics_and_openmetrics_is_served_to_who_asks() {
    let request = |metric, text| MetricRequest::parse(metric, text).unwrap();
    let mut sink = sink(vec![
        request(Metric::Counter, "sizes.rows,depth"),
        request(Metric::Histogram, "bytes"),
    ]);
    let rows = [size(b"a", 3, 1), size(b"b", 1000, 1)];
    sink.rows(&sizes("events"), &batch(&rows)).unwrap();
    let accept = "GET /metrics HTTP/1.1\r\nAccept: application/openmetrics-text;version=1.0.0";
    let (head, body) = fetch(&sink, accept);
    assert!(
        head.contains("application/openmetrics-text; version=1.0.0"),
        "{head}"
    );
    assert!(body.ends_with("# EOF\n"), "{body}");
    assert!(body.contains("# TYPE ecli_sizes_rows counter\n"), "{body}");
    let rows = lines(&body, "ecli_sizes_rows__total{depth");
    assert_eq!(rows, ["ecli_sizes_rows__total{depth=\"1\"} 2"], "{body}");
    assert_eq!(
        lines(&body, "ecli_sizes_bytes_sum"),
        ["ecli_sizes_bytes_sum 1003"]
    );
    assert_eq!(lines(&body, "ecli_sizes_bytes_bucket{le=\"4\"}").len(), 1);
    let bucket = lines(&body, "ecli_sizes_bytes_bucket{le=\"2\"}");
    assert_eq!(bucket, ["ecli_sizes_bytes_bucket{le=\"2\"} 0"]);
}

/// What a client of OpenMetrics gets, each name in it once: those of families, and of samples in
/// one family only.
fn open_metrics(sink: &StdoutRows) -> String {
    let accept = "GET /metrics HTTP/1.1\r\nAccept: application/openmetrics-text;version=1.0.0";
    let (_, body) = fetch(sink, accept);
    let mut family = "";
    let mut owners = std::collections::BTreeMap::new();
    for line in body.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            family = rest.split(' ').next().unwrap();
            assert_eq!(
                owners.insert(family, family),
                None,
                "{family} twice: {body}"
            );
        } else if !line.starts_with('#') {
            let name = line.split(['{', ' ']).next().unwrap();
            let owner = owners.entry(name).or_insert(family);
            assert_eq!(*owner, family, "{name} is of two: {body}");
        }
    }
    body
}

#[test]
fn metrics_of_one_field_have_names_of_their_own() {
    let request = |metric, text| MetricRequest::parse(metric, text).unwrap();
    let mut sink = sink(vec![
        request(Metric::Counter, "depth"),
        request(Metric::Histogram, "depth"),
        request(Metric::Counter, "depth,comm,bytes"),
        request(Metric::Gauge, "bytes"),
    ]);
    sink.rows(&sizes("events"), &batch(&[size(b"a", 3, -5)]))
        .unwrap();
    let body = open_metrics(&sink);
    // A counter is not negative; of negative values OpenMetrics has no sum, and without one no
    // count.
    assert_eq!(
        lines(&body, "ecli_sizes_depth__total "),
        ["ecli_sizes_depth__total 0"],
        "{body}"
    );
    assert!(!body.contains("_sum"), "{body}");
    assert!(!body.contains("_count"), "{body}");
    assert!(MetricRequest::parse(Metric::Counter, "rows,comm,comm").is_err());
}

#[test]
fn labels_that_look_the_same_are_one_series() {
    let mut sink = sink(Vec::new());
    let rows = [
        size(b"\xf9", 1, 0),
        size(b"\xfa", 2, 0),
        size(b"\xff", 4, 0),
    ];
    sink.rows(&sizes("events"), &batch(&rows)).unwrap();
    let (_, body) = fetch(&sink, "GET /metrics HTTP/1.1");
    assert_eq!(lines(&body, "sent{"), ["sent{comm=\"\u{fffd}\"} 7"]);
}

#[test]
fn series_are_bounded() {
    let mut sink = sink(Vec::new());
    let rows: Vec<Vec<u8>> = (0..5000)
        .map(|number| size(format!("comm{number}").as_bytes(), 1, 1))
        .collect();
    sink.rows(&sizes("events"), &batch(&rows)).unwrap();
    let (_, body) = fetch(&sink, "GET /metrics HTTP/1.1");
    assert_eq!(lines(&body, "sent{").len(), 4097);
    assert_eq!(
        lines(&body, "sent{comm=\"other\"}"),
        ["sent{comm=\"other\"} 904"]
    );
    assert_eq!(lines(&body, "ecli_series_overflow_total ").len(), 1);
}

#[test]
fn other_requests_are_refused() {
    let sink = sink(Vec::new());
    let (head, _) = fetch(&sink, "GET / HTTP/1.1");
    assert!(head.starts_with("HTTP/1.1 404"), "{head}");
    let (head, _) = fetch(&sink, "DELETE /metrics HTTP/1.1");
    assert!(head.starts_with("HTTP/1.1 405"), "{head}");
}

#[test]
fn addresses_are_on_this_machine_unless_they_say_otherwise() {
    let address = |text: &str| text.parse::<Address>().map(|address| address.0.to_string());
    assert_eq!(address("9091").unwrap(), "127.0.0.1:9091");
    assert_eq!(address(":9091").unwrap(), "127.0.0.1:9091");
    assert_eq!(address("0.0.0.0:80").unwrap(), "0.0.0.0:80");
    assert_eq!(address("[::1]:80").unwrap(), "[::1]:80");
    for wrong in ["", "host", "70000", "1.2.3.4"] {
        assert!(address(wrong).is_err(), "{wrong}");
    }
    for wrong in ["", ",a", "a,"] {
        assert!(
            MetricRequest::parse(Metric::Counter, wrong).is_err(),
            "{wrong}"
        );
    }
}

#[test]
fn a_histogram_of_a_state_counts_values_as_often_as_they_came() {
    let fields = vec![
        field("comm", Scalar::Text, &[("metric", "label")]),
        field(
            "bytes",
            Scalar::U64,
            &[
                ("metric", "histogram"),
                ("buckets", "10,100"),
                ("weight", "times"),
            ],
        ),
        field("times", Scalar::U64, &[]),
    ];
    let mut table = Arc::unwrap_or_clone(table("sizes", fields));
    table.hints = Hints::from([("rows".to_owned(), "totals".to_owned())]);
    let table = Arc::new(table);
    let row = |bytes: u64, times: u64| {
        [
            &text_value(b"a")[..],
            &bytes.to_le_bytes(),
            &times.to_le_bytes(),
        ]
        .concat()
    };
    let mut sink = sink(Vec::new());
    // Twice the same state: nothing is counted twice.
    for _ in 0..2 {
        let rows = [row(5, 3), row(50, 2), row(500, 1)];
        sink.rows(&table, &batch(&rows)).unwrap();
        sink.end_of_interval(&table).unwrap();
    }
    let (_, body) = fetch(&sink, "GET /metrics HTTP/1.1");
    assert_eq!(
        lines(&body, "ecli_sizes_bytes_"),
        [
            "ecli_sizes_bytes_bucket{comm=\"a\",le=\"10\"} 3",
            "ecli_sizes_bytes_bucket{comm=\"a\",le=\"100\"} 5",
            "ecli_sizes_bytes_bucket{comm=\"a\",le=\"+Inf\"} 6",
            "ecli_sizes_bytes_sum{comm=\"a\"} 615",
            "ecli_sizes_bytes_count{comm=\"a\"} 6",
        ]
    );
}
