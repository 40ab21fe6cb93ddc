//! Images in the store: building them without a guest, listing, inspecting, naming, removing.

#![allow(clippy::unwrap_used, reason = "a failed test says where and why")]

mod support;

use eunomia_image::{Platform, Reference, Store};
use support::Sandbox;

const OBJECT: &str = r#"
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct event { __u32 pid; char comm[16]; };
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, struct event);
} seen SEC(".maps");
const volatile __u32 filter_pid = 7;
char LICENSE[] SEC("license") = "GPL";

SEC("tracepoint/sched/sched_process_exec")
int on_exec(void *ctx) { return filter_pid; }
"#;

/// A project without a guest: it needs clang, but neither root nor this kernel's types.
fn project() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write(
        "tool/ecli.toml",
        "description = \"A \\u001b[31mtest\"\nlicense = \"MIT\"\n",
    );
    sandbox.write("tool/small.bpf.c", OBJECT);
    sandbox
}

#[test]
fn a_project_is_built_listed_inspected_named_and_removed() {
    let sandbox = project();
    let built = sandbox.ecli(&["build", "tool"]).succeeded();
    assert!(
        built.starts_with("built tool:latest\n  BPF object small "),
        "{built}"
    );

    let list = sandbox.ecli(&["list"]).succeeded();
    assert!(list.contains("tool:latest"), "{list}");
    assert!(list.contains("A \\u{1b}[31mtest"), "{list}");

    sandbox.ecli(&["tag", "tool", "other:1.0"]).succeeded();
    assert_eq!(
        sandbox.ecli(&["list", "-q"]).succeeded(),
        "other:1.0\ntool:latest\n"
    );
    let removed = sandbox.ecli(&["rm", "tool", "other:1.0"]).succeeded();
    assert_eq!(removed, "removed tool:latest\nremoved other:1.0\n");
    assert_eq!(sandbox.ecli(&["list", "-q"]).succeeded(), "");
    let pruned = sandbox.ecli(&["prune"]).succeeded();
    assert!(
        pruned.starts_with("deleted 4 blobs, 0 files of the cache and 0 unfinished files: "),
        "{pruned}"
    );
}

#[test]
fn inspect_shows_what_the_object_declares() {
    let sandbox = project();
    sandbox.ecli(&["build", "-q", "tool"]).succeeded();
    let human = sandbox.ecli(&["inspect", "tool"]).succeeded();
    for line in [
        "    on_exec  tracepoint  tracepoint/sched/sched_process_exec",
        "    seen  hash  __u32  struct event  64",
        "    filter_pid  const __u32  7",
        "  release      5.15 or newer\n  programs     tracepoint\n  maps         hash\n",
    ] {
        assert!(human.contains(line), "{line:?} is not in:\n{human}");
    }
    let json = sandbox.ecli(&["inspect", "--json", "tool"]).succeeded();
    let report: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(report["objects"][0]["programs"][0]["type"], "tracepoint");
    assert_eq!(report["objects"][0]["globals"][0]["value"], 7);
    assert_eq!(report["component"], serde_json::Value::Null);
    assert_eq!(report["kernelNeeds"]["releaseMin"], "5.15");
    assert_eq!(
        report["metadata"]["permissions"]["attachTargets"][0],
        "tracepoint/sched/sched_process_exec"
    );
    let listed = sandbox.ecli(&["list", "--json"]).succeeded();
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(listed[0]["digest"], report["digest"]);
}

#[test]
fn the_same_sources_give_the_same_digest_and_clang_runs_only_for_changes() {
    let sandbox = project();
    let first = sandbox.ecli(&["build", "-q", "tool"]).succeeded();
    let product = sandbox.path("tool/target/ecli/tool/small.bpf.o");
    let built = |sandbox: &Sandbox| {
        let outcome = sandbox.ecli(&["build", "-v", "-q", "tool"]);
        (
            outcome.stdout,
            outcome.stderr.contains("compiling small.bpf.c"),
        )
    };
    assert_eq!(built(&sandbox), (first.clone(), false));

    // A header of the project is a source too.
    sandbox.write("tool/more.h", "#define MORE 1\n");
    sandbox.write(
        "tool/small.bpf.c",
        &format!("#include \"more.h\"\n{OBJECT}"),
    );
    assert!(built(&sandbox).1);
    assert!(!built(&sandbox).1);
    sandbox.write("tool/more.h", "#define MORE 2\n");
    assert!(built(&sandbox).1);

    sandbox.write("tool/small.bpf.c", OBJECT);
    std::fs::remove_file(product).unwrap();
    assert_eq!(built(&sandbox), (first, true));

    // In another folder: no path of the machine is in the image.
    let elsewhere = project();
    assert_eq!(
        elsewhere.ecli(&["build", "-q", "tool"]).succeeded(),
        built(&sandbox).0
    );
}

