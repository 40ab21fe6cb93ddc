// SPDX-License-Identifier: MIT OR Apache-2.0
// Runs an iterator program over a map.
#include <eunomia_bpf.hpp>

#include "../case.h"
#include "iterate.skel.h"

// More than the program writes.
static constexpr size_t output_bytes_max = 256;

using iterator = bpf::handle<bpf_iter, bpf_iter__free>;

static bpf::result<iterator> iterate(const bpf::link &link)
{
	return bpf::owned<iterator>(bpf_iter__new(link.get()));
}

// Reads to the end, so many bytes at a time, and shows the records of a key and a value.
static bpf::result<void> print_all(const iterator &iterator, size_t piece)
{
	unsigned char output[output_bytes_max];
	size_t bytes = 0;

	for (;;) {
		int count = BPF_TRY(bpf::counted(bpf_iter__read(iterator.get(), output + bytes,
								piece)));
		if (count == 0)
			break;
		bytes += static_cast<size_t>(count);
	}
	for (size_t at = 0; at < bytes; at += 8) {
		const char *before = "  [";

		for (auto byte : bpf::span<unsigned char>(output + at, bytes - at < 8 ? bytes - at : 8)) {
			printf("%s%u", before, byte);
			before = ", ";
		}
		printf("]\n");
	}
	return {};
}

static bpf::result<void> run()
{
	auto skel = BPF_TRY(bpf::skeleton<iterate_bpf>::open());

	BPF_TRY(skel.load());
	bpf::map<uint32_t, uint32_t> numbers(skel->maps.numbers);
	for (uint32_t key = 0; key < 3; key++)
		BPF_TRY(numbers.update(key, key + 4));
	auto link = BPF_TRY(BPF_TRY(skel.program("list_numbers")).attach_to("iterator:map=numbers"));
	auto info = link.info();
	printf("%s at [\"%s\"]\n", info.name, info.targets[0]);
	BPF_TRY(print_all(BPF_TRY(iterate(link)), 64));
	printf("once more, in small pieces\n");
	BPF_TRY(print_all(BPF_TRY(iterate(link)), 5));

	auto rest = BPF_TRY(iterate(link));
	link = bpf::link();
	printf("the link is gone, what is being read stays:\n");
	BPF_TRY(print_all(rest, 64));

	auto other = BPF_TRY(BPF_TRY(skel.program("no_iterator")).attach());
	print_result("no iterator", static_cast<bool>(iterate(other)));
	return {};
}

int main()
{
	return bpf::run(run);
}
