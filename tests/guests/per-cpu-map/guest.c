// SPDX-License-Identifier: MIT OR Apache-2.0
// Works with values of each CPU; prints nothing that depends on how many there are.
#include <stdlib.h>

#include "../case.h"
#include "counts.skel.h"

// Possible CPUs. Values of all of them are padded to 8 bytes each.
static uint32_t cpus;

// A value for each CPU, all the same.
static uint64_t *all(uint64_t value)
{
	uint64_t *values = calloc(cpus, sizeof(*values));

	for (uint32_t cpu = 0; cpu < cpus; cpu++)
		values[cpu] = value;
	return values;
}

static void counted(struct counts_bpf *skel)
{
	struct bpf_program *program = bpf_object__find_program_by_name(skel->obj, "count");
	struct bpf_test_run_opts on_first = { .on_cpu = true, .cpu = 0 };
	size_t bytes = cpus * sizeof(uint64_t);
	uint64_t *values = all(0), *expected = all(0), sum = 0;
	uint32_t key = 1;

	for (int i = 0; i < 3; i++)
		bpf_program__test_run(program, &on_first);
	printf("a value for each CPU: %s\n",
	       truth(bpf_map__lookup_elem(skel->maps.counts, &key, sizeof(key), values, bytes,
					  0) == 0));
	for (uint32_t cpu = 0; cpu < cpus; cpu++)
		sum += values[cpu];
	printf("on CPU 0: %llu, in all: %llu\n", values[0], sum);

	for (uint32_t cpu = 0; cpu < cpus; cpu++)
		expected[cpu] = cpu + 5;
	key = 0;
	bpf_map__update_elem(skel->maps.counts, &key, sizeof(key), expected, bytes, BPF_ANY);
	bpf_map__lookup_elem(skel->maps.counts, &key, sizeof(key), values, bytes, 0);
	printf("each CPU's own: %s\n", truth(!memcmp(values, expected, bytes)));
	free(values);
	free(expected);
}

static void walked(struct bpf_map *map)
{
	struct bpf_map_cursor *cursor = bpf_map__iterate(map);
	struct bpf_map_entries entries;

	while (bpf_map_cursor__next(cursor, 0, &entries) > 0) {
		for (uint32_t i = 0; i < entries.count; i++) {
			const uint32_t *key = bpf_map_entries__key(&entries, i);
			const uint64_t *values = bpf_map_entries__value(&entries, i);

			printf("%u: first Some(%llu)\n", *key, values[0]);
		}
	}
	bpf_map_cursor__free(cursor);
}

static int by_key(const void *left, const void *right)
{
	const uint32_t *a = left, *b = right;

	return *a < *b ? -1 : *a > *b;
}

// Keys and first values of what is left, in order.
static void drained(struct bpf_map *map)
{
	struct bpf_map_cursor *cursor = bpf_map__drain(map);
	struct bpf_map_entries entries;
	uint32_t pairs[4][2], count = 0;

	while (bpf_map_cursor__next(cursor, 0, &entries) > 0) {
		for (uint32_t i = 0; i < entries.count; i++, count++) {
			memcpy(&pairs[count][0], bpf_map_entries__key(&entries, i), 4);
			memcpy(&pairs[count][1], bpf_map_entries__value(&entries, i), 4);
		}
	}
	bpf_map_cursor__free(cursor);
	qsort(pairs, count, sizeof(*pairs), by_key);
	printf("drained: [");
	for (uint32_t i = 0; i < count; i++)
		printf("%s(%u, %u)", i ? ", " : "", pairs[i][0], pairs[i][1]);
	printf("]\n");
}

static void words(struct bpf_map *map)
{
	uint32_t key = 7, keys[2] = { 1, 2 }, user_size = bpf_map__user_value_size(map);
	uint64_t *values = all(3), *batch = calloc(2 * cpus, sizeof(*batch));
	bool are_all_set = true;

	printf("padded to 8 bytes: %s\n", truth(user_size == 8 * cpus));
	bpf_map__update_elem(map, &key, sizeof(key), values, user_size, BPF_NOEXIST);
	memset(values, 0, user_size);
	bpf_map__lookup_elem(map, &key, sizeof(key), values, user_size, 0);
	for (uint32_t cpu = 0; cpu < cpus; cpu++)
		are_all_set &= (uint32_t)values[cpu] == 3;
	printf("all set: %s\n", truth(are_all_set));
	for (uint32_t cpu = 0; cpu < cpus; cpu++) {
		batch[cpu] = 1;
		batch[cpus + cpu] = 2;
	}
	printf("set in a batch: %d\n", bpf_map__update_batch(map, keys, batch, 2, BPF_ANY));
	key = 2;
	if (!bpf_map__lookup_and_delete_elem(map, &key, sizeof(key), values, user_size, 0))
		printf("taken: Some(%u)\n", (uint32_t)values[0]);
	drained(map);
	free(values);
	free(batch);
}

int main(void)
{
	struct counts_bpf *skel = counts_bpf__open();
	uint32_t key = 0, half = 0;

	if (!skel || counts_bpf__load(skel) < 0)
		return bpf_error_report();
	cpus = (uint32_t)libbpf_num_possible_cpus();
	printf("value %u bytes\n", bpf_map__value_size(skel->maps.counts));
	printf("8 bytes for each CPU: %s\n",
	       truth(bpf_map__user_value_size(skel->maps.counts) == 8 * cpus));
	counted(skel);
	walked(skel->maps.counts);
	print_result("one CPU's value",
		     bpf_map__update_elem(skel->maps.counts, &key, sizeof(key), &half,
					  sizeof(half), BPF_ANY) == 0);
	words(skel->maps.words);
	counts_bpf__destroy(skel);
	return 0;
}
