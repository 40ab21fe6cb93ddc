// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

const volatile __u32 constant = 9;
__u32 initialized = 3;
__u64 counter;

/* A little more than 1 MiB; an element takes 8 bytes. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 140000);
	__type(key, __u32);
	__type(value, __u32);
} shared SEC(".maps");

SEC("syscall")
int bump(void *ctx)
{
	__u32 key = 2;
	__u32 *value = bpf_map_lookup_elem(&shared, &key);

	if (value)
		*value += 1;
	counter += constant;
	return 0;
}
