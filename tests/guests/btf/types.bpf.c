// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
// A struct of everything that a layout can have.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

enum color {
	COLOR_RED,
	COLOR_GREEN = 7,
};

typedef __u32 contract_id;

struct inner {
	__u8 small;
	__u16 large;
};

union either {
	__u32 number;
	char text[4];
};

struct everything {
	contract_id id;
	enum color color;
	const volatile __s64 below;
	struct inner inner[3];
	union either either;
	__u32 bits : 3;
	__u32 more_bits : 7;
	_Bool flag;
	char comm[16];
	struct everything *next;
	struct {
		__u8 anonymous;
	};
	double ratio;
	__u8 tail[];
};
struct everything *unused_everything __attribute__((unused));

SEC("raw_tp/sched_process_exec")
int on_exec(void *ctx)
{
	return 0;
}
