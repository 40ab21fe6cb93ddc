/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Events for user space by one set of calls: through a ring buffer, or, on kernels before 5.8,
 * which have none, through perf buffers. ecli chooses before it loads the object; user space reads
 * a ring buffer either way.
 *
 *	EVENT_BUFFER(events, 256 * 1024, struct event);
 *
 *	struct event *event = EVENT_RESERVE(events, sizeof(*event));
 *	if (!event)
 *		return 0; // no room: count it
 *	event->pid = ...;
 *	EVENT_SUBMIT(ctx, events, event, sizeof(*event));
 *
 * What differs through perf buffers: events of different CPUs come in any order; an event for which
 * there is no room is only noticed by EVENT_SUBMIT, is counted by the kernel, and ecli reports it;
 * the memory that EVENT_RESERVE returns is the CPU's only one, until it is submitted or discarded.
 *
 * Include it behind vmlinux.h or linux/bpf.h.
 */
#ifndef EUNOMIA_EVENT_BUFFER_BPF_H
#define EUNOMIA_EVENT_BUFFER_BPF_H

#include <bpf/bpf_helpers.h>

/* What goes through a perf buffer: a record as ring buffers have it, since perf pads records. */
struct eunomia_event_header {
	__u32 length;
	__u32 zero;
};

/* In front of a CPU's one event. */
struct eunomia_event_slot {
	/* Something that was interrupted, and whose event this is, has reserved it. */
	__u32 busy;
	__u32 unused;
	struct eunomia_event_header header;
};

/*
 * A buffer called `name`. `ring_bytes`: a power of two, of at least a page; perf buffers of all
 * CPUs together have about as much. `type`: the largest event.
 *
 * name__is_perf is set by ecli, together with the map's type. It is constant for the verifier,
 * which so does not even look at calls of what the kernel lacks.
 */
#define EVENT_BUFFER(name, ring_bytes, type_)                                                      \
	const volatile __u8 name##__is_perf = 0;                                                   \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_RINGBUF);                                                \
		__uint(max_entries, ring_bytes);                                                   \
	} name SEC(".maps");                                                                       \
	struct name##__slot {                                                                      \
		struct eunomia_event_slot slot;                                                    \
		type_ event __attribute__((aligned(8)));                                           \
	};                                                                                         \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);                                           \
		__uint(max_entries, 1);                                                            \
		__type(key, __u32);                                                                \
		__type(value, struct name##__slot);                                                \
	} name##__slots SEC(".maps")

/* Memory for an event of `size` bytes, a constant of at most the largest; null: there is none. */
#define EVENT_RESERVE(name, size)                                                                  \
	(name##__is_perf ? eunomia_event_reserve(&name##__slots, size) :                           \
			   bpf_ringbuf_reserve(&name, size, 0))

/* Hand it over. 0, or a negative errno when it is lost, which is then counted already. */
#define EVENT_SUBMIT(ctx, name, event, size)                                                       \
	(name##__is_perf ? eunomia_event_submit(ctx, &name, event, size) :                         \
			   (bpf_ringbuf_submit(event, 0), 0L))

/* Do without it. */
#define EVENT_DISCARD(name, event)                                                                 \
	do {                                                                                       \
		if (name##__is_perf)                                                               \
			eunomia_event_slot(event)->busy = 0;                                       \
		else                                                                               \
			bpf_ringbuf_discard(event, 0);                                             \
	} while (0)

static __always_inline struct eunomia_event_slot *eunomia_event_slot(void *event)
{
	return event - sizeof(struct eunomia_event_slot);
}

/*
 * Programs on one CPU interrupt each other, but kernels without ring buffers do not let others go
 * on before the one that interrupts has ended: so `busy` needs no atomic access.
 */
static __always_inline void *eunomia_event_reserve(void *slots, __u64 size)
{
	__u32 first = 0;
	struct eunomia_event_slot *slot = bpf_map_lookup_elem(slots, &first);

	if (!slot || slot->busy)
		return NULL;
	slot->busy = 1;
	slot->header.length = size;
	slot->header.zero = 0;
	return slot + 1;
}

static __always_inline long eunomia_event_submit(void *ctx, void *map, void *event, __u64 size)
{
	struct eunomia_event_slot *slot = eunomia_event_slot(event);
	/* BPF_F_CURRENT_CPU, which is not in every header. */
	long result = bpf_perf_event_output(ctx, map, 0xffffffffULL, &slot->header,
					    sizeof(slot->header) + size);

	slot->busy = 0;
	return result;
}

#endif
