// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
// Writes records on request, at once and later.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#define CLOCK_MONOTONIC 1
#define LATER_NS (20 * 1000 * 1000)

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct event {
	__u32 number;
	char text[12];
};
struct event *unused_event __attribute__((unused));

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 * 1024);
} events SEC(".maps");

struct late_write {
	struct bpf_timer timer;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct late_write);
} alarms SEC(".maps");

struct fill_args {
	__u32 records;
	/* The last ones of them. */
	__u32 discarded;
};

/* Records that fitted into the ring. */
static __u32 written;

static long write_one(__u32 index, void *ctx)
{
	struct fill_args *args = ctx;
	struct event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event)
		return 1;
	written++;
	event->number = index;
	__builtin_memcpy(event->text, "record\0\0\0\0\0", 12);
	if (index + args->discarded < args->records)
		bpf_ringbuf_submit(event, 0);
	else
		bpf_ringbuf_discard(event, 0);
	return 0;
}

/* Returns how many records fitted. */
SEC("syscall")
int fill(struct fill_args *args)
{
	struct fill_args copy = *args;

	written = 0;
	bpf_loop(copy.records, write_one, &copy, 0);
	return written;
}

static int ring_alarm(void *map, __u32 *key, struct late_write *alarm)
{
	struct event event = { .number = 77, .text = "later" };

	bpf_ringbuf_output(&events, &event, sizeof(event), 0);
	return 0;
}

SEC("syscall")
int fill_later(void *ctx)
{
	__u32 key = 0;
	struct late_write *alarm = bpf_map_lookup_elem(&alarms, &key);

	if (!alarm)
		return 1;
	bpf_timer_init(&alarm->timer, &alarms, CLOCK_MONOTONIC);
	bpf_timer_set_callback(&alarm->timer, ring_alarm);
	return bpf_timer_start(&alarm->timer, LATER_NS, 0);
}
