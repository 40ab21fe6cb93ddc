// SPDX-License-Identifier: MIT OR Apache-2.0
// Attaches programs; the first argument says how.
#include <eunomia_bpf.hpp>

#include "../case.h"
#include "attach.skel.h"

using skeleton = bpf::skeleton<attach_bpf>;

template <class T> static const char *code_of(const bpf::result<T> &result)
{
	return code(static_cast<bool>(result));
}

static bpf::result<bpf::link> at_fork(bpf::program program, uint64_t cookie = 0)
{
	const bpf_tracepoint_opts opts = { .sz = sizeof(opts), .bpf_cookie = cookie };

	return bpf::owned<bpf::link>(bpf_program__attach_tracepoint_opts(
		program.get(), "sched", "sched_process_fork", &opts));
}

static bpf::result<bpf::link> at_call(bpf::program program)
{
	return bpf::owned<bpf::link>(
		bpf_program__attach_raw_tracepoint(program.get(), "sys_enter"));
}

static bpf::result<bpf::link> at_loopback(bpf::program program)
{
	return bpf::owned<bpf::link>(
		bpf_program__attach_xdp_mode(program.get(), "lo", BPF_XDP_GENERIC));
}

static void show(const bpf_link_info &info)
{
	const char *between = "";

	printf("%s: type %u at [", info.name, info.type);
	for (const char *target :
	     bpf::span<const char *const>(info.targets, info.target_count)) {
		printf("%s\"%s\"", between, target);
		between = ", ";
	}
	printf("], listed %s\n", truth(info.id_count > 0));
}

// Every program whose section, or the operator, says where.
static bpf::result<void> all(skeleton &skel)
{
	bpf_link *link;
	bool has_several = false;

	BPF_TRY(bpf::program(skel->progs.on_call).set_autoattach(false));
	auto loaded = skel.load();
	if (!loaded) {
		printf("load: %s: %s\n", error_code(), loaded.error().message());
		return {};
	}
	BPF_TRY(skel.attach());
	bpf_object__for_each_link(link, skel->obj) {
		bpf_link_info info;

		bpf_link__info(link, &info);
		show(info);
		has_several |= info.target_count > 1;
	}
	if (has_several)
		printf("again: %s\n", code_of(bpf::program(skel->progs.on_exec).attach()));
	return {};
}

// The guest's own target, unless the operator gave one.
static bpf::result<void> given(skeleton &skel)
{
	BPF_TRY(skel.load());
	auto link = BPF_TRY(at_fork(skel->progs.anywhere));
	show(link.info());
	BPF_TRY(link.detach());
	printf("again: %s\n", code_of(at_fork(skel->progs.anywhere)));
	return {};
}

// Whether system calls of the host are counted: running a program is one.
static bool is_called(skeleton &skel)
{
	bpf::program choose = skel->progs.choose;
	uint64_t before = 0, after = 0;

	if (!choose.test_run() || attach_bpf__get_calls(skel.get(), &before) < 0)
		return false;
	if (!choose.test_run() || attach_bpf__get_calls(skel.get(), &after) < 0)
		return false;
	return after > before;
}

// A link holds the program; dropping or detaching it ends that.
static bpf::result<void> counted(skeleton &skel)
{
	bpf::program on_call = skel->progs.on_call;
	auto link = BPF_TRY(on_call.attach());

	show(link.info());
	printf("while attached: %s\n", truth(is_called(skel)));
	BPF_TRY(link.detach());
	printf("detached: %s\n", truth(is_called(skel)));
	link = BPF_TRY(on_call.attach());
	printf("attached again: %s\n", truth(is_called(skel)));
	link = bpf::link();
	printf("dropped: %s\n", truth(is_called(skel)));
	BPF_TRY(on_call.attach()).keep();
	printf("kept: %s\n", truth(is_called(skel)));
	return {};
}

// One program takes the place of another without a gap.
static bpf::result<void> replaced(skeleton &skel)
{
	bpf::program pass = skel->progs.pass, pass_too = skel->progs.pass_too;
	auto link = BPF_TRY(at_loopback(pass));

	show(link.info());
	printf("occupied: %s\n", code_of(at_loopback(pass_too)));
	BPF_TRY(pass_too.replace_in(link));
	show(link.info());
	BPF_TRY(link.detach());
	link = BPF_TRY(at_loopback(pass_too));
	printf("free again: %s\n", link.info().name);
	return {};
}

static bpf::result<void> one_by_one(skeleton &skel)
{
	bpf::program left_out = skel->progs.left_out, anywhere = skel->progs.anywhere;
	bpf::program on_call = skel->progs.on_call;

	printf("left out: %s\n", truth(!left_out.autoload()));
	BPF_TRY(skel.load());
	printf("attach what was left out: %s\n", code_of(left_out.attach()));
	printf("nowhere: %s\n", code_of(anywhere.attach()));
	printf("of another kind: %s\n", code_of(at_call(anywhere)));

	BPF_TRY(counted(skel));
	show(BPF_TRY(at_fork(anywhere, 7)).info());
	show(BPF_TRY(anywhere.attach_to("tracepoint:sched:sched_process_exit")).info());
	{
		auto first = BPF_TRY(at_call(on_call));
		auto second = BPF_TRY(on_call.attach());
		uint32_t id = first.info().ids[0];

		printf("twice: %s\n", truth(id != second.info().ids[0]));
	}
	BPF_TRY(replaced(skel));

	BPF_TRY(on_call.store_in(skel->maps.jumps, 1));
	printf("stored; beyond the end: %s\n", code_of(on_call.store_in(skel->maps.jumps, 2)));
	BPF_TRY(on_call.attach()).keep();
	printf("kept\n");
	return {};
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";

	return bpf::run([&]() -> bpf::result<void> {
		auto skel = BPF_TRY(skeleton::open());

		if (!strcmp(how, "all"))
			return all(skel);
		if (!strcmp(how, "given"))
			return given(skel);
		return one_by_one(skel);
	});
}
