//! What the type of a field says about how it looks.

/// Hints that go with the name of a typedef or struct.
pub(super) fn hints(name: &str) -> &'static [(&'static str, &'static str)] {
    match name {
        "gadget_mntns_id" => &[("format", "mount-namespace")],
        "gadget_netns_id" => &[("format", "network-namespace")],
        "gadget_timestamp" => &[("format", "time-boot-ns")],
        "gadget_signal" => &[("format", "signal")],
        "gadget_errno" => &[("format", "errno")],
        "gadget_uid" => &[("format", "uid")],
        "gadget_gid" => &[("format", "gid")],
        "gadget_syscall" => &[("format", "syscall")],
        "gadget_file_mode" => &[("format", "file-mode")],
        "gadget_file_flags" => &[("format", "file-flags")],
        "gadget_bytes" => &[("format", "bytes")],
        "gadget_duration" => &[("format", "duration-ns")],
        "gadget_pid" | "gadget_ppid" | "gadget_tid" | "gadget_ptid" => &[("width", "7")],
        "gadget_comm" | "gadget_pcomm" => &[("width", "16")],
        "gadget_counter__u32" | "gadget_counter__u64" => &[("metric", "counter")],
        "gadget_gauge__u32" | "gadget_gauge__u64" => &[("metric", "gauge")],
        "gadget_histogram_slot__u32" | "gadget_histogram_slot__u64" => {
            &[("metric", "histogram"), ("histogram", "log2")]
        }
        _ if name.ends_with("_set") => &[("format", "flags")],
        _ => &[],
    }
}
