/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "internal.h"

/* A batch is a list of bytes, of which a guest passes at most this many: wit/errors.wit. */
#define BATCH_BYTES_MAX (1 << 20)

struct user_ring_buffer {
	abi_handle handle;
	struct arena batch;
};

struct user_ring_buffer *user_ring_buffer__new(struct bpf_map *map, const void *opts)
{
	struct abi_result_handle result;
	struct user_ring_buffer *rb;

	(void)opts;
	CALL(abi_user_ring_open(map->handle, &result));
	if (OUTCOME(result) < 0)
		return NULL;
	rb = memory__zeroed(sizeof(*rb));
	rb->handle = result.value;
	return rb;
}

int user_ring_buffer__write(struct user_ring_buffer *rb, const void *data, uint32_t size,
			    int timeout_ms)
{
	struct abi_result_u32 result;
	uint32_t head[2] = { size, 0 };
	uint32_t padded = (size + 7) & ~7U;
	unsigned char *batch;

	if (size > BATCH_BYTES_MAX - sizeof(head))
		return error__set(BPF_ERROR_LIMIT_EXCEEDED, E2BIG,
				  "write to a user ring buffer: the record is too long");
	if (timeout_ms && output__flush_before_wait() < 0)
		return -errno;
	arena__reset(&rb->batch);
	batch = arena__alloc(&rb->batch, 8, sizeof(head) + padded);
	memcpy(batch, head, sizeof(head));
	memcpy(batch + sizeof(head), data, size);
	memset(batch + sizeof(head) + size, 0, padded - size);
	CALL(abi_user_ring_write(rb->handle, batch, sizeof(head) + padded, timeout_ms >= 0,
				 nanoseconds(timeout_ms), &result));
	if (OUTCOME(result) < 0)
		return -errno;
	if (result.value)
		return 0;
	return error__set(BPF_ERROR_LIMIT_EXCEEDED, ENOSPC,
			  "write to a user ring buffer: there is no room");
}

void user_ring_buffer__free(struct user_ring_buffer *rb)
{
	if (!rb)
		return;
	abi_user_ring_drop(rb->handle);
	arena__free(&rb->batch);
	free(rb);
}
