// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
// Packets of an interface that only the operator knows, through a perf event array.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

struct packet {
	u32 bytes;
	u32 mark;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, 4);
	__uint(value_size, 4);
} packets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u64);
} seen SEC(".maps");

/* What records are: bpf2go's convention. */
const struct packet *unused __attribute__((unused));

volatile const u32 mark = 1;

SEC("xdp")
int pass(struct xdp_md *ctx)
{
	struct packet packet = { .bytes = ctx->data_end - ctx->data, .mark = mark };
	u32 zero = 0;
	u64 *count = bpf_map_lookup_elem(&seen, &zero);

	if (count)
		*count += 1;
	bpf_perf_event_output(ctx, &packets, BPF_F_CURRENT_CPU, &packet, sizeof(packet));
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
