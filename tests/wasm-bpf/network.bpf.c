// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

SEC("socket")
int socket_handler(struct __sk_buff *skb)
{
	return skb->len;
}

SEC("sockops")
int sockets(struct bpf_sock_ops *ops)
{
	return 0;
}

SEC("xdp")
int packets(struct xdp_md *ctx)
{
	return XDP_PASS;
}
