// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* A program for each kind of attach target; each counts its calls in `hits`. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/usdt.bpf.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

enum {
	TRACEPOINT,
	RAW_TRACEPOINT,
	TYPED_TRACEPOINT,
	UPROBE,
	URETPROBE,
	UPROBE_MULTI,
	USDT,
	PERF_EVENT,
	XDP,
	TC,
	CGROUP,
	SOCKET_FILTER,
	NETFILTER,
	KINDS,
};

/* Only what this process does counts; 0: everybody. */
const volatile __u32 own_pid;

__u64 hits[KINDS];
__u64 argument;
__u64 returned;
__u64 cookie;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u64);
} elements SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} sockets SEC(".maps");

static __always_inline int count(int kind)
{
	__u32 pid = bpf_get_current_pid_tgid() >> 32;

	if (!own_pid || pid == own_pid)
		__sync_fetch_and_add(&hits[kind], 1);
	return 0;
}

SEC("tracepoint/syscalls/sys_enter_getpgid")
int on_tracepoint(void *ctx)
{
	cookie = bpf_get_attach_cookie(ctx);
	return count(TRACEPOINT);
}

SEC("tracepoint/ecli/no_such_tracepoint")
int on_missing(void *ctx)
{
	return 0;
}

SEC("raw_tp/sys_enter")
int on_raw_tracepoint(struct bpf_raw_tracepoint_args *ctx)
{
	/* getpgid on x86-64 and on the others. */
	if (ctx->args[1] != 121 && ctx->args[1] != 155)
		return 0;
	return count(RAW_TRACEPOINT);
}

SEC("tp_btf/sys_enter")
int BPF_PROG(on_typed_tracepoint, struct pt_regs *regs, long id)
{
	if (id != 121 && id != 155)
		return 0;
	return count(TYPED_TRACEPOINT);
}

SEC("uprobe")
int BPF_KPROBE(on_uprobe, __u64 first)
{
	argument = first;
	cookie = bpf_get_attach_cookie(ctx);
	return count(UPROBE);
}

SEC("uretprobe")
int BPF_KRETPROBE(on_uretprobe, __u64 result)
{
	returned = result;
	return count(URETPROBE);
}

SEC("uprobe.multi")
int on_uprobe_multi(struct pt_regs *ctx)
{
	cookie = bpf_get_attach_cookie(ctx);
	return count(UPROBE_MULTI);
}

SEC("usdt")
int on_usdt(struct pt_regs *ctx)
{
	long first = 0;

	bpf_usdt_arg(ctx, 0, &first);
	argument = first;
	return count(USDT);
}

SEC("perf_event")
int on_perf_event(void *ctx)
{
	__sync_fetch_and_add(&hits[PERF_EVENT], 1);
	return 0;
}

SEC("xdp")
int on_xdp(struct xdp_md *ctx)
{
	__sync_fetch_and_add(&hits[XDP], 1);
	return XDP_PASS;
}

SEC("xdp")
int on_xdp_too(struct xdp_md *ctx)
{
	__sync_fetch_and_add(&hits[XDP], 1000);
	return XDP_PASS;
}

SEC("tc")
int on_tc(struct __sk_buff *ctx)
{
	__sync_fetch_and_add(&hits[TC], 1);
	return -1; /* TCX_NEXT, TC_ACT_UNSPEC: go on. */
}

SEC("cgroup_skb/egress")
int on_cgroup(struct __sk_buff *ctx)
{
	__sync_fetch_and_add(&hits[CGROUP], 1);
	return 1;
}

SEC("socket")
int on_socket_filter(struct __sk_buff *ctx)
{
	__sync_fetch_and_add(&hits[SOCKET_FILTER], 1);
	return 0;
}

SEC("netfilter")
int on_netfilter(void *ctx)
{
	__sync_fetch_and_add(&hits[NETFILTER], 1);
	return 1; /* NF_ACCEPT */
}

SEC("sk_skb/verdict")
int on_socket_map(struct __sk_buff *ctx)
{
	return 1; /* SK_PASS */
}

SEC("sk_lookup")
int on_lookup(struct bpf_sk_lookup *ctx)
{
	return 1; /* SK_PASS */
}

SEC("iter/task")
int each_task(struct bpf_iter__task *ctx)
{
	struct seq_file *seq = ctx->meta->seq;
	struct task_struct *task = ctx->task;

	if (task)
		BPF_SEQ_PRINTF(seq, "%d %d\n", task->tgid, task->pid);
	return 0;
}

SEC("iter/bpf_map_elem")
int each_element(struct bpf_iter__bpf_map_elem *ctx)
{
	__u32 *key = ctx->key;
	__u64 *value = ctx->value;

	if (key && value)
		BPF_SEQ_PRINTF(ctx->meta->seq, "%u=%llu\n", *key, *value);
	return 0;
}

SEC("iter/cgroup")
int each_cgroup(struct bpf_iter__cgroup *ctx)
{
	struct cgroup *cgroup = ctx->cgroup;

	if (cgroup)
		BPF_SEQ_PRINTF(ctx->meta->seq, "%d\n", cgroup->level);
	return 0;
}
