// SPDX-License-Identifier: MIT OR Apache-2.0
// Many entries with one call; in C, for the guests in C and C++.
#include <stdlib.h>

#include "../case.h"

// Bytes of keys or values that one call takes, and how many values of 8 bytes those are.
#define CALL_BYTES_MAX (1 << 20)
#define MANY (CALL_BYTES_MAX / 8)

static void many_set(struct bpf_map *map)
{
	uint32_t *keys = (uint32_t *)malloc((MANY + 1) * sizeof(*keys));
	uint64_t *values = (uint64_t *)malloc((MANY + 1) * sizeof(*values));

	for (uint32_t i = 0; i <= MANY; i++) {
		keys[i] = i;
		values[i] = i;
	}
	printf("most values in a batch: %d\n",
	       bpf_map__update_batch(map, keys, values, MANY, BPF_ANY));
	printf("one more: %s\n",
	       code(bpf_map__update_batch(map, keys, values, MANY + 1, BPF_ANY) >= 0));
	printf("an empty batch: %d\n", bpf_map__update_batch(map, keys, values, 0, BPF_ANY));
	printf("set where they are: %d\n",
	       bpf_map__update_batch(map, keys, values, 2, BPF_NOEXIST));
	free(keys);
	free(values);
}

static void many_steps(struct bpf_map *map)
{
	static const uint32_t entries_max[] = { 1, 10, 0 };
	struct bpf_map_cursor *cursor = bpf_map__iterate(map);
	struct bpf_map_entries entries;
	uint32_t counts[3] = { 0 };

	for (int i = 0; i < 3; i++)
		if (bpf_map_cursor__next(cursor, entries_max[i], &entries) > 0)
			counts[i] = entries.count;
	bpf_map_cursor__free(cursor);
	// Up to 10: the kernel returns whole buckets of the hash table.
	printf("a step of 1: %u, of 10: %s, of all: %s\n", counts[0],
	       truth(counts[1] >= 1 && counts[1] <= 10), truth(counts[2] > 10));
	printf("within 1 MiB: %s\n", truth(counts[2] * 12 <= CALL_BYTES_MAX));
}

static void many_walked(struct bpf_map *map)
{
	struct bpf_map_cursor *cursor = bpf_map__iterate(map);
	struct bpf_map_entries entries;
	uint32_t walked = 0, steps = 0;
	uint64_t sum = 0;

	while (bpf_map_cursor__next(cursor, 0, &entries) > 0) {
		const uint64_t *values = (const uint64_t *)entries.values;

		for (uint32_t i = 0; i < entries.count; i++)
			sum += values[i];
		walked += entries.count;
		steps++;
	}
	bpf_map_cursor__free(cursor);
	printf("walked over %u, sum %llu, several steps: %s\n", walked, sum, truth(steps > 1));
}

static void many_deleted(struct bpf_map *map)
{
	unsigned char *all_ones = (unsigned char *)malloc(CALL_BYTES_MAX);
	uint32_t *odd = (uint32_t *)malloc(MANY / 2 * sizeof(*odd));
	uint32_t few[10];

	for (uint32_t i = 0; i < MANY / 2; i++)
		odd[i] = i * 2 + 1;
	printf("deleted %d\n", bpf_map__delete_batch(map, odd, MANY / 2));
	printf("deleted again %d\n", bpf_map__delete_batch(map, odd, 1000));
	for (uint32_t i = 0; i < 10; i++)
		few[i] = i;
	printf("deleted where they are %d\n", bpf_map__delete_batch(map, few, 10));
	memset(all_ones, 0xff, CALL_BYTES_MAX);
	printf("keys of 1 MiB: %d\n", bpf_map__delete_batch(map, all_ones, CALL_BYTES_MAX / 4));
	free(odd);
	free(all_ones);
}

static void many_drained(struct bpf_map *map)
{
	struct bpf_map_cursor *cursor = bpf_map__drain(map);
	struct bpf_map_entries entries;
	uint32_t drained = 0, least = UINT32_MAX;
	uint64_t value = 0;

	while (bpf_map_cursor__next(cursor, 0, &entries) > 0) {
		const uint32_t *keys = (const uint32_t *)entries.keys;

		for (uint32_t i = 0; i < entries.count; i++) {
			if (keys[i] < least) {
				least = keys[i];
				value = ((const uint64_t *)entries.values)[i];
			}
		}
		drained += entries.count;
	}
	bpf_map_cursor__free(cursor);
	printf("drained %u, first Some((%u, %llu))\n", drained, least, value);
	cursor = bpf_map__iterate(map);
	printf("nothing left: %d\n", bpf_map_cursor__next(cursor, 0, &entries));
	bpf_map_cursor__free(cursor);
}

static void many_entries(struct bpf_map *map)
{
	many_set(map);
	many_steps(map);
	many_walked(map);
	many_deleted(map);
	many_drained(map);
}
