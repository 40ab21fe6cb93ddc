// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Programs of the network and of cgroups that let pass or deny; each counts its calls in `hits`. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Whether programs deny what they see: 0 or 1. A byte and not a bool: of a bool the compiler knows
 * its values, and the verifier does not. */
__u8 deny;
__u64 hits;

/* Sockets that `on_sockops` puts there, as they connect. */
struct {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} sockets SEC(".maps");

static __always_inline void count(void)
{
	__sync_fetch_and_add(&hits, 1);
}

/* As programs of cgroups say it: 1 allows. */
static __always_inline int count_and_judge(void)
{
	count();
	return !(deny & 1);
}

SEC("xdp")
int on_xdp(struct xdp_md *ctx)
{
	count();
	return deny ? XDP_DROP : XDP_PASS;
}

SEC("tc")
int on_tc(struct __sk_buff *ctx)
{
	count();
	return deny ? 2 /* TC_ACT_SHOT */ : -1 /* TCX_NEXT, TC_ACT_UNSPEC */;
}

SEC("netfilter")
int on_netfilter(void *ctx)
{
	count();
	return !(deny & 1); /* NF_DROP is 0, NF_ACCEPT 1. */
}

SEC("sk_lookup")
int on_sk_lookup(struct bpf_sk_lookup *ctx)
{
	count();
	return !(deny & 1); /* SK_DROP is 0, SK_PASS 1. */
}

SEC("flow_dissector")
int on_flow_dissector(struct __sk_buff *ctx)
{
	count();
	return 1; /* BPF_DROP is 2, BPF_OK 0; what it finds is not needed. */
}

SEC("cgroup_skb/ingress")
int on_ingress(struct __sk_buff *ctx)
{
	return count_and_judge();
}

SEC("cgroup_skb/egress")
int on_egress(struct __sk_buff *ctx)
{
	return count_and_judge();
}

SEC("cgroup/sock_create")
int on_create(struct bpf_sock *ctx)
{
	return count_and_judge();
}

SEC("cgroup/bind4")
int on_bind4(struct bpf_sock_addr *ctx)
{
	return count_and_judge();
}

SEC("cgroup/connect4")
int on_connect4(struct bpf_sock_addr *ctx)
{
	return count_and_judge();
}

SEC("cgroup/sendmsg4")
int on_sendmsg4(struct bpf_sock_addr *ctx)
{
	return count_and_judge();
}

SEC("cgroup/setsockopt")
int on_setsockopt(struct bpf_sockopt *ctx)
{
	return count_and_judge();
}

SEC("cgroup/getsockopt")
int on_getsockopt(struct bpf_sockopt *ctx)
{
	return count_and_judge();
}

SEC("cgroup/dev")
int on_device(struct bpf_cgroup_dev_ctx *ctx)
{
	return count_and_judge();
}

SEC("cgroup/sysctl")
int on_sysctl(struct bpf_sysctl *ctx)
{
	return count_and_judge();
}

SEC("sockops")
int on_sockops(struct bpf_sock_ops *ctx)
{
	__u32 key;

	switch (ctx->op) {
	case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB:
		key = 0;
		break;
	case BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB:
		key = 1;
		break;
	default:
		return 1;
	}
	count();
	bpf_sock_map_update(ctx, &sockets, &key, BPF_ANY);
	return 1;
}

SEC("sk_msg")
int on_sk_msg(struct sk_msg_md *ctx)
{
	count();
	return !(deny & 1); /* SK_DROP is 0, SK_PASS 1. */
}

SEC("sk_skb/verdict")
int on_sk_skb(struct __sk_buff *ctx)
{
	count();
	return !(deny & 1); /* SK_DROP is 0, SK_PASS 1. */
}

SEC("cgroup/bind6")
int on_bind6(struct bpf_sock_addr *ctx)
{
	return count_and_judge();
}

SEC("cgroup/connect6")
int on_connect6(struct bpf_sock_addr *ctx)
{
	return count_and_judge();
}

SEC("cgroup/sendmsg6")
int on_sendmsg6(struct bpf_sock_addr *ctx)
{
	return count_and_judge();
}

/* May only look: the kernel takes no other answer than 1. */
SEC("cgroup/recvmsg4")
int on_recvmsg4(struct bpf_sock_addr *ctx)
{
	count();
	return 1;
}

/* May only look: the kernel takes no other answer than 1. */
SEC("cgroup/recvmsg6")
int on_recvmsg6(struct bpf_sock_addr *ctx)
{
	count();
	return 1;
}

/* May only look: the kernel takes no other answer than 1. */
SEC("cgroup/getpeername4")
int on_getpeername4(struct bpf_sock_addr *ctx)
{
	count();
	return 1;
}

/* May only look: the kernel takes no other answer than 1. */
SEC("cgroup/getpeername6")
int on_getpeername6(struct bpf_sock_addr *ctx)
{
	count();
	return 1;
}

/* May only look: the kernel takes no other answer than 1. */
SEC("cgroup/getsockname4")
int on_getsockname4(struct bpf_sock_addr *ctx)
{
	count();
	return 1;
}

/* May only look: the kernel takes no other answer than 1. */
SEC("cgroup/getsockname6")
int on_getsockname6(struct bpf_sock_addr *ctx)
{
	count();
	return 1;
}

SEC("cgroup/post_bind4")
int on_post_bind4(struct bpf_sock *ctx)
{
	return count_and_judge();
}

SEC("cgroup/post_bind6")
int on_post_bind6(struct bpf_sock *ctx)
{
	return count_and_judge();
}

SEC("cgroup/sock_release")
int on_release(struct bpf_sock *ctx)
{
	count();
	return 1;
}

/* Sockets and routes name the next ones themselves: programs are pinned for them. */
SEC("sk_reuseport")
int on_reuseport(struct sk_reuseport_md *ctx)
{
	count();
	return !(deny & 1); /* SK_DROP is 0, SK_PASS 1. */
}

SEC("lwt_out")
int on_lwt_out(struct __sk_buff *ctx)
{
	count();
	return deny ? 2 /* BPF_DROP */ : 0 /* BPF_OK */;
}

SEC("lwt_xmit")
int on_lwt_xmit(struct __sk_buff *ctx)
{
	count();
	return deny ? 2 /* BPF_DROP */ : 0 /* BPF_OK */;
}

SEC("netkit/primary")
int on_netkit(struct __sk_buff *ctx)
{
	count();
	return deny ? 2 /* NETKIT_DROP */ : -1 /* NETKIT_NEXT */;
}
