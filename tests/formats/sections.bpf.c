// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
// Maps in sections of their own, as older images of bumblebee have them.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

typedef u32 ipv4_addr;
typedef u64 duration;

struct dimensions {
	u32 pid;
	ipv4_addr address;
};

struct printed {
	u32 pid;
	ipv4_addr address;
	duration took;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct dimensions);
	__type(value, u64);
} totals SEC(".maps.counter");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 16);
	__type(value, struct printed);
} events SEC(".maps.print");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct dimensions);
	__type(value, u64);
} levels SEC(".maps.gauge");

SEC("tracepoint/sched/sched_process_exec")
int handle_exec(void *ctx)
{
	u32 pid = bpf_get_current_pid_tgid() >> 32;
	struct dimensions key = { .pid = pid, .address = 0x0100007f };
	struct printed *event;
	u64 one = 1, seven = 7, *count;

	count = bpf_map_lookup_elem(&totals, &key);
	if (count)
		__sync_fetch_and_add(count, 1);
	else
		bpf_map_update_elem(&totals, &key, &one, BPF_ANY);
	bpf_map_update_elem(&levels, &key, &seven, BPF_ANY);
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event)
		return 0;
	event->pid = pid;
	event->address = 0x0100007f;
	event->took = 1500;
	bpf_ringbuf_submit(event, 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
