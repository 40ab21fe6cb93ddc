// SPDX-License-Identifier: MIT OR Apache-2.0
// Works with values of each CPU; prints nothing that depends on how many there are.
#include <stdlib.h>

#include <eunomia_bpf.hpp>

#include "../case.h"
#include "counts.skel.h"

// More than any machine that this is run on has.
static constexpr size_t cpus_max = 1024;

using counts = bpf::per_cpu_map<uint32_t, uint64_t>;
using words = bpf::per_cpu_map<uint32_t, uint32_t>;

// A value for each CPU.
template <class V> class values {
      public:
	bpf::span<bpf::slot<V>> all()
	{
		return { slots_, counts::cpus() };
	}
	bpf::span<const bpf::slot<V>> constant() const
	{
		return { slots_, counts::cpus() };
	}

      private:
	bpf::slot<V> slots_[cpus_max]{};
};

static bpf::result<void> count(bpf::skeleton<counts_bpf> &skel, const counts &map)
{
	static values<uint64_t> values, read;
	bpf_test_run_opts on_first{};
	uint64_t sum = 0;

	on_first.on_cpu = true;
	for (int i = 0; i < 3; i++)
		BPF_TRY(bpf::program(skel->progs.count).test_run(on_first));
	printf("a value for each CPU: %s\n", truth(static_cast<bool>(map.lookup(1, values.all()))));
	for (auto &slot : values.all())
		sum += slot.value;
	printf("on CPU 0: %llu, in all: %llu\n", values.all()[0].value, sum);

	for (size_t cpu = 0; cpu < counts::cpus(); cpu++)
		values.all()[cpu].value = cpu + 5;
	BPF_TRY(map.update(0, values.constant()));
	BPF_TRY(map.lookup(0, read.all()));
	bool are_same = true;
	for (size_t cpu = 0; cpu < counts::cpus(); cpu++)
		are_same &= read.all()[cpu].value == values.all()[cpu].value;
	printf("each CPU's own: %s\n", truth(are_same));
	auto entries = BPF_TRY(map.iterate());
	for (auto [key, first] : entries)
		printf("%u: first Some(%llu)\n", key, first.value);
	return entries.outcome();
}

static bpf::result<void> drain(const words &map)
{
	auto entries = BPF_TRY(map.drain());
	// By key, up to the largest.
	uint32_t firsts[8]{};
	bool is_there[8]{};
	const char *between = "";

	for (auto [key, first] : entries) {
		firsts[key] = first.value;
		is_there[key] = true;
	}
	printf("drained: [");
	for (uint32_t key = 0; key < 8; key++) {
		if (!is_there[key])
			continue;
		printf("%s(%u, %u)", between, key, firsts[key]);
		between = ", ";
	}
	printf("]\n");
	return entries.outcome();
}

static bpf::result<void> work_with(const words &map)
{
	static values<uint32_t> values;
	static bpf::slot<uint32_t> batch[2 * cpus_max];
	const uint32_t keys[2] = { 1, 2 };
	const size_t cpus = words::cpus();
	bool are_all_set = true;

	printf("padded to 8 bytes: %s\n",
	       truth(bpf_map__user_value_size(map.get()) == cpus * sizeof(bpf::slot<uint32_t>)));
	for (auto &slot : values.all())
		slot.value = 3;
	BPF_TRY(map.update(7, values.constant(), BPF_NOEXIST));
	BPF_TRY(map.lookup(7, values.all()));
	for (auto &slot : values.all())
		are_all_set &= slot.value == 3;
	printf("all set: %s\n", truth(are_all_set));
	for (size_t cpu = 0; cpu < cpus; cpu++) {
		batch[cpu].value = 1;
		batch[cpus + cpu].value = 2;
	}
	printf("set in a batch: %d\n", BPF_TRY(map.update_batch(keys, { batch, 2 * cpus })));
	BPF_TRY(map.take(2, values.all()));
	printf("taken: Some(%u)\n", values.all()[0].value);
	return drain(map);
}

static bpf::result<void> run()
{
	auto skel = BPF_TRY(bpf::skeleton<counts_bpf>::open());
	BPF_TRY(skel.load());
	const counts map = skel->maps.counts;
	const uint32_t key = 0, half = 0;

	printf("value %u bytes\n", bpf_map__value_size(map.get()));
	printf("8 bytes for each CPU: %s\n",
	       truth(bpf_map__user_value_size(map.get()) == 8 * counts::cpus()));
	BPF_TRY(count(skel, map));
	print_result("one CPU's value", bpf_map__update_elem(map.get(), &key, sizeof(key), &half,
							     sizeof(half), BPF_ANY) == 0);
	return work_with(skel->maps.words);
}

int main()
{
	return bpf::run(run);
}
