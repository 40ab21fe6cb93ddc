// SPDX-License-Identifier: MIT OR Apache-2.0
// Reads a ring buffer in every way.
#include <stdio.h>

#include "ring.skel.h"

// Longer than the program takes to write its late record.
#define PATIENCE_MS 10000

static const char *truth(bool is)
{
	return is ? "true" : "false";
}

// Runs the program that writes records, of which some discarded; returns how many fitted.
static unsigned int fill(struct ring_bpf *skel, uint32_t records, uint32_t discarded)
{
	uint32_t args[2] = { records, discarded };
	struct bpf_test_run_opts opts = { .ctx_in = args, .ctx_size_in = sizeof(args) };

	bpf_program__test_run(bpf_object__find_program_by_name(skel->obj, "fill"), &opts);
	return opts.retval;
}

static void fill_later(struct ring_bpf *skel)
{
	struct bpf_test_run_opts opts = { 0 };

	bpf_program__test_run(bpf_object__find_program_by_name(skel->obj, "fill_later"), &opts);
}

static unsigned int count(const struct bpf_batch *batch)
{
	unsigned int records = 0;

	bpf_batch__for_each(record, batch)
		records++;
	return records;
}

// Prints what the program wrote, discarded records left out.
static void echo(struct ring_bpf *skel, struct ring_buffer *ring)
{
	struct bpf_batch batch;

	printf("echo: wrote %u\n", fill(skel, 5, 2));
	printf("available %llu\n", ring_buffer__avail_data_size(ring));
	if (ring_buffer__next_batch(ring, -1, &batch) > 0) {
		printf("batch of %zu bytes\n", batch.bytes);
		bpf_batch__for_each(record, &batch) {
			const struct event *event = record.data;

			printf("  %u %s\n", event->number, event->text);
		}
	}
	printf("available while held %llu\n", ring_buffer__avail_data_size(ring));
	ring_buffer__release(ring);
	printf("available after %llu\n", ring_buffer__avail_data_size(ring));
}

// Reads a record at a time, however few bytes were asked for.
static void pieces(struct ring_bpf *skel, struct ring_buffer *ring)
{
	static const uint32_t sizes[] = { 1, 24, 47 };
	struct bpf_batch batch;

	fill(skel, 3, 0);
	for (int i = 0; i < 3; i++) {
		ring_buffer__set_batch_size(ring, sizes[i]);
		ring_buffer__next_batch(ring, 0, &batch);
		printf("of at most %u bytes: %zu\n", sizes[i], batch.bytes);
	}
	printf("and then: %s\n", truth(ring_buffer__next_batch(ring, 0, &batch) == 0));
	ring_buffer__set_batch_size(ring, 0);
}

// More than the ring holds is lost; what is read leaves room.
static void full(struct ring_bpf *skel, struct ring_buffer *ring)
{
	unsigned int records = 0, batches = 0;
	struct bpf_batch batch;
	size_t largest = 0;

	printf("full: wrote %u of 5000\n", fill(skel, 5000, 0));
	printf("no room: %u\n", fill(skel, 1, 0));
	while (ring_buffer__next_batch(ring, 0, &batch) > 0) {
		records += count(&batch);
		if (batch.bytes > largest)
			largest = batch.bytes;
		batches++;
	}
	printf("read %u in %s batches\n", records, batches > 1 ? "several" : "no");
	printf("none above half of the ring: %s\n", truth(largest <= 32 * 1024));
	printf("room again: %u\n", fill(skel, 1, 0));
	ring_buffer__next_batch(ring, 0, &batch);
	printf("read %u\n", count(&batch));
}

static int on_late(void *ctx, void *data, size_t size)
{
	const struct event *event = data;

	(void)ctx;
	(void)size;
	printf("late: %u %s\n", event->number, event->text);
	return 0;
}

// Waits for a record, in the call and with a time-out.
static void late(struct ring_bpf *skel, struct ring_buffer *ring)
{
	struct bpf_batch batch;

	ring_buffer__release(ring);
	fill_later(skel);
	if (ring_buffer__next_batch(ring, -1, &batch) > 0)
		bpf_batch__for_each(record, &batch)
			on_late(NULL, (void *)record.data, record.size);
	ring_buffer__release(ring);
	printf("the timer is first: %s\n", truth(ring_buffer__poll(ring, 5) == 0));
	fill_later(skel);
	printf("the record is first: %s\n",
	       truth(ring_buffer__next_batch(ring, PATIENCE_MS, &batch) == 1));
	printf("still ready: %s\n", truth(ring_buffer__avail_data_size(ring) > 0));
	printf("read %u\n", count(&batch));
}

int main(void)
{
	struct ring_bpf *skel = ring_bpf__open();
	struct ring_buffer *ring;
	struct bpf_batch batch;

	if (!skel || ring_bpf__load(skel) < 0)
		return bpf_error_report();
	ring = ring_buffer__new(skel->maps.events, NULL, NULL, NULL);
	if (!ring)
		return bpf_error_report();
	if (!ring_buffer__new(skel->maps.events, NULL, NULL, NULL))
		printf("second reader: Err(ErrorCode::%s)\n",
		       bpf_error()->code == BPF_ERROR_BUSY ? "Busy" : "Other");
	printf("nothing yet: %s\n", truth(ring_buffer__next_batch(ring, 0, &batch) == 0));
	printf("time is up: %s\n", truth(ring_buffer__next_batch(ring, 5, &batch) == 0));
	echo(skel, ring);
	pieces(skel, ring);
	full(skel, ring);
	late(skel, ring);
	ring_buffer__free(ring);
	ring = ring_buffer__new(skel->maps.events, NULL, NULL, NULL);
	printf("a new reader finds %llu bytes\n", ring_buffer__avail_data_size(ring));
	ring_bpf__destroy(skel);
	return 0;
}
