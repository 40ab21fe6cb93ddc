/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The functions of the older ABI as C guests declare them, and what the guests of these tests
 * share. The BPF object is an array of bytes in the guest, as the SDK of wasm-bpf has it. */
#ifndef WASM_BPF_H
#define WASM_BPF_H

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FROM(module, name) __attribute__((import_module(module), import_name(name)))

typedef uint64_t object_t;
typedef int (*sample_fn)(void *ctx, void *data, size_t size);

FROM("wasm_bpf", "wasm_load_bpf_object")
object_t wasm_load_bpf_object(const void *elf, int bytes);
FROM("wasm_bpf", "wasm_close_bpf_object")
int wasm_close_bpf_object(object_t object);
FROM("wasm_bpf", "wasm_attach_bpf_program")
int wasm_attach_bpf_program(object_t object, const char *program, const char *target);
FROM("wasm_bpf", "wasm_attach_bpf_program_fd")
int wasm_attach_bpf_program_fd(object_t object, const char *program, int fd);
FROM("wasm_bpf", "wasm_bpf_map_fd_by_name")
int wasm_bpf_map_fd_by_name(object_t object, const char *name);
FROM("wasm_bpf", "wasm_bpf_buffer_poll")
int wasm_bpf_buffer_poll(object_t object, int map, int32_t callback, uint32_t ctx, char *data,
			 int bytes_max, int timeout_ms);
#ifdef WIDE_POINTERS
FROM("wasm_bpf", "wasm_bpf_map_operate")
int map_operate_wide(int map, int command, int64_t key, int64_t value, int64_t next_key,
		     uint64_t flags);
static inline int map_operate(int map, int command, const void *key, void *value, void *next_key,
			      uint64_t flags)
{
	return map_operate_wide(map, command, (int64_t)(uintptr_t)key, (int64_t)(uintptr_t)value,
				(int64_t)(uintptr_t)next_key, flags);
}
#else
FROM("wasm_bpf", "wasm_bpf_map_operate")
int map_operate(int map, int command, const void *key, void *value, void *next_key,
		uint64_t flags);
#endif

enum { LOOKUP = 1, UPDATE, DELETE, NEXT_KEY };

/* Made by the build from the *.bpf.c beside the guest. */
extern unsigned char bpf_object[];
extern unsigned int bpf_object_len;

static inline int poll_buffer(object_t object, int map, sample_fn callback, void *ctx,
			      int timeout_ms)
{
	static char data[4096];
	return wasm_bpf_buffer_poll(object, map, (int32_t)(uintptr_t)callback, (uint32_t)(uintptr_t)ctx,
				    data, sizeof(data), timeout_ms);
}

static inline object_t load_or_exit(void)
{
	object_t object = wasm_load_bpf_object(bpf_object, bpf_object_len);
	if (!object) {
		printf("load failed\n");
		exit(1);
	}
	return object;
}

static inline void attach_or_exit(object_t object, const char *program, const char *target)
{
	int err = wasm_attach_bpf_program(object, program, target);
	if (err < 0) {
		printf("attach %s: %d\n", program, err);
		exit(1);
	}
}

static inline int map_or_exit(object_t object, const char *name)
{
	int map = wasm_bpf_map_fd_by_name(object, name);
	if (map < 0) {
		printf("map %s: %d\n", name, map);
		exit(1);
	}
	return map;
}

/* Waits until the test has sent a line, or has closed stdin. All of the line is read: what stayed
 * of it would end the next wait at once. */
static inline void wait_for_line(void)
{
	int byte;
	do
		byte = getchar();
	while (byte != '\n' && byte != EOF);
}

#endif
