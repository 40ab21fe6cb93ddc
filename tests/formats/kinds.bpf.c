// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
// One record with every type that C has, filled with values that are known.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "gadget.h"

enum colour { RED, GREEN = 5, BLUE = -2 };
enum wide { NARROW = 1, WIDE = 0x100000000 };
enum access_set { READ = 1, WRITE = 2, EXECUTE = 4 };

struct point {
	s16 x;
	s16 y;
};

struct record {
	/* Integers. */
	u8 unsigned_8;
	s8 signed_8;
	u16 unsigned_16;
	s16 signed_16;
	u32 unsigned_32;
	s32 signed_32;
	u64 unsigned_64;
	s64 signed_64;
	__int128 signed_128;
	unsigned __int128 unsigned_128;
	bool yes;
	bool no;
	char letter;
	/* Floating point, which BPF can carry but not compute. */
	float single;
	double ratio;
	/* Enums. */
	enum colour colour;
	enum colour unnamed;
	enum wide wide;
	enum access_set access;
	/* Bit fields. */
	u32 three : 3;
	s32 minus : 5;
	u32 : 4;
	u64 twenty : 20;
	/* Structs and unions, with names and without. */
	struct point point;
	struct {
		u16 inner;
		union {
			u32 whole;
			u8 parts[4];
		};
	};
	union {
		u32 number;
		struct point pair;
	} choice;
	/* Arrays. */
	u16 numbers[3];
	struct point points[2];
	u8 matrix[2][3];
	char text[8];
	char full[4];
	char wrong[6];
	unsigned char raw[3];
	/* Pointers. */
	void *pointer;
	int (*function)(int);
	/* An array whose length the record tells. */
	u8 count;
	u16 tail[];
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 16);
	__type(value, struct record);
} records SEC(".maps");

SYMBOL(gadget_tracer_records___records___record)
SYMBOL(gadget_param_single)
SYMBOL(gadget_param_ratio)

const volatile float single = 0;
const volatile double ratio = 0;

/* So many that they go beyond the padding at the end of the struct. */
#define TAIL 9
#define BYTES (__builtin_offsetof(struct record, tail) + TAIL * sizeof(u16))
_Static_assert(BYTES > sizeof(struct record), "the record has a tail of its own");

SEC("tp/sched/sched_process_exec")
int on_exec(void *ctx)
{
	static const char wanted[] = "kinds";
	char comm[16];
	struct record *record;

	bpf_get_current_comm(comm, sizeof(comm));
	for (int i = 0; i < sizeof(wanted); i++)
		if (comm[i] != wanted[i])
			return 0;
	record = bpf_ringbuf_reserve(&records, BYTES, 0);
	if (!record)
		return 0;
	__builtin_memset(record, 0, BYTES);
	record->unsigned_8 = 200;
	record->signed_8 = -100;
	record->unsigned_16 = 60000;
	record->signed_16 = -30000;
	record->unsigned_32 = 4000000000;
	record->signed_32 = -2000000000;
	record->unsigned_64 = 18000000000000000000ull;
	record->signed_64 = -9000000000000000000ll;
	record->signed_128 = -((__int128)1 << 100);
	record->unsigned_128 = (unsigned __int128)1 << 127;
	record->yes = true;
	record->letter = 'x';
	*(u32 *)&record->single = *(const volatile u32 *)&single;
	*(u64 *)&record->ratio = *(const volatile u64 *)&ratio;
	record->colour = GREEN;
	record->unnamed = 77;
	record->wide = WIDE;
	record->access = READ | EXECUTE | 8;
	record->three = 5;
	record->minus = -9;
	record->twenty = 0xabcde;
	record->point.x = -1;
	record->point.y = 2;
	record->inner = 17;
	record->whole = 0x04030201;
	record->choice.pair.x = 3;
	record->choice.pair.y = 4;
	record->numbers[0] = 1;
	record->numbers[1] = 2;
	record->numbers[2] = 3;
	record->points[1].x = 5;
	record->points[1].y = -6;
	record->matrix[0][0] = 1;
	record->matrix[1][2] = 6;
	__builtin_memcpy(record->text, "a,\"b\"", 6);
	__builtin_memcpy(record->full, "full", 4);
	__builtin_memcpy(record->wrong, "ok\xff\xfe\x1b", 5);
	record->raw[0] = 0xde;
	record->raw[1] = 0xad;
	record->pointer = (void *)0xffff888012345678;
	record->function = (void *)0x10;
	record->count = TAIL;
	record->tail[0] = 1000;
	record->tail[TAIL - 1] = 2000;
	bpf_ringbuf_submit(record, 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
