// Shows what the BPF program has counted since the last time, each second.
#include <stdio.h>
#include <stdlib.h>

// Generated from probe.bpf.c: its types and maps.
#include "probe.skel.h"

// Takes the entries out of the map, many at a time.
static int drain(struct bpf_map *counts, struct bpf_table *table)
{
	struct bpf_map_cursor *cursor = bpf_map__drain(counts);
	struct bpf_map_entries entries;
	int outcome;

	if (!cursor)
		return -1;
	while ((outcome = bpf_map_cursor__next(cursor, 0, &entries)) > 0)
		for (uint32_t i = 0; i < entries.count; i++)
			if (bpf_table__push(table, bpf_map_entries__value(&entries, i),
					    sizeof(struct count)) < 0)
				return -1;
	bpf_map_cursor__free(cursor);
	return outcome;
}

static int show(struct probe_bpf *skel, struct bpf_table *table, uint64_t interval_ms)
{
	for (;;) {
		// False when the operator asks to stop.
		bool goes_on = bpf_sleep_ms(interval_ms);

		if (drain(skel->maps.counts, table) < 0 || bpf_table__end_of_interval(table) < 0)
			return -1;
		if (!goes_on)
			return 0;
	}
}

int main(int argc, char **argv)
{
	int seconds = argc > 1 ? atoi(argv[1]) : 1;
	struct probe_bpf *skel;
	struct bpf_table *table;

	if (seconds < 1) {
		fprintf(stderr, "error: \"%s\" is no number of seconds\n", argv[1]);
		return 1;
	}
	skel = probe_bpf__open();
	if (!skel || probe_bpf__load(skel) < 0)
		return bpf_error_report();
	table = bpf_table__from_btf("counts", skel->obj, "count");
	// The host sorts and cuts the rows of an interval.
	if (!table || bpf_table__add_hint(table, NULL, "sort", "-switches,pid") < 0 ||
	    bpf_table__add_hint(table, NULL, "limit", "10") < 0 || probe_bpf__attach(skel) < 0 ||
	    show(skel, table, (uint64_t)seconds * 1000) < 0)
		return bpf_error_report();
	bpf_table__free(table);
	probe_bpf__destroy(skel);
	return 0;
}
