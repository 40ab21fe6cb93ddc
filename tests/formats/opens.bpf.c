// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
// Symbols and types as Inspektor Gadget names them.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

typedef u64 gadget_timestamp;
typedef u64 gadget_mntns_id;
typedef u32 gadget_pid;
typedef u32 gadget_errno;
typedef char gadget_comm;

struct event {
	gadget_timestamp timestamp_raw;
	gadget_mntns_id mntns_id;
	gadget_pid pid;
	gadget_errno error_raw;
	gadget_comm comm[16];
	u64 __private;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u64);
} events_lost_samples SEC(".maps");

const void *gadget_tracer_execs___events___event __attribute__((unused));
const void *gadget_param_target_pid __attribute__((unused));
struct event *unused_event __attribute__((unused));

const volatile u32 target_pid = 0;
const volatile bool gadget_filter_by_mntns = false;
const volatile u32 targ_uid = -1;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, u64);
	__type(value, u32);
} gadget_mntns_filter_map SEC(".maps");

SEC("tracepoint/sched/sched_process_exec")
int ig_exec(void *ctx)
{
	u32 pid = bpf_get_current_pid_tgid() >> 32, zero = 0;
	struct event *event;
	u64 *lost;

	struct task_struct *task = bpf_get_current_task_btf();
	u64 mntns = task->nsproxy->mnt_ns->ns.inum;

	if (target_pid && target_pid != pid)
		return 0;
	if (targ_uid != (u32)-1 && targ_uid != (u32)bpf_get_current_uid_gid())
		return 0;
	if (gadget_filter_by_mntns && !bpf_map_lookup_elem(&gadget_mntns_filter_map, &mntns))
		return 0;
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event) {
		lost = bpf_map_lookup_elem(&events_lost_samples, &zero);
		if (lost)
			*lost += 1;
		return 0;
	}
	__builtin_memset(event, 0, sizeof(*event));
	event->timestamp_raw = bpf_ktime_get_boot_ns();
	event->mntns_id = mntns;
	event->pid = pid;
	event->error_raw = 2;
	bpf_get_current_comm(event->comm, sizeof(event->comm));
	bpf_ringbuf_submit(event, 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
