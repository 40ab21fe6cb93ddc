// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
// Every exec, with all kinds of members, through a ring buffer whose map says what its records are.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

enum origin { ORIGIN_NONE, ORIGIN_EXEC = 7 };

struct event {
	u64 stamp;
	u32 pid;
	enum origin origin;
	char comm[16];
	union {
		u32 whole;
		u8 parts[4];
	};
	u16 low : 4;
	u16 high : 12;
	bool large;
	s8 small;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
	__type(value, struct event);
} events SEC(".maps");

const volatile u32 filter_pid = 0;
const volatile bool quiet = false;
const volatile bool loud = true;
const volatile char only[16] = "";
const volatile s64 offset = -5;
const volatile enum origin origin = ORIGIN_EXEC;
const volatile char letter = 'x';

SEC("tp/sched/sched_process_exec")
int handle_exec(void *ctx)
{
	u32 pid = bpf_get_current_pid_tgid() >> 32;
	struct event *event;

	if (quiet || !loud || letter != 'x' || (filter_pid && filter_pid != pid))
		return 0;
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event)
		return 0;
	__builtin_memset(event, 0, sizeof(*event));
	event->stamp = bpf_ktime_get_ns();
	event->pid = pid;
	event->origin = origin;
	bpf_get_current_comm(event->comm, sizeof(event->comm));
	event->whole = 0x04030201;
	event->low = 9;
	event->high = 1234;
	event->large = true;
	event->small = (s8)offset;
	if (only[0] && event->comm[0] != only[0]) {
		bpf_ringbuf_discard(event, 0);
		return 0;
	}
	bpf_ringbuf_submit(event, 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
