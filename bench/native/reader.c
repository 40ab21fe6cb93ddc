// SPDX-License-Identifier: MIT OR Apache-2.0
// What the guest of the benchmark does, as a native program: libbpf, no sandbox.
//
//     reader OBJECT drain ROUNDS RECORD_BYTES RING_BYTES    ring_buffer__consume()
//     reader OBJECT loop ROUNDS RECORD_BYTES RING_BYTES     a loop over the mapped ring, by hand
//     reader OBJECT samples ROUNDS RECORD_BYTES            perf_buffer__consume()
//     reader OBJECT map ROUNDS                              bpf_map_lookup_batch()
//     reader OBJECT loss THREAD RING_BYTES RECORDS_A_WAKE PACED      ring_buffer__poll()
//
// OBJECT is the ELF file of guest/bench.bpf.c. A line a round: nanoseconds, how many items there
// were, the sum of all that was read.
//
// loss says when it is attached, reads until a SIGINT, and then has a line a key: how many records
// were made, how many it read, how many found no room.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

struct round {
	uint64_t ns;
	uint64_t items;
	uint64_t sum;
};

static struct round now; /* the round that is being measured */

static void fail(const char *what)
{
	fprintf(stderr, "reader: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void *must(void *pointer, const char *what)
{
	if (!pointer || pointer == MAP_FAILED)
		fail(what);
	return pointer;
}

static uint64_t clock_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000ull + time.tv_nsec;
}

/* One function a size, as a consumer that knows its record has it. */
#define SUM_WORDS(BYTES)                                                                           \
	static inline void sum##BYTES(const void *data)                                            \
	{                                                                                          \
		const uint64_t *words = data;                                                      \
		uint64_t sum = 0;                                                                  \
		for (size_t i = 0; i < BYTES / sizeof(*words); i++)                                \
			sum += words[i];                                                           \
		now.sum += sum;                                                                    \
		now.items++;                                                                       \
	}                                                                                          \
	static int on##BYTES(void *ctx, void *data, size_t bytes)                                  \
	{                                                                                          \
		sum##BYTES(data);                                                                  \
		return 0;                                                                          \
	}                                                                                          \
	static void on_sample##BYTES(void *ctx, int cpu, void *data, uint32_t bytes)               \
	{                                                                                          \
		sum##BYTES(data);                                                                  \
	}

SUM_WORDS(16)
SUM_WORDS(64)
SUM_WORDS(256)
SUM_WORDS(1024)

static struct bpf_object *open_object(const char *path)
{
	return must(bpf_object__open_file(path, NULL), "open the object");
}

static void load_object(struct bpf_object *object)
{
	if (bpf_object__load(object))
		fail("load the object");
}

static void set_record_bytes(struct bpf_object *object, uint32_t bytes)
{
	struct bpf_map *rodata = bpf_object__find_map_by_name(object, "bench.rodata");
	size_t size;
	uint32_t *value;

	/* libbpf cuts the names of such maps to those that the kernel takes. */
	must(rodata, "find .rodata");
	/* The object has one constant. */
	value = must((void *)bpf_map__initial_value(rodata, &size), "read .rodata");
	*value = bytes;
}

static void run(struct bpf_object *object, const char *name)
{
	struct bpf_program *program =
		must(bpf_object__find_program_by_name(object, name), "find the program");
	LIBBPF_OPTS(bpf_test_run_opts, options);

	if (bpf_prog_test_run_opts(bpf_program__fd(program), &options))
		fail("run the program");
}

static int map_fd(struct bpf_object *object, const char *name)
{
	return bpf_map__fd(must(bpf_object__find_map_by_name(object, name), "find the map"));
}

static void print_round(void)
{
	printf("%lu %lu %lu\n", now.ns, now.items, now.sum);
}

static void drain(struct bpf_object *object, int rounds, int record_bytes)
{
	ring_buffer_sample_fn on_record = record_bytes == 16  ? on16 :
					  record_bytes == 64  ? on64 :
					  record_bytes == 256 ? on256 :
								on1024;
	struct ring_buffer *ring =
		must(ring_buffer__new(map_fd(object, "ring"), on_record, NULL, NULL), "open the ring");

	for (int i = 0; i < rounds; i++) {
		memset(&now, 0, sizeof(now));
		run(object, "fill_ring");
		uint64_t start = clock_ns();
		if (ring_buffer__consume(ring) < 0)
			fail("read the ring");
		now.ns = clock_ns() - start;
		print_round();
	}
	ring_buffer__free(ring);
}

/* As in bench.bpf.c. */
#define PAGES_PER_CPU 256

static void samples(struct bpf_object *object, int rounds, int record_bytes)
{
	perf_buffer_sample_fn on_sample = record_bytes == 16  ? on_sample16 :
					  record_bytes == 64  ? on_sample64 :
					  record_bytes == 256 ? on_sample256 :
								on_sample1024;
	struct perf_buffer *buffer =
		must(perf_buffer__new(map_fd(object, "samples"), PAGES_PER_CPU, on_sample, NULL, NULL,
				      NULL),
		     "open the perf event array");

	for (int i = 0; i < rounds; i++) {
		memset(&now, 0, sizeof(now));
		run(object, "fill_samples");
		uint64_t start = clock_ns();
		if (perf_buffer__consume(buffer) < 0)
			fail("read the perf event array");
		now.ns = clock_ns() - start;
		print_round();
	}
	perf_buffer__free(buffer);
}

/* The records between two positions, of one size. */
#define WALK(BYTES)                                                                                \
	while (position < end) {                                                                   \
		const uint8_t *record = data + (position & (ring_bytes - 1));                      \
		uint32_t header = __atomic_load_n((const uint32_t *)record, __ATOMIC_ACQUIRE);     \
		if (header & BPF_RINGBUF_BUSY_BIT)                                                 \
			break;                                                                     \
		if (!(header & BPF_RINGBUF_DISCARD_BIT))                                           \
			sum##BYTES(record + BPF_RINGBUF_HDR_SZ);                                   \
		header &= ~BPF_RINGBUF_DISCARD_BIT;                                                \
		position += (header + BPF_RINGBUF_HDR_SZ + 7) / 8 * 8;                             \
	}

/* Moves the consumer's position once, at the end. */
static void loop(struct bpf_object *object, int rounds, int record_bytes, size_t ring_bytes)
{
	int fd = map_fd(object, "ring");
	size_t page = sysconf(_SC_PAGESIZE);
	uint64_t *consumer = must(mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), "mmap");
	const uint8_t *producer =
		must(mmap(NULL, page + 2 * ring_bytes, PROT_READ, MAP_SHARED, fd, page), "mmap");
	const uint8_t *data = producer + page;

	for (int i = 0; i < rounds; i++) {
		memset(&now, 0, sizeof(now));
		run(object, "fill_ring");
		uint64_t start = clock_ns();
		uint64_t position = *consumer;
		uint64_t end = __atomic_load_n((const uint64_t *)producer, __ATOMIC_ACQUIRE);
		switch (record_bytes) {
		case 16:
			WALK(16);
			break;
		case 64:
			WALK(64);
			break;
		case 256:
			WALK(256);
			break;
		case 1024:
			WALK(1024);
			break;
		}
		__atomic_store_n(consumer, position, __ATOMIC_RELEASE);
		now.ns = clock_ns() - start;
		print_round();
	}
}

