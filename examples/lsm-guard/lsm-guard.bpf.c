// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
// Denies opening files whose paths begin as user space says, and reports who tried.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define COMM_BYTES 16
/* A key of the policy has at most 256 bytes, as the kernel wants of such a map. */
#define PATH_BYTES_MAX 252
#define EPERM 1

struct prefix {
	/* In bits. */
	__u32 length;
	char path[PATH_BYTES_MAX];
};

/* What is done about a path. */
enum action {
	ALLOW,
	REPORT,
	DENY,
};

struct event {
	/* CLOCK_BOOTTIME */
	__u64 time_ns;
	__u32 pid;
	__u32 uid;
	__u32 action;
	char comm[COMM_BYTES];
	char path[PATH_BYTES_MAX];
};

/* Events that found the ring buffer full. */
__u64 lost_events = 0;

/* The longest prefix of a path decides; filled by user space. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 1024);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct prefix);
	__type(value, __u32);
} policy SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 << 10);
} events SEC(".maps");

/* Where a path is put together: too large for the stack. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct prefix);
} scratch SEC(".maps");

static __always_inline void report(const struct prefix *prefix, __u32 action)
{
	struct event *event;

	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event) {
		__sync_fetch_and_add(&lost_events, 1);
		return;
	}
	event->time_ns = bpf_ktime_get_boot_ns();
	event->pid = bpf_get_current_pid_tgid() >> 32;
	event->uid = bpf_get_current_uid_gid();
	event->action = action;
	bpf_get_current_comm(event->comm, COMM_BYTES);
	bpf_probe_read_kernel(event->path, PATH_BYTES_MAX, prefix->path);
	bpf_ringbuf_submit(event, 0);
}

SEC("lsm/file_open")
int BPF_PROG(on_open, struct file *file)
{
	struct prefix *prefix;
	__u32 *action;
	__u32 zero = 0;
	long bytes;

	prefix = bpf_map_lookup_elem(&scratch, &zero);
	if (!prefix)
		return 0;
	bytes = bpf_d_path(&file->f_path, prefix->path, PATH_BYTES_MAX);
	/* Paths that are too long for the policy are not in it. */
	if (bytes <= 1 || bytes > PATH_BYTES_MAX)
		return 0;
	/* All of the path without its NUL; the trie finds the longest prefix that it has. */
	prefix->length = (bytes - 1) * 8;
	action = bpf_map_lookup_elem(&policy, prefix);
	if (!action || *action == ALLOW)
		return 0;
	report(prefix, *action);
	return *action == DENY ? -EPERM : 0;
}

/* Records of a ring buffer have no type in BTF; this makes it appear there. */
struct event *unused_event __attribute__((unused));

char LICENSE[] SEC("license") = "Dual BSD/GPL";
