// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

__u64 now_ns;

SEC("syscall")
int look(void *ctx)
{
	now_ns = bpf_ktime_get_ns();
	return 0;
}
