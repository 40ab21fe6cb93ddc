// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
// What the verifier refuses.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

SEC("raw_tp/sched_process_exec")
int wild(void *ctx)
{
	return *(volatile int *)0x1234;
}
