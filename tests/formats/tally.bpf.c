// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
// A gadget whose map is read and emptied again and again, as its tag says.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "gadget.h"

#define SLOTS 8

struct key_t {
	gadget_comm comm_raw[TASK_COMM_LEN];
	__u64 __private;
};

struct value {
	gadget_counter__u64 execs;
	gadget_histogram_slot__u32 latency[SLOTS];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct key_t);
	__type(value, struct value);
} counts SEC(".maps");

TAG(mapiter, "mapiter:execs___counts")

SEC("tracepoint/sched/sched_process_exec")
int ig_tally(void *ctx)
{
	struct value one = { .execs = 1 }, *value;
	struct key_t key = {};

	bpf_get_current_comm(key.comm_raw, sizeof(key.comm_raw));
	one.latency[3] = 1;
	value = bpf_map_lookup_elem(&counts, &key);
	if (!value) {
		bpf_map_update_elem(&counts, &key, &one, BPF_NOEXIST);
		return 0;
	}
	__sync_fetch_and_add(&value->execs, 1);
	__sync_fetch_and_add(&value->latency[3], 1);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
