// SPDX-License-Identifier: MIT OR Apache-2.0
// Works with maps of every kind.
#include <eunomia_bpf.hpp>

#include "../case.h"
#include "many.h"
#include "maps.skel.h"

using pairs = bpf::map<uint32_t, pair>;
using numbers = bpf::map<uint32_t, uint32_t>;
using routes = bpf::map<prefix, uint32_t>;

template <class T> static const char *code_of(const bpf::result<T> &result)
{
	return code(static_cast<bool>(result));
}

static void print_value(bpf::result<pair> value)
{
	if (value)
		printf("Some(Pair { left: %u, right: %u })", value->left, value->right);
	else
		printf("None");
}

static void print_value(bpf::result<uint32_t> value)
{
	if (value)
		printf("Some(%u)", *value);
	else
		printf("None");
}

template <class T> static void show(const char *what, bpf::result<T> value)
{
	printf("%s: ", what);
	print_value(value);
	printf("\n");
}

static void keys(bpf_map *map)
{
	unsigned char found[2][4]{}, gone[4] = { 9, 9, 9, 9 }, key[4];
	int outcome = bpf_map__get_next_key(map, nullptr, key, sizeof(key));

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

static bpf::result<void> hash(const pairs &map)
{
	bpf_map *raw = map.get();

	printf("hash: %s %s %u %u\n", bpf_map__name(raw), bpf_map__type_name(raw),
	       bpf_map__key_size(raw), bpf_map__value_size(raw));
	printf("entries %u id %s\n", bpf_map__max_entries(raw), truth(bpf_map__id(raw) != 0));
	show("missing", map.lookup(1));
	BPF_TRY(map.update(1, { 10, 11 }, BPF_NOEXIST));
	show("found", map.lookup(1));
	printf("there: %s\n", code_of(map.update(1, { 0, 0 }, BPF_NOEXIST)));
	printf("not there: %s\n", code_of(map.update(2, { 0, 0 }, BPF_EXIST)));
	BPF_TRY(map.update(1, { 20, 21 }, BPF_EXIST));
	show("changed", map.lookup(1));
	for (uint32_t number = 2; number <= 4; number++)
		BPF_TRY(map.update(number, { number, number }));
	printf("full: %s\n", code_of(map.update(5, { 5, 5 })));
	printf("full, but there: %s\n", code_of(map.update(4, { 4, 5 })));
	printf("delete: %s ", truth(BPF_TRY(map.remove(2))));
	printf("%s\n", truth(BPF_TRY(map.remove(2))));
	printf("take: ");
	print_value(map.take(3));
	printf(" ");
	print_value(map.take(3));
	printf("\n");
	keys(raw);
	return {};
}

static bpf::result<void> array(const numbers &map)
{
	const char *between = "";
	uint32_t last = 3, next;

	BPF_TRY(map.update(3, 33));
	printf("array: [");
	auto entries = BPF_TRY(map.iterate());
	for (auto [key, value] : entries) {
		printf("%s(%u, %u)", between, key, value);
		between = ", ";
	}
	printf("]\n");
	show("behind the end", map.lookup(4));
	printf("update behind the end: %s\n", code_of(map.update(4, 0)));
	printf("new: %s\n", code_of(map.update(3, 0, BPF_NOEXIST)));
	printf("delete: %s\n", code_of(map.remove(3)));
	printf("drain: %s\n", code_of(map.drain()));
	printf("last key: %s\n",
	       bpf_map__get_next_key(map.get(), &last, &next, sizeof(next)) < 0 ? "None" : "Some");
	return entries.outcome();
}

using sequence = bpf::map<void, uint32_t>;

// The value at the head, and the same taken out.
static void peek_and_pop(const char *what, const sequence &map)
{
	printf("%s ", what);
	print_value(map.peek());
	printf(" ");
	print_value(map.pop());
	printf("\n");
}

static bpf::result<void> drain(const char *what, const sequence &map)
{
	const char *between = "";
	auto entries = BPF_TRY(map.drain());

	printf("%s: [", what);
	for (auto [key, value] : entries) {
		(void)key;
		printf("%s%u", between, value);
		between = ", ";
	}
	printf("]\n");
	return entries.outcome();
}

static bpf::result<void> keyless(const maps_bpf &skel)
{
	sequence queue = skel.maps.queue, stack = skel.maps.stack, bloom = skel.maps.bloom;

	peek_and_pop("queue: empty", queue);
	for (uint32_t value = 1; value <= 3; value++) {
		BPF_TRY(queue.push(value));
		BPF_TRY(stack.push(value));
	}
	printf("full: %s ", code_of(queue.push(4)));
	printf("%s\n", code_of(stack.push(4)));
	peek_and_pop("first in:", queue);
	peek_and_pop("last in:", stack);
	BPF_TRY(drain("drained queue", queue));
	BPF_TRY(drain("drained stack", stack));
	printf("walk over a queue: %s\n", code_of(numbers(queue.get()).iterate()));

	BPF_TRY(bloom.push(7));
	printf("bloom: %s\n", truth(BPF_TRY(bloom.may_contain(7))));
	printf("pop: %s\n", code_of(bloom.pop()));
	return {};
}

// All routes, short prefixes first; there are two.
static bpf::result<void> list(const routes &map)
{
	prefix prefixes[2]{};
	uint32_t values[2]{};
	auto entries = BPF_TRY(map.iterate());

	for (auto [prefix, value] : entries) {
		prefixes[prefix.bits == 8 ? 0 : 1] = prefix;
		values[prefix.bits == 8 ? 0 : 1] = value;
	}
	printf("routes: [");
	for (int i = 0; i < 2; i++) {
		const uint8_t *at = prefixes[i].address;

		printf("%s(Prefix { bits: %u, address: [%u, %u, %u, %u] }, %u)", i ? ", " : "",
		       prefixes[i].bits, at[0], at[1], at[2], at[3], values[i]);
	}
	printf("]\n");
	return entries.outcome();
}

static bpf::result<void> route(const routes &map)
{
	static constexpr uint8_t addresses[3][4] = { { 10, 1, 2, 3 },
						     { 10, 2, 2, 3 },
						     { 11, 0, 0, 0 } };
	const prefix wide = { 8, { 10, 0, 0, 0 } }, too_long = { 33, {} };

	BPF_TRY(map.update(wide, 8));
	BPF_TRY(map.update({ 16, { 10, 1, 0, 0 } }, 16));
	for (const auto &at : addresses) {
		printf("route of [%u, %u, %u, %u]: ", at[0], at[1], at[2], at[3]);
		print_value(map.lookup({ 32, { at[0], at[1], at[2], at[3] } }));
		printf("\n");
	}
	show("too many bits", map.lookup(too_long));
	printf("set too many bits: %s\n", code_of(map.update(too_long, 0)));
	BPF_TRY(list(map));
	printf("drain: %s\n", code_of(map.drain()));
	printf("delete: %s\n", truth(BPF_TRY(map.remove(wide))));
	show("no route", map.lookup({ 32, { 10, 2, 2, 3 } }));
	return {};
}

static bpf::result<void> locked(const maps_bpf &skel)
{
	bpf::map<uint32_t, guarded> map = skel.maps.locked;

	BPF_TRY(map.update(1, guarded{ .count = 5 }, BPF_F_LOCK | BPF_NOEXIST));
	printf("locked: Some(%u)\n", BPF_TRY(map.lookup(1, BPF_F_LOCK)).count);
	printf("no lock: %s\n", code_of(pairs(skel.maps.small).lookup(1, BPF_F_LOCK)));
	return {};
}

// Last: it cannot be undone.
static bpf::result<void> frozen(const numbers &map)
{
	BPF_TRY(bpf::checked(bpf_map__freeze(map.get())));
	printf("frozen: %s ", truth(bpf_map__is_frozen(map.get())));
	printf("%s\n", code_of(map.update(1, 1)));
	show("still read", map.lookup(3));
	printf("again: %s\n", code(bpf_map__freeze(map.get()) == 0));
	return {};
}

static bpf::result<void> run()
{
	auto skel = BPF_TRY(bpf::skeleton<maps_bpf>::open());

	printf("declared entries: %u\n", bpf_map__max_entries(skel->maps.large));
	// Room for a batch of the most bytes that one call takes.
	BPF_TRY(bpf::checked(bpf_map__set_max_entries(skel->maps.large, 300000)));
	BPF_TRY(skel.load());
	BPF_TRY(hash(skel->maps.small));
	BPF_TRY(array(skel->maps.array));
	BPF_TRY(keyless(*skel.get()));
	BPF_TRY(route(skel->maps.routes));
	BPF_TRY(locked(*skel.get()));
	many_entries(skel->maps.large);
	return frozen(skel->maps.array);
}

int main()
{
	return bpf::run(run);
}
