// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Buffers to and from user space; producers and consumers that run when they are called. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#define PAYLOAD_BYTES_MAX 4096
#define CALLS_MAX 100000

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 * 1024);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, 4);
	__uint(value_size, 4);
} samples SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_USER_RINGBUF);
	__uint(max_entries, 4096);
} orders SEC(".maps");

__u8 payload[PAYLOAD_BYTES_MAX];
__u64 dropped;
__u64 drained;
__u64 drained_sum;

struct produce {
	/* Size of the first record, and by how much the next ones are larger. */
	__u64 bytes;
	__u64 bytes_step;
	__u64 count;
	__u64 flags;
	/* Number of the first record, which is how each payload begins. */
	__u64 number;
};

struct progress {
	struct produce *input;
	__u64 index;
};

static long produce_one(__u32 index, struct produce *input)
{
	__u64 bytes = input->bytes + input->bytes_step * index;

	if (bytes < 8 || bytes > PAYLOAD_BYTES_MAX)
		return 1;
	*(__u64 *)payload = input->number + index;
	if (bytes > 8)
		payload[bytes - 1] = bytes;
	if (bpf_ringbuf_output(&events, payload, bytes, input->flags))
		__sync_fetch_and_add(&dropped, 1);
	return 0;
}

SEC("syscall")
int produce(struct produce *input)
{
	struct produce copy = *input;

	bpf_loop(copy.count, produce_one, &copy, 0);
	return 0;
}

/* Reserve and discard `count` records, then submit one. */
SEC("syscall")
int discard(struct produce *input)
{
	__u64 count = input->count;
	__u64 *record;
	int index;

	for (index = 0; index < 64 && index < count; index++) {
		record = bpf_ringbuf_reserve(&events, 24, 0);
		if (!record)
			return 1;
		*record = -1;
		bpf_ringbuf_discard(record, 0);
	}
	if (!input->number)
		return 0;
	record = bpf_ringbuf_reserve(&events, 24, 0);
	if (!record)
		return 1;
	*record = input->number;
	bpf_ringbuf_submit(record, 0);
	return 0;
}

/* Arguments: number of records, bytes of each, number of the first. */
SEC("raw_tp")
int sample(struct bpf_raw_tracepoint_args *ctx)
{
	__u64 count = ctx->args[0], bytes = ctx->args[1], number = ctx->args[2];
	__u64 index;

	if (bytes < 8 || bytes > PAYLOAD_BYTES_MAX)
		return 1;
	for (index = 0; index < 4096 && index < count; index++) {
		*(__u64 *)payload = number + index;
		if (bpf_perf_event_output(ctx, &samples, BPF_F_CURRENT_CPU, payload, bytes))
			__sync_fetch_and_add(&dropped, 1);
	}
	return 0;
}

static long drain_one(struct bpf_dynptr *dynptr, void *context)
{
	__u64 number = 0;

	bpf_dynptr_read(&number, sizeof(number), dynptr, 0, 0);
	drained++;
	drained_sum += number;
	return 0;
}

SEC("syscall")
int drain(void *input)
{
	return bpf_user_ringbuf_drain(&orders, drain_one, NULL, 0);
}
