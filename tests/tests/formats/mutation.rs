//! Packages and objects with random damage: an error or a plan, never a panic. The same damage in
//! every run.

use anyhow::Result;
use eunomia_formats::{Facts, Package, bumblebee, eunomia, gadget};
use eunomia_host_abi::fake::FakeKernel;
use eunomia_host_abi::kernel::Kernel;
use serde_json::json;

use super::forms::package;
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

#[test]
fn damaged_objects_do_not_panic() -> Result<()> {
    let mut random = Random(SEED);
    for name in ["execs", "counts", "sections", "opens"] {
        let whole = object(name)?;
        for _ in 0..ROUNDS / 4 {
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

#[test]
fn damaged_descriptions_of_gadgets_do_not_panic() -> Result<()> {
    let yaml = b"datasources:\n  execs:\n    fields:\n      pid:\n        annotations: {a: b}\n";
    let object = object("opens")?;
    let mut random = Random(SEED);
    for _ in 0..ROUNDS {
        let _ = gadget::read("x", object.clone(), &random.damage(yaml));
    }
    Ok(())
}
