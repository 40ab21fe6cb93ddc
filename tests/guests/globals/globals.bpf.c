// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

enum kind {
	KIND_FIRST = 1,
	KIND_OTHER = 2,
};

struct pair {
	__u32 left;
	__u64 right;
};

const volatile __u64 limit = 7;
const volatile char name[16] = "unset";
const volatile enum kind kind = KIND_FIRST;
__u64 total = 100;
__u32 seen;
struct pair both = { .left = 1, .right = 2 };

SEC("syscall")
int work(void *ctx)
{
	seen = limit;
	total += limit;
	return 0;
}
