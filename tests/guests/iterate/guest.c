// SPDX-License-Identifier: MIT OR Apache-2.0
// Runs an iterator program over a map.
#include "../case.h"
#include "iterate.skel.h"

// More than the program writes.
#define OUTPUT_BYTES_MAX 256

// Reads to the end, so many bytes at a time, and shows the records of a key and a value.
static void print_all(struct bpf_iter *iter, size_t piece)
{
	unsigned char output[OUTPUT_BYTES_MAX];
	size_t bytes = 0;
	int count;

	while ((count = bpf_iter__read(iter, output + bytes, piece)) > 0)
		bytes += (size_t)count;
	bpf_iter__free(iter);
	for (size_t at = 0; at < bytes; at += 8) {
		printf("  [");
		for (size_t i = at; i < bytes && i < at + 8; i++)
			printf("%s%u", i > at ? ", " : "", output[i]);
		printf("]\n");
	}
}

int main(void)
{
	struct iterate_bpf *skel = iterate_bpf__open();
	struct bpf_link_info info;
	struct bpf_link *link;
	struct bpf_iter *rest;

	if (!skel || iterate_bpf__load(skel) < 0)
		return bpf_error_report();
	for (uint32_t key = 0; key < 3; key++) {
		uint32_t value = key + 4;

		bpf_map__update_elem(skel->maps.numbers, &key, sizeof(key), &value, sizeof(value),
				     BPF_ANY);
	}
	link = bpf_program__attach_target(skel->progs.list_numbers, "iterator:map=numbers");
	if (!link)
		return bpf_error_report();
	bpf_link__info(link, &info);
	printf("%s at [\"%s\"]\n", info.name, info.targets[0]);
	print_all(bpf_iter__new(link), 64);
	printf("once more, in small pieces\n");
	print_all(bpf_iter__new(link), 5);

	rest = bpf_iter__new(link);
	bpf_link__destroy(link);
	printf("the link is gone, what is being read stays:\n");
	print_all(rest, 64);

	link = bpf_program__attach(skel->progs.no_iterator);
	print_result("no iterator", bpf_iter__new(link) != NULL);
	bpf_link__destroy(link);
	iterate_bpf__destroy(skel);
	return 0;
}
