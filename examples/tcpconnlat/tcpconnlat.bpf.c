// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
// Reports how long TCP connections take: from the call to the other end's answer.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>

#define COMM_BYTES 16
/* include/linux/socket.h, of which BTF knows nothing. */
#define AF_INET 2

struct event {
	/* CLOCK_BOOTTIME, at the end. */
	__u64 time_ns;
	__u64 duration_ns;
	__u32 pid;
	/* 2: IPv4, in the first four bytes; 10: IPv6. */
	__u32 family;
	__u8 destination[16];
	__u16 port;
	char comm[COMM_BYTES];
};

/* A connection that is being established. */
struct start {
	__u64 time_ns;
	__u32 pid;
	char comm[COMM_BYTES];
};

/* Shorter ones are not reported. */
const volatile __u64 duration_min_ns = 0;

/* Events that found the ring buffer full. */
__u64 lost_events = 0;

/* By socket. Those whose answer never comes are the ones that make room. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, __u64);
	__type(value, struct start);
} starts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 << 10);
} events SEC(".maps");

static __always_inline int begin(struct sock *sock)
{
	struct start start = {};
	__u64 key = (__u64)sock;

	start.time_ns = bpf_ktime_get_boot_ns();
	start.pid = bpf_get_current_pid_tgid() >> 32;
	bpf_get_current_comm(start.comm, COMM_BYTES);
	bpf_map_update_elem(&starts, &key, &start, BPF_ANY);
	return 0;
}

SEC("fentry/tcp_v4_connect")
int BPF_PROG(on_connect4, struct sock *sock)
{
	return begin(sock);
}

SEC("fentry/tcp_v6_connect")
int BPF_PROG(on_connect6, struct sock *sock)
{
	return begin(sock);
}

/* An answer came, of whatever kind, to a socket that waits for one. */
SEC("fentry/tcp_rcv_state_process")
int BPF_PROG(on_answer, struct sock *sock)
{
	__u64 key = (__u64)sock, now = bpf_ktime_get_boot_ns(), duration;
	struct start *start;
	struct event *event;

	if (sock->__sk_common.skc_state != TCP_SYN_SENT)
		return 0;
	start = bpf_map_lookup_elem(&starts, &key);
	if (!start)
		return 0;
	duration = now - start->time_ns;
	if (duration < duration_min_ns)
		goto out;
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event) {
		__sync_fetch_and_add(&lost_events, 1);
		goto out;
	}
	event->time_ns = now;
	event->duration_ns = duration;
	event->pid = start->pid;
	__builtin_memcpy(event->comm, start->comm, COMM_BYTES);
	event->family = sock->__sk_common.skc_family;
	event->port = bpf_ntohs(sock->__sk_common.skc_dport);
	__builtin_memset(event->destination, 0, sizeof(event->destination));
	if (event->family == AF_INET)
		BPF_CORE_READ_INTO((__u32 *)event->destination, sock, __sk_common.skc_daddr);
	else
		BPF_CORE_READ_INTO(&event->destination, sock, __sk_common.skc_v6_daddr.in6_u.u6_addr8);
	bpf_ringbuf_submit(event, 0);
out:
	bpf_map_delete_elem(&starts, &key);
	return 0;
}

/* Records of a ring buffer have no type in BTF; this makes it appear there. */
struct event *unused_event __attribute__((unused));

char LICENSE[] SEC("license") = "Dual BSD/GPL";
