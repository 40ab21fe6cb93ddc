// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
// A gadget that samples stacks: their identifiers in keys, their addresses in maps of their own.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "gadget.h"

#define DEPTH 127

struct key_t {
	gadget_pid pid;
	gadget_kernel_stack kern_stack_raw;
	struct gadget_user_stack user_stack_raw;
};

struct value {
	__u64 samples;
};

struct event {
	gadget_pid pid;
	gadget_comm comm[TASK_COMM_LEN];
	gadget_kernel_stack kstack_raw;
};

#define STACKS(name)                                 \
	struct {                                     \
		__uint(type, BPF_MAP_TYPE_STACK_TRACE); \
		__uint(max_entries, 10240);          \
		__uint(key_size, sizeof(__u32));     \
		__uint(value_size, DEPTH * sizeof(__u64)); \
	} name SEC(".maps")

STACKS(ig_kstack);
STACKS(ig_ustack);

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct key_t);
	__type(value, struct value);
} counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 18);
} events SEC(".maps");

/* Whose size the runner sets. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 0);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, 64);
} ig_build_id SEC(".maps");

const volatile int ig_build_id_max_entries = 77;

SYMBOL(gadget_mapiter_samples___counts)
SYMBOL(gadget_tracer_execs___events___event)
SYMBOL(gadget_param_target)
const struct event *unused_event __attribute__((unused));

const volatile __u32 target = 0;

/* No loader of today knows sections like this one but that of gadgets. */
SEC("perf_event/profiler")
int ig_sample(struct bpf_perf_event_data *ctx)
{
	struct value one = { .samples = 1 }, *value;
	__u64 id = bpf_get_current_pid_tgid();
	struct key_t key = { .pid = id >> 32 };
	__u32 zero = 0;

	if (!target || key.pid != target || bpf_map_lookup_elem(&ig_build_id, &zero))
		return 0;
	key.kern_stack_raw = bpf_get_stackid(ctx, &ig_kstack, 0);
	key.user_stack_raw.stack_id = bpf_get_stackid(ctx, &ig_ustack, BPF_F_USER_STACK);
	key.user_stack_raw.exe_inode = 1;
	key.user_stack_raw.pid_level0 = id;
	value = bpf_map_lookup_elem(&counts, &key);
	if (value)
		__sync_fetch_and_add(&value->samples, 1);
	else
		bpf_map_update_elem(&counts, &key, &one, BPF_NOEXIST);
	return 0;
}

SEC("tracepoint/sched/sched_process_exec")
int ig_exec(void *ctx)
{
	struct event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event)
		return 0;
	event->pid = bpf_get_current_pid_tgid() >> 32;
	bpf_get_current_comm(event->comm, sizeof(event->comm));
	event->kstack_raw = bpf_get_stackid(ctx, &ig_kstack, 0);
	bpf_ringbuf_submit(event, 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
