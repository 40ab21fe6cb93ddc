// Shows events and how many there are a second; the host drives it.

// Generated from probe.bpf.c: its types, globals and maps.
#include "probe.skel.h"

BPF_PLUGIN;

static struct probe_bpf *skel;
static struct bpf_table *events, *rates;
// Since the last tick, and in all.
static uint64_t count, total;

int bpf_plugin_start(void)
{
	static const struct bpf_field fields[] = {
		{ "count", BPF_FIELD_U64 },
		{ "total", BPF_FIELD_U64 },
	};

	skel = probe_bpf__open();
	if (!skel || probe_bpf__load(skel) < 0 ||
	    bpf_driver__add_ring_buffer(skel->maps.events) < 0 || bpf_driver__set_tick_ms(1000) < 0)
		return -1;
	events = bpf_table__from_btf("events", skel->obj, "event");
	if (!events || bpf_table__add_hint(events, "time_ns", "format", "time-boot-ns") < 0)
		return -1;
	rates = bpf_table__from_fields("rates", fields, 2);
	return rates ? probe_bpf__attach(skel) : -1;
}

int bpf_plugin_on_events(uint32_t source, const struct bpf_batch *batch)
{
	bpf_batch__for_each(record, batch)
		count++;
	return bpf_table__emit_batch(events, batch);
}

int bpf_plugin_on_tick(void)
{
	// Used again for every row.
	static struct bpf_row row;

	total += count;
	bpf_row__clear(&row);
	bpf_row__put_u64(&row, count);
	bpf_row__put_u64(&row, total);
	count = 0;
	if (bpf_table__push_row(rates, &row) < 0)
		return -1;
	return bpf_table__end_of_interval(rates);
}

int bpf_plugin_stop(void)
{
	uint64_t lost;

	if (probe_bpf__get_lost_events(skel, &lost) < 0)
		return -1;
	bpf_output__report_lost(lost);
	return 0;
}
