// SPDX-License-Identifier: MIT OR Apache-2.0
// Has calls fail and prints what the errors say.
#include <stdlib.h>

#include "../case.h"

#define WORDS_MAX 3

// Prints what programs decide on, and whether people learn what they need.
static void show(const char *what, bool is_ok, const char *const words[WORDS_MAX])
{
	const struct bpf_error *error = bpf_error();

	if (is_ok) {
		printf("%s: ok\n", what);
		return;
	}
	printf("%s: %s, errno %d\n", what, error_code(), error->kernel_errno);
	for (int i = 0; i < WORDS_MAX && words[i]; i++)
		if (!strstr(error->message, words[i]))
			printf("  does not say `%s`: %s\n", words[i], error->message);
}
#define SHOW(what, is_ok, ...) show(what, is_ok, (const char *const[WORDS_MAX]){ __VA_ARGS__ })

static int by_text(const void *left, const void *right)
{
	return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static void objects(void)
{
	const char *names[8];
	size_t count = 0;

	while (count < 8 && bpf_object__list(count)) {
		names[count] = bpf_object__list(count);
		count++;
	}
	qsort(names, count, sizeof(*names), by_text);
	printf("objects [");
	for (size_t i = 0; i < count; i++)
		printf("%s\"%s\"", i ? ", " : "", names[i]);
	printf("]\n");
}

static bool update(struct bpf_map *map, unsigned char key, unsigned char value, uint64_t flags)
{
	const unsigned char keys[4] = { key, key, key, key };
	const unsigned char values[4] = { value, value, value, value };

	return bpf_map__update_elem(map, keys, sizeof(keys), values, sizeof(values), flags) == 0;
}

static void maps(struct bpf_object *good)
{
	struct bpf_map *single = bpf_object__find_map_by_name(good, "single");
	unsigned char key = 1, value[4];

	SHOW("key", bpf_map__lookup_elem(single, &key, 1, value, sizeof(value), 0) == 0, "single");
	update(single, 1, 1, BPF_ANY);
	SHOW("full", update(single, 2, 2, BPF_ANY), "single");
	SHOW("there", update(single, 1, 2, BPF_NOEXIST), "single");
	SHOW("not there", update(single, 2, 2, BPF_EXIST), "single");
}

// As long as a name may be, and longer.
static void long_names(struct bpf_object *good)
{
	char name[258];

	memset(name, 'x', sizeof(name));
	name[256] = '\0';
	SHOW("a name of 256 bytes", bpf_object__find_map_by_name(good, name) != NULL, "xxx");
	name[256] = 'x';
	name[257] = '\0';
	SHOW("of 257", bpf_object__find_map_by_name(good, name) != NULL, "257", "256");
}

int main(void)
{
	struct bpf_object *bad, *good;
	struct bpf_program *anywhere;
	char byte;

	objects();
	SHOW("object", bpf_object__open("nothing") != NULL, "nothing", "bad", "good");
	bad = bpf_object__open("bad");
	SHOW("verifier", bpf_object__load(bad) == 0, "bad", "wild", "R");
	bpf_object__close(bad);

	good = bpf_object__open("good");
	SHOW("program", bpf_object__find_program_by_name(good, "nothing") != NULL, "nothing",
	     "good", "anywhere");
	SHOW("map", bpf_object__find_map_by_name(good, "nothing") != NULL, "nothing", "good",
	     "single");
	SHOW("global", bpf_object__get_global(good, "nothing", &byte, 1) == 0, "nothing");
	if (bpf_object__load(good) < 0)
		return bpf_error_report();
	maps(good);
	anywhere = bpf_object__find_program_by_name(good, "anywhere");
	SHOW("tracepoint",
	     bpf_program__attach_tracepoint(anywhere, "sched", "no_such_tracepoint") != NULL,
	     "anywhere", "no_such_tracepoint");
	SHOW("text", bpf_program__attach_target(anywhere, "tracepoint") != NULL, "tracepoint");
	long_names(good);
	bpf_object__close(good);
	return 0;
}
