// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
// Outputs events on the CPU that it is run on.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct event {
	__u32 number;
	char filler[496];
};
struct event *unused_event __attribute__((unused));

/* Of the next run. */
__u32 records = 3;

static struct event event;

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} events SEC(".maps");

SEC("raw_tp/sched_process_exec")
int output(void *ctx)
{
	for (__u32 i = 0; i < 64; i++) {
		if (i >= records)
			break;
		event.number = i;
		bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, &event, sizeof(event));
	}
	return 0;
}
