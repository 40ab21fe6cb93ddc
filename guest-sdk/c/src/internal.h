/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the sources of the library share, and guests do not see. */
#ifndef EUNOMIA_BPF_INTERNAL_H
#define EUNOMIA_BPF_INTERNAL_H

#include <string.h>

#include "abi.h"
#include "eunomia_bpf.h"

/* --- memory.c --- */

struct arena_chunk;

/* Memory that is freed at once. All zeros is an empty one. */
struct arena {
	struct arena_chunk *last;
	size_t used;
};

/* Frees what is in it, but for a piece to use again. */
void arena__reset(struct arena *arena);
void arena__free(struct arena *arena);
/* Never NULL: a guest without memory ends. */
void *arena__alloc(struct arena *arena, size_t align, size_t bytes);
/* A copy that ends in NUL. */
const char *arena__string(struct arena *arena, struct abi_string string);

/* Lists that the host returns go here from now on, until `memory__end`. */
void memory__begin(struct arena *arena);
void memory__end(void);

/* For results that are copied before the next call. */
extern struct arena call_arena;
#define CALL(call) \
	do { \
		arena__reset(&call_arena); \
		memory__begin(&call_arena); \
		call; \
		memory__end(); \
	} while (0)

/* Memory that is zero; never NULL. */
void *memory__zeroed(size_t bytes);
void *memory__resized(void *memory, size_t bytes);
void memory__free(void *memory);

/* --- error.c --- */

/* Keeps the error and returns its negative errno. */
int error__take(const struct abi_error *error);
/* The same for a failure that this library finds. */
int error__set(enum bpf_error_code code, int errno_value, const char *message);
/* Returns NULL as an answer of the host's: no such key. */
int error__not_found(const char *what);

#define OUTCOME(result) ((result).is_error ? error__take(&(result).error) : 0)

/* --- object.c, program.c, map.c --- */

struct bpf_link {
	abi_handle handle;
	/* The next one of the object's. */
	struct bpf_link *next;
};
struct bpf_link *link__new(abi_handle handle);

struct bpf_program {
	abi_handle handle;
	const char *name, *section, *type_name;
	bool autoload, autoattach;
	struct bpf_program *next;
};

struct bpf_map {
	abi_handle handle;
	const char *name, *type_name;
	uint32_t type, key_size, value_size, user_value_size, max_entries;
	struct arena names;
	struct bpf_map *next;
};
struct bpf_map *map__new(abi_handle handle);

struct bpf_object {
	abi_handle handle;
	struct arena names;
	struct bpf_program *programs;
	struct bpf_map *maps;
	struct bpf_link *links;
	struct abi_global_info *globals;
	uint32_t global_count;
	struct btf *btf;
};

/* --- btf.c --- */

void btf__free(struct btf *btf);

/* --- output.c --- */

/* Hands on everything that was written, before the guest waits. */
int output__flush_before_wait(void);

/* --- lifecycle.c --- */

/* -1 is without end. */
static inline int64_t nanoseconds(int timeout_ms)
{
	return timeout_ms < 0 ? 0 : (int64_t)timeout_ms * 1000000;
}

/* Waits for one of the pollables, which are borrowed. Returns the indices of those that are ready,
 * in memory of the call. */
struct abi_list lifecycle__wait(const abi_handle *pollables, size_t count);
/* Takes a handle of a pollable. */
struct bpf_pollable *lifecycle__pollable(abi_handle handle);

#endif
