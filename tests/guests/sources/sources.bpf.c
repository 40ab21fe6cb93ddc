// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
// Sixteen ring buffers and a perf event array: sixteen objects have more than the most sources.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define RING(name)                                  \
	struct {                                    \
		__uint(type, BPF_MAP_TYPE_RINGBUF); \
		__uint(max_entries, 4096);          \
	} name SEC(".maps");

RING(ring0) RING(ring1) RING(ring2) RING(ring3) RING(ring4)
RING(ring5) RING(ring6) RING(ring7) RING(ring8) RING(ring9)
RING(ring10) RING(ring11) RING(ring12) RING(ring13) RING(ring14)
RING(ring15)

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} perf SEC(".maps");

SEC("raw_tp/sched_process_exec")
int produce(void *ctx)
{
	__u64 first = 1, last = 2, other = 4;

	bpf_ringbuf_output(&ring0, &first, sizeof(first), 0);
	bpf_ringbuf_output(&ring14, &last, sizeof(last), 0);
	/* 4 modulo 8 bytes, which the kernel does not round up. */
	bpf_perf_event_output(ctx, &perf, BPF_F_CURRENT_CPU, &other, 4);
	return 0;
}
