// SPDX-License-Identifier: MIT OR Apache-2.0
// Reads and sets global variables.
#include <stdlib.h>

#include <eunomia_bpf.hpp>

#include "../case.h"
#include "globals.skel.h"

static constexpr size_t globals_max = 16;

static int by_name(const void *left, const void *right)
{
	return strcmp(static_cast<const bpf_global_info *>(left)->name,
		      static_cast<const bpf_global_info *>(right)->name);
}

static void list(const bpf::object &object)
{
	bpf_global_info infos[globals_max];
	size_t count = 0;

	while (count < globals_max &&
	       bpf_object__global_info(object.get(), count, &infos[count]) == 0)
		count++;
	qsort(infos, count, sizeof(*infos), by_name);
	for (const auto &info : bpf::span<bpf_global_info>(infos, count))
		if (strcmp(info.section, "license"))
			printf("%s in %s: %zu bytes, constant %s, typed %s\n", info.name,
			       info.section, info.size, truth(info.constant),
			       truth(info.type_id != 0));
}

// The two numbers that everything below is about.
static bpf::result<void> show(const char *when, const bpf::object &object)
{
	printf("%s: %llu %llu\n", when, BPF_TRY(object.global<uint64_t>("limit")),
	       BPF_TRY(object.global<uint64_t>("total")));
	return {};
}

struct text {
	char at[16];
};

static bpf::result<void> loaded(bpf::object &object)
{
	auto work = BPF_TRY(object.program("work"));

	BPF_TRY(show("loaded", object));
	auto name = BPF_TRY(object.global<text>("name"));
	auto kind = BPF_TRY(object.global<uint32_t>("kind"));
	printf("name %.16s, kind [%u, %u, %u, %u]\n", name.at, kind & 0xff, kind >> 8 & 0xff,
	       kind >> 16 & 0xff, kind >> 24);
	BPF_TRY(work.test_run());
	printf("seen %u, total %llu\n", BPF_TRY(object.global<uint32_t>("seen")),
	       BPF_TRY(object.global<uint64_t>("total")));
	BPF_TRY(object.set_global<uint64_t>("total", 0));
	BPF_TRY(work.test_run());
	printf("from 0: %llu\n", BPF_TRY(object.global<uint64_t>("total")));
	for (uint32_t round = 0; round < 2; round++) {
		auto both = BPF_TRY(object.global<pair>("both"));

		printf("struct Pair { left: %u, right: %llu }\n", both.left, both.right);
		BPF_TRY(object.set_global("both", pair{ .left = 3, .right = 4 }));
	}
	print_result("a constant after load",
		     static_cast<bool>(object.set_global<uint64_t>("limit", 6)));
	print_result("half of a value",
		     static_cast<bool>(object.set_global<uint32_t>("total", 0)));
	return {};
}

static bpf::result<void> run()
{
	auto object = BPF_TRY(bpf::object::open("globals"));

	list(object);
	BPF_TRY(show("initial", object));
	BPF_TRY(object.set_global<uint64_t>("limit", 5));
	BPF_TRY(object.set_global<uint64_t>("total", 200));
	BPF_TRY(object.set_global("name", text{ "guest" }));
	BPF_TRY(show("set", object));
	auto outcome = object.load();
	if (!outcome) {
		printf("%s\n", error_code());
		return outcome;
	}
	return loaded(object);
}

int main()
{
	return bpf::run(run);
}
