// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
// Reports what programs send and receive through OpenSSL, before it is encrypted.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define COMM_BYTES 16
#define INVALID_UID ((__u32)-1)
/* Of the data of one call; a TLS record has at most twice as much. */
#define DATA_BYTES_LIMIT 8192

/* Cookies of `on_call`, which say what the function does. */
enum call_kind {
	CALL_RECEIVES = 1,
	/* SSL_write_ex, SSL_read_ex: the count is left where the fourth argument says. */
	CALL_STORES_COUNT = 2,
};

/* A record is as long as its data. */
struct event {
	/* CLOCK_BOOTTIME, when the function returned. */
	__u64 time_ns;
	/* That the function took. */
	__u64 duration_ns;
	__u32 pid;
	__u32 tid;
	__u32 uid;
	bool is_received;
	/* Sent or received; `data` may hold less. */
	__u64 bytes;
	char comm[COMM_BYTES];
	char data[];
};

/* A call that a thread is in. */
struct call {
	__u64 time_ns;
	/* In the memory of the process. */
	__u64 data;
	__u64 count;
	__u64 kind;
};

/* Filters: set before load, so that the verifier drops the tests of those that are off. */
const volatile __u32 filter_uid = INVALID_UID;
const volatile char filter_comm[COMM_BYTES] = {};
const volatile __u32 data_bytes_max = DATA_BYTES_LIMIT;

/* Events that found the ring buffer full, or calls that found the map full. */
__u64 lost_events = 0;

/* By thread: what goes in is known at the call, how much of it only at the return. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, __u32);
	__type(value, struct call);
} calls SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4 << 20);
} events SEC(".maps");

/* Where an event is put together: too large for the stack. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct event) + DATA_BYTES_LIMIT);
} scratch SEC(".maps");

static bool is_wanted(void)
{
	char comm[COMM_BYTES];

	if (filter_uid != INVALID_UID && (__u32)bpf_get_current_uid_gid() != filter_uid)
		return false;
	if (!filter_comm[0])
		return true;
	bpf_get_current_comm(comm, COMM_BYTES);
	for (int i = 0; i < COMM_BYTES; i++) {
		if (comm[i] != filter_comm[i])
			return false;
		if (!comm[i])
			break;
	}
	return true;
}

/* The sections name no target: user space says which functions of which library. */
SEC("uprobe")
int BPF_KPROBE(on_call, void *ssl, const void *data, __u64 length, void *count)
{
	struct call call = {
		.time_ns = bpf_ktime_get_boot_ns(),
		.data = (__u64)data,
		.count = (__u64)count,
		.kind = bpf_get_attach_cookie(ctx),
	};
	__u32 tid = bpf_get_current_pid_tgid();

	if (is_wanted() && bpf_map_update_elem(&calls, &tid, &call, BPF_ANY))
		__sync_fetch_and_add(&lost_events, 1);
	return 0;
}

/* How many bytes were sent or received; 0 or less when none were. */
static __s64 count_of(const struct call *call, int result)
{
	__u64 count = 0;

	if (!(call->kind & CALL_STORES_COUNT))
		return result;
	if (result != 1 || bpf_probe_read_user(&count, sizeof(count), (void *)call->count))
		return 0;
	return count;
}

static void submit(const struct call *call, __u64 bytes, __u64 id)
{
	struct event *event;
	__u32 zero = 0, kept = data_bytes_max;

	event = bpf_map_lookup_elem(&scratch, &zero);
	if (!event)
		return;
	if (bytes < kept)
		kept = bytes;
	if (kept > DATA_BYTES_LIMIT)
		kept = DATA_BYTES_LIMIT;
	/* A page that is not in memory: it is said how much there was. */
	if (bpf_probe_read_user(event->data, kept, (void *)call->data))
		kept = 0;
	event->time_ns = bpf_ktime_get_boot_ns();
	event->duration_ns = event->time_ns - call->time_ns;
	event->pid = id >> 32;
	event->tid = id;
	event->uid = bpf_get_current_uid_gid();
	event->is_received = call->kind & CALL_RECEIVES;
	event->bytes = bytes;
	bpf_get_current_comm(event->comm, COMM_BYTES);
	if (bpf_ringbuf_output(&events, event, sizeof(*event) + kept, 0))
		__sync_fetch_and_add(&lost_events, 1);
}

SEC("uretprobe")
int BPF_KRETPROBE(on_return, int result)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct call *found, call;
	__u32 tid = id;
	__s64 count;

	found = bpf_map_lookup_elem(&calls, &tid);
	if (!found)
		return 0;
	call = *found;
	bpf_map_delete_elem(&calls, &tid);
	count = count_of(&call, result);
	if (count > 0)
		submit(&call, count, id);
	return 0;
}

/* User space uses these types, which no map has; this makes them appear in BTF. */
struct event *unused_event __attribute__((unused));
enum call_kind *unused_call_kind __attribute__((unused));

char LICENSE[] SEC("license") = "Dual BSD/GPL";
