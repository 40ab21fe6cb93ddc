// SPDX-License-Identifier: MIT OR Apache-2.0
// Reads a ring buffer that is full, as often as the first argument says, and prints a line a round:
// nanoseconds of reading, records, the sum of their numbers.
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

// Generated from flood.bpf.c: its types and maps.
#include "flood.skel.h"

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static int read_all(struct ring_buffer *events)
{
	uint64_t start = now_ns(), records = 0, sum = 0;
	struct bpf_batch batch;
	int outcome;

	while ((outcome = ring_buffer__next_batch(events, 0, &batch)) > 0) {
		bpf_batch__for_each(record, &batch) {
			const struct event *event = record.data;

			if (record.size < sizeof(*event))
				continue;
			records++;
			sum += event->number;
		}
	}
	printf("%llu %llu %llu\n", now_ns() - start, records, sum);
	return outcome;
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 1;
	struct flood_bpf *skel = flood_bpf__open();
	struct ring_buffer *events;

	if (!skel || flood_bpf__load(skel) < 0)
		return bpf_error_report();
	events = ring_buffer__new(skel->maps.events, NULL, NULL, NULL);
	if (!events)
		return bpf_error_report();
	for (int round = 0; round < rounds; round++) {
		struct bpf_test_run_opts opts = { 0 };

		if (bpf_program__test_run(skel->progs.fill, &opts) < 0 || read_all(events) < 0)
			return bpf_error_report();
	}
	ring_buffer__free(events);
	flood_bpf__destroy(skel);
	return 0;
}
