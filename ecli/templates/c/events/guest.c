// Shows the events that the BPF program reports.
#include <errno.h>
#include <stdio.h>
#include <string.h>

// Generated from probe.bpf.c: its types, globals and maps.
#include "probe.skel.h"

static struct bpf_table *make_table(struct probe_bpf *skel)
{
	struct bpf_table *table = bpf_table__from_btf("events", skel->obj, "event");

	if (!table || bpf_table__add_hint(table, "time_ns", "format", "time-boot-ns") < 0 ||
	    bpf_table__add_hint(table, "time_ns", "title", "TIME") < 0 ||
	    bpf_table__add_hint(table, "pid", "width", "7") < 0 ||
	    bpf_table__add_hint(table, "uid", "width", "5") < 0)
		return NULL;
	return table;
}

static int show(struct probe_bpf *skel, struct ring_buffer *events, struct bpf_table *table,
		const char *wanted)
{
	struct bpf_batch batch;
	uint64_t lost;
	int outcome;

	while ((outcome = ring_buffer__next_batch(events, -1, &batch)) > 0) {
		// Detach, so that there is an end to what is to be read.
		if (bpf_stop_requested())
			probe_bpf__detach(skel);
		bpf_batch__for_each(record, &batch) {
			const struct event *event = record.data;

			if (record.size >= sizeof(*event) && strstr(event->comm, wanted) &&
			    bpf_table__push(table, event, sizeof(*event)) < 0)
				return -1;
		}
	}
	// The operator asked to stop, and everything is read.
	if (outcome != -EINTR || probe_bpf__get_lost_events(skel, &lost) < 0)
		return -1;
	bpf_output__report_lost(lost);
	return 0;
}

int main(int argc, char **argv)
{
	// Only processes with this in their name.
	const char *wanted = argc > 1 ? argv[1] : "";
	struct probe_bpf *skel = probe_bpf__open();
	struct bpf_table *table;
	struct ring_buffer *events;

	if (!skel || probe_bpf__load(skel) < 0)
		return bpf_error_report();
	table = make_table(skel);
	events = ring_buffer__new(skel->maps.events, NULL, NULL, NULL);
	if (!table || !events || probe_bpf__attach(skel) < 0 ||
	    show(skel, events, table, wanted) < 0)
		return bpf_error_report();
	ring_buffer__free(events);
	bpf_table__free(table);
	probe_bpf__destroy(skel);
	return 0;
}
