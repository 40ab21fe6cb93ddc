// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
// Samples with both stacks in the record itself, and a linear histogram of the processes' numbers.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define DEPTH 127
#define SLOTS 16

struct event {
	u32 pid;
	u32 cpu_id;
	char comm[16];
	s32 kstack_sz;
	s32 ustack_sz;
	u64 kstack[DEPTH];
	u64 user_addresses[DEPTH];
};

struct hist {
	u32 slots[SLOTS];
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4);
	__type(key, u32);
	__type(value, struct hist);
} hists SEC(".maps");

const struct event *unused __attribute__((unused));
const volatile u32 target = 0;
const volatile u32 wanted = 0;

SEC("perf_event")
int on_sample(void *ctx)
{
	u32 pid = bpf_get_current_pid_tgid() >> 32;
	struct event *event;

	if (!target || pid != target)
		return 0;
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event)
		return 0;
	event->pid = pid;
	event->cpu_id = bpf_get_smp_processor_id();
	bpf_get_current_comm(event->comm, sizeof(event->comm));
	event->kstack_sz = bpf_get_stack(ctx, event->kstack, sizeof(event->kstack), 0);
	event->ustack_sz = bpf_get_stack(ctx, event->user_addresses,
					 sizeof(event->user_addresses), BPF_F_USER_STACK);
	bpf_ringbuf_submit(event, 0);
	return 0;
}

SEC("tp/sched/sched_process_exec")
int on_exec(void *ctx)
{
	static const struct hist zero;
	u32 of = 5;
	struct hist *hist = bpf_map_lookup_elem(&hists, &of);

	if (!hist) {
		bpf_map_update_elem(&hists, &of, &zero, BPF_NOEXIST);
		hist = bpf_map_lookup_elem(&hists, &of);
		if (!hist)
			return 0;
	}
	__sync_fetch_and_add(&hist->slots[11], 1);
	return 0;
}

#ifndef NO_ITERATOR
SEC("iter/task")
int list(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;

	if (task && task->pid == wanted)
		BPF_SEQ_PRINTF(ctx->meta->seq, "process %d\n", task->pid);
	return 0;
}
#endif

char LICENSE[] SEC("license") = "GPL";
