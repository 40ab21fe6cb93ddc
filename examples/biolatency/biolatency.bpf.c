// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
// Measures how long disks take for requests.
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define DISK_BYTES 32
/* Slot 0 counts 0 and 1, slot n counts 2^n to 2^(n+1)-1, the last slot all that is longer. */
#define SLOTS 27
#define NS_PER_US 1000
#define NS_PER_MS 1000000
/* Kernel macro: the bits of cmd_flags that say what is done, as enum req_op. */
#define REQ_OP_MASK 0xff

/* Of requests, beside the operation; the kernel's numbers for them are not the same everywhere. */
enum request_attribute {
	ATTRIBUTE_SYNC = 1,
	ATTRIBUTE_METADATA = 2,
	ATTRIBUTE_FORCE_UNIT_ACCESS = 4,
	ATTRIBUTE_PREFLUSH = 8,
	ATTRIBUTE_READ_AHEAD = 16,
};

/* What a histogram is about; all 0 where all are counted together. */
struct group {
	char disk[DISK_BYTES];
	/* As enum req_op has it, for example 0 read, 1 write. */
	__u32 operation;
	/* Of enum request_attribute. */
	__u32 attributes;
};

struct histogram {
	__u64 slots[SLOTS];
};

const volatile bool by_disk = false;
const volatile bool by_flags = false;
/* Count also the time in the queue of the operating system. */
const volatile bool include_queue = false;
const volatile bool in_milliseconds = false;
/* Empty: any. */
const volatile char filter_disk[DISK_BYTES] = {};

/* Requests that were not measured because a map was full. */
__u64 lost_requests = 0;

/* By the address of the request, while it is on its way. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64);
	__type(value, __u64);
} started_at SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct group);
	__type(value, struct histogram);
} histograms SEC(".maps");

static const struct histogram empty_histogram;

/* The name of the whole disk, not of a partition; empty when the request is for none. */
static void read_disk(struct request *request, char *disk)
{
	struct gendisk *found = BPF_CORE_READ(request, q, disk);

	if (found)
		BPF_CORE_READ_STR_INTO((char (*)[DISK_BYTES])disk, found, disk_name);
}

static bool is_wanted(struct request *request)
{
	char disk[DISK_BYTES] = {};

	if (!filter_disk[0])
		return true;
	read_disk(request, disk);
	for (int i = 0; i < DISK_BYTES; i++) {
		if (disk[i] != filter_disk[i])
			return false;
		if (!disk[i])
			break;
	}
	return true;
}

static int start(struct request *request)
{
	__u64 key = (__u64)request, now = bpf_ktime_get_ns();

	if (is_wanted(request) && bpf_map_update_elem(&started_at, &key, &now, BPF_ANY))
		__sync_fetch_and_add(&lost_requests, 1);
	return 0;
}

#define ATTRIBUTE_OF(flags, bit, attribute) \
	((flags) & (1ULL << bpf_core_enum_value(enum req_flag_bits, bit)) ? (attribute) : 0)

static void describe(struct request *request, struct group *group)
{
	__u64 flags;

	if (by_disk)
		read_disk(request, group->disk);
	if (!by_flags)
		return;
	flags = BPF_CORE_READ(request, cmd_flags);
	group->operation = flags & REQ_OP_MASK;
	group->attributes = ATTRIBUTE_OF(flags, __REQ_SYNC, ATTRIBUTE_SYNC) |
			    ATTRIBUTE_OF(flags, __REQ_META, ATTRIBUTE_METADATA) |
			    ATTRIBUTE_OF(flags, __REQ_FUA, ATTRIBUTE_FORCE_UNIT_ACCESS) |
			    ATTRIBUTE_OF(flags, __REQ_PREFLUSH, ATTRIBUTE_PREFLUSH) |
			    ATTRIBUTE_OF(flags, __REQ_RAHEAD, ATTRIBUTE_READ_AHEAD);
}

static struct histogram *histogram_of(struct request *request)
{
	struct group group = {};
	struct histogram *histogram;

	describe(request, &group);
	histogram = bpf_map_lookup_elem(&histograms, &group);
	if (histogram)
		return histogram;
	bpf_map_update_elem(&histograms, &group, &empty_histogram, BPF_NOEXIST);
	return bpf_map_lookup_elem(&histograms, &group);
}

/* The position of the highest bit; 0 for 0. */
static __u32 log2_of(__u64 value)
{
	__u32 result = 0;

	for (__u32 shift = 32; shift; shift >>= 1) {
		if (value >> shift) {
			value >>= shift;
			result += shift;
		}
	}
	return result;
}

/* It enters a queue of the operating system. Loaded only when that counts. */
SEC("raw_tp/block_rq_insert")
int BPF_PROG(on_insert, struct request *request)
{
	return start(request);
}

/* It goes to the device, perhaps without having been in a queue. */
SEC("raw_tp/block_rq_issue")
int BPF_PROG(on_issue, struct request *request)
{
	__u64 key = (__u64)request;

	if (include_queue && bpf_map_lookup_elem(&started_at, &key))
		return 0;
	return start(request);
}

/* All of it, or a first part of it, is done. */
SEC("raw_tp/block_rq_complete")
int BPF_PROG(on_complete, struct request *request)
{
	__u64 key = (__u64)request, *started, taken_ns;
	struct histogram *histogram;
	__u32 slot;

	started = bpf_map_lookup_elem(&started_at, &key);
	if (!started)
		return 0;
	taken_ns = bpf_ktime_get_ns() - *started;
	bpf_map_delete_elem(&started_at, &key);
	/* Clocks of two CPUs may differ a little. */
	if ((__s64)taken_ns < 0)
		return 0;
	histogram = histogram_of(request);
	if (!histogram) {
		__sync_fetch_and_add(&lost_requests, 1);
		return 0;
	}
	slot = log2_of(taken_ns / (in_milliseconds ? NS_PER_MS : NS_PER_US));
	if (slot >= SLOTS)
		slot = SLOTS - 1;
	__sync_fetch_and_add(&histogram->slots[slot], 1);
	return 0;
}

/* User space reads the attributes; this makes their type appear in BTF. */
enum request_attribute *unused_attribute __attribute__((unused));

char LICENSE[] SEC("license") = "Dual BSD/GPL";
