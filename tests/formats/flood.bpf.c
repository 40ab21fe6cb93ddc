// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
// More events than a slow reader takes, each with its number. What has no room is counted, as
// gadgets do.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "gadget.h"

struct event {
	__u64 number;
	gadget_tid thread;
	__u8 payload[108];
};

#ifdef PERF
struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, 4);
	__uint(value_size, 4);
} events SEC(".maps");
#else
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 16);
} events SEC(".maps");
#endif

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} events_lost_samples SEC(".maps");

SYMBOL(gadget_tracer_flood___events___event)
SYMBOL(gadget_param_target)
SYMBOL(gadget_param_wanted)
const struct event *unused_event __attribute__((unused));

const volatile __u32 target = 0;
const volatile __u32 wanted = 0;
__u64 made = 0;

SEC("raw_tp/sys_enter")
int ig_flood(struct bpf_raw_tracepoint_args *ctx)
{
	__u32 thread = bpf_get_current_pid_tgid();
	struct event event = {};

	if (thread != target || ctx->args[1] != wanted)
		return 0;
	event.thread = thread;
	event.number = __sync_fetch_and_add(&made, 1);
#ifdef PERF
	bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, &event, sizeof(event));
#else
	if (bpf_ringbuf_output(&events, &event, sizeof(event), 0)) {
		__u32 zero = 0;
		__u64 *lost = bpf_map_lookup_elem(&events_lost_samples, &zero);

		if (lost)
			*lost += 1;
	}
#endif
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
