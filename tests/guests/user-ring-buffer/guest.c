// SPDX-License-Identifier: MIT OR Apache-2.0
// Writes a user ring buffer in every way.
#include "../case.h"
#include "commands.skel.h"

// Bytes of the buffer that a record needs beside its payload.
#define HEADER_BYTES 8
#define RING_BYTES 4096

static void take(struct commands_bpf *skel, uint32_t records)
{
	struct bpf_test_run_opts opts = { .ctx_in = &records, .ctx_size_in = sizeof(records) };

	bpf_program__test_run(skel->progs.take, &opts);
	commands_bpf__pull(skel);
	printf("taken %u, sum %llu\n", skel->bss->taken, (unsigned long long)skel->bss->sum);
}

static bool is_ready(struct user_ring_buffer *commands)
{
	struct bpf_pollable *room = user_ring_buffer__subscribe(commands);
	bool is = bpf_pollable__is_ready(room);

	bpf_pollable__free(room);
	return is;
}

static void many(struct commands_bpf *skel, struct user_ring_buffer *commands)
{
	user_ring_buffer__submit_all(commands, -1);
	printf("an empty batch is written\n");
	for (uint32_t word = 1; word <= 3; word++)
		user_ring_buffer__push(commands, &word, sizeof(word));
	printf("written: %s\n", truth(user_ring_buffer__submit_all(commands, -1) == 0));
	take(skel, 10);

	// 16 bytes each: 256 of them fill the buffer.
	for (uint32_t word = 0; word < 300; word++)
		user_ring_buffer__push(commands, &word, sizeof(word));
	printf("left without room: %d bytes\n", user_ring_buffer__submit_all(commands, 0));
	printf("left when the time is up: %d bytes\n", user_ring_buffer__submit_all(commands, 5));
	printf("ready: %s\n", truth(is_ready(commands)));
	take(skel, 1);
	printf("ready: %s\n", truth(is_ready(commands)));
	printf("left: %d bytes\n", user_ring_buffer__submit_all(commands, 0));
	take(skel, 1000);
	printf("left: %d bytes\n", user_ring_buffer__submit_all(commands, -1));
	take(skel, 1000);
}

// The largest record that fits, alone.
static void largest(struct commands_bpf *skel)
{
	static unsigned char ones[RING_BYTES - HEADER_BYTES + 1], zeros[4000];
	struct user_ring_buffer *commands = user_ring_buffer__new(skel->maps.commands, NULL);
	uint32_t word = 1;
	bool is_written;

	memset(ones, 1, sizeof(ones));
	printf("largest written: %s\n",
	       truth(user_ring_buffer__write(commands, ones, sizeof(ones) - 1, -1) == 0));
	user_ring_buffer__push(commands, &word, sizeof(word));
	user_ring_buffer__push(commands, ones, sizeof(ones));
	is_written = user_ring_buffer__submit_all(commands, -1) >= 0;
	printf("one byte more: Err(%s), kept %s\n", code(is_written), truth(!is_written));
	take(skel, 10);

	// 4000 bytes do not fit beside 1000.
	user_ring_buffer__clear(commands);
	user_ring_buffer__push(commands, zeros, 1000);
	user_ring_buffer__push(commands, zeros, 4000);
	user_ring_buffer__submit_all(commands, 0);
	printf("ready for 4000 bytes: %s\n", truth(is_ready(commands)));
	user_ring_buffer__clear(commands);
	user_ring_buffer__write(commands, zeros, 8, 0);
	printf("ready after a write that fitted: %s\n", truth(is_ready(commands)));
	take(skel, 10);
	user_ring_buffer__free(commands);
}

int main(void)
{
	struct commands_bpf *skel = commands_bpf__open();
	struct user_ring_buffer *commands;

	if (!skel || commands_bpf__load(skel) < 0)
		return bpf_error_report();
	commands = user_ring_buffer__new(skel->maps.commands, NULL);
	if (!commands)
		return bpf_error_report();
	print_result("second writer", user_ring_buffer__new(skel->maps.commands, NULL) != NULL);
	many(skel, commands);
	user_ring_buffer__free(commands);
	largest(skel);
	commands_bpf__destroy(skel);
	return 0;
}
