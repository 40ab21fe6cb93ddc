// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
// Programs for links of several kinds.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

/* The thread whose system calls are counted: the one that ran `choose`. */
__u32 thread;
__u64 calls;

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} jumps SEC(".maps");

SEC("syscall")
int choose(void *ctx)
{
	thread = bpf_get_current_pid_tgid();
	return 0;
}

SEC("raw_tp/sys_enter")
int on_call(void *ctx)
{
	if (thread && (__u32)bpf_get_current_pid_tgid() == thread)
		__sync_fetch_and_add(&calls, 1);
	return 0;
}

SEC("tracepoint/sched/sched_process_exec")
int on_exec(void *ctx)
{
	return 0;
}

SEC("tracepoint")
int anywhere(void *ctx)
{
	return 0;
}

SEC("xdp")
int pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("xdp")
int pass_too(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("?raw_tp/sys_exit")
int left_out(void *ctx)
{
	return 0;
}
