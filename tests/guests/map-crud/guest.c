// SPDX-License-Identifier: MIT OR Apache-2.0
// Works with maps of every kind.
#include <stdlib.h>

#include "../case.h"
#include "maps.skel.h"
#include "many.h"

static int set(struct bpf_map *map, uint32_t key, struct pair pair, uint64_t flags)
{
	return bpf_map__update_elem(map, &key, sizeof(key), &pair, sizeof(pair), flags);
}

// Prints a pair of the map, if it is there.
static void show_pair(const char *what, struct bpf_map *map, uint32_t key)
{
	struct pair pair;

	if (bpf_map__lookup_elem(map, &key, sizeof(key), &pair, sizeof(pair), 0) < 0)
		printf("%s: None\n", what);
	else
		printf("%s: Some(Pair { left: %u, right: %u })\n", what, pair.left, pair.right);
}

static bool delete_key(struct bpf_map *map, uint32_t key)
{
	return bpf_map__delete_elem(map, &key, sizeof(key), 0) == 0;
}

static void keys(struct bpf_map *map)
{
	unsigned char found[2][4] = { 0 }, gone[4] = { 9, 9, 9, 9 }, key[4];
	int outcome = bpf_map__get_next_key(map, NULL, key, sizeof(key));

	// The keys are 1 and 4, in the map's order.
	while (outcome == 0) {
		memcpy(found[key[0] == 1 ? 0 : 1], key, sizeof(key));
		outcome = bpf_map__get_next_key(map, key, key, sizeof(key));
	}
	printf("keys: [[%u, %u, %u, %u], [%u, %u, %u, %u]]\n", found[0][0], found[0][1],
	       found[0][2], found[0][3], found[1][0], found[1][1], found[1][2], found[1][3]);
	printf("from a key that is gone: %s\n",
	       truth(bpf_map__get_next_key(map, gone, key, sizeof(key)) == 0));
}

static void hash(struct bpf_map *map)
{
	struct pair taken;
	uint32_t key = 3;
	bool again;

	printf("hash: %s %s %u %u\n", bpf_map__name(map), bpf_map__type_name(map),
	       bpf_map__key_size(map), bpf_map__value_size(map));
	printf("entries %u id %s\n", bpf_map__max_entries(map), truth(bpf_map__id(map) != 0));
	show_pair("missing", map, 1);
	set(map, 1, (struct pair){ 10, 11 }, BPF_NOEXIST);
	show_pair("found", map, 1);
	printf("there: %s\n", code(set(map, 1, (struct pair){ 0, 0 }, BPF_NOEXIST) == 0));
	printf("not there: %s\n", code(set(map, 2, (struct pair){ 0, 0 }, BPF_EXIST) == 0));
	set(map, 1, (struct pair){ 20, 21 }, BPF_EXIST);
	show_pair("changed", map, 1);
	for (uint32_t number = 2; number <= 4; number++)
		set(map, number, (struct pair){ number, number }, BPF_ANY);
	printf("full: %s\n", code(set(map, 5, (struct pair){ 5, 5 }, BPF_ANY) == 0));
	printf("full, but there: %s\n", code(set(map, 4, (struct pair){ 4, 5 }, BPF_ANY) == 0));
	printf("delete: %s ", truth(delete_key(map, 2)));
	printf("%s\n", truth(delete_key(map, 2)));
	bpf_map__lookup_and_delete_elem(map, &key, sizeof(key), &taken, sizeof(taken), 0);
	printf("take: Some(Pair { left: %u, right: %u }) ", taken.left, taken.right);
	again = bpf_map__lookup_and_delete_elem(map, &key, sizeof(key), &taken, sizeof(taken),
						0) == 0;
	printf("%s\n", again ? "Some" : "None");
	keys(map);
}

static int set_number(struct bpf_map *map, uint32_t key, uint32_t value, uint64_t flags)
{
	return bpf_map__update_elem(map, &key, sizeof(key), &value, sizeof(value), flags);
}

// Prints a number of a map, if it is there. Queues and stacks have no key.
static void show_number(struct bpf_map *map, const void *key, size_t key_size)
{
	uint32_t value;

	if (bpf_map__lookup_elem(map, key, key_size, &value, sizeof(value), 0) < 0)
		printf("None");
	else
		printf("Some(%u)", value);
}

