//! Packages and objects with random damage: an error or a plan, never a panic. The same damage in
//! every run.

use anyhow::Result;
use eunomia_formats::{Facts, HostKernel, Package, bpfman, bumblebee, eunomia, gadget};
use eunomia_host_abi::fake::FakeKernel;
use eunomia_host_abi::kernel::Kernel;
use serde_json::json;

use super::forms::{gzip, package, tar};
use super::running::object;

/// Damaged inputs of each kind: seconds on a slow machine.
const ROUNDS: u32 = 2_000;
const SEED: u64 = 0x9e37_79b9_7f4a_7c15;

/// xorshift64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end.max(1) as u64).unwrap_or(0)
    }

    /// A few bytes changed, or a piece cut out, doubled or cut off.
    fn damage(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut damaged = bytes.to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(damaged.len());
            let end = (at + self.below(16)).min(damaged.len());
            match self.below(8) {
                0 => drop(damaged.drain(at..end)),
                1 => damaged.truncate(at),
                2 => {
                    let piece = damaged[at..end].to_vec();
                    damaged.splice(at..at, piece);
                }
                3 => damaged[at..end].fill(0xff),
                _ => {
                    if let Some(byte) = damaged.get_mut(at) {
                        *byte ^= 1 << self.below(8);
                    }
                }
            }
        }
        damaged
    }
}

/// Go on as far as a run would without a kernel.
fn plan(package: &Package) {
    let Ok(object) = FakeKernel::new().open_object("x", &package.elf) else {
        return;
    };
    let Ok(facts) = Facts::of(&*object) else {
        return;
    };
    let Ok(plan) = package.plan(&facts) else {
        return;
    };
    let _ = eunomia_formats::options::help(&plan);
    let arguments = ["--map".to_owned(), "all".to_owned()];
    let _ = eunomia_formats::options::parse(&plan.options, &facts, &arguments);
}

#[test]
fn damaged_packages_do_not_panic() -> Result<()> {
    let meta = json!({
        "bpf_skel": {
            "obj_name": "execs_bpf", "doc": { "brief": "x" },
            "data_sections": [{ "name": ".rodata", "variables": [{ "name": "filter_pid",
                "type": "u32", "cmdarg": { "default": 1, "short": "p", "long": "pid" } }] }],
            "maps": [{ "name": "events", "sample": { "interval": 100, "type": "log2_hist" },
                "export_config": { "custom_members": [
                    { "name": "x", "offset": 4, "btf_type_id": 3 } ] } }],
            "progs": [{ "name": "handle_exec", "link": true, "tchook": "{\"ifindex\":1}" }],
        },
        "export_types": [{ "name": "event", "members": [{ "name": "pid" }] }],
        "enable_multiple_export_types": false,
    });
    let whole = package(&object("execs")?, &meta)?;
    // Damage to the description, where it is small, rather than to the object.
    let start = whole
        .windows(6)
        .position(|it| it == b"\"meta\"")
        .unwrap_or(0);
    let mut random = Random(SEED);
    for _ in 0..ROUNDS {
        let damaged = [&whole[..start], &random.damage(&whole[start..])].concat();
        if let Ok(package) = eunomia::read("x", &damaged) {
            plan(&package);
        }
        let _ = eunomia::read("x", &random.damage(&whole));
    }
    Ok(())
}

/// Objects of all conventions.
const OBJECTS: [&str; 10] = [
    "execs",
    "counts",
    "sections",
    "opens",
    "snapshot",
    "tally",
    "stacks",
    "datagrams",
    "buckets",
    "places",
];

#[test]
fn damaged_objects_do_not_panic() -> Result<()> {
    let mut random = Random(SEED);
    for name in OBJECTS {
        let whole = object(name)?;
        for _ in 0..ROUNDS / 8 {
            let damaged = random.damage(&whole);
            let bare = Package::bare("x", damaged.clone());
            let bumblebee = bumblebee::read("x", damaged.clone());
            let gadget = gadget::read("x", damaged, b"params: {ebpf: {target_pid: {key: p}}}");
            for package in [bare, bumblebee, gadget].into_iter().flatten() {
                plan(&package);
            }
        }
    }
    Ok(())
}

/// Each thing that is read of a description, for a data source and a program that there are.
const DESCRIPTION: &str = "\
name: x
description: y
paramDefaults: {operator.oci.ebpf.map-fetch-interval: 10ms, operator.oci.ebpf.t: 0}
homepageURL: z
programs:
  ig_tally: {attach_to: a/b, sampler: {frequency: 9}}
