// Shows a histogram of what the BPF program measures, each second.
#include <stdio.h>
#include <stdlib.h>

// Generated from probe.bpf.c: its types and maps.
#include "probe.skel.h"

static int show(struct probe_bpf *skel, struct bpf_table *table, uint64_t interval_ms)
{
	for (;;) {
		// False when the operator asks to stop.
		bool goes_on = bpf_sleep_ms(interval_ms);
		struct histogram histogram;
		uint32_t zero = 0;

		if (bpf_map__lookup_elem(skel->maps.lives, &zero, sizeof(zero), &histogram,
					 sizeof(histogram), 0) < 0 ||
		    bpf_table__push(table, &histogram, sizeof(histogram)) < 0 ||
		    bpf_table__end_of_interval(table) < 0)
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
	table = bpf_table__from_btf("lives", skel->obj, "histogram");
	if (!table || bpf_table__add_hint(table, "slots", "histogram", "log2") < 0 ||
	    bpf_table__add_hint(table, "slots", "unit", "usecs") < 0 ||
	    probe_bpf__attach(skel) < 0 || show(skel, table, (uint64_t)seconds * 1000) < 0)
		return bpf_error_report();
	bpf_table__free(table);
	probe_bpf__destroy(skel);
	return 0;
}
