//! How fast rows become JSON: `cargo test --release -p ecli rows_a_second -- --ignored --nocapture`
//! prints it, beside serde_json writing the same rows from a Rust struct.

use std::io::{self, Write};
use std::sync::Arc;

use eunomia_runtime::console::Console;
use eunomia_runtime::output::{OutputSink as _, Scalar, Table};
use serde::Serialize;

use super::tests::{batch, field, table, text_value};
use super::{Choice, Filter, Format, Selection, Setting, StdoutRows, btf_tests};

/// Rows of one batch.
const BATCH_ROWS: u32 = 1000;

#[derive(Serialize)]
struct Event {
    time: u64,
    pid: u32,
    ppid: u32,
    uid: u32,
    comm: &'static str,
    duration: u64,
    file: &'static str,
}

impl Event {
    fn new(pid: u32) -> Self {
        Self {
            time: 1_764_000_000_000_000_000 + u64::from(pid),
            pid,
            ppid: 29_050,
            uid: 0,
            comm: "uname",
            duration: 923_000,
            file: "/usr/bin/uname",
        }
    }

    fn row(&self) -> Vec<u8> {
        [
            &self.time.to_le_bytes()[..],
            &self.pid.to_le_bytes(),
            &self.ppid.to_le_bytes(),
            &self.uid.to_le_bytes(),
            &text_value(self.comm.as_bytes()),
            &self.duration.to_le_bytes(),
            &text_value(self.file.as_bytes()),
        ]
        .concat()
    }
}

fn events() -> Arc<Table> {
    table(
        "events",
        vec![
            field("time", Scalar::U64, &[("format", "time-ns")]),
            field("pid", Scalar::U32, &[]),
            field("ppid", Scalar::U32, &[]),
            field("uid", Scalar::U32, &[]),
            field("comm", Scalar::Text, &[]),
            field("duration", Scalar::U64, &[("format", "duration-ns")]),
            field("file", Scalar::Text, &[]),
        ],
    )
}

/// Calls `work`, which does a batch, for a second of this thread's CPU time; rows in one.
fn rate(mut work: impl FnMut()) -> f64 {
    let start = cpu_seconds();
    let mut batches = 0_u32;
    while cpu_seconds() - start < 1.0 {
        work();
        batches += 1;
    }
    f64::from(batches) * f64::from(BATCH_ROWS) / (cpu_seconds() - start)
}

/// What this thread has had: other work of the machine does not count.
fn cpu_seconds() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

fn shown(format: Format, choice: Choice, table: &Arc<Table>, rows: &[Vec<u8>]) -> f64 {
    let rows = batch(rows);
    let console = Console::new(Box::new(io::sink()), false);
    let setting = Setting {
        format,
        choice,
        ..Setting::default()
    };
    let mut sink = StdoutRows::new(setting, console);
    rate(|| sink.rows(table, &rows).unwrap())
}

#[test]
#[ignore = "a measurement, not a check"]
fn rows_a_second() {
    let serde = {
        let events: Vec<Event> = (0..BATCH_ROWS).map(Event::new).collect();
        let mut output = io::BufWriter::with_capacity(64 * 1024, io::sink());
        rate(|| {
            for event in &events {
                serde_json::to_writer(&mut output, event).unwrap();
                output.write_all(b"\n").unwrap();
            }
        })
    };
    let rows: Vec<Vec<u8>> = (0..BATCH_ROWS).map(|pid| Event::new(pid).row()).collect();
    let records: Vec<Vec<u8>> = (0..BATCH_ROWS).map(|_| btf_tests::event(1)).collect();
    let filtered = Choice {
        filters: vec![Filter::parse("pid >= 0 and comm ~ '^u' and duration < 10ms").unwrap()],
        fields: Some(Selection::parse("-time").unwrap()),
        ..Choice::default()
    };
    println!("{:<28} {:>12} {:>14}", "", "rows/s", "serde_json = 1");
    let print = |name: &str, rate: f64| {
        println!("{name:<28} {rate:>12.0} {:>14.2}", rate / serde);
    };
    print("serde_json, a struct", serde);
    let events = events();
    for format in [Format::Json, Format::Yaml, Format::Csv, Format::Columns] {
        let name = format!("{format:?}, declared fields");
        print(&name, shown(format, Choice::default(), &events, &rows));
    }
    print(
        "Json, filtered",
        shown(Format::Json, filtered, &events, &rows),
    );
    let table = btf_tests::table();
    print(
        "Json, a struct by BTF",
        shown(Format::Json, Choice::default(), &table, &records),
    );
}
