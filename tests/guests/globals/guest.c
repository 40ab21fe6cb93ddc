// SPDX-License-Identifier: MIT OR Apache-2.0
// Reads and sets global variables.
#include <stdlib.h>

#include "../case.h"
#include "globals.skel.h"

#define GLOBALS_MAX 16

static int by_name(const void *left, const void *right)
{
	const struct bpf_global_info *a = left, *b = right;

	return strcmp(a->name, b->name);
}

static void list(struct globals_bpf *skel)
{
	struct bpf_global_info infos[GLOBALS_MAX];
	size_t count = 0;

	while (count < GLOBALS_MAX &&
	       bpf_object__global_info(skel->obj, count, &infos[count]) == 0)
		count++;
	qsort(infos, count, sizeof(*infos), by_name);
	for (size_t i = 0; i < count; i++)
		if (strcmp(infos[i].section, "license"))
			printf("%s in %s: %zu bytes, constant %s, typed %s\n", infos[i].name,
			       infos[i].section, infos[i].size, truth(infos[i].constant),
			       truth(infos[i].type_id != 0));
}

// The two numbers that everything below is about.
static void show(const char *when, struct globals_bpf *skel)
{
	uint64_t limit = 0, total = 0;

	globals_bpf__get_limit(skel, &limit);
	globals_bpf__get_total(skel, &total);
	printf("%s: %llu %llu\n", when, limit, total);
}

static void work(struct globals_bpf *skel)
{
	struct bpf_test_run_opts opts = { 0 };

	bpf_program__test_run(bpf_object__find_program_by_name(skel->obj, "work"), &opts);
}

static void loaded(struct globals_bpf *skel)
{
	unsigned char kind[4];
	char name[16];
	uint32_t seen;
	uint64_t total;

	show("loaded", skel);
	globals_bpf__get_name(skel, &name);
	bpf_object__get_global(skel->obj, "kind", kind, sizeof(kind));
	printf("name %.16s, kind [%u, %u, %u, %u]\n", name, kind[0], kind[1], kind[2], kind[3]);
	work(skel);
	globals_bpf__get_seen(skel, &seen);
	globals_bpf__get_total(skel, &total);
	printf("seen %u, total %llu\n", seen, total);
	globals_bpf__set_total(skel, 0);
	work(skel);
	globals_bpf__get_total(skel, &total);
	printf("from 0: %llu\n", total);
}

static void both(struct globals_bpf *skel)
{
	struct pair pair = { .left = 3, .right = 4 }, read;

	globals_bpf__get_both(skel, &read);
	printf("struct Pair { left: %u, right: %llu }\n", read.left, read.right);
	globals_bpf__set_both(skel, &pair);
	globals_bpf__get_both(skel, &read);
	printf("struct Pair { left: %u, right: %llu }\n", read.left, read.right);
}

int main(void)
{
	struct globals_bpf *skel = globals_bpf__open();
	const char name[16] = "guest";
	uint32_t half = 0;

	if (!skel)
		return bpf_error_report();
	list(skel);
	show("initial", skel);
	globals_bpf__set_limit(skel, 5);
	globals_bpf__set_total(skel, 200);
	globals_bpf__set_name(skel, &name);
	show("set", skel);
	if (globals_bpf__load(skel) < 0) {
		printf("%s\n", error_code());
		return bpf_error_report();
	}
	loaded(skel);
	both(skel);
	print_result("a constant after load", globals_bpf__set_limit(skel, 6) == 0);
	print_result("half of a value",
		     bpf_object__set_global(skel->obj, "total", &half, sizeof(half)) == 0);
	globals_bpf__destroy(skel);
	return 0;
}
