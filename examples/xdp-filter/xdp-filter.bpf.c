// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
// Drops packets by source address and by destination port, and counts what each rule has dropped.
#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

/* Of if_ether.h and in.h, of which BTF knows nothing. */
#define ETH_P_IP 0x0800
#define ETH_P_IPV6 0x86dd
#define ETH_P_8021Q 0x8100
#define ETH_P_8021AD 0x88a8
#define NEXTHDR_HOP 0
#define NEXTHDR_ROUTING 43
#define NEXTHDR_FRAGMENT 44
#define NEXTHDR_DEST 60
#define FRAGMENT_OFFSET_MASK 0x1fff
#define IPV6_FRAGMENT_OFFSET_MASK 0xfff8
/* More tags or extension headers than honest packets have: their ports are not looked for. */
#define VLAN_TAGS_MAX 2
#define EXTENSION_HEADERS_MAX 6

/* Index of `counts`: what no rule has dropped; rules are counted from 1. */
#define COUNT_PASSED 0

struct prefix4 {
	/* In bits. */
	__u32 length;
	__u8 address[4];
};

struct prefix6 {
	__u32 length;
	__u8 address[16];
};

struct destination_port {
	/* 6: TCP, 17: UDP, ... */
	__u16 protocol;
	__u16 number;
};

struct count {
	__u64 packets;
	__u64 bytes;
};

/* Values of the next three maps are indices of `counts`; filled by user space. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 4096);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct prefix4);
	__type(value, __u32);
} blocked4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 4096);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct prefix6);
	__type(value, __u32);
} blocked6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct destination_port);
	__type(value, __u32);
} blocked_ports SEC(".maps");

/* Each CPU counts for itself, so none waits for another. As long as there are rules, and one. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct count);
} counts SEC(".maps");

/* What is left of a packet. */
struct cursor {
	void *at;
	void *end;
};

/* Take so many bytes off, if they are there. */
static __always_inline void *take(struct cursor *cursor, __u32 bytes)
{
	void *start = cursor->at;

	if (start + bytes > cursor->end)
		return NULL;
	cursor->at = start + bytes;
	return start;
}

static __always_inline __u32 rule_of_port(struct cursor *cursor, __u8 protocol)
{
	struct destination_port port = { .protocol = protocol };
	__u32 *rule;
	/* TCP, UDP, SCTP, DCCP and UDP-Lite all begin with source and destination. */
	__be16 *ports = take(cursor, 2 * sizeof(*ports));

	if (!ports)
		return COUNT_PASSED;
	port.number = bpf_ntohs(ports[1]);
	rule = bpf_map_lookup_elem(&blocked_ports, &port);
	return rule ? *rule : COUNT_PASSED;
}

static __always_inline __u32 rule_of_ipv4(struct cursor *cursor)
{
	struct iphdr *header = take(cursor, sizeof(*header));
	struct prefix4 source = { .length = 32 };
	__u32 *rule;

	if (!header)
		return COUNT_PASSED;
	__builtin_memcpy(source.address, &header->saddr, sizeof(source.address));
	rule = bpf_map_lookup_elem(&blocked4, &source);
	if (rule)
		return *rule;
	/* Only the first fragment has ports. */
	if (header->ihl < 5 || header->frag_off & bpf_htons(FRAGMENT_OFFSET_MASK))
		return COUNT_PASSED;
	/* Again, with its options: a length that is not subtracted from is one that the verifier knows. */
	cursor->at = header;
	if (!take(cursor, header->ihl * 4))
		return COUNT_PASSED;
	return rule_of_port(cursor, header->protocol);
}

static __always_inline __u32 rule_of_ipv6(struct cursor *cursor)
{
	struct ipv6hdr *header = take(cursor, sizeof(*header));
	struct prefix6 source = { .length = 128 };
	struct ipv6_opt_hdr *extension;
	struct frag_hdr *fragment;
	__u8 next;
	__u32 *rule;

	if (!header)
		return COUNT_PASSED;
	__builtin_memcpy(source.address, &header->saddr, sizeof(source.address));
	rule = bpf_map_lookup_elem(&blocked6, &source);
	if (rule)
		return *rule;
	next = header->nexthdr;
	for (int i = 0; i < EXTENSION_HEADERS_MAX; i++) {
		if (next == NEXTHDR_FRAGMENT) {
			fragment = take(cursor, sizeof(*fragment));
			if (!fragment || fragment->frag_off & bpf_htons(IPV6_FRAGMENT_OFFSET_MASK))
				return COUNT_PASSED;
			next = fragment->nexthdr;
			continue;
		}
		if (next != NEXTHDR_HOP && next != NEXTHDR_ROUTING && next != NEXTHDR_DEST)
			return rule_of_port(cursor, next);
		extension = take(cursor, sizeof(*extension));
		if (!extension || !take(cursor, extension->hdrlen * 8 + 6))
			return COUNT_PASSED;
		next = extension->nexthdr;
	}
	return COUNT_PASSED;
}

static __always_inline __u32 rule_of(struct cursor *cursor)
{
	struct ethhdr *ethernet = take(cursor, sizeof(*ethernet));
	struct vlan_hdr *tag;
	__be16 protocol;

	if (!ethernet)
		return COUNT_PASSED;
	protocol = ethernet->h_proto;
	for (int i = 0; i < VLAN_TAGS_MAX; i++) {
		if (protocol != bpf_htons(ETH_P_8021Q) && protocol != bpf_htons(ETH_P_8021AD))
			break;
		tag = take(cursor, sizeof(*tag));
		if (!tag)
			return COUNT_PASSED;
		protocol = tag->h_vlan_encapsulated_proto;
	}
	if (protocol == bpf_htons(ETH_P_IP))
		return rule_of_ipv4(cursor);
	if (protocol == bpf_htons(ETH_P_IPV6))
		return rule_of_ipv6(cursor);
	return COUNT_PASSED;
}

/* The section names no interface: user space says it. */
SEC("xdp")
int on_packet(struct xdp_md *ctx)
{
	struct cursor packet = { (void *)(long)ctx->data, (void *)(long)ctx->data_end };
	__u64 bytes = ctx->data_end - ctx->data;
	__u32 rule = rule_of(&packet);
	struct count *count = bpf_map_lookup_elem(&counts, &rule);

	if (count) {
		count->packets++;
		count->bytes += bytes;
	}
	return rule == COUNT_PASSED ? XDP_PASS : XDP_DROP;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
