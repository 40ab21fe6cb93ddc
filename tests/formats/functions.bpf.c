// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
// Programs for functions of the kernel, of which none says for which; only full kernels have them.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

enum place { KPROBE = 1, KRETPROBE, FENTRY, FEXIT };

struct event {
	u32 pid;
	enum place place;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 18);
	__type(value, struct event);
} events SEC(".maps");

const void *gadget_tracer_calls___events___event __attribute__((unused));

static __always_inline int tell(enum place place)
{
	struct event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event)
		return 0;
	event->pid = bpf_get_current_pid_tgid() >> 32;
	event->place = place;
	bpf_ringbuf_submit(event, 0);
	return 0;
}

SEC("kprobe")
int on_call(void *ctx)
{
	return tell(KPROBE);
}

SEC("kretprobe")
int on_return(void *ctx)
{
	return tell(KRETPROBE);
}

SEC("fentry")
int on_entry(void *ctx)
{
	return tell(FENTRY);
}

SEC("fexit")
int on_exit(void *ctx)
{
	return tell(FEXIT);
}

char LICENSE[] SEC("license") = "GPL";
