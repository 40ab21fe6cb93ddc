// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
// Rows of every shape that C has.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

enum position {
	STATE_OFF,
	STATE_ON,
};

struct place {
	__u8 x;
	__u8 y;
	__u8 z[4];
};

struct event {
	__u64 number;
	__s32 below;
	_Bool flag;
	char comm[16];
	enum position state : 8;
	struct place place;
};
struct event *unused_event __attribute__((unused));

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

SEC("syscall")
int emit(void *ctx)
{
	for (int i = 0; i < 2; i++) {
		struct event event = {
			.number = i + 1,
			.below = -7 - i,
			.flag = 1,
			.comm = "comm",
			.state = i,
			.place = { .y = 9 },
		};

		bpf_ringbuf_output(&events, &event, sizeof(event), 0);
	}
	return 0;
}
