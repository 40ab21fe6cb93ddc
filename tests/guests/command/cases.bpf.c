// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
// One map of each kind, and programs that the guest runs itself: the cases need nobody's events.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

enum kind {
	KIND_FIRST = 1,
	KIND_OTHER = 2,
};

struct event {
	__u64 index;
	enum kind kind;
	char comm[16];
	__u8 tail_bytes;
	char tail[];
};

struct pair {
	__u32 left;
	__u64 right;
};

struct prefix {
	__u32 bits;
	__u8 address[4];
};

struct event *unused __attribute__((unused));

/* How many records, and how many of them (the last ones) are discarded. */
const volatile __u32 records = 10;
const volatile __u32 discarded = 0;
const volatile char text[16] = "unset";

__u64 written = 0;
__u64 commands_seen = 0;
__u64 commands_sum = 0;
__u64 calls = 0;
struct pair both = { .left = 1, .right = 2 };

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 * 1024);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} perf_events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_USER_RINGBUF);
	__uint(max_entries, 4096);
} commands SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 10000);
	__type(key, __u32);
	__type(value, struct pair);
} hash SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 100);
	__type(key, __u32);
	__type(value, __u32);
} per_cpu SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __u64);
} slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 4);
	__type(value, __u32);
} queue SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_STACK);
	__uint(max_entries, 4);
	__type(value, __u32);
} stack SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_BLOOM_FILTER);
	__uint(max_entries, 100);
	__type(value, __u64);
} bloom SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 16);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct prefix);
	__type(value, __u32);
} routes SEC(".maps");

struct inner {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u32);
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, __u32);
	__array(values, struct inner);
} outer SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} jump SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} shared SEC(".maps");

static long produce_one(__u64 index, void *ctx)
{
	struct event *event = bpf_ringbuf_reserve(&events, sizeof(*event) + 8, 0);

	if (!event)
		return 1;
	event->index = index;
	event->kind = index ? KIND_OTHER : KIND_FIRST;
	__builtin_memset(event->comm, 0, sizeof(event->comm));
	__builtin_memcpy(event->comm, "producer", 8);
	event->tail_bytes = 4;
	__builtin_memcpy(event->tail, "tail\0\0\0", 8);
	if (index >= records - discarded)
		bpf_ringbuf_discard(event, 0);
	else
		bpf_ringbuf_submit(event, 0);
	written++;
	return 0;
}

SEC("syscall")
int produce(void *ctx)
{
	bpf_loop(records, produce_one, NULL, 0);
	return 0;
}

static long take_command(struct bpf_dynptr *dynptr, void *ctx)
{
	__u64 value = 0;

	if (bpf_dynptr_read(&value, sizeof(value), dynptr, 0, 0))
		return 1;
	commands_seen++;
	commands_sum += value;
	return 0;
}

SEC("syscall")
int take_commands(void *ctx)
{
	bpf_user_ringbuf_drain(&commands, take_command, NULL, 0);
	return 0;
}

/* Every system call of the machine, so that there is one soon. */
SEC("raw_tracepoint/sys_enter")
int on_call(struct bpf_raw_tracepoint_args *ctx)
{
	__u64 call = __sync_fetch_and_add(&calls, 1);

	if (call < records)
		bpf_perf_event_output(ctx, &perf_events, BPF_F_CURRENT_CPU, &call, sizeof(call));
	return 0;
}

SEC("iter/bpf_map")
int list_maps(struct bpf_iter__bpf_map *ctx)
{
	struct seq_file *seq = ctx->meta->seq;
	static const char line[] = "map\n";

	if (ctx->map)
		bpf_seq_write(seq, line, sizeof(line) - 1);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
