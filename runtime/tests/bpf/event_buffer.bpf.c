// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Events through a ring buffer or perf buffers, and what outlives a run. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <eunomia/event_buffer.bpf.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct event {
	__u64 number;
	char rest[21];
};

EVENT_BUFFER(events, 64 * 1024, struct event);

/* No room when it was reserved, or when it was handed over. */
__u64 unreserved;
__u64 unsubmitted;
__u64 discarded;
/* How many of two events at once there was memory for. */
__u64 reserved_at_once;

static __always_inline void send(void *ctx, __u64 number)
{
	struct event *event = EVENT_RESERVE(events, sizeof(*event));

	if (!event) {
		unreserved++;
		return;
	}
	event->number = number;
	__builtin_memset(event->rest, number, sizeof(event->rest));
	if (number % 7 == 3) {
		EVENT_DISCARD(events, event);
		discarded++;
	} else if (EVENT_SUBMIT(ctx, events, event, sizeof(*event))) {
		unsubmitted++;
	}
}

SEC("raw_tp")
int produce(struct bpf_raw_tracepoint_args *ctx)
{
	send(ctx, ctx->args[0]);
	return 0;
}

/* A short event: less than the largest. */
SEC("raw_tp")
int produce_short(struct bpf_raw_tracepoint_args *ctx)
{
	__u64 *event = EVENT_RESERVE(events, sizeof(*event));

	if (event) {
		*event = ctx->args[0];
		EVENT_SUBMIT(ctx, events, event, sizeof(*event));
	}
	return 0;
}

SEC("raw_tp")
int reserve_two(struct bpf_raw_tracepoint_args *ctx)
{
	void *first = EVENT_RESERVE(events, sizeof(struct event));
	void *second;

	reserved_at_once = 0;
	if (!first)
		return 0;
	reserved_at_once = 1;
	second = EVENT_RESERVE(events, sizeof(struct event));
	if (second) {
		reserved_at_once = 2;
		EVENT_DISCARD(events, second);
	}
	EVENT_DISCARD(events, first);
	return 0;
}
