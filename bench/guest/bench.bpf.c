// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
// Fills a ring buffer, the ring of a perf event array or a hash map in one go, so that reading them
// can be measured alone; and fills the ring buffer for as long as somebody reads it. The guest and
// the native program both use this object.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#define RECORD_BYTES_MAX 1024
#define WORDS(bytes) ((bytes) / sizeof(__u64))
/* Of bpf_loop(); more records than any ring here holds. */
#define LOOPS_MAX (1 << 23)

/* What a consumer reads from a record: all of it. */
struct record16 {
	__u64 words[WORDS(16)];
};
struct record64 {
	__u64 words[WORDS(64)];
};
struct record256 {
	__u64 words[WORDS(256)];
};
struct record1024 {
	__u64 words[WORDS(1024)];
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} samples SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 100000);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

const volatile __u32 record_bytes = 64;

/* How many the last run wrote. */
__u64 written = 0;

__u64 record[WORDS(RECORD_BYTES_MAX)];

static void begin(void)
{
	for (__u32 i = 0; i < WORDS(RECORD_BYTES_MAX); i++)
		record[i] = i;
	written = 0;
}

static long write_record(__u64 index, void *unused)
{
	record[0] = index;
	/* Without a wake-up: nobody waits. */
	if (bpf_ringbuf_output(&ring, record, record_bytes, BPF_RB_NO_WAKEUP))
		return 1;
	written++;
	return 0;
}

SEC("syscall")
int fill_ring(void *ctx)
{
	if (record_bytes > RECORD_BYTES_MAX)
		return 1;
	begin();
	bpf_loop(LOOPS_MAX, write_record, NULL, 0);
	return 0;
}

static long write_sample(__u64 index, void **context)
{
	record[0] = index;
	if (bpf_perf_event_output(*context, &samples, BPF_F_CURRENT_CPU, record, record_bytes))
		return 1;
	written++;
	return 0;
}

/* A ring of 256 pages, and what the kernel adds to each sample. */
#define SAMPLES_BYTES (1 << 20)
#define SAMPLE_HEADER_BYTES 16

/*
 * Run on request, never attached. Fills the ring of the CPU that it runs on, but for one sample:
 * the record that tells of lost ones would make rounds unequal.
 */
SEC("raw_tp")
int fill_samples(void *ctx)
{
	void *context = ctx;
	__u32 samples_max;

	if (record_bytes > RECORD_BYTES_MAX)
		return 1;
	begin();
	samples_max = SAMPLES_BYTES / (record_bytes + SAMPLE_HEADER_BYTES) - 1;
	bpf_loop(samples_max, write_sample, &context, 0);
	return 0;
}

static long write_count(__u64 index, void *unused)
{
	__u32 key = index;
	__u64 value = index + 1;

	if (bpf_map_update_elem(&counts, &key, &value, BPF_ANY))
		return 1;
	written++;
	return 0;
}

/* Until it is full. */
SEC("syscall")
int fill_map(void *ctx)
{
	written = 0;
	bpf_loop(LOOPS_MAX, write_count, NULL, 0);
	return 0;
}

#define RECORDS_A_CALL 1024

/* How producing goes on while the ring is read. */
struct production {
	/* The thread, each system call of which makes RECORDS_A_CALL records. */
	__u32 thread;
	/* One in so many wakes the reader; 0: the kernel decides, by whether the reader waits. */
	__u32 records_a_wake;
	/* Only make what the ring has room for. */
	__u32 paced;
};

#define KEYS 1024

/* What was made by key, and what of that found no room. */
struct production_counts {
	__u64 made[KEYS];
	__u64 lost[KEYS];
};

const volatile struct production production SEC(".rodata.production") = {};
struct production_counts production_counts SEC(".data.production") = {};

__u32 random_state = 1;
__u64 produced = 0;

static long produce_record(__u64 index, void *unused)
{
	__u32 records_a_wake = production.records_a_wake;
	struct record64 *record;
	__u64 flags = 0;
	__u32 key;

	/* One thread: nothing here need be atomic. The upper bits are the random ones. */
	random_state = random_state * 1664525 + 1013904223;
	key = random_state >> 22 & (KEYS - 1);
	production_counts.made[key]++;
	produced++;
	record = bpf_ringbuf_reserve(&ring, sizeof(*record), 0);
	if (!record) {
		production_counts.lost[key]++;
		return 0;
	}
	record->words[0] = key;
	for (__u32 i = 1; i < WORDS(64); i++)
		record->words[i] = produced;
	if (records_a_wake)
		flags = produced % records_a_wake ? BPF_RB_NO_WAKEUP : BPF_RB_FORCE_WAKEUP;
	bpf_ringbuf_submit(record, flags);
	return 0;
}

SEC("raw_tp/sys_enter")
int produce(void *ctx)
{
	if ((__u32)bpf_get_current_pid_tgid() != production.thread)
		return 0;
	if (production.paced) {
		__u64 bytes = RECORDS_A_CALL * (sizeof(struct record64) + BPF_RINGBUF_HDR_SZ);

		bytes += bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA);
		if (bytes > bpf_ringbuf_query(&ring, BPF_RB_RING_SIZE))
			return 0;
	}
	bpf_loop(RECORDS_A_CALL, produce_record, NULL, 0);
	return 0;
}

/* Records of a ring buffer have no type in BTF; this makes them appear there. */
struct record16 *unused_record16 __attribute__((unused));
struct record64 *unused_record64 __attribute__((unused));
struct record256 *unused_record256 __attribute__((unused));
struct record1024 *unused_record1024 __attribute__((unused));

char LICENSE[] SEC("license") = "Dual BSD/GPL";
