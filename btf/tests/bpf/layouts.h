/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Struct layouts of every sort, shared by the BPF object whose BTF is read and by the native
 * program that dumps their bytes.
 */
typedef u64 gadget_timestamp;
typedef u32 ipv4_addr;

enum event_kind {
	EVENT_EXEC = 1,
	EVENT_EXIT = 2,
	EVENT_type = 7,
};

enum small_kind {
	SMALL_A,
	SMALL_B = 200,
} __attribute__((packed));

struct padded {
	u8 first;
	u32 second;
	u16 third;
	u64 fourth;
	u8 last;
};

struct point {
	s32 x;
	s32 y;
};

struct numbers {
	u8 a;
	s8 b;
	u16 c;
	s16 d;
	u32 e;
	s32 f;
	u64 g;
	s64 h;
	_Bool i;
	char j;
	float k;
	double l;
	__int128 m;
	unsigned __int128 n;
};

struct nested {
	u16 tag;
	struct point at;
	struct {
		u8 inner_a;
		u32 inner_b;
	} anonymous_type;
	struct {
		u16 flat_a;
		u64 flat_b;
	};
	union {
		u32 flat_word;
		u8 flat_bytes[4];
	};
	struct point path[3];
	u32 grid[2][3];
};

struct flags {
	u32 a : 1;
	u32 b : 3;
	s32 c : 5;
	u32 : 4;
	u64 d : 40;
	u8 plain;
	u16 e : 9;
	enum event_kind kind : 4;
	_Bool yes : 1;
};

union address {
	ipv4_addr v4;
	u8 v6[16];
	u64 words[2];
	struct point point;
};

struct connection {
	u8 family;
	union address source;
	union address target;
	u16 port;
};

struct packed {
	u8 a;
	u32 b;
	u64 c;
	struct point p;
	union address address;
	u16 d;
} __attribute__((packed));

struct event {
	gadget_timestamp timestamp;
	u32 pid;
	enum event_kind kind;
	enum small_kind small;
	char comm[16];
	u8 raw[5];
	void *address;
	const volatile s64 delta;
	u32 type;
	u32 self;
	char names[2][8];
};

struct with_tail {
	u32 length;
	u16 code;
	char text[];
};

struct with_records {
	u32 count;
	struct point points[];
};

typedef struct {
	u32 id;
	char label[6];
} unnamed_t;

struct aligned {
	u32 a;
	struct point p __attribute__((aligned(32)));
	u8 b;
} __attribute__((aligned(64)));
