// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
// Measures how long tasks that could run wait for a CPU.
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define COMM_BYTES 16
/* Slot 0 counts 0 and 1, slot n counts 2^n to 2^(n+1)-1, the last slot all that is longer. */
#define SLOTS 26
#define TASK_RUNNING 0
#define NS_PER_US 1000
#define NS_PER_MS 1000000

enum grouping {
	BY_NOTHING,
	BY_PROCESS,
	BY_THREAD,
};

struct histogram {
	__u64 slots[SLOTS];
	char comm[COMM_BYTES];
};

const volatile enum grouping grouping = BY_NOTHING;
const volatile __u32 filter_pid = 0;
const volatile bool in_milliseconds = false;

/* Waits that were not measured because a map was full. */
__u64 lost_waits = 0;

/* Since when a task has been waiting; kept while it waits. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, __u32);
	__type(value, __u64);
} waiting_since SEC(".maps");

/* By process or thread; a single one, under 0, when all are counted together. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, __u32);
	__type(value, struct histogram);
} histograms SEC(".maps");

static const struct histogram empty_histogram;

static int start_waiting(struct task_struct *task)
{
	__u64 now = bpf_ktime_get_ns();
	__u32 tid = task->pid, pid = task->tgid;

	/* Thread 0 is the idle task of every CPU. */
	if (!tid || (filter_pid && pid != filter_pid))
		return 0;
	if (bpf_map_update_elem(&waiting_since, &tid, &now, BPF_ANY))
		__sync_fetch_and_add(&lost_waits, 1);
	return 0;
}

/* Linux 5.14 renamed the field. */
struct task_struct___before_5_14 {
	volatile long state;
} __attribute__((preserve_access_index));

static bool is_runnable(struct task_struct *task)
{
	if (bpf_core_field_exists(task->__state))
		return task->__state == TASK_RUNNING;
	return BPF_CORE_READ((struct task_struct___before_5_14 *)task, state) == TASK_RUNNING;
}

static struct histogram *histogram_of(struct task_struct *task)
{
	struct histogram *histogram;
	__u32 key = 0;

	if (grouping == BY_PROCESS)
		key = task->tgid;
	else if (grouping == BY_THREAD)
		key = task->pid;
	histogram = bpf_map_lookup_elem(&histograms, &key);
	if (histogram)
		return histogram;
	bpf_map_update_elem(&histograms, &key, &empty_histogram, BPF_NOEXIST);
	histogram = bpf_map_lookup_elem(&histograms, &key);
	if (histogram && grouping == BY_PROCESS)
		bpf_probe_read_kernel(histogram->comm, COMM_BYTES, &task->group_leader->comm);
	else if (histogram && grouping == BY_THREAD)
		bpf_probe_read_kernel(histogram->comm, COMM_BYTES, &task->comm);
	return histogram;
}

/* The position of the highest bit; 0 for 0. */
static __u32 log2_of(__u64 value)
{
	__u32 result = 0;

	for (__u32 shift = 32; shift; shift >>= 1) {
		if (value >> shift) {
			value >>= shift;
			result += shift;
		}
	}
	return result;
}

static int end_waiting(struct task_struct *task)
{
	struct histogram *histogram;
	__u32 tid = task->pid, slot;
	__u64 *since, waited_ns;

	since = bpf_map_lookup_elem(&waiting_since, &tid);
	if (!since)
		return 0;
	waited_ns = bpf_ktime_get_ns() - *since;
	bpf_map_delete_elem(&waiting_since, &tid);
	/* Clocks of two CPUs may differ a little. */
	if ((__s64)waited_ns < 0)
		return 0;
	histogram = histogram_of(task);
	if (!histogram) {
		__sync_fetch_and_add(&lost_waits, 1);
		return 0;
	}
	slot = log2_of(waited_ns / (in_milliseconds ? NS_PER_MS : NS_PER_US));
	if (slot >= SLOTS)
		slot = SLOTS - 1;
	__sync_fetch_and_add(&histogram->slots[slot], 1);
	return 0;
}

SEC("tp_btf/sched_wakeup")
int BPF_PROG(on_wakeup, struct task_struct *task)
{
	return start_waiting(task);
}

SEC("tp_btf/sched_wakeup_new")
int BPF_PROG(on_wakeup_new, struct task_struct *task)
{
	return start_waiting(task);
}

SEC("tp_btf/sched_switch")
int BPF_PROG(on_switch, bool preempt, struct task_struct *previous, struct task_struct *next)
{
	/* It was made to give way, and waits from now on. */
	if (is_runnable(previous))
		start_waiting(previous);
	return end_waiting(next);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
