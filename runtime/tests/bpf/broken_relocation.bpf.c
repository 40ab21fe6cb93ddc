// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* An image that no kernel, or not every one, runs: see tests/tests/check.rs. */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";
__u64 seen;

struct task_struct___ecli {
	int no_such_field;
} __attribute__((preserve_access_index));

SEC("raw_tp/sys_enter")
int program(void *ctx)
{
	struct task_struct___ecli *task = (void *)bpf_get_current_task();

	seen = BPF_CORE_READ(task, no_such_field);
	return 0;
}
