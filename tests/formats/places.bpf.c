// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
// Programs of many kinds, of which none says where it is attached.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

enum place { UPROBE = 1, TC, CGROUP, SAMPLE };

struct event {
	u64 value;
	u32 pid;
	enum place place;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
	__type(value, struct event);
} events SEC(".maps");

const volatile u32 only = 0;

static __always_inline void tell(enum place place, u32 pid, u64 value)
{
	struct event *event;

	if (only && only != place)
		return;
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event)
		return;
	event->value = value;
	event->pid = pid;
	event->place = place;
	bpf_ringbuf_submit(event, 0);
}

SEC("uprobe")
int on_call(struct pt_regs *ctx)
{
	tell(UPROBE, bpf_get_current_pid_tgid() >> 32, 1);
	return 0;
}

SEC("classifier/ingress")
int on_packet(struct __sk_buff *skb)
{
	tell(TC, 0, skb->len);
	return 0; /* TC_ACT_OK */
}

SEC("cgroup_skb/egress")
int on_send(struct __sk_buff *skb)
{
	tell(CGROUP, 0, skb->len);
	return 1;
}

SEC("perf_event")
int on_sample(void *ctx)
{
	tell(SAMPLE, bpf_get_current_pid_tgid() >> 32, 1);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
