// SPDX-License-Identifier: MIT OR Apache-2.0
// Reads a ring buffer that is full, as often as the first argument says, and prints a line a round:
// nanoseconds of reading, records, the sum of their numbers.
#include <stdlib.h>
#include <time.h>

#include <eunomia_bpf.hpp>

// Generated from flood.bpf.c: its types and maps.
#include "flood.skel.h"

static uint64_t now_ns()
{
	timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return static_cast<uint64_t>(now.tv_sec) * 1000000000 +
	       static_cast<uint64_t>(now.tv_nsec);
}

static bpf::result<void> flood(int rounds)
{
	auto skel = BPF_TRY(bpf::skeleton<flood_bpf>::open());
	BPF_TRY(skel.load());
	auto events = BPF_TRY(bpf::ring_buffer::open(skel->maps.events));
	const bpf::program fill = skel->progs.fill;

	for (int round = 0; round < rounds; round++) {
		BPF_TRY(fill.test_run());
		const uint64_t start = now_ns();
		uint64_t records = 0, sum = 0;
		for (;;) {
			auto batch = BPF_TRY(events.next_batch(0));

			if (batch.empty())
				break;
			for (const event &event : batch.records<event>()) {
				records++;
				sum += event.number;
			}
		}
		printf("%llu %llu %llu\n", now_ns() - start, records, sum);
	}
	return {};
}

int main(int argc, char **argv)
{
	return bpf::run([&] { return flood(argc > 1 ? atoi(argv[1]) : 1); });
}
