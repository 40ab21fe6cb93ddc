// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* One map of each kind that user space can use, and global variables of each kind. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct pair {
	__u32 first;
	__u64 second;
};

#define HASH_LIKE(map_type, map_name, entries)		\
	struct {					\
		__uint(type, map_type);			\
		__uint(max_entries, entries);		\
		__type(key, __u32);			\
		__type(value, __u64);			\
	} map_name SEC(".maps")

HASH_LIKE(BPF_MAP_TYPE_HASH, hash, 1024);
HASH_LIKE(BPF_MAP_TYPE_HASH, large, 131072);
HASH_LIKE(BPF_MAP_TYPE_LRU_HASH, lru_hash, 1024);
HASH_LIKE(BPF_MAP_TYPE_PERCPU_HASH, percpu_hash, 1024);
HASH_LIKE(BPF_MAP_TYPE_LRU_PERCPU_HASH, lru_percpu_hash, 1024);
HASH_LIKE(BPF_MAP_TYPE_ARRAY, array, 16);
HASH_LIKE(BPF_MAP_TYPE_PERCPU_ARRAY, percpu_array, 16);

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 16);
	__type(key, struct pair);
	__type(value, char[5]);
} odd_sizes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 8);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, char[12]);
} memory SEC(".maps");

struct prefix {
	__u32 length;
	__u8 address[4];
};

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 64);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct prefix);
	__type(value, __u64);
} routes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 8);
	__type(value, __u64);
} queue SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_STACK);
	__uint(max_entries, 8);
	__type(value, __u64);
} stack SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_BLOOM_FILTER);
	__uint(max_entries, 64);
	__uint(map_extra, 3);
	__type(value, __u64);
} bloom SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, 64);
	__type(key, __u32);
	__uint(value_size, 127 * sizeof(__u64));
} stacks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u32);
} jumps SEC(".maps");

struct inner {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 32);
	__type(key, __u32);
	__type(value, __u64);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, __u32);
	__array(values, struct inner);
} outer_array SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, __u32);
	__array(values, struct inner);
} outer_hash SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64);
} sockets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

const volatile __u32 limit = 7;
const volatile struct pair configured = { .first = 1, .second = 2 };
__u64 counter = 40;
__u64 zeroed;
__u8 neighbours[4] = { 1, 2, 3, 4 };
__u32 in_own_section SEC(".data.config") = 5;
static volatile __u32 hidden = 9;

SEC("syscall")
int bump(void *ctx)
{
	counter += limit;
	zeroed += configured.second + hidden;
	neighbours[1]++;
	in_own_section++;
	return limit;
}

SEC("socket")
int called(struct __sk_buff *ctx)
{
	return 17;
}

SEC("socket")
int jump(struct __sk_buff *ctx)
{
	bpf_tail_call(ctx, &jumps, 2);
	return 1;
}

/* Stack of this call into `stacks`, its number into the return value. */
SEC("raw_tp")
int stack_of(void *ctx)
{
	return bpf_get_stackid(ctx, &stacks, 0);
}

/* Many entries, faster than by system calls. */
static long fill_one(__u32 index, void *ctx)
{
	__u64 value = index * 3ull;

	bpf_map_update_elem(&large, &index, &value, 0);
	return 0;
}

SEC("syscall")
int fill(__u64 *count)
{
	bpf_loop(*count, fill_one, NULL, 0);
	return 0;
}
