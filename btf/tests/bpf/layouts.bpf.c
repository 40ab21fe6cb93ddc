/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "bpf.h"
#include "layouts.h"

struct inner_only_by_pointer {
	u32 never_generated;
};

struct key {
	u32 pid;
	u64 address;
};

struct value {
	u64 count;
	struct point where;
	struct inner_only_by_pointer *pointer;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct key);
	__type(value, struct value);
} start SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u64);
} counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 16);
	__type(value, unnamed_t);
} queue SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(key_size, 4);
	__uint(value_size, 127 * 8);
	__uint(max_entries, 16);
} stacks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, 4);
	__uint(value_size, 4);
} samples SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_USER_RINGBUF);
	__uint(max_entries, 4096);
} commands SEC(".maps");

const volatile s32 targ_pid = 0;
const volatile _Bool failed_only = 0;
const volatile char targ_comm[16] = {};
volatile u64 dropped = 0;
struct padded last_seen = {};
enum event_kind wanted = EVENT_EXEC;
static volatile u32 not_visible = 3;

struct numbers *unused_numbers __attribute__((unused));
struct nested *unused_nested __attribute__((unused));
struct flags *unused_flags __attribute__((unused));
struct connection *unused_connection __attribute__((unused));
struct packed *unused_packed __attribute__((unused));
const struct event *unused_event __attribute__((unused));
struct with_tail *unused_tail __attribute__((unused));
struct with_records *unused_records __attribute__((unused));
struct aligned *unused_aligned __attribute__((unused));
enum small_kind *unused_small __attribute__((unused));

/* As CO-RE uses of kernel types look: in the BTF, but no business of user space. */
struct task_struct {
	s32 pid;
	struct task_struct *real_parent;
} __attribute__((preserve_access_index));

char LICENSE[] SEC("license") = "Dual BSD/GPL";

SEC("tp_btf/sched_process_exec")
int handle_exec(u64 *ctx)
{
	struct task_struct *task = (struct task_struct *)ctx[0];

	if (targ_pid && task->pid != targ_pid)
		return not_visible;
	__sync_fetch_and_add(&dropped, 1);
	return 0;
}
