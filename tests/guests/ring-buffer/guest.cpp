// SPDX-License-Identifier: MIT OR Apache-2.0
// Reads a ring buffer in every way.
#include <eunomia_bpf.hpp>

#include "../case.h"
#include "ring.skel.h"

// Longer than the program takes to write its late record.
static constexpr int patience_ms = 10000;

using skeleton = bpf::skeleton<ring_bpf>;

// Runs the program that writes records, of which some discarded; returns how many fitted.
static bpf::result<uint32_t> fill(skeleton &skel, uint32_t records, uint32_t discarded)
{
	const uint32_t arguments[2] = { records, discarded };

	return bpf::program(skel->progs.fill).test_run(arguments);
}

static uint32_t count(const bpf::batch &batch)
{
	uint32_t records = 0;

	for (const bpf_record &record : batch) {
		(void)record;
		records++;
	}
	return records;
}

// Prints what the program wrote, discarded records left out.
static bpf::result<void> echo(skeleton &skel, bpf::ring_buffer &ring)
{
	printf("echo: wrote %u\n", BPF_TRY(fill(skel, 5, 2)));
	printf("available %llu\n", ring.available());
	auto batch = BPF_TRY(ring.next_batch());
	printf("batch of %zu bytes\n", batch.bytes());
	for (const event &event : batch.records<event>())
		printf("  %u %s\n", event.number, event.text);
	printf("available while held %llu\n", ring.available());
	ring.release_batch();
	printf("available after %llu\n", ring.available());
	return {};
}

// Reads a record at a time, however few bytes were asked for.
static bpf::result<void> pieces(skeleton &skel, bpf::ring_buffer &ring)
{
	BPF_TRY(fill(skel, 3, 0));
	for (uint32_t bytes_max : { 1U, 24U, 47U }) {
		ring.set_batch_size(bytes_max);
		printf("of at most %u bytes: %zu\n", bytes_max, BPF_TRY(ring.next_batch(0)).bytes());
	}
	printf("and then: %s\n", truth(BPF_TRY(ring.next_batch(0)).empty()));
	ring.set_batch_size(0);
	return {};
}

// More than the ring holds is lost; what is read leaves room.
static bpf::result<void> full(skeleton &skel, bpf::ring_buffer &ring)
{
	uint32_t records = 0, batches = 0;
	size_t largest = 0;

	printf("full: wrote %u of 5000\n", BPF_TRY(fill(skel, 5000, 0)));
	printf("no room: %u\n", BPF_TRY(fill(skel, 1, 0)));
	for (;;) {
		auto batch = BPF_TRY(ring.next_batch(0));

		if (batch.empty())
			break;
		records += count(batch);
		largest = batch.bytes() > largest ? batch.bytes() : largest;
		batches++;
	}
	printf("read %u in %s batches\n", records, batches > 1 ? "several" : "no");
	printf("none above half of the ring: %s\n", truth(largest <= 32 * 1024));
	printf("room again: %u\n", BPF_TRY(fill(skel, 1, 0)));
	printf("read %u\n", count(BPF_TRY(ring.next_batch(0))));
	return {};
}

// Waits for a record, in the call and with a time-out.
static bpf::result<void> late(skeleton &skel, bpf::ring_buffer &ring)
{
	bpf::program fill_later = skel->progs.fill_later;

	ring.release_batch();
	BPF_TRY(fill_later.test_run());
	auto batch = BPF_TRY(ring.next_batch());
	for (const event &event : batch.records<event>())
		printf("late: %u %s\n", event.number, event.text);
	ring.release_batch();
	printf("the timer is first: %s\n", truth(BPF_TRY(ring.next_batch(5)).empty()));
	BPF_TRY(fill_later.test_run());
	batch = BPF_TRY(ring.next_batch(patience_ms));
	printf("the record is first: %s\n", truth(!batch.empty()));
	printf("still ready: %s\n", truth(ring.available() > 0));
	printf("read %u\n", count(batch));
	return {};
}

static bpf::result<void> read()
{
	auto skel = BPF_TRY(skeleton::open());
	BPF_TRY(skel.load());
	auto ring = BPF_TRY(bpf::ring_buffer::open(skel->maps.events));
	auto second = bpf::ring_buffer::open(skel->maps.events);
	printf("second reader: Err(ErrorCode::%s)\n",
	       second.failed_with(BPF_ERROR_BUSY) ? "Busy" : "Other");
	printf("nothing yet: %s\n", truth(BPF_TRY(ring.next_batch(0)).empty()));
	printf("time is up: %s\n", truth(BPF_TRY(ring.next_batch(5)).empty()));
	BPF_TRY(echo(skel, ring));
	BPF_TRY(pieces(skel, ring));
	BPF_TRY(full(skel, ring));
	BPF_TRY(late(skel, ring));
	// The first reader goes before the next one comes.
	ring = bpf::ring_buffer();
	ring = BPF_TRY(bpf::ring_buffer::open(skel->maps.events));
	printf("a new reader finds %llu bytes\n", ring.available());
	return {};
}

int main()
{
	return bpf::run(read);
}