static void array(struct bpf_map *map)
{
	struct bpf_map_cursor *cursor;
	struct bpf_map_entries entries;
	const char *between = "";
	uint32_t behind = 4, last = 3, next;

	set_number(map, 3, 33, BPF_ANY);
	printf("array: [");
	cursor = bpf_map__iterate(map);
	while (bpf_map_cursor__next(cursor, 0, &entries) > 0) {
		for (uint32_t i = 0; i < entries.count; i++) {
			const uint32_t *key = bpf_map_entries__key(&entries, i);
			const uint32_t *value = bpf_map_entries__value(&entries, i);

			printf("%s(%u, %u)", between, *key, *value);
			between = ", ";
		}
	}
	bpf_map_cursor__free(cursor);
	printf("]\nbehind the end: ");
	show_number(map, &behind, sizeof(behind));
	printf("\nupdate behind the end: %s\n", code(set_number(map, 4, 0, BPF_ANY) == 0));
	printf("new: %s\n", code(set_number(map, 3, 0, BPF_NOEXIST) == 0));
	printf("delete: %s\n", code(delete_key(map, 3)));
	printf("drain: %s\n", code(bpf_map__drain(map) != NULL));
	printf("last key: %s\n",
	       bpf_map__get_next_key(map, &last, &next, sizeof(next)) < 0 ? "None" : "Some");
}

static int push(struct bpf_map *map, uint32_t value)
{
	return bpf_map__update_elem(map, NULL, 0, &value, sizeof(value), BPF_ANY);
}

// The value at the head, and the same taken out.
static void peek_and_pop(const char *what, struct bpf_map *map)
{
	uint32_t value;

	printf("%s ", what);
	show_number(map, NULL, 0);
	if (bpf_map__lookup_and_delete_elem(map, NULL, 0, &value, sizeof(value), 0) < 0)
		printf(" None\n");
	else
		printf(" Some(%u)\n", value);
}

static void drain_values(const char *what, struct bpf_map *map)
{
	struct bpf_map_cursor *cursor = bpf_map__drain(map);
	struct bpf_map_entries entries;
	const char *between = "";

	printf("%s: [", what);
	while (bpf_map_cursor__next(cursor, 0, &entries) > 0) {
		for (uint32_t i = 0; i < entries.count; i++) {
			const uint32_t *value = bpf_map_entries__value(&entries, i);

			printf("%s%u", between, *value);
			between = ", ";
		}
	}
	printf("]\n");
	bpf_map_cursor__free(cursor);
}

static void keyless(struct maps_bpf *skel)
{
	struct bpf_map *queue = skel->maps.queue, *stack = skel->maps.stack;
	struct bpf_map *bloom = skel->maps.bloom;
	uint32_t value = 7;

	peek_and_pop("queue: empty", queue);
	for (uint32_t number = 1; number <= 3; number++) {
		push(queue, number);
		push(stack, number);
	}
	printf("full: %s ", code(push(queue, 4) == 0));
	printf("%s\n", code(push(stack, 4) == 0));
	peek_and_pop("first in:", queue);
	peek_and_pop("last in:", stack);
	drain_values("drained queue", queue);
	drain_values("drained stack", stack);
	printf("walk over a queue: %s\n", code(bpf_map__iterate(queue) != NULL));

	push(bloom, 7);
	// A bloom filter takes the value as key, and answers with nothing.
	printf("bloom: %s\n",
	       truth(bpf_map__lookup_elem(bloom, &value, sizeof(value), NULL, 0, 0) == 0));
	printf("pop: %s\n", code(bpf_map__lookup_and_delete_elem(bloom, NULL, 0, &value,
								 sizeof(value), 0) == 0));
}

static int set_route(struct bpf_map *map, struct prefix prefix, uint32_t value)
{
	return bpf_map__update_elem(map, &prefix, sizeof(prefix), &value, sizeof(value), BPF_ANY);
}

static void show_route(struct bpf_map *map, struct prefix prefix)
{
	show_number(map, &prefix, sizeof(prefix));
	printf("\n");
}

