// SPDX-License-Identifier: MIT OR Apache-2.0
// Waits in every way and is asked to stop, or asks itself.
#include "../case.h"
#include "stop.skel.h"

// Longer than any test.
#define HOUR_MS (3600 * 1000)

static void produce(struct stop_bpf *skel)
{
	struct bpf_test_run_opts opts = { 0 };

	bpf_program__test_run(bpf_object__find_program_by_name(skel->obj, "produce"), &opts);
}

static void print_words(const struct bpf_batch *batch)
{
	const char *between = "";

	printf("read [");
	bpf_batch__for_each(record, batch) {
		printf("%s%u", between, *(const uint32_t *)record.data);
		between = ", ";
	}
	printf("]\n");
}

// What arrives before the end is still read; from then on nothing is waited for.
static void read(struct stop_bpf *skel, int timeout_ms)
{
	struct ring_buffer *ring = ring_buffer__new(skel->maps.events, NULL, NULL, NULL);
	struct bpf_batch batch;
	unsigned int left = 0;
	bool said = false;

	produce(skel);
	while (ring_buffer__next_batch(ring, timeout_ms, &batch) > 0) {
		print_words(&batch);
		if (!said)
			printf("waiting\n");
		said = true;
	}
	produce(skel);
	if (ring_buffer__next_batch(ring, -1, &batch) > 0)
		bpf_batch__for_each(record, &batch)
			left++;
	printf("left over: Some(%u)\n", left);
	printf("and then: %s\n", truth(ring_buffer__next_batch(ring, -1, &batch) < 0));
	ring_buffer__free(ring);
}

static void poll(struct stop_bpf *skel)
{
	struct ring_buffer *ring = ring_buffer__new(skel->maps.events, NULL, NULL, NULL);
	struct bpf_pollable *things[] = { bpf_pollable__stop(), ring_buffer__subscribe(ring),
					  bpf_pollable__after_ms(HOUR_MS) };
	bool is_ready[3];

	printf("waiting\n");
	bpf_pollable__wait(things, 3, is_ready);
	printf("stop %s, timer %s\n", truth(is_ready[0]), truth(is_ready[2]));
	bpf_pollable__wait(things, 3, is_ready);
	printf("buffers too: %s\n", truth(is_ready[1]));
	for (int i = 0; i < 3; i++)
		bpf_pollable__free(things[i]);
	ring_buffer__free(ring);
}

// A full buffer that nobody drains.
static void write(struct stop_bpf *skel)
{
	struct user_ring_buffer *commands = user_ring_buffer__new(skel->maps.commands, NULL);
	struct bpf_pollable *room = user_ring_buffer__subscribe(commands);

	for (uint32_t word = 0; word < 257; word++)
		user_ring_buffer__push(commands, &word, sizeof(word));
	printf("waiting\n");
	printf("left %d bytes\n", user_ring_buffer__submit_all(commands, -1));
	printf("ready: %s\n", truth(bpf_pollable__is_ready(room)));
	bpf_pollable__free(room);
	user_ring_buffer__free(commands);
}

static void timers(void)
{
	enum { STOP, TICK, END, COUNT };
	struct bpf_pollable *things[COUNT];
	bool is_ready[COUNT] = { false };
	unsigned int ticks = 0;

	printf("slept: %s\n", truth(bpf_sleep_ms(2)));
	things[STOP] = bpf_pollable__stop();
	things[TICK] = bpf_pollable__after_ms(2);
	things[END] = bpf_pollable__after_ms(20);
	while (!is_ready[END]) {
		bpf_pollable__wait(things, COUNT, is_ready);
		if (is_ready[TICK]) {
			ticks++;
			bpf_pollable__free(things[TICK]);
			things[TICK] = bpf_pollable__after_ms(2);
		}
	}
	printf("stop %s\n", truth(is_ready[STOP]));
	printf("several ticks: %s, not too many: %s\n", truth(ticks > 1), truth(ticks <= 10));
	print_result("nothing to wait for", bpf_pollable__wait(NULL, 0, NULL) >= 0);
	for (int i = 0; i < COUNT; i++)
		bpf_pollable__free(things[i]);
}

// Runs a case; what it returns is the exit code.
static int run(struct stop_bpf *skel, const char *name)
{
	if (!strcmp(name, "read")) {
		read(skel, -1);
	} else if (!strcmp(name, "read-within")) {
		read(skel, HOUR_MS);
	} else if (!strcmp(name, "poll")) {
		poll(skel);
	} else if (!strcmp(name, "sleep")) {
		printf("waiting\n");
		printf("slept: %s\n", truth(bpf_sleep_ms(HOUR_MS)));
	} else if (!strcmp(name, "write")) {
		write(skel);
	} else if (!strcmp(name, "itself")) {
		bpf_request_stop();
		bpf_sleep_ms(HOUR_MS);
	} else if (!strcmp(name, "timers")) {
		timers();
	} else if (!strcmp(name, "exit")) {
		bpf_exit(3);
	} else if (!strcmp(name, "exit-255")) {
		bpf_exit(255);
	} else {
		fprintf(stderr, "error: %s\n",
			strcmp(name, "fail") ? "no such case" : "it was asked to fail");
		return 1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct stop_bpf *skel = stop_bpf__open();
	struct bpf_pollable *stop;

	if (!skel || stop_bpf__load(skel) < 0)
		return bpf_error_report();
	printf("asked: %s\n", truth(bpf_stop_requested()));
	if (run(skel, argc > 1 ? argv[1] : ""))
		return 1;
	printf("asked: %s\n", truth(bpf_stop_requested()));
	stop = bpf_pollable__stop();
	printf("stop is ready: %s\n",
	       truth(bpf_stop_requested() == bpf_pollable__is_ready(stop)));
	bpf_pollable__free(stop);
	stop_bpf__destroy(skel);
	return 0;
}
