//! Plans of tools without a guest, carried out on the fake kernel.
#![allow(clippy::unwrap_used, reason = "a test that fails here says where")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use eunomia_host_abi::fake::{FakeKernel, FakeObject, FakeProgram, Operation, SectionName};
use eunomia_host_abi::kernel::{MapInfo, map_type};
use eunomia_runtime::formats::{EntryLayout, PerCpu, Plan, Shape, Source, SourceKind};
use eunomia_runtime::output::{Cardinality, Field, Layout, Scalar, Table};
use eunomia_runtime::rows::{self, Event};
use eunomia_runtime::{KernelTool, Outcome, Running, Runtime, Settings};

fn kernel() -> FakeKernel {
    let map = |name: &str, map_type, key_size, value_size| MapInfo {
        name: name.into(),
        map_type,
        key_size,
        value_size,
        max_entries: 4096,
        ..MapInfo::default()
    };
    let kernel = FakeKernel::new();
    let object = FakeObject::builder()
        .program(FakeProgram::new(
            "on_exec",
            SectionName("tp/sched/sched_process_exec"),
        ))
        .program(FakeProgram::new("on_packet", SectionName("xdp")))
        .map(map("events", map_type::RINGBUF, 0, 0))
        .map(map("counts", map_type::HASH, 4, 8))
        .build();
    kernel.register("tool", object);
    kernel
}

fn source(name: &str, kind: SourceKind, fields: &[(&str, Scalar)]) -> Source {
    let field = |(name, scalar): &(&str, Scalar)| Field {
        name: (*name).to_owned(),
        scalar: *scalar,
        cardinality: Cardinality::One,
        hints: BTreeMap::new(),
    };
    let table = Table {
        name: name.to_owned(),
        layout: Layout::Fields(fields.iter().map(field).collect()),
        hints: BTreeMap::new(),
        field_hints: BTreeMap::new(),
    };
    Source {
        name: name.to_owned(),
        table: Arc::new(table),
        kind,
        stacks: Vec::new(),
    }
}

fn plan() -> Plan {
    let layout = EntryLayout {
        key_at: 0,
        key_bytes: 4,
        value_at: 4,
        value_bytes: 8,
        row_bytes: 12,
        per_cpu: PerCpu::No,
        skip_zero: false,
    };
    let entries = SourceKind::Entries {
        layout,
        interval: Duration::from_secs(1),
        clear: true,
    };
    Plan {
        sources: vec![
            source(
                "events",
                SourceKind::Events(Shape::default()),
                &[("bytes", Scalar::Bytes)],
            ),
            source(
                "counts",
                entries,
                &[("key", Scalar::U32), ("value", Scalar::U64)],
            ),
        ],
        ..Plan::default()
    }
}

fn start(kernel: &FakeKernel, plan: Plan) -> (Running, Receiver<Event>) {
    let runtime = Runtime::builder()
        .kernel(Arc::new(kernel.clone()))
        .build()
        .unwrap();
    let (sender, receiver) = rows::channel(64);
    let tool = KernelTool {
        name: "tool".into(),
        elf: Arc::from(&[][..]),
        plan,
    };
    let settings = Settings {
        rows: Box::new(sender),
        ..Settings::default()
    };
    (runtime.run_kernel_tool(tool, settings).unwrap(), receiver)
}

/// The object is loaded and attached on another thread.
fn wait_until_attached(kernel: &FakeKernel) {
    while kernel.attached().is_empty() {
        std::thread::yield_now();
    }
}

fn next_row(receiver: &Receiver<Event>) -> String {
    loop {
        if let Event::Row(row) = receiver.recv().unwrap() {
            return row.to_json().unwrap().to_string();
        }
    }
}

#[test]
fn records_and_entries_become_rows_and_a_stop_detaches() {
    let kernel = kernel();
    let (running, receiver) = start(&kernel, plan());
    wait_until_attached(&kernel);
    kernel.ring("events").unwrap().push(&[0xab, 1]);
    assert_eq!(next_row(&receiver), r#"{"bytes":"ab01"}"#);
    let counts = kernel.map("counts").unwrap();
    counts
        .set(&7u32.to_ne_bytes(), &9u64.to_ne_bytes())
        .unwrap();
    running.control().stop();
    assert_eq!(next_row(&receiver), r#"{"key":7,"value":9}"#);
    assert!(matches!(running.wait().outcome, Outcome::Exited(0)));
    assert!(kernel.attached().is_empty());
    assert_eq!(kernel.count(Operation::Unload), 1);
}

#[test]
fn a_program_that_nobody_says_a_place_for_is_no_reason_to_fail_beside_others() {
    let kernel = kernel();
    let (running, _receiver) = start(&kernel, plan());
    wait_until_attached(&kernel);
    let names: Vec<String> = kernel.attached().iter().map(|it| it.name.clone()).collect();
    assert_eq!(names, ["on_exec"]);
    running.control().kill();
    assert!(matches!(running.wait().outcome, Outcome::Killed));
    assert!(kernel.attached().is_empty());
}

#[test]
fn what_cannot_be_attached_leaves_nothing_behind() {
    let kernel = kernel();
    let mut plan = plan();
    plan.targets
        .insert("on_packet".into(), vec!["xdp:eth0".parse().unwrap()]);
    plan.targets.insert("nope".into(), Vec::new());
    let (running, _receiver) = start(&kernel, plan);
    let Outcome::Failed(error) = running.wait().outcome else {
        panic!("it ran");
    };
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("attach program `nope`"), "{source}");
    assert!(kernel.attached().is_empty());
}
