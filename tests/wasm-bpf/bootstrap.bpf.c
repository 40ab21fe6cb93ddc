// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct event {
	int pid;
	int is_exit;
	char comm[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} rb SEC(".maps");

static void report(int is_exit)
{
	struct event *event = bpf_ringbuf_reserve(&rb, sizeof(*event), 0);
	if (!event)
		return;
	event->pid = bpf_get_current_pid_tgid() >> 32;
	event->is_exit = is_exit;
	bpf_get_current_comm(event->comm, sizeof(event->comm));
	bpf_ringbuf_submit(event, 0);
}

SEC("tp/sched/sched_process_exec")
int handle_exec(void *ctx)
{
	report(0);
	return 0;
}

SEC("tp/sched/sched_process_exit")
int handle_exit(void *ctx)
{
	__u64 id = bpf_get_current_pid_tgid();
	/* Threads are no processes. */
	if ((id >> 32) == (__u32)id)
		report(1);
	return 0;
}