/* All entries with as few calls as can be: as many as the map has. */
static void map(struct bpf_object *object, int rounds)
{
	int fd = map_fd(object, "counts");
	uint32_t entries = bpf_map__max_entries(bpf_object__find_map_by_name(object, "counts"));
	uint32_t *keys = must(malloc(entries * sizeof(*keys)), "malloc");
	uint64_t *values = must(malloc(entries * sizeof(*values)), "malloc");

	run(object, "fill_map");
	for (int i = 0; i < rounds; i++) {
		uint32_t place;
		bool first = true;
		int error = 0;

		memset(&now, 0, sizeof(now));
		uint64_t start = clock_ns();
		while (!error) {
			uint32_t count = entries;
			error = bpf_map_lookup_batch(fd, first ? NULL : &place, &place, keys, values,
						     &count, NULL);
			if (error && errno != ENOENT)
				fail("read the map");
			for (uint32_t entry = 0; entry < count; entry++)
				now.sum += keys[entry] + values[entry];
			now.items += count;
			first = false;
		}
		now.ns = clock_ns() - start;
		print_round();
	}
}

/* As in bench.bpf.c. */
struct production {
	uint32_t thread;
	uint32_t records_a_wake;
	uint32_t paced;
};

#define KEYS 1024

struct production_counts {
	uint64_t made[KEYS];
	uint64_t lost[KEYS];
};

