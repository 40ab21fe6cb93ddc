// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
// The kernel side of the guests of tests/: one of each kind of map, and programs that fill them.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

const volatile __u32 limit = 7;
__u64 counter = 3;
__u64 drained;

struct event {
	__u32 number;
	__u32 cpu;
	char text[8];
};
struct event *unused_event __attribute__((unused));

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 * 1024);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, __u64);
} hash SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u64);
} array SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u32);
} jumps SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_USER_RINGBUF);
	__uint(max_entries, 64 * 1024);
} requests SEC(".maps");

struct fill_args {
	__u32 records;
};

static long submit_one(__u32 index, void *ctx)
{
	struct event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event)
		return 1;
	event->number = index;
	event->cpu = bpf_get_smp_processor_id();
	__builtin_memcpy(event->text, "contract", 8);
	bpf_ringbuf_submit(event, 0);
	return 0;
}

// Run on request: writes as many records as its context asks for.
SEC("syscall")
int fill(struct fill_args *args)
{
	return bpf_loop(args->records, submit_one, 0, 0);
}

static long count_one(struct bpf_dynptr *dynptr, void *ctx)
{
	__sync_fetch_and_add(&drained, 1);
	return 0;
}

// Run on request: takes what user space wrote.
SEC("syscall")
int drain(void *ctx)
{
	return bpf_user_ringbuf_drain(&requests, count_one, 0, 0);
}

SEC("raw_tp/sched_process_exec")
int on_exec(void *ctx)
{
	__sync_fetch_and_add(&counter, 1);
	return 0;
}
