/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "internal.h"

struct perf_buffer {
	abi_handle handle;
	uint32_t bytes_max;
	perf_buffer_sample_fn sample;
	perf_buffer_lost_fn lost;
	void *ctx;
	struct arena batch;
	uint32_t held;
};

struct perf_buffer *perf_buffer__new(struct bpf_map *map, size_t page_count,
				     perf_buffer_sample_fn sample_cb,
				     perf_buffer_lost_fn lost_cb, void *ctx, const void *opts)
{
	struct abi_result_handle result;
	struct perf_buffer *pb;

	(void)opts;
	CALL(abi_perf_open(map->handle, page_count, &result));
	if (OUTCOME(result) < 0)
		return NULL;
	pb = memory__zeroed(sizeof(*pb));
	pb->handle = result.value;
	pb->sample = sample_cb;
	pb->lost = lost_cb;
	pb->ctx = ctx;
	return pb;
}

void perf_buffer__free(struct perf_buffer *pb)
{
	if (!pb)
		return;
	abi_perf_drop(pb->handle);
	arena__free(&pb->batch);
	free(pb);
}

void perf_buffer__set_batch_size(struct perf_buffer *pb, uint32_t bytes_max)
{
	pb->bytes_max = bytes_max;
}

int perf_buffer__next_batch(struct perf_buffer *pb, int timeout_ms, struct bpf_batch *batch)
{
	struct abi_result_perf_batch result;
	uint32_t consumed = pb->held;

	if (timeout_ms && output__flush_before_wait() < 0)
		return -errno;
	pb->held = 0;
	arena__reset(&pb->batch);
	memory__begin(&pb->batch);
	abi_perf_read(pb->handle, consumed, pb->bytes_max, timeout_ms >= 0,
		      nanoseconds(timeout_ms), &result);
	memory__end();
	if (OUTCOME(result) < 0)
		return -errno;
	pb->held = result.value.records.count;
	batch->records = result.value.records.data;
	batch->bytes = result.value.records.count;
	batch->lost = result.value.lost;
	if (batch->bytes || batch->lost)
		return 1;
	if (timeout_ms && bpf_stop_requested())
		return error__set(BPF_ERROR_INTERRUPTED, EINTR,
				  "read events: the operator asked the guest to stop");
	return 0;
}

struct bpf_pollable *perf_buffer__subscribe(struct perf_buffer *pb)
{
	return lifecycle__pollable(abi_perf_subscribe(pb->handle));
}

int perf_buffer__poll(struct perf_buffer *pb, int timeout_ms)
{
	struct bpf_batch batch;
	int count = 0;
	int outcome = perf_buffer__next_batch(pb, timeout_ms, &batch);

	if (outcome <= 0)
		return outcome;
	if (batch.lost && pb->lost)
		pb->lost(pb->ctx, -1, batch.lost);
	bpf_batch__for_each(record, &batch) {
		if (pb->sample)
			pb->sample(pb->ctx, (int)record.cpu, (void *)record.data, record.size);
		count++;
	}
	return count;
}