#[test]
fn source_that_does_not_compile_shows_what_clang_says() {
    let sandbox = project();
    sandbox.write("tool/small.bpf.c", "int x = nonsense;\n");
    let outcome = sandbox.ecli(&["build", "tool"]);
    assert_eq!(outcome.code, 1);
    for part in [
        "small.bpf.c:1:9: error: use of undeclared identifier 'nonsense'",
        "ecli: compile $SANDBOX/tool/small.bpf.c: clang ended with exit status: 1",
    ] {
        assert!(
            outcome.stderr.contains(part),
            "{part} is not in: {}",
            outcome.stderr
        );
    }
    // Not a terminal.
    assert!(!outcome.stderr.contains('\u{1b}'));
}

#[test]
fn an_image_without_a_component_runs_as_its_bpf_object_does() {
    let sandbox = project();
    sandbox.ecli(&["build", "-q", "tool"]).succeeded();
    let help = sandbox.ecli(&["run", "tool", "--help"]).succeeded();
    assert!(
        help.contains("Usage: ecli run tool:latest [OPTIONS]"),
        "{help}"
    );
    assert!(help.contains("--attach <PROGRAM=TARGET>"), "{help}");
}

#[test]
fn a_damaged_image_is_listed_and_refused() {
    let sandbox = project();
    let digest = sandbox.ecli(&["build", "-q", "tool"]).succeeded();
    let blob = digest.trim().replace(':', "/");
    sandbox.write(&format!("store/blobs/{blob}"), "{}");
    let list = sandbox.ecli(&["list"]).succeeded();
    assert!(list.contains("damaged: "), "{list}");
    let outcome = sandbox.ecli(&["inspect", "tool"]);
    assert_eq!(outcome.code, 1);
    assert!(outcome.stderr.contains("mismatch"), "{}", outcome.stderr);
}

#[test]
fn a_store_is_an_image_layout_that_can_be_named_by_its_path() {
    let sandbox = project();
    sandbox.ecli(&["build", "-q", "tool"]).succeeded();
    for name in ["./store", "./store:tool:latest"] {
        let shown = sandbox.ecli(&["inspect", name]).succeeded();
        assert!(shown.contains("BPF object small"), "{name}: {shown}");
    }
}

/// Needs to know where the kernel has a member.
const RELOCATED: &str = r#"
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

struct task_struct { int tgid; } __attribute__((preserve_access_index));
char LICENSE[] SEC("license") = "GPL";

SEC("tracepoint/sched/sched_process_exec")
int on_exec(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	return BPF_CORE_READ(task, tgid);
}
"#;

#[test]
fn an_image_carries_what_it_needs_of_the_types_of_kernels() {
    let sandbox = project();
    sandbox.write("tool/small.bpf.c", RELOCATED);
    let btf = sandbox.path("5.4.0-9-generic.btf");
    std::fs::copy("/sys/kernel/btf/vmlinux", &btf).unwrap();
    let built = sandbox
        .ecli(&[
            "build",
            "tool",
            "--btf-for",
            "5.4.0-9-generic.btf",
            "4.19=5.4.0-9-generic.btf",
        ])
        .succeeded();
    assert!(built.contains("  types of 5.4.0-9-generic "), "{built}");
    // It is part of the image, wherever that goes.
    sandbox
        .ecli(&["save", "-o", "tool.tar", "tool"])
        .succeeded();
    sandbox.ecli(&["rm", "tool"]).succeeded();
    sandbox.ecli(&["load", "-i", "tool.tar"]).succeeded();
    let json = sandbox.ecli(&["inspect", "--json", "tool"]).succeeded();
    let report: serde_json::Value = serde_json::from_str(&json).unwrap();
    let types = report["kernelTypes"].as_array().unwrap();
    assert_eq!(types.len(), 1, "both kernels need the same: {types:?}");
    assert_eq!(
        types[0]["releases"],
        serde_json::json!(["4.19", "5.4.0-9-generic"])
    );
    let bytes = types[0]["size"].as_u64().unwrap();
    assert!((100..2000).contains(&bytes), "{bytes}");
    let human = sandbox.ecli(&["inspect", "tool"]).succeeded();
    assert!(human.contains("4.19, 5.4.0-9-generic"), "{human}");
}

