// SPDX-License-Identifier: MIT OR Apache-2.0
/* Map operations, and what a hostile guest tries. Built with both declarations of map_operate. */
#include "wasm_bpf.h"

#define SHOW(what) printf("%s = %d\n", #what, what)

static int never(void *ctx, void *data, size_t size)
{
	return -1;
}

static void crud(int map)
{
	uint32_t key = 7, next = 0;
	uint64_t value = 0x1122334455667788, got = 0;
	SHOW(map_operate(map, LOOKUP, &key, &got, NULL, 0));
	SHOW(map_operate(map, UPDATE, &key, &value, NULL, 0));
	SHOW(map_operate(map, UPDATE, &key, &value, NULL, 1));
	SHOW(map_operate(map, LOOKUP, &key, &got, NULL, 0));
	SHOW(got == value);
	SHOW(map_operate(map, NEXT_KEY, NULL, NULL, &next, 0));
	SHOW(next);
	SHOW(map_operate(map, NEXT_KEY, &next, NULL, &next, 0));
	for (uint32_t i = 20; i < 23; i++)
		map_operate(map, UPDATE, &i, &value, NULL, 0);
	key = 30;
	SHOW(map_operate(map, UPDATE, &key, &value, NULL, 0));
	key = 7;
	SHOW(map_operate(map, DELETE, &key, NULL, NULL, 0));
	SHOW(map_operate(map, DELETE, &key, NULL, NULL, 0));
	SHOW(map_operate(map, 5, &key, &value, NULL, 0));
	SHOW(map_operate(map, 0, &key, &value, NULL, 0));
	SHOW(map_operate(map, UPDATE, &key, &value, NULL, 1 << 10));
}

static void per_cpu(int map)
{
	uint32_t key = 0;
	static uint64_t values[1024];
	memset(values, 0xff, sizeof(values));
	SHOW(map_operate(map, LOOKUP, &key, values, NULL, 0));
	int cpus = 0;
	while (cpus < 1024 && values[cpus] == 0)
		cpus++;
	printf("cpus %d\n", cpus);
	/* A value would fit here, those of all CPUs do not. */
	char *end = (char *)(__builtin_wasm_memory_size(0) * 65536);
	SHOW(map_operate(map, LOOKUP, &key, end - 4, NULL, 0));
}

static void hostile(object_t object, int map)
{
	uint32_t key = 1;
	uint64_t value = 0;
	char *end = (char *)(__builtin_wasm_memory_size(0) * 65536);
	SHOW(map_operate(map, UPDATE, end - 3, &value, NULL, 0));
	SHOW(map_operate(map, UPDATE, (void *)-1, &value, NULL, 0));
	SHOW(map_operate(map, UPDATE, &key, end - 7, NULL, 0));
	SHOW(map_operate(map, NEXT_KEY, NULL, NULL, end - 3, 0));
	SHOW(map_operate(map + 100, LOOKUP, &key, &value, NULL, 0));
	SHOW(map_operate(0, LOOKUP, &key, &value, NULL, 0));
	SHOW(map_operate(-1, LOOKUP, &key, &value, NULL, 0));
	SHOW(wasm_load_bpf_object(end - 8, 64) == 0);
	SHOW(wasm_load_bpf_object(bpf_object, -1) == 0);
	SHOW(wasm_load_bpf_object((void *)-1, -1) == 0);
	SHOW(wasm_load_bpf_object("no ELF file", 11) == 0);
	SHOW(wasm_bpf_map_fd_by_name(object, "nonsense"));
	SHOW(wasm_bpf_map_fd_by_name(object + 1, "table"));
	SHOW(wasm_bpf_map_fd_by_name(0, "table"));
	SHOW(wasm_bpf_map_fd_by_name(object, end - 1) < 0);
	SHOW(wasm_bpf_map_fd_by_name(object, (char *)-1));
	SHOW(wasm_attach_bpf_program(object, "nonsense", NULL));
	SHOW(wasm_attach_bpf_program(object + 7, "on_fchown", NULL));
	SHOW(wasm_close_bpf_object(object + 1));
	int ring = wasm_bpf_map_fd_by_name(object, "first");
	int32_t callback = (int32_t)(uintptr_t)never;
	SHOW(wasm_bpf_buffer_poll(object, ring, callback, 0, end - 8, 9, 0));
	SHOW(wasm_bpf_buffer_poll(object, ring, callback, 0, end, -1, 0));
	SHOW(wasm_bpf_buffer_poll(object, ring, 100000, 0, end - 8, 8, 0));
	SHOW(wasm_bpf_buffer_poll(object, ring, 0, 0, end - 8, 8, 0));
	SHOW(wasm_bpf_buffer_poll(object, ring, (int32_t)(uintptr_t)exit, 0, end - 8, 8, 0));
	SHOW(wasm_bpf_buffer_poll(object + 1, ring, callback, 0, end - 8, 8, 0));
	SHOW(wasm_bpf_buffer_poll(object, map, callback, 0, end - 8, 8, 0));
	SHOW(wasm_bpf_buffer_poll(object, ring, callback, 0, end - 8, 8, 0));
	int programs = wasm_bpf_map_fd_by_name(object, "programs");
	key = 0;
	SHOW(map_operate(programs, UPDATE, &key, &value, NULL, 0));
	/* Handles of one object end with it, and do not fit another. */
	object_t other = load_or_exit();
	SHOW(wasm_bpf_buffer_poll(other, ring, callback, 0, end - 8, 8, 0));
	SHOW(wasm_close_bpf_object(object));
	SHOW(map_operate(map, LOOKUP, &key, &value, NULL, 0));
	SHOW(wasm_bpf_map_fd_by_name(object, "table"));
	SHOW(wasm_bpf_buffer_poll(object, ring, callback, 0, end - 8, 8, 0));
	SHOW(wasm_close_bpf_object(object));
}

int main(void)
{
	object_t object = load_or_exit();
	int map = map_or_exit(object, "table");
	SHOW(map == map_or_exit(object, "table"));
	crud(map);
	per_cpu(map_or_exit(object, "per_cpu"));
	hostile(object, map);
	return 0;
}