datasources:
  execs:
    annotations: {cli.clear-screen-before: true}
    fields:
      comm:
        annotations: {template: comm, columns.width: 3, columns.replace: execs, metrics.type: key}
      execs:
        annotations: {columns.hidden: true, json.skip: true, columns.hex: true, description: d}
params:
  ebpf:
    show_threads: {key: t, alias: t, defaultValue: 1, isMandatory: false, description: x}
";

/// What a description has that is nothing but hostile.
fn hostile_descriptions() -> Vec<String> {
    let deep = |inner: &str| format!("datasources: {{execs: {inner}}}");
    vec![
        deep(&"[".repeat(10_000)),
        deep(&"{a: ".repeat(10_000)),
        deep(&format!("{{fields: {{{}}}}}", "a: {},".repeat(50_000))),
        format!("name: \"{}\"", "\\x1b[2J".repeat(10_000)),
        "a: &a [*a]".to_owned(),
        "? [a]\n: b".to_owned(),
        "!!binary |\n  R0lGODlhDAAMAIQAAP".to_owned(),
        "---\n...\n---\na: b\n".to_owned(),
        "%YAML 9.9\n---\n- \u{0}".to_owned(),
        deep("{fields: {comm: {annotations: {columns.width: 99999999999999999999}}}}"),
        "paramDefaults: {operator.oci.ebpf.map-fetch-interval: 1e999s}".to_owned(),
        deep("{annotations: 3, fields: 7}"),
        "programs: {ig_tally: {attach_to: [a], sampler: 3}}".to_owned(),
        "params: {ebpf: [x]}\nprograms: 3\ndatasources: ~".to_owned(),
    ]
}

#[test]
fn damaged_and_hostile_descriptions_of_gadgets_do_not_panic() -> Result<()> {
    let (tally, snapshot) = (object("tally")?, object("snapshot")?);
    let mut random = Random(SEED);
    let read = |text: &[u8]| {
        for object in [&tally, &snapshot] {
            if let Ok(package) = gadget::read("x", object.clone(), text) {
                plan(&package);
            }
        }
    };
    hostile_descriptions()
        .iter()
        .for_each(|text| read(text.as_bytes()));
    read(DESCRIPTION.as_bytes());
    for _ in 0..ROUNDS / 4 {
        read(&random.damage(DESCRIPTION.as_bytes()));
    }
    Ok(())
}

#[test]
fn damaged_labels_and_layers_of_bytecode_images_do_not_panic() -> Result<()> {
    let object = object("packets")?;
    let archive = tar(&[("packets.o", &object)])?;
    let layer = gzip(&archive)?;
    let labels = [
        ("io.ebpf.programs", r#"{"pass":"xdp"}"#),
        ("io.ebpf.maps", r#"{"packets":"perf_event_array"}"#),
        ("io.ebpf.filename", "packets.o"),
        ("io.ebpf.bpf_function_name", "pass"),
        ("io.ebpf.program_type", "xdp"),
    ];
    let mut random = Random(SEED);
    for round in 0..ROUNDS / 4 {
        let text = |(name, value): (&str, &str), damaged: Vec<u8>| {
            let value = match round % 2 {
                0 => String::from_utf8_lossy(&damaged).into_owned(),
                _ => value.to_owned(),
            };
            (name.to_owned(), value)
        };
        let labels = labels.map(|label| text(label, random.damage(label.1.as_bytes())));
        let layer = match round % 3 {
            0 => layer.clone(),
            1 => random.damage(&layer),
            _ => gzip(&random.damage(&archive))?,
        };
        if let Ok(package) = bpfman::read("x", &labels.into(), &layer) {
            plan(&package);
        }
    }
    Ok(())
}

#[test]
fn damaged_archives_of_kernels_types_do_not_panic() -> Result<()> {
    let whole = package(&object("execs")?, &json!({ "bpf_skel": {} }))?;
    let kernel = HostKernel::new("ID=a\nVERSION_ID=1", "x86_64", "5.4");
    let types = object("execs")?;
    let archive = tar(&[
        ("package.json", &whole),
        ("btfhub-archive/a/1/x86_64/5.4.btf", &types),
    ])?;
    let mut random = Random(SEED);
    for _ in 0..ROUNDS / 8 {
        if let Ok(package) = eunomia::read("x", &random.damage(&archive)) {
            let _ = package.kernel_types(&kernel);
        }
    }
    Ok(())
}
