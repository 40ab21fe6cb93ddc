// SPDX-License-Identifier: MIT OR Apache-2.0
// Prints what a BPF program in Rust reports.
#include <stdio.h>

#include "probe.skel.h"

static int show(void *context, void *data, size_t size)
{
	struct Event *event = data;

	(void)context;
	if (size >= sizeof(*event))
		printf("%u %.16s\n", event->pid, (const char *)event->comm);
	return 0;
}

int main(void)
{
	struct probe_bpf *skel = probe_bpf__open_and_load();
	struct ring_buffer *ring;
	uint32_t key = 0;
	uint64_t lost;

	if (!skel || probe_bpf__attach(skel) < 0)
		return bpf_error_report();
	ring = ring_buffer__new(bpf_map__fd(skel->maps.EVENTS), show, NULL, NULL);
	if (!ring)
		return bpf_error_report();
	while (ring_buffer__poll(ring, -1) >= 0)
		;
	if (bpf_map__lookup_elem(skel->maps.LOST, &key, sizeof(key), &lost, sizeof(lost), 0) < 0)
		return bpf_error_report();
	printf("lost %llu\n", (unsigned long long)lost);
	return 0;
}
