// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
// Counts the packets that a network interface receives, before the kernel looks at them.
#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

/* From headers of the kernel, of which BTF knows nothing. */
#define ETH_P_IP 0x0800
#define ETH_P_IPV6 0x86dd

struct traffic {
	__u64 packets;
	__u64 bytes;
	/* As in an IP header: 1 ICMP, 6 TCP, 17 UDP; 0: not IP. */
	__u32 protocol;
};

/* By protocol. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, struct traffic);
} traffics SEC(".maps");

static __u32 protocol_of(void *data, void *end)
{
	struct ethhdr *ethernet = data;

	if ((void *)(ethernet + 1) > end)
		return 0;
	if (ethernet->h_proto == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = (void *)(ethernet + 1);

		return (void *)(ip + 1) > end ? 0 : ip->protocol;
	}
	if (ethernet->h_proto == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip = (void *)(ethernet + 1);

		return (void *)(ip + 1) > end ? 0 : ip->nexthdr;
	}
	return 0;
}

SEC("xdp")
int on_packet(struct xdp_md *context)
{
	void *data = (void *)(long)context->data, *end = (void *)(long)context->data_end;
	__u32 protocol = protocol_of(data, end);
	struct traffic *traffic, first = {};

	traffic = bpf_map_lookup_elem(&traffics, &protocol);
	if (!traffic) {
		first.protocol = protocol;
		bpf_map_update_elem(&traffics, &protocol, &first, BPF_NOEXIST);
		traffic = bpf_map_lookup_elem(&traffics, &protocol);
		if (!traffic)
			return XDP_PASS;
	}
	__sync_fetch_and_add(&traffic->packets, 1);
	__sync_fetch_and_add(&traffic->bytes, end - data);
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
