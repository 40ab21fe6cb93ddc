// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
// Reports every program that starts, to a guest that the host drives.
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define COMM_BYTES 16
#define TEXT_BYTES 128

struct event {
	/* CLOCK_BOOTTIME */
	__u64 time_ns;
	__u32 pid;
	__u32 uid;
	char comm[COMM_BYTES];
	/* The file that is run. */
	char text[TEXT_BYTES];
};

/* Events that found the ring buffer full. */
__u64 lost_events = 0;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 << 10);
} events SEC(".maps");

/* A record that user space sees when it is submitted. */
static struct event *begin(void)
{
	struct event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event) {
		__sync_fetch_and_add(&lost_events, 1);
		return NULL;
	}
	event->time_ns = bpf_ktime_get_boot_ns();
	event->pid = bpf_get_current_pid_tgid() >> 32;
	event->uid = bpf_get_current_uid_gid();
	bpf_get_current_comm(event->comm, COMM_BYTES);
	event->text[0] = 0;
	return event;
}

SEC("raw_tp/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *process, pid_t old_pid, struct linux_binprm *bprm)
{
	struct event *event = begin();

	if (!event)
		return 0;
	bpf_probe_read_kernel_str(event->text, TEXT_BYTES, BPF_CORE_READ(bprm, filename));
	bpf_ringbuf_submit(event, 0);
	return 0;
}

/* Records of a ring buffer have no type in BTF; this makes it appear there. */
struct event *unused_event __attribute__((unused));

char LICENSE[] SEC("license") = "Dual BSD/GPL";
