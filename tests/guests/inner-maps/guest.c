// SPDX-License-Identifier: MIT OR Apache-2.0
// Works with maps in slots of maps.
#include "../case.h"
#include "maps.skel.h"

// Has the program look up a key in the map of a slot.
static void look(struct maps_bpf *skel, uint32_t slot, uint32_t key)
{
	uint32_t args[2] = { slot, key }, found = 0;
	struct bpf_test_run_opts opts = { .ctx_in = args, .ctx_size_in = sizeof(args) };

	bpf_program__test_run(skel->progs.look, &opts);
	maps_bpf__get_found(skel, &found);
	printf("the program looks in [%u, %u]: %u, %u\n", slot, key, opts.retval, found);
}

static int set(struct bpf_map *map, uint32_t key, uint32_t value)
{
	return bpf_map__update_elem(map, &key, sizeof(key), &value, sizeof(value), BPF_ANY);
}

static uint32_t get(struct bpf_map *map, uint32_t key)
{
	uint32_t value = 0;

	bpf_map__lookup_elem(map, &key, sizeof(key), &value, sizeof(value), 0);
	return value;
}

static struct bpf_map *in_slot(struct bpf_map *map, uint32_t slot)
{
	return bpf_map__lookup_inner(map, &slot, sizeof(slot));
}

static int put(struct bpf_map *map, uint32_t slot, struct bpf_map *inner, uint64_t flags)
{
	return bpf_map__update_inner(map, &slot, sizeof(slot), inner, flags);
}

static bool is_there(struct bpf_map *map, uint32_t slot)
{
	struct bpf_map *inner = in_slot(map, slot);

	bpf_map__free(inner);
	return inner != NULL;
}

static void slots(struct maps_bpf *skel)
{
	struct bpf_map *slots = skel->maps.slots, *first = skel->maps.first;
	struct bpf_map *inner, *found;

	set(first, 1, 11);
	printf("declared slot: %s\n", truth(is_there(slots, 0)));
	look(skel, 0, 1);
	printf("empty slot: %s\n", truth(!is_there(slots, 1)));
	look(skel, 1, 1);

	inner = bpf_map__create_inner(slots);
	printf("created: %s %u %u\n", bpf_map__type_name(inner), bpf_map__key_size(inner),
	       bpf_map__max_entries(inner));
	set(inner, 1, 22);
	put(slots, 1, inner, BPF_ANY);
	bpf_map__free(inner);
	look(skel, 1, 1);
	found = in_slot(slots, 1);
	printf("found again: Some(%u)\n", get(found, 1));
	set(found, 2, 33);
	look(skel, 1, 2);
	put(slots, 1, first, BPF_ANY);
	look(skel, 1, 1);
	printf("taken out of its slot: Some(Some(%u))\n", get(found, 2));
	bpf_map__free(found);
}

static void named(struct bpf_map *named, struct bpf_map *first)
{
	struct bpf_map *found;
	uint32_t key = 7;

	printf("not there: %s\n", truth(!is_there(named, 7)));
	put(named, 7, first, BPF_NOEXIST);
	print_result("there", put(named, 7, first, BPF_NOEXIST) == 0);
	found = in_slot(named, 7);
	printf("by name: Some(Some(%u))\n", get(found, 1));
	bpf_map__free(found);
	printf("delete: %s ", truth(bpf_map__delete_elem(named, &key, sizeof(key), 0) == 0));
	printf("%s\n", truth(bpf_map__delete_elem(named, &key, sizeof(key), 0) == 0));
}

static void refused(struct maps_bpf *skel)
{
	struct bpf_map *plain = skel->maps.plain, *first = skel->maps.first;

	printf("no map of maps: [Err(%s), ", code(in_slot(plain, 0) != NULL));
	printf("Err(%s), ", code(bpf_map__create_inner(plain) != NULL));
	printf("Err(%s)]\n", code(put(plain, 0, first, BPF_ANY) == 0));
	print_result("of another shape", put(skel->maps.slots, 2, plain, BPF_ANY) == 0);
	print_result("behind the last", put(skel->maps.slots, 3, first, BPF_ANY) == 0);
}

int main(void)
{
	struct maps_bpf *skel = maps_bpf__open();

	if (!skel || maps_bpf__load(skel) < 0)
		return bpf_error_report();
	slots(skel);
	named(skel->maps.named, skel->maps.first);
	refused(skel);
	maps_bpf__destroy(skel);
	return 0;
}
