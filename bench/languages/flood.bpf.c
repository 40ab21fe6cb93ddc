// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
// Fills a ring buffer with records of 64 bytes, so that reading them can be measured alone.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

/* More records than the ring holds. */
#define LOOPS_MAX (1 << 15)

struct event {
	__u64 number;
	__u32 pid;
	__u32 kind;
	char comm[16];
	__u64 words[4];
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} events SEC(".maps");

struct event event = { .pid = 1, .kind = 2, .comm = "flood" };

static long write_event(__u64 index, void *unused)
{
	event.number = index + 1;
	/* Without a wake-up: nobody waits. */
	return bpf_ringbuf_output(&events, &event, sizeof(event), BPF_RB_NO_WAKEUP) ? 1 : 0;
}

SEC("syscall")
int fill(void *context)
{
	bpf_loop(LOOPS_MAX, write_event, NULL, 0);
	return 0;
}

/* Records of a ring buffer have no type in BTF; this makes it appear there. */
struct event *unused_event __attribute__((unused));

char LICENSE[] SEC("license") = "Dual BSD/GPL";
