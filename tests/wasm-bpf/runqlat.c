// SPDX-License-Identifier: MIT OR Apache-2.0
/* Counts by CPU in a hash map that is read and emptied at intervals, as the example `runqlat`:
 * waits by sleep(), so that it hears nothing of a wish to stop. */
#include "wasm_bpf.h"

struct hist {
	uint32_t slots[26];
};

static void print_hists(int map)
{
	uint32_t key = -2, next;
	struct hist hist;
	int hists = 0;
	while (!map_operate(map, NEXT_KEY, &key, NULL, &next, 0)) {
		if (map_operate(map, LOOKUP, &next, &hist, NULL, 0) < 0)
			exit(2);
		uint64_t total = 0;
		for (int i = 0; i < 26; i++)
			total += hist.slots[i];
		printf("cpu %u: %s\n", next, total ? "switches" : "none");
		key = next;
		hists++;
	}
	key = -2;
	while (!map_operate(map, NEXT_KEY, &key, NULL, &next, 0)) {
		if (map_operate(map, DELETE, &next, NULL, NULL, 0) < 0)
			exit(3);
		key = next;
	}
	printf("hists %s\n", hists ? "some" : "none");
}

int main(int argc, char **argv)
{
	object_t object = load_or_exit();
	attach_or_exit(object, "handle_switch", NULL);
	int map = map_or_exit(object, "hists");
	printf("attached\n");
	for (;;) {
		usleep(200 * 1000);
		print_hists(map);
	}
}
