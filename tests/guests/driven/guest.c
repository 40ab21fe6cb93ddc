// SPDX-License-Identifier: MIT OR Apache-2.0
// A plugin with two sources and ticks; its first argument says where it goes wrong, if anywhere.
#include "../case.h"
#include "driven.skel.h"

BPF_PLUGIN;

static const char *name;
static struct driven_bpf *skel;
static int sources[2];
static uint32_t sums[2];
static uint32_t ticks;

static bool is(const char *other)
{
	return !strcmp(name, other);
}

static int produce(uint32_t records)
{
	struct bpf_test_run_opts opts = { .ctx_in = &records, .ctx_size_in = sizeof(records) };

	return bpf_program__test_run(bpf_object__find_program_by_name(skel->obj, "produce"),
				     &opts);
}

// The shortest tick. The most sources would be 256, but objects that have them are 16.
static int limits(void)
{
	print_result("less than a millisecond", bpf_driver__set_tick_ns(999999) == 0);
	if (bpf_driver__set_tick_ms(1) < 0)
		return -1;
	printf("a millisecond: ok\n");
	return 0;
}

int bpf_plugin_start(void)
{
	int count, outcome;
	char **arguments = bpf_arguments(&count);

	name = count > 1 ? arguments[1] : "";
	printf("start\n");
	if (is("help")) {
		printf("usage: driven\n");
		bpf_request_stop();
	} else if (is("exit-in-start")) {
		bpf_exit(9);
	} else if (is("fail-in-start")) {
		return bpf_plugin_fail("it was asked to fail in start");
	}
	skel = driven_bpf__open();
	if (!skel)
		return -1;
	outcome = driven_bpf__load(skel);
	if (outcome < 0)
		return outcome;
	if (is("limits") && limits() < 0)
		return -1;
	sources[0] = bpf_driver__add_ring_buffer(skel->maps.events);
	sources[1] = bpf_driver__add_ring_buffer(skel->maps.others);
	if (sources[0] < 0 || sources[1] < 0)
		return -1;
	printf("sources differ: %s\n", truth(sources[0] != sources[1]));
	outcome = bpf_driver__set_tick_ms(2);
	// Delivered before the first tick.
	return outcome < 0 ? outcome : produce(5);
}

int bpf_plugin_on_events(uint32_t source, const struct bpf_batch *batch)
{
	int index = source == (uint32_t)sources[0] ? 0 : 1;

	if (is("fail-in-events"))
		return bpf_plugin_fail("it was asked to fail in on-events");
	if (source != (uint32_t)sources[index])
		return bpf_plugin_fail("events of a source that was not added");
	bpf_batch__for_each(record, batch)
		sums[index] += *(const uint32_t *)record.data;
	sums[index] += batch->lost;
	return 0;
}

int bpf_plugin_on_tick(void)
{
	ticks++;
	if (ticks <= 3) {
		int outcome;

		printf("tick %u\n", ticks);
		outcome = produce(10);
		if (outcome < 0)
			return outcome;
	}
	if (is("fail-in-tick"))
		return bpf_plugin_fail("it was asked to fail in on-tick");
	if (ticks == 4 && !is("until-asked"))
		bpf_request_stop();
	return 0;
}

int bpf_plugin_stop(void)
{
	printf("stop: sums [%u, %u]\n", sums[0], sums[1]);
	return is("fail-in-stop") ? bpf_plugin_fail("it was asked to fail in stop") : 0;
}
