// SPDX-License-Identifier: MIT OR Apache-2.0
// Attaches programs; the first argument says how.
#include <stdlib.h>

#include "../case.h"
#include "attach.skel.h"

static struct attach_bpf *skel;

static struct bpf_program *program(const char *name)
{
	return bpf_object__find_program_by_name(skel->obj, name);
}

static struct bpf_link *at_fork(struct bpf_program *prog, uint64_t cookie)
{
	LIBBPF_OPTS(bpf_tracepoint_opts, opts, .bpf_cookie = cookie);

	return bpf_program__attach_tracepoint_opts(prog, "sched", "sched_process_fork", &opts);
}

static void show(const struct bpf_link *link)
{
	struct bpf_link_info info;

	bpf_link__info(link, &info);
	printf("%s: type %u at [", info.name, info.type);
	for (size_t i = 0; i < info.target_count; i++)
		printf("%s\"%s\"", i ? ", " : "", info.targets[i]);
	printf("], listed %s\n", truth(info.id_count > 0));
}

// Every program whose section, or the operator, says where.
static int all(void)
{
	struct bpf_link *link;
	bool has_several = false;

	bpf_program__set_autoattach(program("on_call"), false);
	if (attach_bpf__load(skel) < 0) {
		printf("load: %s: %s\n", error_code(), bpf_error()->message);
		return 0;
	}
	if (attach_bpf__attach(skel) < 0)
		return bpf_error_report();
	bpf_object__for_each_link(link, skel->obj) {
		struct bpf_link_info info;

		show(link);
		bpf_link__info(link, &info);
		has_several |= info.target_count > 1;
	}
	if (has_several)
		printf("again: %s\n", code(bpf_program__attach(program("on_exec")) != NULL));
	return 0;
}

// The guest's own target, unless the operator gave one.
static int given(void)
{
	struct bpf_link *link;

	if (attach_bpf__load(skel) < 0)
		return bpf_error_report();
	link = at_fork(program("anywhere"), 0);
	if (!link)
		return bpf_error_report();
	show(link);
	bpf_link__detach(link);
	printf("again: %s\n", code(at_fork(program("anywhere"), 0) != NULL));
	return 0;
}

// Whether system calls of the host are counted: running a program is one.
static bool is_called(void)
{
	struct bpf_test_run_opts opts = { 0 };
	uint64_t before, after;

	bpf_program__test_run(program("choose"), &opts);
	attach_bpf__get_calls(skel, &before);
	bpf_program__test_run(program("choose"), &opts);
	attach_bpf__get_calls(skel, &after);
	return after > before;
}

// A link holds the program; dropping or detaching it ends that.
static void counted(void)
{
	struct bpf_link *link = bpf_program__attach(program("on_call"));

	show(link);
	printf("while attached: %s\n", truth(is_called()));
	bpf_link__detach(link);
	printf("detached: %s\n", truth(is_called()));
	bpf_link__destroy(link);
	link = bpf_program__attach(program("on_call"));
	printf("attached again: %s\n", truth(is_called()));
	bpf_link__destroy(link);
	printf("dropped: %s\n", truth(is_called()));
	bpf_link__disconnect(bpf_program__attach(program("on_call")));
	printf("kept: %s\n", truth(is_called()));
}

// One program takes the place of another without a gap.
static void replaced(void)
{
	struct bpf_program *pass = program("pass"), *pass_too = program("pass_too");
	struct bpf_link *link = bpf_program__attach_xdp_mode(pass, "lo", BPF_XDP_GENERIC);
	struct bpf_link_info info;

	show(link);
	printf("occupied: %s\n",
	       code(bpf_program__attach_xdp_mode(pass_too, "lo", BPF_XDP_GENERIC) != NULL));
	bpf_link__update_program(link, pass_too);
	show(link);
	bpf_link__detach(link);
	link = bpf_program__attach_xdp_mode(pass_too, "lo", BPF_XDP_GENERIC);
	bpf_link__info(link, &info);
	printf("free again: %s\n", info.name);
	bpf_link__destroy(link);
}

static void show_and_detach(struct bpf_link *link)
{
	show(link);
	bpf_link__destroy(link);
}

static void twice(struct bpf_program *prog)
{
	struct bpf_link *first = bpf_program__attach_raw_tracepoint(prog, "sys_enter");
	struct bpf_link *second = bpf_program__attach(prog);
	struct bpf_link_info info;
	uint32_t id;

	bpf_link__info(first, &info);
	id = info.ids[0];
	bpf_link__info(second, &info);
	printf("twice: %s\n", truth(id != info.ids[0]));
	bpf_link__destroy(first);
	bpf_link__destroy(second);
}

static int one_by_one(void)
{
	struct bpf_program *anywhere = program("anywhere"), *on_call = program("on_call");

	printf("left out: %s\n", truth(!bpf_program__autoload(program("left_out"))));
	if (attach_bpf__load(skel) < 0)
		return bpf_error_report();
	printf("attach what was left out: %s\n",
	       code(bpf_program__attach(program("left_out")) != NULL));
	printf("nowhere: %s\n", code(bpf_program__attach(anywhere) != NULL));
	printf("of another kind: %s\n",
	       code(bpf_program__attach_raw_tracepoint(anywhere, "sys_enter") != NULL));

	counted();
	show_and_detach(at_fork(anywhere, 7));
	show_and_detach(bpf_program__attach_target(anywhere,
						   "tracepoint:sched:sched_process_exit"));
	twice(on_call);
	replaced();

	bpf_program__store_in(on_call, skel->maps.jumps, 1);
	printf("stored; beyond the end: %s\n",
	       code(bpf_program__store_in(on_call, skel->maps.jumps, 2) == 0));
	bpf_link__disconnect(bpf_program__attach(on_call));
	printf("kept\n");
	return 0;
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";

	skel = attach_bpf__open();
	if (!skel)
		return bpf_error_report();
	if (!strcmp(how, "all"))
		return all();
	if (!strcmp(how, "given"))
		return given();
	return one_by_one();
}
