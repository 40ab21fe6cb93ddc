// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Relocations against the types of kernel.c, WANTED choosing which. */
#define preserve __attribute__((preserve_access_index))

typedef unsigned long counter_t;
struct outer;
enum state { STATE_IDLE, STATE_BUSY };
typedef int (*callback_t)(struct outer *, enum state);

struct inner {
	int value;
} preserve;

struct outer {
	struct inner *pointer;
	counter_t count;
	struct inner items[4];
	int missing;
} preserve;

struct flexible {
	int items[1];
} preserve;

struct middle {
	int items[1];
} preserve;

struct absent___of_this_kernel {
	int x;
} preserve;

unsigned long results[8];

__attribute__((section("raw_tp/sys_enter"), used)) int run(void *ctx)
{
	struct outer *outer = ctx;

#if WANTED == 1
	results[0] = __builtin_preserve_field_info(outer->count, 0);
	results[1] = __builtin_preserve_field_info(outer->items[2].value, 0);
	results[2] = __builtin_preserve_field_info(outer->missing, 2);
	results[3] = __builtin_preserve_field_info(outer->pointer, 1);
#elif WANTED == 2
	results[0] = __builtin_preserve_field_info(((struct flexible *)ctx)->items[0], 0);
	results[1] = __builtin_preserve_field_info(((struct middle *)ctx)->items[0], 0);
#elif WANTED == 3
	results[0] = __builtin_preserve_type_info(*(callback_t *)0, 0);
	results[1] = __builtin_preserve_enum_value(*(enum state *)STATE_BUSY, 1);
#elif WANTED == 4
	results[0] = __builtin_preserve_field_info(((struct absent___of_this_kernel *)ctx)->x, 2);
#elif WANTED == 5
	results[0] = __builtin_btf_type_id(*(struct outer *)0, 1);
#endif
	return 0;
}

char LICENSE[] __attribute__((section("license"))) = "Dual BSD/GPL";
