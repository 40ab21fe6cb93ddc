// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Asks for a type's number in the kernel's own BTF, which no part of it can tell. */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

__u64 number;

SEC("raw_tp/sys_enter")
int numbers(void *ctx)
{
	number = bpf_core_type_id_kernel(struct task_struct);
	return 0;
}
