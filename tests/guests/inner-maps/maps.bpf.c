// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
// Looks up in a map that lies in a slot of another.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

__u32 found;

struct inner {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u32);
};

struct inner first SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 3);
	__type(key, __u32);
	__array(values, struct inner);
} slots SEC(".maps") = {
	.values = { [0] = &first },
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, struct inner);
} named SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} plain SEC(".maps");

struct look_args {
	__u32 slot;
	__u32 key;
};

SEC("syscall")
int look(struct look_args *args)
{
	__u32 slot = args->slot, key = args->key;
	__u32 *value;
	void *inner = bpf_map_lookup_elem(&slots, &slot);

	found = 0;
	if (!inner)
		return 1;
	value = bpf_map_lookup_elem(inner, &key);
	if (!value)
		return 2;
	found = *value;
	return 0;
}
