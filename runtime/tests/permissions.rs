//! What a BPF object can do, computed from real objects and from damaged ones. Needs clang only.

#![allow(clippy::unwrap_used, reason = "a test that fails here says where")]

#[path = "../../image/tests/support/mutate.rs"]
mod mutate;

use std::io::Write as _;
use std::process::{Command, Stdio};

use eunomia_runtime::{ErrorKind, Permissions, Tool};
use mutate::{Random, rounds};

const SOURCE: &str = r#"
#define SEC(name) __attribute__((section(name), used))
#define __uint(name, value) int (*name)[value]

struct {
	__uint(type, 1);
	__uint(max_entries, 8);
	__uint(key_size, 4);
	__uint(value_size, 8);
	__uint(pinning, 1);
} shared SEC(".maps");

struct {
	__uint(type, 1);
	__uint(max_entries, 8);
	__uint(key_size, 4);
	__uint(value_size, 8);
	__uint(pinning, 0);
} own SEC(".maps");

static void *(*const map_lookup_elem)(void *map, const void *key) = (void *)1;
static long (*const probe_write_user)(void *to, const void *from, int bytes) = (void *)36;
static long (*const send_signal)(int signal) = (void *)109;
static long (*const unheard_of)(void) = (void *)9999;
extern void bpf_rcu_read_lock(void) __attribute__((section(".ksyms")));

__attribute__((noinline)) int in_a_function(void *ctx)
{
	return send_signal(9);
}

SEC("kprobe/tcp_connect")
int on_connect(void *ctx)
{
	int key = 0;
	return map_lookup_elem(&shared, &key) != map_lookup_elem(&own, &key);
}

SEC("?fentry/do_unlinkat")
int not_loaded(void *ctx)
{
	bpf_rcu_read_lock();
	return in_a_function(ctx);
}

SEC("xdp")
int on_packet(void *ctx)
{
	/* Never reached, and counted all the same. */
	return ctx ? 2 : probe_write_user(ctx, ctx, 8);
}

SEC("of_my_own")
int strange(void *ctx)
{
	return unheard_of();
}

char LICENSE[] SEC("license") = "GPL";
"#;

fn compile(target: &str) -> Vec<u8> {
    let output = tempfile_path(target);
    let mut clang = Command::new("clang")
        .args([
            "-x",
            "c",
            "-O2",
            "-g",
            "-Wno-unused",
            "-c",
            "-",
            "-target",
            target,
            "-o",
        ])
        .arg(&output)
        .stdin(Stdio::piped())
        .spawn()
        .expect("clang must be installed for this test");
    clang
        .stdin
        .take()
        .unwrap()
        .write_all(SOURCE.as_bytes())
        .unwrap();
    assert!(clang.wait().unwrap().success());
    let object = std::fs::read(&output).unwrap();
    std::fs::remove_file(output).unwrap();
    object
}

fn tempfile_path(name: &str) -> std::path::PathBuf {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let thread = std::thread::current().id();
    folder.join(format!(
        "permissions-{}-{thread:?}-{name}.o",
        std::process::id()
    ))
}

fn permissions(object: &[u8]) -> eunomia_runtime::Result<Permissions> {
    Permissions::of(&Tool {
        name: "tool".into(),
        objects: vec![("object".into(), object.into())],
        component: Vec::new().into(),
    })
}

#[test]
fn programs_calls_and_pinned_maps_are_found() {
    let found = permissions(&compile("bpfel")).unwrap();
    let list = |set: &std::collections::BTreeSet<String>| {
        set.iter().cloned().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(list(&found.program_types), "kprobe tracing unspec xdp");
    assert_eq!(
        list(&found.attach_targets),
        "fentry/do_unlinkat kprobe/tcp_connect of_my_own xdp"
    );
    assert_eq!(
        list(&found.helpers),
        "bpf_helper_9999 bpf_map_lookup_elem bpf_probe_write_user bpf_send_signal"
    );
    assert_eq!(list(&found.kernel_functions), "bpf_rcu_read_lock");
    assert_eq!(list(&found.pinned_maps), "shared");
    assert_eq!(list(&found.imports), "");
}

#[test]
fn an_object_for_another_byte_order_is_refused() {
    let error = permissions(&compile("bpfeb")).unwrap_err();
    assert!(error.to_string().contains("little-endian"), "{error}");
}

#[test]
fn what_is_no_object_is_refused() {
    for bytes in [&b""[..], b"\x7fELF", &[0; 64], b"\0asm\x01\0\0\0"] {
        let error = permissions(bytes).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidObject);
        assert!(error.to_string().contains("object `object`"), "{error}");
    }
}

#[test]
fn damaged_objects_are_read_or_refused_and_never_panic() {
    let object = compile("bpfel");
    let pieces = [
        "\0",
        "\u{1}\0\0\0",
        "\u{7f}",
        "~~~~",
        "\u{85}",
        ".maps",
        ".BTF",
        "\0\0\0\0\0\0\0\0",
    ];
    let mut random = Random(5);
    let mut read = 0;
    for _ in 0..rounds() / 4 {
        read += usize::from(permissions(&random.mutate(&object, &pieces)).is_ok());
    }
    assert!(read > rounds() / 400, "{read}");
}

#[test]
fn sections_that_overlap_do_not_make_work_without_end() {
    let mut object = compile("bpfel");
    // Every section is code, and as long as the file: the bound on code, or the end of the file,
    // ends it.
    let table =
        usize::try_from(u64::from_le_bytes(object[0x28..0x30].try_into().unwrap())).unwrap();
    let count = usize::from(u16::from_le_bytes(object[0x3c..0x3e].try_into().unwrap()));
    let len = (object.len() as u64 & !7).to_le_bytes();
    for header in (0..count).map(|index| table + index * 64) {
        object[header + 4..header + 8].copy_from_slice(&1u32.to_le_bytes());
        object[header + 8..header + 16].copy_from_slice(&6u64.to_le_bytes());
        object[header + 24..header + 32].copy_from_slice(&0u64.to_le_bytes());
        object[header + 32..header + 40].copy_from_slice(&len);
    }
    permissions(&object).unwrap_err();
}
