/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "internal.h"

/* Maps that one reader reads. */
#define RINGS_MAX 64
/* Readers, the request to stop and a time-out. */
#define POLLABLES_MAX (RINGS_MAX + 2)

struct ring {
	abi_handle handle;
	ring_buffer_sample_fn sample;
	void *ctx;
	/* The batch that the host lent; its bytes are freed by the next read. */
	struct arena batch;
	uint32_t held;
};

struct ring_buffer {
	uint32_t bytes_max;
	size_t count;
	struct ring rings[RINGS_MAX];
};

int ring_buffer__add(struct ring_buffer *rb, struct bpf_map *map,
		     ring_buffer_sample_fn sample_cb, void *ctx)
{
	struct abi_result_handle result;

	if (rb->count == RINGS_MAX)
		return error__set(BPF_ERROR_LIMIT_EXCEEDED, E2BIG,
				  "add a ring buffer: one reader reads at most 64");
	CALL(abi_ring_open(map->handle, &result));
	if (OUTCOME(result) < 0)
		return -errno;
	rb->rings[rb->count++] = (struct ring){
		.handle = result.value,
		.sample = sample_cb,
		.ctx = ctx,
	};
	return 0;
}

struct ring_buffer *ring_buffer__new(struct bpf_map *map, ring_buffer_sample_fn sample_cb,
				     void *ctx, const void *opts)
{
	struct ring_buffer *rb = memory__zeroed(sizeof(*rb));

	(void)opts;
	if (ring_buffer__add(rb, map, sample_cb, ctx) < 0) {
		free(rb);
		return NULL;
	}
	return rb;
}

void ring_buffer__free(struct ring_buffer *rb)
{
	size_t i;

	if (!rb)
		return;
	for (i = 0; i < rb->count; i++) {
		abi_ring_drop(rb->rings[i].handle);
		arena__free(&rb->rings[i].batch);
	}
	free(rb);
}

void ring_buffer__set_batch_size(struct ring_buffer *rb, uint32_t bytes_max)
{
	rb->bytes_max = bytes_max;
}

/* Frees the last batch and reads the next one; `timeout_ms` as in the header. */
static int read_batch(struct ring_buffer *rb, struct ring *ring, int timeout_ms,
		      struct bpf_batch *batch)
{
	struct abi_result_list result;
	uint32_t consumed = ring->held;

	ring->held = 0;
	arena__reset(&ring->batch);
	memory__begin(&ring->batch);
	abi_ring_read(ring->handle, consumed, rb->bytes_max, timeout_ms >= 0,
		      nanoseconds(timeout_ms), &result);
	memory__end();
	if (OUTCOME(result) < 0)
		return -errno;
	ring->held = result.value.count;
	batch->records = result.value.data;
	batch->bytes = result.value.count;
	batch->lost = 0;
	return result.value.count > 0;
}

static int stopped(void)
{
	return error__set(BPF_ERROR_INTERRUPTED, EINTR,
			  "read events: the operator asked the guest to stop");
}

int ring_buffer__next_batch(struct ring_buffer *rb, int timeout_ms, struct bpf_batch *batch)
{
	int outcome;

	if (timeout_ms && output__flush_before_wait() < 0)
		return -errno;
	outcome = read_batch(rb, &rb->rings[0], timeout_ms, batch);
	if (outcome == 0 && timeout_ms && bpf_stop_requested())
		return stopped();
	return outcome;
}

void ring_buffer__release(struct ring_buffer *rb)
{
	size_t i;

	for (i = 0; i < rb->count; i++) {
		if (rb->rings[i].held)
			abi_ring_consume(rb->rings[i].handle, rb->rings[i].held);
		rb->rings[i].held = 0;
	}
}

/* Calls back for every record of a batch; how many there were. */
static int deliver(struct ring *ring, const struct bpf_batch *batch)
{
	int count = 0;

	bpf_batch__for_each(record, batch) {
		int outcome = 0;

		if (ring->sample)
			outcome = ring->sample(ring->ctx, (void *)record.data, record.size);
		count++;
		if (outcome < 0)
			return outcome;
	}
	return count;
}

/* Reads what is there in one of the rings. */
static int consume(struct ring_buffer *rb, struct ring *ring)
{
	int total = 0;

	for (;;) {
		struct bpf_batch batch;
		int outcome = read_batch(rb, ring, 0, &batch);

		if (outcome <= 0)
			return outcome < 0 ? outcome : total;
		outcome = deliver(ring, &batch);
		if (outcome < 0)
			return outcome;
		total += outcome;
	}
}

int ring_buffer__consume(struct ring_buffer *rb)
{
	int total = 0;
	size_t i;

	for (i = 0; i < rb->count; i++) {
		int outcome = consume(rb, &rb->rings[i]);

		if (outcome < 0)
			return outcome;
		total += outcome;
	}
	return total;
}

/* Waits until one of the rings has records. */
static void wait(struct ring_buffer *rb, int timeout_ms)
{
	abi_handle pollables[POLLABLES_MAX];
	size_t count = 0, i;

	for (i = 0; i < rb->count; i++)
		pollables[count++] = abi_ring_subscribe(rb->rings[i].handle);
	pollables[count++] = abi_subscribe_stop();
	if (timeout_ms >= 0)
		pollables[count++] = abi_subscribe_duration(nanoseconds(timeout_ms));
	lifecycle__wait(pollables, count);
	for (i = 0; i < count; i++)
		abi_pollable_drop(pollables[i]);
}

int ring_buffer__poll(struct ring_buffer *rb, int timeout_ms)
{
	struct bpf_batch batch;
	int outcome;

	/* The usual case: what is there, or else one call that waits. */
	if (rb->count > 1) {
		outcome = ring_buffer__consume(rb);
		if (outcome || !timeout_ms)
			return outcome;
		if (bpf_stop_requested())
			return stopped();
		if (output__flush_before_wait() < 0)
			return -errno;
		wait(rb, timeout_ms);
		outcome = ring_buffer__consume(rb);
		return outcome == 0 && bpf_stop_requested() ? stopped() : outcome;
	}
	outcome = ring_buffer__next_batch(rb, timeout_ms, &batch);
	if (outcome <= 0)
		return outcome;
	outcome = deliver(&rb->rings[0], &batch);
	/* Room for the kernel before the caller does other things. */
	ring_buffer__release(rb);
	return outcome;
}

struct bpf_pollable *ring_buffer__subscribe(struct ring_buffer *rb)
{
	return lifecycle__pollable(abi_ring_subscribe(rb->rings[0].handle));
}

uint64_t ring_buffer__avail_data_size(struct ring_buffer *rb)
{
	return abi_ring_available(rb->rings[0].handle);
}
