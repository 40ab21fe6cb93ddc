// SPDX-License-Identifier: MIT OR Apache-2.0
// Reads a perf event array.
#include "../case.h"
#include "perf.skel.h"

static void output(struct perf_bpf *skel, uint32_t records)
{
	struct bpf_test_run_opts on_first = { .on_cpu = true, .cpu = 0 };

	perf_bpf__set_records(skel, records);
	bpf_program__test_run(bpf_object__find_program_by_name(skel->obj, "output"), &on_first);
}

static struct perf_buffer *open(struct perf_bpf *skel, size_t pages)
{
	return perf_buffer__new(skel->maps.events, pages, NULL, NULL, NULL, NULL);
}

static void sizes(struct perf_bpf *skel)
{
	static const size_t pages[] = { 1, 4096, 8192, 3 };
	char what[16];

	for (int i = 0; i < 4; i++) {
		struct perf_buffer *perf = open(skel, pages[i]);

		snprintf(what, sizeof(what), "%zu pages", pages[i]);
		print_result(what, perf != NULL);
		perf_buffer__free(perf);
	}
}

// Reads what is there, and counts records and losses.
static void count(struct perf_buffer *perf, uint64_t *read, uint64_t *lost)
{
	struct bpf_batch batch;

	while (perf_buffer__next_batch(perf, 0, &batch) > 0) {
		bpf_batch__for_each(record, &batch)
			++*read;
		*lost += batch.lost;
	}
}

// More than a page holds; how many fit is the kernel's to say.
static void losses(struct perf_bpf *skel, struct perf_buffer *perf)
{
	uint64_t read = 0, lost = 0;
	struct bpf_batch batch;

	printf("nothing left: %s\n", truth(perf_buffer__next_batch(perf, 0, &batch) == 0));
	output(skel, 20);
	count(perf, &read, &lost);
	// The kernel tells of losses with the next record that fits.
	output(skel, 1);
	count(perf, &read, &lost);
	printf("read some: %s, lost some: %s, in all %llu\n", truth(read > 5), truth(lost > 5),
	       read + lost);
}

int main(void)
{
	struct perf_bpf *skel = perf_bpf__open();
	struct perf_buffer *perf;
	struct bpf_batch batch;

	if (!skel || perf_bpf__load(skel) < 0)
		return bpf_error_report();
	sizes(skel);
	perf = open(skel, 1);
	if (!perf)
		return bpf_error_report();
	print_result("second reader", open(skel, 0) != NULL);
	printf("nothing yet: %s\n", truth(perf_buffer__next_batch(perf, 0, &batch) == 0));
	printf("time is up: %s\n", truth(perf_buffer__next_batch(perf, 5, &batch) == 0));

	output(skel, 3);
	if (perf_buffer__next_batch(perf, -1, &batch) > 0) {
		printf("lost %llu\n", batch.lost);
		bpf_batch__for_each(record, &batch) {
			const struct event *event = record.data;

			printf("on CPU %u: Some(%u), %u bytes\n", record.cpu, event->number,
			       record.size);
		}
	}
	losses(skel, perf);
	printf("all is read: %s\n", truth(perf_buffer__next_batch(perf, 0, &batch) == 0));
	perf_buffer__free(perf);
	perf_bpf__destroy(skel);
	return 0;
}
