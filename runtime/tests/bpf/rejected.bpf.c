// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Programs that do not load, each for a reason of its own, and one that does. */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

int table[4];

struct task_struct___other {
	int no_such_field;
} __attribute__((preserve_access_index));

SEC("raw_tp")
int out_of_bounds(struct bpf_raw_tracepoint_args *ctx)
{
	return table[ctx->args[0] & 0xff];
}

SEC("raw_tp")
int no_such_field(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct___other *task = (void *)bpf_get_current_task();

	return BPF_CORE_READ(task, no_such_field);
}

SEC("raw_tp")
int good(void *ctx)
{
	return 0;
}
