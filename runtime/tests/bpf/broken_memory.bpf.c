// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* An image that no kernel, or not every one, runs: see tests/tests/check.rs. */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";
__u64 seen;

/* 4 TiB. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1 << 30);
	__uint(key_size, 4);
	__uint(value_size, 4096);
} large SEC(".maps");

SEC("raw_tp/sys_enter")
int program(void *ctx)
{
	seen = !!bpf_map_lookup_elem(&large, &(__u32){0});
	return 0;
}
