// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
// Reports the strings that a function of a program returns: by default the lines typed into bash.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define COMM_BYTES 16
/* What is longer is cut. */
#define LINE_BYTES_MAX 4096

/* A record is as long as its line. */
struct event {
	/* CLOCK_BOOTTIME */
	__u64 time_ns;
	__u32 pid;
	__u32 uid;
	char comm[COMM_BYTES];
	/* With its NUL; as long as the record. */
	char line[];
};

/* Events that found the ring buffer full. */
__u64 lost_events = 0;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 << 10);
} events SEC(".maps");

/* Where an event is put together: too large for the stack. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct event) + LINE_BYTES_MAX);
} scratch SEC(".maps");

/* The section names no target: user space says which function of which binary. */
SEC("uretprobe")
int BPF_KRETPROBE(on_return, const void *line)
{
	struct event *event;
	__u32 zero = 0;
	long bytes;

	/* readline returns nothing at the end of its input. */
	if (!line)
		return 0;
	event = bpf_map_lookup_elem(&scratch, &zero);
	if (!event)
		return 0;
	bytes = bpf_probe_read_user_str(event->line, LINE_BYTES_MAX, line);
	if (bytes < 0)
		return 0;
	event->time_ns = bpf_ktime_get_boot_ns();
	event->pid = bpf_get_current_pid_tgid() >> 32;
	event->uid = bpf_get_current_uid_gid();
	bpf_get_current_comm(event->comm, COMM_BYTES);
	if (bpf_ringbuf_output(&events, event, sizeof(*event) + bytes, 0))
		__sync_fetch_and_add(&lost_events, 1);
	return 0;
}

/* Records of a ring buffer have no type in BTF; this makes it appear there. */
struct event *unused_event __attribute__((unused));

char LICENSE[] SEC("license") = "Dual BSD/GPL";
