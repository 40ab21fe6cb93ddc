//! What a tool needs of a kernel, as far as its contents tell without one.

use std::collections::BTreeSet;

use eunomia_runtime::Permissions;
use serde::Serialize;

use crate::inspection::ObjectFacts;

/// The oldest kernel on which any tool runs: objects are compiled for its instructions.
const RELEASE_MIN: &str = "5.15";

/// What came later, in the words of [`Needs`] (Linux's `include/uapi/linux/bpf.h` and its history).
const LATER: &[(&str, Kind, &[&str])] = &[
    ("5.16", Kind::Map, &["bloom_filter"]),
    (
        "5.16",
        Kind::Helper,
        &[
            "bpf_get_branch_snapshot",
            "bpf_kallsyms_lookup_name",
            "bpf_skc_to_unix_sock",
            "bpf_trace_vprintk",
        ],
    ),
    (
        "5.17",
        Kind::Helper,
        &[
            "bpf_find_vma",
            "bpf_get_func_arg",
            "bpf_get_func_arg_cnt",
            "bpf_get_func_ret",
            "bpf_loop",
            "bpf_strncmp",
        ],
    ),
    ("5.18", Kind::Section, &["kprobe.multi", "kretprobe.multi"]),
    (
        "5.18",
        Kind::Helper,
        &[
            "bpf_copy_from_user_task",
            "bpf_get_retval",
            "bpf_ima_file_hash",
            "bpf_set_retval",
            "bpf_skb_set_tstamp",
            "bpf_xdp_get_buff_len",
            "bpf_xdp_load_bytes",
            "bpf_xdp_store_bytes",
        ],
    ),
    (
        "5.19",
        Kind::Helper,
        &[
            "bpf_dynptr_data",
            "bpf_dynptr_from_mem",
            "bpf_dynptr_read",
            "bpf_dynptr_write",
            "bpf_kptr_xchg",
            "bpf_map_lookup_percpu_elem",
            "bpf_ringbuf_discard_dynptr",
            "bpf_ringbuf_reserve_dynptr",
            "bpf_ringbuf_submit_dynptr",
            "bpf_skc_to_mptcp_sock",
        ],
    ),
    (
        "6.0",
        Kind::Helper,
        &[
            "bpf_tcp_raw_check_syncookie_ipv4",
            "bpf_tcp_raw_check_syncookie_ipv6",
            "bpf_tcp_raw_gen_syncookie_ipv4",
            "bpf_tcp_raw_gen_syncookie_ipv6",
        ],
    ),
    ("6.1", Kind::Map, &["user_ringbuf"]),
    (
        "6.1",
        Kind::Helper,
        &["bpf_ktime_get_tai_ns", "bpf_user_ringbuf_drain"],
    ),
    ("6.2", Kind::Map, &["cgrp_storage"]),
    (
        "6.2",
        Kind::Helper,
        &["bpf_cgrp_storage_delete", "bpf_cgrp_storage_get"],
    ),
    ("6.4", Kind::Program, &["netfilter"]),
    (
        "6.6",
        Kind::Section,
        &["tcx", "uprobe.multi", "uretprobe.multi"],
    ),
    ("6.7", Kind::Section, &["netkit"]),
    ("6.9", Kind::Map, &["arena"]),
    ("6.10", Kind::Section, &["kprobe.session"]),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Program,
    Section,
    Map,
    Helper,
}

/// What a tool needs of a kernel. Whether this machine's has it, `ecli check` says.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Needs {
    /// The oldest release that has all that is known here; functions of the kernel are not.
    pub(crate) release_min: String,
    /// What makes it that release.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) because: Option<String>,
    /// libbpf's names.
    pub(crate) program_types: BTreeSet<String>,
    /// libbpf's names.
    pub(crate) map_types: BTreeSet<String>,
    /// Helpers that are called.
    pub(crate) helpers: BTreeSet<String>,
    /// Functions of the kernel that are called.
    pub(crate) kernel_functions: BTreeSet<String>,
}

impl Needs {
    /// Those of the objects, whose permissions were computed.
    pub(crate) fn of(objects: &[ObjectFacts], permissions: &Permissions) -> Self {
        let maps = objects.iter().flat_map(|object| &object.maps);
        let programs = objects.iter().flat_map(|object| &object.programs);
        let mut needs = Self {
            release_min: RELEASE_MIN.to_owned(),
            because: None,
            program_types: permissions.program_types.clone(),
            map_types: maps.map(|map| map.type_name.clone()).collect(),
            helpers: permissions.helpers.clone(),
            kernel_functions: permissions.kernel_functions.clone(),
        };
        let sections: BTreeSet<String> = programs
            .map(|program| {
                let place = program.section.split('/').next().unwrap_or_default();
                place.trim_start_matches('?').to_owned()
            })
            .collect();
        // The last one that is there is the newest.
        for (release, kind, names) in LATER {
            let (own, what) = match kind {
                Kind::Program => (&needs.program_types, "programs of type"),
                Kind::Section => (&sections, "section"),
                Kind::Map => (&needs.map_types, "map type"),
                Kind::Helper => (&needs.helpers, "helper"),
            };
            if let Some(name) = names.iter().find(|name| own.contains(**name)) {
                needs.because = Some(format!("{what} {name}"));
                needs.release_min = (*release).to_owned();
            }
        }
        needs
    }

    /// In lines for people: what it is, and which.
    pub(crate) fn described(&self) -> Vec<(&'static str, String)> {
        let because = self
            .because
            .as_ref()
            .map(|because| format!(", for {because}"));
        let release = format!(
            "{} or newer{}",
            self.release_min,
            because.unwrap_or_default()
        );
        let all = |set: &BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>().join(", ");
        let mut lines = vec![
            ("release", release),
            ("programs", all(&self.program_types)),
            ("maps", all(&self.map_types)),
            ("helpers", all(&self.helpers)),
            ("functions", all(&self.kernel_functions)),
        ];
        lines.retain(|(_, names)| !names.is_empty());
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(release: &str) -> (u32, u32) {
        let (major, minor) = release.split_once('.').unwrap();
        (major.parse().unwrap(), minor.parse().unwrap())
    }

    #[test]
    fn the_newest_need_decides_and_is_named() {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let mut permissions = Permissions {
            program_types: set(&["kprobe"]),
            helpers: set(&["bpf_map_lookup_elem", "bpf_loop"]),
            ..Permissions::default()
        };
        let needs = Needs::of(&[], &permissions);
        assert_eq!(needs.release_min, "5.17");
        assert_eq!(needs.described()[0].1, "5.17 or newer, for helper bpf_loop");
        permissions.program_types = set(&["netfilter"]);
        assert_eq!(Needs::of(&[], &permissions).release_min, "6.4");
        let needs = Needs::of(&[], &Permissions::default());
        assert_eq!(needs.described(), [("release", "5.15 or newer".into())]);
    }

    #[test]
    fn the_table_goes_from_old_to_new() {
        let releases = LATER.iter().map(|(release, _, _)| number(release));
        assert!(releases.clone().is_sorted());
        assert!(releases.min().unwrap() > number(RELEASE_MIN));
    }
}
