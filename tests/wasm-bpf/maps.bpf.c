// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} table SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} per_cpu SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} programs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} first SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} second SEC(".maps");

static __u32 number;

/* Three samples in each buffer for each call. */
SEC("tp/syscalls/sys_enter_fchown")
int on_fchown(struct trace_event_raw_sys_enter *ctx)
{
	/* A user that nobody is: the test's own call. */
	if ((int)ctx->args[1] != 424242)
		return 0;
	for (int i = 0; i < 3; i++) {
		__u64 sample = number++;
		bpf_ringbuf_output(&first, &sample, sizeof(sample), 0);
		bpf_ringbuf_output(&second, &sample, sizeof(sample), 0);
	}
	return 0;
}
