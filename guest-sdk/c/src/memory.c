/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Where the lists go that the host returns. It asks for their memory with `cabi_realloc` during the
 * call; an arena that is used again for every call makes that a few instructions.
 */
#include <stdio.h>
#include <stdlib.h>

#include "internal.h"

/* Bytes of the first piece of an arena: names and small values. */
#define CHUNK_BYTES_MIN 1024

struct arena_chunk {
	struct arena_chunk *before;
	size_t bytes;
	/* Aligned as the most demanding type. */
	_Alignas(16) unsigned char memory[];
};

struct arena call_arena;
static struct arena *landing;

static void *checked(void *memory)
{
	if (!memory) {
		fputs("error: out of memory\n", stderr);
		abort();
	}
	return memory;
}

void *memory__zeroed(size_t bytes)
{
	return checked(calloc(1, bytes));
}

void *memory__resized(void *memory, size_t bytes)
{
	return checked(realloc(memory, bytes));
}

void memory__free(void *memory)
{
	free(memory);
}

void *arena__alloc(struct arena *arena, size_t align, size_t bytes)
{
	size_t start = (arena->used + align - 1) & ~(align - 1);

	if (!arena->last || start > arena->last->bytes || bytes > arena->last->bytes - start) {
		size_t wanted = arena->last ? arena->last->bytes * 2 : CHUNK_BYTES_MIN;
		struct arena_chunk *chunk;

		if (wanted < bytes)
			wanted = bytes;
		chunk = checked(malloc(sizeof(*chunk) + wanted));
		chunk->before = arena->last;
		chunk->bytes = wanted;
		arena->last = chunk;
		start = 0;
	}
	arena->used = start + bytes;
	return arena->last->memory + start;
}

static void free_before(struct arena_chunk *chunk)
{
	while (chunk->before) {
		struct arena_chunk *before = chunk->before;

		chunk->before = before->before;
		free(before);
	}
}

void arena__reset(struct arena *arena)
{
	arena->used = 0;
	/* The last one is the largest. */
	if (arena->last)
		free_before(arena->last);
}

void arena__free(struct arena *arena)
{
	if (arena->last) {
		free_before(arena->last);
		free(arena->last);
	}
	arena->last = NULL;
	arena->used = 0;
}

const char *arena__string(struct arena *arena, struct abi_string string)
{
	char *copy = arena__alloc(arena, 1, string.bytes + 1);

	memcpy(copy, string.data, string.bytes);
	copy[string.bytes] = '\0';
	return copy;
}

void memory__begin(struct arena *arena)
{
	landing = arena;
}

void memory__end(void)
{
	landing = NULL;
}

ABI_EXPORT("cabi_realloc")
void *eunomia_bpf_cabi_realloc(void *old, size_t old_bytes, size_t align, size_t bytes)
{
	void *memory;

	/* What WASI keeps is asked for outside of our calls, and stays. */
	if (!landing)
		return checked(old ? realloc(old, bytes) : aligned_alloc(16, (bytes + 15) & ~15UL));
	memory = arena__alloc(landing, align, bytes);
	if (old_bytes)
		memcpy(memory, old, old_bytes < bytes ? old_bytes : bytes);
	return memory;
}
