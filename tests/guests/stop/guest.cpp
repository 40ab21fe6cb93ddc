// SPDX-License-Identifier: MIT OR Apache-2.0
// Waits in every way and is asked to stop, or asks itself.
#include <eunomia_bpf.hpp>

#include "../case.h"
#include "stop.skel.h"

// Longer than any test.
static constexpr int hour_ms = 3600 * 1000;

using skeleton = bpf::skeleton<stop_bpf>;

static bpf::result<void> produce(skeleton &skel)
{
	return bpf::program(skel->progs.produce).test_run();
}

static void print_words(const bpf::batch &batch)
{
	const char *between = "";

	printf("read [");
	for (uint32_t word : batch.records<uint32_t>()) {
		printf("%s%u", between, word);
		between = ", ";
	}
	printf("]\n");
}

// What arrives before the end is still read; from then on nothing is waited for.
static bpf::result<void> read(skeleton &skel, int timeout_ms)
{
	auto ring = BPF_TRY(bpf::ring_buffer::open(skel->maps.events));
	uint32_t left = 0;
	bool said = false;

	BPF_TRY(produce(skel));
	for (;;) {
		auto batch = ring.next_batch(timeout_ms);

		if (batch.failed_with(BPF_ERROR_INTERRUPTED))
			break;
		print_words(BPF_TRY(static_cast<decltype(batch) &&>(batch)));
		if (!said)
			printf("waiting\n");
		said = true;
	}
	BPF_TRY(produce(skel));
	auto batch = BPF_TRY(ring.next_batch());
	for (uint32_t word : batch.records<uint32_t>())
		left += word / 5;
	printf("left over: Some(%u)\n", left);
	printf("and then: %s\n", truth(ring.next_batch().failed_with(BPF_ERROR_INTERRUPTED)));
	return {};
}

static bpf::result<void> poll(skeleton &skel)
{
	auto ring = BPF_TRY(bpf::ring_buffer::open(skel->maps.events));
	const bpf::pollable things[] = { bpf::pollable::stop(), bpf::pollable::of(ring),
					 bpf::pollable::after_ms(hour_ms) };
	bool is_ready[3];

	printf("waiting\n");
	BPF_TRY(bpf::wait(things, is_ready));
	printf("stop %s, timer %s\n", truth(is_ready[0]), truth(is_ready[2]));
	BPF_TRY(bpf::wait(things, is_ready));
	printf("buffers too: %s\n", truth(is_ready[1]));
	return {};
}

// A full buffer that nobody drains.
static bpf::result<void> write(skeleton &skel)
{
	auto commands = BPF_TRY(bpf::user_ring_buffer::open(skel->maps.commands));
	auto room = bpf::pollable::of(commands);

	for (uint32_t word = 0; word < 257; word++)
		BPF_TRY(commands.push(word));
	printf("waiting\n");
	printf("left %d bytes\n", BPF_TRY(commands.submit_all()));
	printf("ready: %s\n", truth(room.is_ready()));
	return {};
}

static bpf::result<void> timers()
{
	enum { stop, tick, end, count };
	bpf::pollable things[count] = { bpf::pollable::stop(), bpf::pollable::after_ms(4),
					bpf::pollable::after_ms(22) };
	bool is_ready[count] = {};
	uint32_t ticks = 0;

	printf("slept: %s\n", truth(bpf_sleep_ms(2)));
	while (!is_ready[end]) {
		BPF_TRY(bpf::wait(things, is_ready));
		if (is_ready[tick]) {
			ticks++;
			things[tick] = bpf::pollable::after_ms(2);
		}
	}
	printf("stop %s\n", truth(is_ready[stop]));
	printf("several ticks: %s, not too many: %s\n", truth(ticks > 1), truth(ticks <= 10));
	print_result("nothing to wait for", bpf_pollable__wait(nullptr, 0, nullptr) >= 0);
	return {};
}

static bpf::result<void> go(skeleton &skel, const char *name)
{
	auto is = [name](const char *other) { return !strcmp(name, other); };

	if (is("read"))
		return read(skel, bpf::forever);
	if (is("read-within"))
		return read(skel, hour_ms);
	if (is("poll"))
		return poll(skel);
	if (is("write"))
		return write(skel);
	if (is("timers"))
		return timers();
	if (is("sleep")) {
		printf("waiting\n");
		printf("slept: %s\n", truth(bpf_sleep_ms(hour_ms)));
		return {};
	}
	if (is("itself")) {
		bpf_request_stop();
		bpf_sleep_ms(hour_ms);
		return {};
	}
	if (is("exit"))
		bpf_exit(3);
	if (is("exit-255"))
		bpf_exit(255);
	return bpf::error(BPF_ERROR_OTHER, is("fail") ? "it was asked to fail" : "no such case");
}

static bpf::result<void> run(const char *name)
{
	auto skel = BPF_TRY(skeleton::open());

	BPF_TRY(skel.load());
	printf("asked: %s\n", truth(bpf_stop_requested()));
	BPF_TRY(go(skel, name));
	printf("asked: %s\n", truth(bpf_stop_requested()));
	printf("stop is ready: %s\n",
	       truth(bpf_stop_requested() == bpf::pollable::stop().is_ready()));
	return {};
}

int main(int argc, char **argv)
{
	return bpf::run([&] { return run(argc > 1 ? argv[1] : ""); });
}
