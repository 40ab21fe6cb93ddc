// SPDX-License-Identifier: MIT OR Apache-2.0
/* Two buffers of an object, and what a callback may do. The test triggers samples in threes, by a
 * line of input each time, so that each poll finds three. */
#include "wasm_bpf.h"

static object_t object;
static int first, second;

static int show(void *ctx, void *data, size_t size)
{
	uint64_t number;
	memcpy(&number, data, sizeof(number));
	printf("%s %llu of %zu\n", (char *)ctx, (unsigned long long)number, size);
	return 0;
}

static int show_short(void *ctx, void *data, size_t size)
{
	printf("short %zu\n", size);
	return 0;
}

static int stop_at_second(void *ctx, void *data, size_t size)
{
	static int count;
	show(ctx, data, size);
	return ++count == 2 ? -77 : 0;
}

static int nested(void *ctx, void *data, size_t size)
{
	uint32_t key = 1;
	uint64_t value = 5;
	int table = wasm_bpf_map_fd_by_name(object, "table");
	show(ctx, data, size);
	printf("in callback: %d %d %d\n", map_operate(table, UPDATE, &key, &value, NULL, 0),
	       poll_buffer(object, first, show, "again", 0),
	       poll_buffer(object, second, show, "nested", 0));
	return 0;
}

static int close_it(void *ctx, void *data, size_t size)
{
	show(ctx, data, size);
	printf("close in callback: %d\n", wasm_close_bpf_object(object));
	return 0;
}

static int trap(void *ctx, void *data, size_t size)
{
	__builtin_trap();
}

static int leave(void *ctx, void *data, size_t size)
{
	exit(42);
}

static void returns_nothing(void *ctx, void *data, size_t size)
{
	show(ctx, data, size);
}

/* The test makes three samples, then sends a line. */
static void wait_for_samples(const char *what)
{
	printf("ready %s\n", what);
	wait_for_line();
}

int main(int argc, char **argv)
{
	const char *end = argv[1];
	char data[4];
	object = load_or_exit();
	attach_or_exit(object, "on_fchown", NULL);
	first = map_or_exit(object, "first");
	second = map_or_exit(object, "second");
	/* A reader sees what comes after it, so open both first. */
	printf("empty: %d %d\n", poll_buffer(object, first, show, "a", 0),
	       poll_buffer(object, second, show, "b", 1));
	wait_for_samples("all");
	printf("all: %d\n", poll_buffer(object, first, show, "first", 1000));
	printf("all: %d\n", poll_buffer(object, second, show, "second", 1000));
	wait_for_samples("stop");
	printf("stop: %d\n", poll_buffer(object, first, stop_at_second, "first", 1000));
	printf("rest: %d\n", poll_buffer(object, first, (sample_fn)(void *)returns_nothing, "rest", 0));
	printf("short: %d\n", wasm_bpf_buffer_poll(object, second, (int32_t)(uintptr_t)show_short, 0,
						   data, sizeof(data), 1000));
	wait_for_samples("nested");
	printf("nested: %d\n", poll_buffer(object, first, nested, "first", 1000));
	wait_for_samples("end");
	if (!strcmp(end, "trap"))
		poll_buffer(object, first, trap, NULL, 1000);
	if (!strcmp(end, "exit"))
		poll_buffer(object, first, leave, NULL, 1000);
	printf("close: %d\n", poll_buffer(object, first, close_it, "first", 1000));
	printf("closed: %d\n", poll_buffer(object, first, show, "first", 0));
	return 0;
}
