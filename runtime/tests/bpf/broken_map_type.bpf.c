// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* An image that no kernel, or not every one, runs: see tests/tests/check.rs. */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";
__u64 seen;

struct {
	__uint(type, 4711);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} odd SEC(".maps");

SEC("raw_tp/sys_enter")
int program(void *ctx)
{
	seen = !!bpf_map_lookup_elem(&odd, &(__u32){0});
	return 0;
}
