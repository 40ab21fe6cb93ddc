/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "internal.h"

/* A batch is a list of bytes, of which a guest passes at most this many: wit/errors.wit. */
#define BATCH_BYTES_MAX (1 << 20)

struct user_ring_buffer {
	abi_handle handle;
	/* The records that were gathered. */
	unsigned char *batch;
	size_t used, room;
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

int user_ring_buffer__push(struct user_ring_buffer *rb, const void *data, uint32_t size)
{
	uint32_t head[2] = { size, 0 };
	size_t bytes = sizeof(head) + (((size_t)size + 7) & ~(size_t)7);

	if (bytes > BATCH_BYTES_MAX - rb->used)
		return error__set(BPF_ERROR_LIMIT_EXCEEDED, E2BIG,
				  "write to a user ring buffer: more than 1 MiB at a time");
	if (bytes > rb->room - rb->used) {
		rb->room = rb->used + bytes > rb->room * 2 ? rb->used + bytes : rb->room * 2;
		rb->batch = memory__resized(rb->batch, rb->room);
	}
	memset(rb->batch + rb->used + bytes - 8, 0, 8);
	memcpy(rb->batch + rb->used, head, sizeof(head));
	memcpy(rb->batch + rb->used + sizeof(head), data, size);
	rb->used += bytes;
	return 0;
}

int user_ring_buffer__submit_all(struct user_ring_buffer *rb, int timeout_ms)
{
	struct abi_result_u32 result;

	if (timeout_ms && output__flush_before_wait() < 0)
		return -errno;
	CALL(abi_user_ring_write(rb->handle, rb->batch, rb->used, timeout_ms >= 0,
				 nanoseconds(timeout_ms), &result));
	if (OUTCOME(result) < 0)
		return -errno;
	rb->used -= result.value;
	memmove(rb->batch, rb->batch + result.value, rb->used);
	return (int)rb->used;
}

int user_ring_buffer__write(struct user_ring_buffer *rb, const void *data, uint32_t size,
			    int timeout_ms)
{
	size_t before = rb->used;
	int left;

	if (user_ring_buffer__push(rb, data, size) < 0)
		return -errno;
	left = user_ring_buffer__submit_all(rb, timeout_ms);
	if (left < 0)
		rb->used = before;
	if (left <= 0)
		return left;
	/* This record is the last of those that are left. */
	rb->used = before < (size_t)left ? before : (size_t)left;
	return error__set(BPF_ERROR_LIMIT_EXCEEDED, ENOSPC,
			  "write to a user ring buffer: there is no room");
}

void user_ring_buffer__clear(struct user_ring_buffer *rb)
{
	rb->used = 0;
}

struct bpf_pollable *user_ring_buffer__subscribe(struct user_ring_buffer *rb)
{
	return lifecycle__pollable(abi_user_ring_subscribe(rb->handle));
}

void user_ring_buffer__free(struct user_ring_buffer *rb)
{
	if (!rb)
		return;
	abi_user_ring_drop(rb->handle);
	memory__free(rb->batch);
	memory__free(rb);
}