// All routes, short prefixes first; there are two.
static void list_routes(struct bpf_map *map)
{
	struct bpf_map_cursor *cursor = bpf_map__iterate(map);
	struct bpf_map_entries entries;
	struct prefix prefixes[2];
	uint32_t values[2];

	while (bpf_map_cursor__next(cursor, 0, &entries) > 0) {
		for (uint32_t i = 0; i < entries.count; i++) {
			const struct prefix *prefix = bpf_map_entries__key(&entries, i);
			int place = prefix->bits == 8 ? 0 : 1;

			prefixes[place] = *prefix;
			memcpy(&values[place], bpf_map_entries__value(&entries, i),
			       sizeof(values[place]));
		}
	}
	bpf_map_cursor__free(cursor);
	printf("routes: [");
	for (int i = 0; i < 2; i++) {
		const uint8_t *at = prefixes[i].address;

		printf("%s(Prefix { bits: %u, address: [%u, %u, %u, %u] }, %u)", i ? ", " : "",
		       prefixes[i].bits, at[0], at[1], at[2], at[3], values[i]);
	}
	printf("]\n");
}

static void routes(struct bpf_map *map)
{
	static const uint8_t addresses[3][4] = { { 10, 1, 2, 3 }, { 10, 2, 2, 3 }, { 11, 0, 0, 0 } };
	const struct prefix wide = { 8, { 10, 0, 0, 0 } }, too_long = { 33, { 0 } };

	set_route(map, wide, 8);
	set_route(map, (struct prefix){ 16, { 10, 1, 0, 0 } }, 16);
	for (int i = 0; i < 3; i++) {
		const uint8_t *at = addresses[i];

		printf("route of [%u, %u, %u, %u]: ", at[0], at[1], at[2], at[3]);
		show_route(map, (struct prefix){ 32, { at[0], at[1], at[2], at[3] } });
	}
	printf("too many bits: ");
	show_route(map, too_long);
	printf("set too many bits: %s\n", code(set_route(map, too_long, 0) == 0));
	list_routes(map);
	printf("drain: %s\n", code(bpf_map__drain(map) != NULL));
	printf("delete: %s\n", truth(bpf_map__delete_elem(map, &wide, sizeof(wide), 0) == 0));
	printf("no route: ");
	show_route(map, (struct prefix){ 32, { 10, 2, 2, 3 } });
}

static void locked(struct maps_bpf *skel)
{
	struct guarded value = { .count = 5 };
	struct pair pair;
	uint32_t key = 1;

	bpf_map__update_elem(skel->maps.locked, &key, sizeof(key), &value, sizeof(value),
			     BPF_F_LOCK | BPF_NOEXIST);
	value.count = 0;
	bpf_map__lookup_elem(skel->maps.locked, &key, sizeof(key), &value, sizeof(value),
			     BPF_F_LOCK);
	printf("locked: Some(%u)\n", value.count);
	printf("no lock: %s\n", code(bpf_map__lookup_elem(skel->maps.small, &key, sizeof(key),
							  &pair, sizeof(pair), BPF_F_LOCK) == 0));
}

// Last: it cannot be undone.
static void frozen(struct bpf_map *map)
{
	uint32_t key = 3;

	bpf_map__freeze(map);
	printf("frozen: %s ", truth(bpf_map__is_frozen(map)));
	printf("%s\nstill read: ", code(set_number(map, 1, 1, BPF_ANY) == 0));
	show_number(map, &key, sizeof(key));
	printf("\nagain: %s\n", code(bpf_map__freeze(map) == 0));
}

int main(void)
{
	struct maps_bpf *skel = maps_bpf__open();

	if (!skel)
		return bpf_error_report();
	printf("declared entries: %u\n", bpf_map__max_entries(skel->maps.large));
	// Room for a batch of the most bytes that one call takes.
	if (bpf_map__set_max_entries(skel->maps.large, 300000) < 0 || maps_bpf__load(skel) < 0)
		return bpf_error_report();
	hash(skel->maps.small);
	array(skel->maps.array);
	keyless(skel);
	routes(skel->maps.routes);
	locked(skel);
	many_entries(skel->maps.large);
	frozen(skel->maps.array);
	maps_bpf__destroy(skel);
	return 0;
}