#[test]
fn btf_that_does_not_fit_is_refused() {
    let sandbox = project();
    sandbox.write("tool/small.bpf.c", RELOCATED);
    sandbox.write("5.4.btf", "nonsense");
    let refused = |arguments: &[&str]| {
        let arguments = [&["build", "tool", "--btf-for"], arguments].concat();
        let outcome = sandbox.ecli(&arguments);
        assert_ne!(outcome.code, 0, "{arguments:?}");
        outcome.stderr
    };
    for (arguments, expected) in [
        (
            &["5.4.btf"][..],
            "take the types of kernel 5.4 from 5.4.btf: ",
        ),
        (&["nowhere.btf"], "No such file"),
        (&["tool"], "tool is a folder"),
        (&["vmlinux"], "RELEASE=FILE"),
        (
            &["x=/sys/kernel/btf/vmlinux"],
            "\"x\" is no release of a kernel",
        ),
        (
            &["5.4=/sys/kernel/btf/vmlinux", "5.4=/sys/kernel/btf/vmlinux"],
            "are both of kernel 5.4",
        ),
        (
            &[
                "5.4=/sys/kernel/btf/vmlinux",
                "--platform",
                "linux/amd64,linux/arm64",
            ],
            "one --platform at a time",
        ),
    ] {
        let said = refused(arguments);
        assert!(said.contains(expected), "{expected:?} is not in: {said}");
    }
    // What this kernel lacks, that one will lack, too.
    sandbox.write(
        "tool/small.bpf.c",
        &RELOCATED.replace("tgid", "no_such_member"),
    );
    let outcome = sandbox.ecli(&["build", "tool", "--btf-for", "5.4=/sys/kernel/btf/vmlinux"]);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    let warning = "warning: on kernel 5.4: small: on_exec: CO-RE relocations";
    assert!(outcome.stderr.contains(warning), "{}", outcome.stderr);
}

/// Reads the second argument of a function: of a register that each CPU calls otherwise.
const KPROBE: &str = r#"
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";
__u64 second;

SEC("kprobe/tcp_connect")
int BPF_KPROBE(on_connect, struct sock *socket, __u64 argument)
{
	second = argument + PT_REGS_IP_CORE(ctx);
	return 0;
}
"#;

#[test]
fn programs_that_read_registers_are_built_for_other_cpus() {
    let sandbox = Sandbox::new();
    sandbox.write("tool/ecli.toml", "");
    sandbox.write("tool/tool.bpf.c", KPROBE);
    let cpus = ["amd64", "arm64", "riscv64", "loong64", "ppc64le"];
    let platforms = cpus.map(|cpu| format!("linux/{cpu}")).join(",");
    sandbox
        .ecli(&["build", "-q", "--platform", &platforms, "tool"])
        .succeeded();
    let store = Store::open(sandbox.store()).unwrap();
    let name: Reference = "tool".parse().unwrap();
    for (cpu, registers, offset) in [
        ("amd64", "\0pt_regs\0", 104),
        ("arm64", "\0user_pt_regs\0", 8),
        ("riscv64", "\0user_regs_struct\0", 88),
        ("loong64", "\0user_pt_regs\0", 40),
        ("ppc64le", "\0pt_regs\0", 32),
    ] {
        let image = store.image(&name, &Platform::linux(cpu)).unwrap();
        let object = &image.objects[0].bytes;
        let names = |text: &str| {
            let text = text.as_bytes();
            object.windows(text.len()).any(|window| window == text)
        };
        assert!(names(registers), "{cpu}");
        // Not those of this machine under the other CPU's name.
        assert!(!names("___of_the_builder"), "{cpu}");
        // BPF_LDX | BPF_MEM | BPF_DW from where r1, the registers, points to.
        let loads = |code: &[u8]| {
            code[0] == 0x79 && code[1] >> 4 == 1 && code[2..8] == [offset, 0, 0, 0, 0, 0]
        };
        assert!(object.chunks_exact(8).any(loads), "{cpu}");
    }
}
