// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct words {
	__u32 left;
	__u32 right;
	__u32 sum;
};

/* Sums up in its context. */
SEC("syscall")
int add(struct words *words)
{
	words->sum = words->left + words->right;
	return words->sum & 0xff;
}

SEC("syscall")
int nothing(void *ctx)
{
	return 0;
}

/* Changes the first byte, and lets the packet grow by 4 bytes when it is 1. */
SEC("xdp")
int change(struct xdp_md *ctx)
{
	__u8 *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u8 first;

	if (data + 1 > end)
		return XDP_ABORTED;
	first = *data;
	*data = 0xaa;
	if (first == 1 && bpf_xdp_adjust_tail(ctx, 4))
		return XDP_ABORTED;
	return XDP_PASS;
}
