// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* A program with a function that another program may replace, and a congestion control. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

__noinline int replaceable(struct __sk_buff *ctx)
{
	volatile int result = 1;

	return result;
}

SEC("socket")
int original(struct __sk_buff *ctx)
{
	return replaceable(ctx);
}

SEC("freplace/replaceable")
int replacement(struct __sk_buff *ctx)
{
	return 42;
}

SEC("struct_ops")
__u32 BPF_PROG(slow_start_threshold, struct sock *sk)
{
	return 2;
}

SEC("struct_ops")
void BPF_PROG(avoid_congestion, struct sock *sk, __u32 ack, __u32 acked)
{
}

SEC("struct_ops")
__u32 BPF_PROG(undo_window, struct sock *sk)
{
	return 2;
}

SEC(".struct_ops")
struct tcp_congestion_ops congestion = {
	.ssthresh = (void *)slow_start_threshold,
	.cong_avoid = (void *)avoid_congestion,
	.undo_cwnd = (void *)undo_window,
	.name = "ecli_test",
};
