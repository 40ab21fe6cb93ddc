// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
// A gadget that sees all packets of the network and reports UDP over IPv4, with both ends.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "gadget.h"

#define ETHERNET_BYTES 14
#define UDP 17
#define OUTGOING 4

struct event {
	gadget_timestamp timestamp_raw;
	struct gadget_l4endpoint_t src;
	struct gadget_l4endpoint_t dst;
	__u32 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 18);
} events SEC(".maps");

SYMBOL(gadget_tracer_datagrams___events___event)
const struct event *unused_event __attribute__((unused));

static __always_inline __u32 word(struct __sk_buff *skb, __u32 at, __u32 bytes)
{
	__u32 value = 0;

	if (bytes == 1)
		bpf_skb_load_bytes(skb, at, &value, 1);
	else if (bytes == 2)
		bpf_skb_load_bytes(skb, at, &value, 2);
	else
		bpf_skb_load_bytes(skb, at, &value, 4);
	return value;
}

SEC("socket1")
int ig_datagrams(struct __sk_buff *skb)
{
	const __u32 ip = ETHERNET_BYTES, udp = ip + 20;
	struct event *event;

	/* Loopback shows each packet as sent and as received. */
	if (skb->pkt_type != OUTGOING || word(skb, ip, 1) != 0x45 || word(skb, ip + 9, 1) != UDP)
		return 0;
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event)
		return 0;
	__builtin_memset(event, 0, sizeof(*event));
	event->timestamp_raw = bpf_ktime_get_boot_ns();
	event->src.addr_raw.v4 = word(skb, ip + 12, 4);
	event->dst.addr_raw.v4 = word(skb, ip + 16, 4);
	event->src.port = __builtin_bswap16(word(skb, udp, 2));
	event->dst.port = __builtin_bswap16(word(skb, udp + 2, 2));
	event->src.proto_raw = event->dst.proto_raw = UDP;
	event->src.version = event->dst.version = 4;
	event->bytes = __builtin_bswap16(word(skb, udp + 4, 2)) - 8;
	bpf_ringbuf_submit(event, 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
