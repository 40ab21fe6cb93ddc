// SPDX-License-Identifier: MIT OR Apache-2.0
// Writes a user ring buffer in every way.
#include <eunomia_bpf.hpp>

#include "../case.h"
#include "commands.skel.h"

using skeleton = bpf::skeleton<commands_bpf>;

// Bytes of the buffer that a record needs beside its payload.
static constexpr size_t header_bytes = 8;
static constexpr size_t ring_bytes = 4096;

template <size_t N> struct bytes {
	unsigned char at[N];
};

static bpf::result<void> take(skeleton &skel, uint32_t records)
{
	bpf_test_run_opts opts{};

	opts.ctx_in = &records;
	opts.ctx_size_in = sizeof(records);
	BPF_TRY(bpf::program(skel->progs.take).test_run(opts));
	BPF_TRY(bpf::checked(commands_bpf__pull(skel.get())));
	printf("taken %u, sum %llu\n", skel->bss->taken, skel->bss->sum);
	return {};
}

static const char *readiness(bpf::user_ring_buffer &commands)
{
	return truth(bpf::pollable::of(commands).is_ready());
}

static bpf::result<void> many(skeleton &skel, bpf::user_ring_buffer &commands)
{
	BPF_TRY(commands.submit_all());
	printf("an empty batch is written\n");
	for (uint32_t word = 1; word <= 3; word++)
		BPF_TRY(commands.push(word));
	printf("written: %s\n", truth(BPF_TRY(commands.submit_all()) == 0));
	BPF_TRY(take(skel, 10));

	// 16 bytes each: 256 of them fill the buffer.
	for (uint32_t word = 0; word < 300; word++)
		BPF_TRY(commands.push(word));
	printf("left without room: %d bytes\n", BPF_TRY(commands.submit_all(0)));
	printf("left when the time is up: %d bytes\n", BPF_TRY(commands.submit_all(5)));
	printf("ready: %s\n", readiness(commands));
	BPF_TRY(take(skel, 1));
	printf("ready: %s\n", readiness(commands));
	printf("left: %d bytes\n", BPF_TRY(commands.submit_all(0)));
	BPF_TRY(take(skel, 1000));
	printf("left: %d bytes\n", BPF_TRY(commands.submit_all()));
	return take(skel, 1000);
}

// The largest record that fits, alone.
static bpf::result<void> largest(skeleton &skel)
{
	static bytes<ring_bytes - header_bytes> ones;
	static bytes<sizeof(ones) + 1> more;
	static bytes<1000> small;
	static bytes<4000> large;
	auto commands = BPF_TRY(bpf::user_ring_buffer::open(skel->maps.commands));

	memset(&ones, 1, sizeof(ones));
	memset(&more, 1, sizeof(more));
	printf("largest written: %s\n", truth(static_cast<bool>(commands.write(ones))));
	BPF_TRY(commands.push<uint32_t>(1));
	BPF_TRY(commands.push(more));
	bool is_written = static_cast<bool>(commands.submit_all());
	printf("one byte more: Err(%s), kept %s\n", code(is_written), truth(!is_written));
	BPF_TRY(take(skel, 10));

	// 4000 bytes do not fit beside 1000.
	user_ring_buffer__clear(commands.get());
	BPF_TRY(commands.push(small));
	BPF_TRY(commands.push(large));
	BPF_TRY(commands.submit_all(0));
	printf("ready for 4000 bytes: %s\n", readiness(commands));
	user_ring_buffer__clear(commands.get());
	BPF_TRY(commands.write<uint64_t>(0, 0));
	printf("ready after a write that fitted: %s\n", readiness(commands));
	return take(skel, 10);
}

static bpf::result<void> run()
{
	auto skel = BPF_TRY(skeleton::open());

	BPF_TRY(skel.load());
	{
		auto commands = BPF_TRY(bpf::user_ring_buffer::open(skel->maps.commands));
		auto second = bpf::user_ring_buffer::open(skel->maps.commands);

		print_result("second writer", static_cast<bool>(second));
		BPF_TRY(many(skel, commands));
	}
	return largest(skel);
}

int main()
{
	return bpf::run(run);
}
