// SPDX-License-Identifier: MIT OR Apache-2.0
// Has calls fail and prints what the errors say.
#include <stdlib.h>

#include <eunomia_bpf.hpp>

#include "../case.h"

// Prints what programs decide on, and whether people learn what they need.
template <class T, class... Words>
static void show(const char *what, const bpf::result<T> &result, Words... words)
{
	if (result) {
		printf("%s: ok\n", what);
		return;
	}
	printf("%s: %s, errno %d\n", what, error_code(), result.error().kernel_errno());
	for (const char *word : { words... })
		if (!strstr(result.error().message(), word))
			printf("  does not say `%s`: %s\n", word, result.error().message());
}

static int by_text(const void *left, const void *right)
{
	return strcmp(*static_cast<const char *const *>(left),
		      *static_cast<const char *const *>(right));
}

static void list()
{
	const char *names[8];
	size_t count = 0;
	const char *between = "";

	while (count < 8 && bpf_object__list(count)) {
		names[count] = bpf_object__list(count);
		count++;
	}
	qsort(names, count, sizeof(*names), by_text);
	printf("objects [");
	for (const char *name : bpf::span<const char *>(names, count)) {
		printf("%s\"%s\"", between, name);
		between = ", ";
	}
	printf("]\n");
}

static bpf::result<void> maps(bpf::object &good)
{
	auto single = BPF_TRY((good.map<uint32_t, uint32_t>("single")));
	bpf::map<uint8_t, uint32_t> narrow = single.get();

	show("key", narrow.lookup(1), "single");
	BPF_TRY(single.update(1, 1));
	show("full", single.update(2, 2), "single");
	show("there", single.update(1, 2, BPF_NOEXIST), "single");
	show("not there", single.update(2, 2, BPF_EXIST), "single");
	return {};
}

// As long as a name may be, and longer.
static void long_names(bpf::object &good)
{
	char name[258];

	memset(name, 'x', sizeof(name));
	name[256] = '\0';
	show("a name of 256 bytes", good.map<uint32_t, uint32_t>(name), "xxx");
	name[256] = 'x';
	name[257] = '\0';
	show("of 257", good.map<uint32_t, uint32_t>(name), "257", "256");
}

static bpf::result<void> fail()
{
	list();
	show("object", bpf::object::open("nothing"), "nothing", "bad", "good");
	auto bad = BPF_TRY(bpf::object::open("bad"));
	show("verifier", bad.load(), "bad", "wild", "R");

	auto good = BPF_TRY(bpf::object::open("good"));
	show("program", good.program("nothing"), "nothing", "good", "anywhere");
	show("map", good.map<uint32_t, uint32_t>("nothing"), "nothing", "good", "single");
	show("global", good.global<uint32_t>("nothing"), "nothing");
	BPF_TRY(good.load());
	BPF_TRY(maps(good));
	auto anywhere = BPF_TRY(good.program("anywhere"));
	show("tracepoint", anywhere.attach_to("tracepoint:sched:no_such_tracepoint"), "anywhere",
	     "no_such_tracepoint");
	show("text", anywhere.attach_to("tracepoint"), "tracepoint");
	long_names(good);
	return {};
}

int main()
{
	return bpf::run(fail);
}
