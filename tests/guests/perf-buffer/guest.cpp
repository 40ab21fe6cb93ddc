// SPDX-License-Identifier: MIT OR Apache-2.0
// Reads a perf event array.
#include <eunomia_bpf.hpp>

#include "../case.h"
#include "perf.skel.h"

using skeleton = bpf::skeleton<perf_bpf>;

static bpf::result<void> output(skeleton &skel, uint32_t records)
{
	bpf_test_run_opts on_first{};

	on_first.on_cpu = true;
	BPF_TRY(bpf::checked(perf_bpf__set_records(skel.get(), records)));
	return bpf::program(skel->progs.output).test_run(on_first);
}

static void sizes(skeleton &skel)
{
	char what[16];

	for (size_t pages : { 1U, 4096U, 8192U, 3U }) {
		auto opened = bpf::perf_buffer::open(skel->maps.events, pages);

		snprintf(what, sizeof(what), "%zu pages", pages);
		print_result(what, static_cast<bool>(opened));
	}
}

// Reads what is there, and counts records and losses.
static bpf::result<void> count(bpf::perf_buffer &perf, uint64_t &read, uint64_t &lost)
{
	for (;;) {
		auto batch = BPF_TRY(perf.next_batch(0));

		if (batch.empty() && !batch.lost())
			return {};
		for (const event &event : batch.records<event>()) {
			(void)event;
			read++;
		}
		lost += batch.lost();
	}
}

// More than a page holds; how many fit is the kernel's to say.
static bpf::result<void> losses(skeleton &skel, bpf::perf_buffer &perf)
{
	uint64_t read = 0, lost = 0;

	printf("nothing left: %s\n", truth(BPF_TRY(perf.next_batch(0)).empty()));
	BPF_TRY(output(skel, 20));
	BPF_TRY(count(perf, read, lost));
	// The kernel tells of losses with the next record that fits.
	BPF_TRY(output(skel, 1));
	BPF_TRY(count(perf, read, lost));
	printf("read some: %s, lost some: %s, in all %llu\n", truth(read > 5), truth(lost > 5),
	       read + lost);
	return {};
}

static bpf::result<void> read()
{
	auto skel = BPF_TRY(skeleton::open());
	BPF_TRY(skel.load());
	sizes(skel);
	auto perf = BPF_TRY(bpf::perf_buffer::open(skel->maps.events, 1));
	print_result("second reader",
		     static_cast<bool>(bpf::perf_buffer::open(skel->maps.events)));
	printf("nothing yet: %s\n", truth(BPF_TRY(perf.next_batch(0)).empty()));
	printf("time is up: %s\n", truth(BPF_TRY(perf.next_batch(5)).empty()));

	BPF_TRY(output(skel, 3));
	auto batch = BPF_TRY(perf.next_batch());
	printf("lost %llu\n", batch.lost());
	for (const bpf_record &record : batch) {
		auto event = static_cast<const struct event *>(record.data);

		printf("on CPU %u: Some(%u), %u bytes\n", record.cpu, event->number, record.size);
	}
	BPF_TRY(losses(skel, perf));
	printf("all is read: %s\n", truth(BPF_TRY(perf.next_batch(0)).empty()));
	return {};
}

int main()
{
	return bpf::run(read);
}
