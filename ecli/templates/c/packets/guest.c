// Shows the packets that the BPF program has counted, each second. The first argument is where it
// counts: `{{target}}` unless it says another place.
#include <stdio.h>

// Generated from probe.bpf.c: its types and maps.
#include "probe.skel.h"

#define INTERVAL_MS 1000

static int show_all(struct bpf_map *traffics, struct bpf_table *table)
{
	struct bpf_map_cursor *cursor = bpf_map__iterate(traffics);
	struct bpf_map_entries entries;
	int outcome;

	if (!cursor)
		return -1;
	while ((outcome = bpf_map_cursor__next(cursor, 0, &entries)) > 0)
		for (uint32_t i = 0; i < entries.count; i++)
			if (bpf_table__push(table, bpf_map_entries__value(&entries, i),
					    sizeof(struct traffic)) < 0)
				return -1;
	bpf_map_cursor__free(cursor);
	return outcome;
}

static int show(struct probe_bpf *skel, struct bpf_table *table)
{
	for (;;) {
		// False when the operator asks to stop.
		bool goes_on = bpf_sleep_ms(INTERVAL_MS);

		if (show_all(skel->maps.traffics, table) < 0 ||
		    bpf_table__end_of_interval(table) < 0)
			return -1;
		if (!goes_on)
			return 0;
	}
}

int main(int argc, char **argv)
{
	const char *target = argc > 1 ? argv[1] : "{{target}}";
	struct probe_bpf *skel = probe_bpf__open();
	struct bpf_table *table;
	struct bpf_link *link;

	if (!skel || probe_bpf__load(skel) < 0)
		return bpf_error_report();
	table = bpf_table__from_btf("traffic", skel->obj, "traffic");
	// Each interval shows the same entries anew.
	if (!table || bpf_table__add_hint(table, "bytes", "format", "bytes") < 0 ||
	    bpf_table__add_hint(table, NULL, "rows", "totals") < 0 ||
	    bpf_table__add_hint(table, NULL, "sort", "protocol") < 0)
		return bpf_error_report();
	link = bpf_program__attach_target(skel->progs.on_packet, target);
	if (!link || show(skel, table) < 0)
		return bpf_error_report();
	bpf_link__destroy(link);
	bpf_table__free(table);
	probe_bpf__destroy(skel);
	return 0;
}
