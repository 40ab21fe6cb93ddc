// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Programs that no kernel loads or attaches, each for one reason, and some that every one does. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct task_struct___ecli {
	int no_such_field;
	int tgid;
} __attribute__((preserve_access_index));

struct ecli_no_such_struct {
	int field;
} __attribute__((preserve_access_index));

enum bpf_map_type___ecli {
	BPF_MAP_TYPE_ECLI_NONE___ecli = 4711,
};

__u64 seen;

SEC("tracepoint/ecli/no_such_tracepoint")
int broken_tracepoint(void *ctx)
{
	return 0;
}

SEC("raw_tp/ecli_no_such_tracepoint")
int broken_raw_tracepoint(void *ctx)
{
	return 0;
}

SEC("tp_btf/ecli_no_such_tracepoint")
int broken_typed_tracepoint(void *ctx)
{
	return 0;
}

SEC("kprobe/ecli_no_such_function")
int broken_kprobe(void *ctx)
{
	return 0;
}

SEC("fentry/ecli_no_such_function")
int broken_fentry(void *ctx)
{
	return 0;
}

SEC("lsm/ecli_no_such_hook")
int broken_lsm(void *ctx)
{
	return 0;
}

SEC("iter/ecli_no_such_iterator")
int broken_iterator(void *ctx)
{
	return 0;
}

SEC("uprobe//ecli/no/such/file:main")
int broken_uprobe(void *ctx)
{
	return 0;
}

SEC("raw_tp/sys_enter")
int broken_field(void *ctx)
{
	struct task_struct___ecli *task = (void *)bpf_get_current_task();

	seen = BPF_CORE_READ(task, no_such_field);
	return 0;
}

SEC("raw_tp/sys_enter")
int broken_struct(void *ctx)
{
	struct ecli_no_such_struct *nothing = (void *)bpf_get_current_task();

	seen = BPF_CORE_READ(nothing, field);
	return 0;
}

SEC("raw_tp/sys_enter")
int broken_enum_value(void *ctx)
{
	seen = bpf_core_enum_value(enum bpf_map_type___ecli, BPF_MAP_TYPE_ECLI_NONE___ecli);
	return 0;
}

/* Only for kprobes. */
SEC("raw_tp/sys_enter")
int broken_helper(void *ctx)
{
	bpf_override_return(ctx, 0);
	return 0;
}

static long (*const no_such_helper)(void) = (void *)9999;

SEC("raw_tp/sys_enter")
int broken_unknown_helper(void *ctx)
{
	return no_such_helper();
}

SEC("raw_tp/sys_enter")
int fine_guarded_field(void *ctx)
{
	struct task_struct___ecli *task = (void *)bpf_get_current_task();

	if (bpf_core_field_exists(task->no_such_field))
		seen = BPF_CORE_READ(task, no_such_field);
	return 0;
}

SEC("raw_tp/sys_enter")
int fine_field(void *ctx)
{
	struct task_struct___ecli *task = (void *)bpf_get_current_task();

	seen = BPF_CORE_READ(task, tgid);
	return 0;
}

SEC("tp_btf/sys_enter")
int fine_typed_tracepoint(void *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();

	seen = task->real_parent->tgid;
	return 0;
}

SEC("iter/task")
int fine_iterator(struct bpf_iter__task *ctx)
{
	return 0;
}
