//! Permissions: between the words of images and those of the runtime, and for people.

use std::collections::BTreeSet;

use anyhow::{Result, anyhow};
use eunomia_image::Permissions as Stated;
use eunomia_runtime::Permissions;

use crate::failure::hinted;
use crate::terminal::visible;

/// As an image states them.
pub(crate) fn to_image(permissions: &Permissions) -> Stated {
    let list = |set: &BTreeSet<String>| set.iter().cloned().collect();
    let mut stated = Stated::default();
    stated.program_types = list(&permissions.program_types);
    stated.attach_targets = list(&permissions.attach_targets);
    stated.helpers = list(&permissions.helpers);
    stated.kernel_functions = list(&permissions.kernel_functions);
    stated.pinned_maps = list(&permissions.pinned_maps);
    stated.imports = list(&permissions.imports);
    stated
}

fn from_image(stated: &Stated) -> Permissions {
    let set = |list: &[String]| list.iter().cloned().collect();
    Permissions {
        program_types: set(&stated.program_types),
        attach_targets: set(&stated.attach_targets),
        helpers: set(&stated.helpers),
        kernel_functions: set(&stated.kernel_functions),
        pinned_maps: set(&stated.pinned_maps),
        imports: set(&stated.imports),
    }
}

/// Refuses an image that does what it does not state. One that states nothing claims nothing.
pub(crate) fn check_stated(
    shown: &str,
    stated: Option<&Stated>,
    computed: &Permissions,
) -> Result<()> {
    let Some(stated) = stated else {
        return Ok(());
    };
    let hidden: Vec<String> = computed
        .beyond(&from_image(stated))
        .into_iter()
        .map(|(name, missing)| format!("{name} {}", visible(&missing.join(", "))))
        .collect();
    if hidden.is_empty() {
        return Ok(());
    }
    let error = anyhow!(
        "run {shown}: the image does more than it states: {}",
        hidden.join("; ")
    );
    Err(hinted(
        error,
        "whoever made it hides this, or used another version of ecli: build it again from sources \
         that you trust",
    ))
}

/// Helpers that reach beyond the tool's own maps, and what they let it do.
const HELPERS_OF_NOTE: &[(&str, &str)] = &[
    (
        "bpf_probe_write_user",
        "write into the memory of other processes",
    ),
    ("bpf_override_return", "make functions of the kernel fail"),
    ("bpf_send_signal", "send signals, which can end processes"),
    (
        "bpf_send_signal_thread",
        "send signals, which can end processes",
    ),
    ("bpf_probe_read_user", "read the memory of processes"),
    ("bpf_probe_read_user_str", "read the memory of processes"),
    ("bpf_copy_from_user", "read the memory of processes"),
    ("bpf_copy_from_user_task", "read the memory of processes"),
    ("bpf_probe_read", "read any memory"),
    ("bpf_probe_read_str", "read any memory"),
    ("bpf_probe_read_kernel", "read the kernel's memory"),
    ("bpf_probe_read_kernel_str", "read the kernel's memory"),
    ("bpf_skb_store_bytes", "change packets"),
    ("bpf_xdp_store_bytes", "change packets"),
    ("bpf_clone_redirect", "send packets elsewhere"),
    ("bpf_redirect", "send packets elsewhere"),
    ("bpf_redirect_map", "send packets elsewhere"),
    ("bpf_redirect_neigh", "send packets elsewhere"),
    ("bpf_redirect_peer", "send packets elsewhere"),
    ("bpf_setsockopt", "change sockets of other processes"),
    ("bpf_sk_assign", "take over connections"),
    ("bpf_sys_bpf", "make bpf system calls"),
    ("bpf_kallsyms_lookup_name", "look up kernel addresses"),
    ("bpf_sysctl_set_new_value", "change kernel settings"),
];

/// Program types that decide over others, and what they let the tool do.
const TYPES_OF_NOTE: &[(&str, &str)] = &[
    ("xdp", "drop and change packets"),
    ("sched_cls", "drop and change packets"),
    ("netfilter", "drop packets"),
    ("sk_skb", "redirect traffic of sockets"),
    ("sk_msg", "redirect traffic of sockets"),
    ("sk_lookup", "redirect connections"),
    ("flow_dissector", "decide how packets are read"),
    ("lsm", "forbid what processes do"),
    ("struct_ops", "replace parts of the kernel"),
    ("ext", "replace functions of other BPF programs"),
    (
        "raw_tracepoint_writable",
        "change what tracepoints hand out",
    ),
    ("syscall", "make bpf system calls"),
    (
        "unspec",
        "be of a type that this version of ecli does not know",
    ),
];

/// What the tool asks for, in lines for people.
pub(crate) fn described(permissions: &Permissions) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = |title: &str, names: Vec<String>| {
        if !names.is_empty() {
            lines.push(format!("{title:<12} {}", visible(&names.join(", "))));
        }
    };
    let all = |set: &BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>();
    line("programs", all(&permissions.program_types));
    line("attach to", all(&permissions.attach_targets));
    let mut powers: Vec<(&str, &str)> = Vec::new();
    for (table, set) in [
        (TYPES_OF_NOTE, &permissions.program_types),
        (HELPERS_OF_NOTE, &permissions.helpers),
    ] {
        powers.extend(table.iter().filter(|(name, _)| set.contains(*name)));
    }
    if permissions
        .program_types
        .iter()
        .any(|name| name.starts_with("cgroup"))
    {
        powers.push(("cgroup", "decide what processes of a cgroup may do"));
    }
    for (name, power) in powers {
        line("can", vec![format!("{power} ({name})")]);
    }
    line("functions", all(&permissions.kernel_functions));
    line("shares maps", all(&permissions.pinned_maps));
    let outside = permissions
        .imports
        .iter()
        .filter(|import| !import.starts_with("eunomia:bpf/") && !is_harmless(import))
        .cloned()
        .collect();
    line("imports", outside);
    lines
}

/// Interfaces that every guest has, and that give it nothing here.
fn is_harmless(import: &str) -> bool {
    ["wasi:cli/", "wasi:io/", "wasi:clocks/", "wasi:random/"]
        .iter()
        .any(|package| import.starts_with(package))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permissions() -> Permissions {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Permissions {
            program_types: set(&["kprobe", "xdp"]),
            attach_targets: set(&["kprobe/a", "xdp"]),
            helpers: set(&["bpf_map_lookup_elem", "bpf_send_signal"]),
            imports: set(&["eunomia:bpf/output", "wasi:cli/stdout", "wasi:sockets/tcp"]),
            ..Permissions::default()
        }
    }

    #[test]
    fn an_image_that_understates_is_refused_with_what_it_hides() {
        let computed = permissions();
        let mut stated = to_image(&computed);
        check_stated("x", Some(&stated), &computed).unwrap();
        check_stated("x", None, &computed).unwrap();
        stated.helpers.retain(|name| name != "bpf_send_signal");
        stated.program_types.clear();
        let message = check_stated("x", Some(&stated), &computed)
            .unwrap_err()
            .to_string();
        assert!(message.contains("program types kprobe, xdp"), "{message}");
        assert!(message.contains("helpers bpf_send_signal"), "{message}");
        assert!(!message.contains("map_lookup"), "{message}");
    }

    #[test]
    fn people_read_what_matters() {
        let text = described(&permissions()).join("\n");
        assert!(text.contains("send signals"), "{text}");
        assert!(text.contains("drop and change packets (xdp)"), "{text}");
        assert!(text.contains("wasi:sockets/tcp"), "{text}");
        assert!(
            !text.contains("map_lookup") && !text.contains("stdout"),
            "{text}"
        );
    }
}
