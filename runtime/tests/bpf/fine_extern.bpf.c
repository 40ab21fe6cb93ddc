// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* An image that no kernel, or not every one, runs: see tests/tests/check.rs. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";
__u64 seen;

/* A variable of each CPU, which older kernels list without an address. */
extern const struct rq runqueues __ksym;

SEC("raw_tp/sys_enter")
int program(void *ctx)
{
	const struct rq *queue = bpf_this_cpu_ptr(&runqueues);

	seen = queue->nr_running;
	return 0;
}