/* A counter a key, in a table with more slots than keys; a slot without a count is free. */
#define SLOTS (4 * KEYS)

static struct slot {
	uint64_t key;
	uint64_t count;
} slots[SLOTS];

static struct slot *slot_of(uint64_t key)
{
	uint64_t slot = key * 0x9e3779b97f4a7c15 >> 52;

	while (slots[slot].count && slots[slot].key != key)
		slot = (slot + 1) % SLOTS;
	return &slots[slot];
}

static int count_record(void *ctx, void *data, size_t bytes)
{
	struct slot *slot = slot_of(*(const uint64_t *)data);

	slot->key = *(const uint64_t *)data;
	slot->count++;
	return 0;
}

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
	stopped = 1;
}

static void loss(struct bpf_object *object, const struct production *production)
{
	struct bpf_map *settings = bpf_object__find_map_by_name(object, ".rodata.production");
	struct production_counts counts;
	struct bpf_program *program;
	struct bpf_link *link;
	struct ring_buffer *ring;
	uint32_t only = 0;

	must(settings, "find the settings");
	if (bpf_map__set_initial_value(settings, production, sizeof(*production)))
		fail("write the settings");
	load_object(object);
	ring = must(ring_buffer__new(map_fd(object, "ring"), count_record, NULL, NULL),
		    "open the ring");
	program = must(bpf_object__find_program_by_name(object, "produce"), "find the program");
	link = must(bpf_program__attach(program), "attach the program");
	signal(SIGINT, stop);
	printf("attached\n");
	fflush(stdout);
	while (!stopped)
		/* Those that are submitted without a wake-up are looked for as often as ecli does. */
		if (ring_buffer__poll(ring, 100) < 0 && errno != EINTR)
			fail("wait for records");
		else if (ring_buffer__consume(ring) < 0)
			fail("read the ring");
	bpf_link__destroy(link);
	if (ring_buffer__consume(ring) < 0)
		fail("read the ring");

	if (bpf_map_lookup_elem(map_fd(object, ".data.production"), &only, &counts))
		fail("read the counts");
	for (uint64_t key = 0; key < KEYS; key++)
		printf("%lu %lu %lu\n", counts.made[key], slot_of(key)->count, counts.lost[key]);
}

int main(int argc, char **argv)
{
	if (argc == 6 && (!strcmp(argv[2], "drain") || !strcmp(argv[2], "loop"))) {
		struct bpf_object *object = open_object(argv[1]);
		int rounds = atoi(argv[3]), record_bytes = atoi(argv[4]), ring_bytes = atoi(argv[5]);

		set_record_bytes(object, record_bytes);
		bpf_map__set_max_entries(bpf_object__find_map_by_name(object, "ring"), ring_bytes);
		load_object(object);
		if (argv[2][0] == 'd')
			drain(object, rounds, record_bytes);
		else
			loop(object, rounds, record_bytes, ring_bytes);
	} else if (argc == 5 && !strcmp(argv[2], "samples")) {
		struct bpf_object *object = open_object(argv[1]);

		set_record_bytes(object, atoi(argv[4]));
		load_object(object);
		samples(object, atoi(argv[3]), atoi(argv[4]));
	} else if (argc == 4 && !strcmp(argv[2], "map")) {
		struct bpf_object *object = open_object(argv[1]);

		load_object(object);
		map(object, atoi(argv[3]));
	} else if (argc == 7 && !strcmp(argv[2], "loss")) {
		struct bpf_object *object = open_object(argv[1]);
		struct production production = {
			.thread = atoi(argv[3]),
			.records_a_wake = atoi(argv[5]),
			.paced = atoi(argv[6]),
		};

		bpf_map__set_max_entries(bpf_object__find_map_by_name(object, "ring"), atoi(argv[4]));
		loss(object, &production);
	} else {
		fprintf(stderr, "reader: unknown arguments\n");
		return 1;
	}
	return 0;
}
