/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The user-space half of an eBPF tool, as a sandboxed WebAssembly guest of `ecli`.
 *
 * Names are libbpf's where the concept is the same. What a call does is said in full in the
 * contract, `wit/`; the README has examples.
 *
 * Errors: functions that return `int` return 0 or more, or a negative errno. Functions that return
 * a pointer return NULL. `bpf_error()` then says what failed: a code to decide on, and a message
 * that names the operation and the object.
 *
 * Lifetimes: what a function returns belongs to the object it came from, unless there is a
 * function that frees it (`bpf_link__destroy`, `ring_buffer__free`...). Everything is released when
 * the guest ends, however it ends.
 */
#ifndef EUNOMIA_BPF_H
#define EUNOMIA_BPF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The kernel's names for integers, so that headers shared with the BPF side compile. */
typedef uint8_t __u8;
typedef int8_t __s8;
typedef uint16_t __u16;
typedef int16_t __s16;
typedef uint32_t __u32;
typedef int32_t __s32;
typedef uint64_t __u64;
typedef int64_t __s64;

/* --- errors ------------------------------------------------------------------------------- */

/* Why an operation failed: `error-code` of wit/errors.wit. */
enum bpf_error_code {
	BPF_ERROR_DENIED_BY_POLICY,
	BPF_ERROR_PERMISSION_DENIED,
	BPF_ERROR_NOT_FOUND,
	BPF_ERROR_ALREADY_EXISTS,
	BPF_ERROR_INVALID_ARGUMENT,
	BPF_ERROR_INVALID_STATE,
	BPF_ERROR_NOT_SUPPORTED,
	BPF_ERROR_REJECTED,
	BPF_ERROR_LIMIT_EXCEEDED,
	BPF_ERROR_OUT_OF_MEMORY,
	BPF_ERROR_BUSY,
	BPF_ERROR_TRY_AGAIN,
	BPF_ERROR_INTERRUPTED,
	BPF_ERROR_CLOSED,
	BPF_ERROR_OTHER,
};

struct bpf_error {
	enum bpf_error_code code;
	/* The kernel's errno, 0 when no system call failed. */
	int kernel_errno;
	/* For people; valid until the next call fails. */
	const char *message;
};

/* The error of the last call that failed. */
const struct bpf_error *bpf_error(void);

/* The name of a code as wit/errors.wit has it: "not-found". */
const char *bpf_error_name(enum bpf_error_code code);

/* Makes an error of the guest's own the last one; its message is copied. Returns a negative
 * errno. */
int bpf_fail(enum bpf_error_code code, const char *message);

/* Prints the last error to stderr as `error: MESSAGE` and returns 1, an exit code. */
int bpf_error_report(void);

/* --- objects ------------------------------------------------------------------------------ */

struct bpf_object;
struct bpf_program;
struct bpf_map;
struct bpf_link;

/* Declares options of libbpf's kind, all others zero: LIBBPF_OPTS(bpf_kprobe_opts, opts, .offset =
 * 4). The member `sz` is there for it. */
#define LIBBPF_OPTS(type, name, ...) struct type name = { .sz = sizeof(struct type), __VA_ARGS__ }
#define DECLARE_LIBBPF_OPTS LIBBPF_OPTS

/* The name of object number `index` in the image, the default one first; NULL behind the last. */
const char *bpf_object__list(size_t index);
/* Opens an object of the image by its name; NULL is the default one. */
struct bpf_object *bpf_object__open(const char *name);
/* Creates the maps and has the programs verified. */
int bpf_object__load(struct bpf_object *obj);
/* Attaches every program to where its section says; the links belong to the object. */
int bpf_object__attach(struct bpf_object *obj);
/* Detaches what `bpf_object__attach` attached. */
void bpf_object__detach(struct bpf_object *obj);
/* Releases the object with its programs and maps. */
void bpf_object__close(struct bpf_object *obj);

struct bpf_program *bpf_object__find_program_by_name(struct bpf_object *obj, const char *name);
struct bpf_map *bpf_object__find_map_by_name(struct bpf_object *obj, const char *name);
/* The program, or NULL without an error: for skeletons, which do not know which functions are
 * programs. */
struct bpf_program *bpf_object__program(struct bpf_object *obj, const char *name);
/* The one after `prev`, or the first; NULL at the end. */
struct bpf_program *bpf_object__next_program(struct bpf_object *obj, struct bpf_program *prev);
struct bpf_map *bpf_object__next_map(struct bpf_object *obj, struct bpf_map *prev);
#define bpf_object__for_each_program(pos, obj) \
	for ((pos) = bpf_object__next_program((obj), NULL); (pos) != NULL; \
	     (pos) = bpf_object__next_program((obj), (pos)))
#define bpf_object__for_each_map(pos, obj) \
	for ((pos) = bpf_object__next_map((obj), NULL); (pos) != NULL; \
	     (pos) = bpf_object__next_map((obj), (pos)))

/* Sets a global variable of exactly `size` bytes; constants before load only. */
int bpf_object__set_global(struct bpf_object *obj, const char *name, const void *value,
			   size_t size);
/* Reads a global variable of exactly `size` bytes. */
int bpf_object__get_global(struct bpf_object *obj, const char *name, void *value, size_t size);

/* Sets one if its value differs from `before`, which then is the value; for skeletons. */
int bpf_object__push_global(struct bpf_object *obj, const char *name, const void *value,
			    void *before, size_t size);

/* A global variable, as `bpf_object__global_info` describes it. */
struct bpf_global_info {
	const char *name;
	/* `.rodata`, `.data`, `.bss` or a section of its own. */
	const char *section;
	size_t offset;
	size_t size;
	/* Its type in `bpf_object__btf`. */
	uint32_t type_id;
	/* It cannot be written after load. */
	bool constant;
};
/* Describes variable number `index`; -ENOENT behind the last one. */
int bpf_object__global_info(struct bpf_object *obj, size_t index, struct bpf_global_info *info);

/* --- programs ----------------------------------------------------------------------------- */

const char *bpf_program__name(const struct bpf_program *prog);
const char *bpf_program__section_name(const struct bpf_program *prog);
/* The name of the program's type: "kprobe", "tracepoint", "xdp". */
const char *bpf_program__type_name(const struct bpf_program *prog);
bool bpf_program__autoload(const struct bpf_program *prog);
bool bpf_program__autoattach(const struct bpf_program *prog);
/* What the kernel knows of it: the host is asked at each call. */
struct bpf_program_info {
	/* `enum bpf_prog_type`, `enum bpf_attach_type`. */
	uint32_t type;
	uint32_t attach_type;
	/* The kernel's id; 0 before load. */
	uint32_t id;
	/* The kernel function that it is verified against, or empty; valid until the next call. */
	const char *attach_target;
};
int bpf_program__info(const struct bpf_program *prog, struct bpf_program_info *info);
int bpf_program__set_autoload(struct bpf_program *prog, bool autoload);
int bpf_program__set_autoattach(struct bpf_program *prog, bool autoattach);
/* The kernel function that a BTF-typed program is verified against; before load. */
int bpf_program__set_attach_target(struct bpf_program *prog, const char *function);

/* Attaches to where the section says. */
struct bpf_link *bpf_program__attach(struct bpf_program *prog);
/* Attaches to a target in the text form of `ecli run --attach`: "uprobe:/bin/bash:readline". A
 * backslash takes the character behind it as it is. All kinds of targets have such a form. */
struct bpf_link *bpf_program__attach_target(struct bpf_program *prog, const char *target);

/*
 * Where the guest chooses, and gives what `bpf_get_attach_cookie` returns. Options may be NULL.
 * Whether entry or return is probed is the program's section's to say: `retprobe` is there for
 * libbpf's sake.
 */
struct bpf_tracepoint_opts {
	size_t sz;
	uint64_t bpf_cookie;
};
struct bpf_link *bpf_program__attach_tracepoint(struct bpf_program *prog, const char *category,
						const char *name);
struct bpf_link *bpf_program__attach_tracepoint_opts(struct bpf_program *prog,
						     const char *category, const char *name,
						     const struct bpf_tracepoint_opts *opts);

struct bpf_raw_tracepoint_opts {
	size_t sz;
	uint64_t cookie;
};
struct bpf_link *bpf_program__attach_raw_tracepoint(struct bpf_program *prog, const char *name);
struct bpf_link *
bpf_program__attach_raw_tracepoint_opts(struct bpf_program *prog, const char *name,
					const struct bpf_raw_tracepoint_opts *opts);

/* fentry, fexit, fmod_ret, tp_btf: the function is chosen before load. */
struct bpf_trace_opts {
	size_t sz;
	uint64_t cookie;
};
struct bpf_link *bpf_program__attach_trace(struct bpf_program *prog);
struct bpf_link *bpf_program__attach_trace_opts(struct bpf_program *prog,
						const struct bpf_trace_opts *opts);
struct bpf_link *bpf_program__attach_lsm(struct bpf_program *prog);

struct bpf_kprobe_opts {
	size_t sz;
	uint64_t bpf_cookie;
	/* Behind the start of the function. */
	size_t offset;
	bool retprobe;
};
struct bpf_link *bpf_program__attach_kprobe(struct bpf_program *prog, bool retprobe,
					    const char *function);
struct bpf_link *bpf_program__attach_kprobe_opts(struct bpf_program *prog, const char *function,
						 const struct bpf_kprobe_opts *opts);

/* A system call by its name: "openat". */
struct bpf_ksyscall_opts {
	size_t sz;
	uint64_t bpf_cookie;
	bool retprobe;
};
struct bpf_link *bpf_program__attach_ksyscall(struct bpf_program *prog, const char *name,
					      const struct bpf_ksyscall_opts *opts);

/* Functions that match `pattern`, or, when that is NULL, those of the options. */
struct bpf_kprobe_multi_opts {
	size_t sz;
	const char *const *syms;
	/* One for each of `syms`, or NULL. */
	const uint64_t *cookies;
	size_t cnt;
	bool retprobe;
};
struct bpf_link *
bpf_program__attach_kprobe_multi_opts(struct bpf_program *prog, const char *pattern,
				      const struct bpf_kprobe_multi_opts *opts);

/* A process for user-space probes. */
#define BPF_PROCESS_ANY (-1)
#define BPF_PROCESS_HOST 0

struct bpf_uprobe_opts {
	size_t sz;
	/* Offset in the file of a counter to increment while attached; 0: none. */
	size_t ref_ctr_offset;
	uint64_t bpf_cookie;
	bool retprobe;
	/* A function; the offset is then behind its start. */
	const char *func_name;
};
/* At an offset in the file of the binary, which is a path or a bare name. */
struct bpf_link *bpf_program__attach_uprobe(struct bpf_program *prog, bool retprobe, int pid,
					    const char *binary, size_t offset);
struct bpf_link *bpf_program__attach_uprobe_opts(struct bpf_program *prog, int pid,
						 const char *binary, size_t offset,
						 const struct bpf_uprobe_opts *opts);
/* At a function of the binary. */
struct bpf_link *bpf_program__attach_uprobe_function(struct bpf_program *prog, int pid,
						     const char *binary, const char *function);

/* Functions of a binary that match `pattern`, or, when that is NULL, places of the options. */
struct bpf_uprobe_multi_opts {
	size_t sz;
	/* Either of them; `ref_ctr_offsets` and `cookies` have one for each place, or are NULL. */
	const char *const *syms;
	const unsigned long *offsets;
	const unsigned long *ref_ctr_offsets;
	const uint64_t *cookies;
	size_t cnt;
	bool retprobe;
};
struct bpf_link *
bpf_program__attach_uprobe_multi(struct bpf_program *prog, int pid, const char *binary,
				 const char *pattern, const struct bpf_uprobe_multi_opts *opts);

struct bpf_usdt_opts {
	size_t sz;
	uint64_t usdt_cookie;
};
struct bpf_link *bpf_program__attach_usdt(struct bpf_program *prog, int pid, const char *binary,
					  const char *provider, const char *name,
					  const struct bpf_usdt_opts *opts);

/* `struct perf_event_attr`, as far as sampling needs it: `perf-event-target` of wit/attach.wit. */
struct bpf_perf_event_opts {
	/* `PERF_TYPE_*`. */
	uint32_t type;
	uint64_t config, config1, config2;
	/* Samples per second, or else one every so many events. */
	uint64_t sample_freq, sample_period;
	/* BPF_PROCESS_ANY: all. */
	int pid;
	/* The one CPU to sample on, if `on_cpu`. */
	uint32_t cpu;
	bool on_cpu;
	bool exclude_user, exclude_kernel;
	/* Use the software clock where a hardware counter does not exist. */
	bool fall_back_to_cpu_clock;
};
struct bpf_link *bpf_program__attach_perf_event_opts(struct bpf_program *prog,
						     const struct bpf_perf_event_opts *opts);

enum bpf_xdp_mode { BPF_XDP_DEFAULT, BPF_XDP_DRIVER, BPF_XDP_GENERIC, BPF_XDP_HARDWARE };
/* Network interfaces are given by name or by index in decimal. */
struct bpf_link *bpf_program__attach_xdp(struct bpf_program *prog, const char *network_interface);
struct bpf_link *bpf_program__attach_xdp_mode(struct bpf_program *prog,
					      const char *network_interface,
					      enum bpf_xdp_mode mode);

enum bpf_tc_attach_point { BPF_TC_INGRESS = 1, BPF_TC_EGRESS = 2 };
struct bpf_link *bpf_program__attach_tc(struct bpf_program *prog, const char *network_interface,
					enum bpf_tc_attach_point direction);
struct bpf_link *bpf_program__attach_cgroup(struct bpf_program *prog, const char *path);

/* Puts the program into a slot of a program array, for tail calls. */
int bpf_program__store_in(struct bpf_program *prog, struct bpf_map *map, uint32_t index);

struct bpf_test_run_opts {
	const void *data_in;
	/* Where data that the program leaves goes, up to `data_size_out`, which is set to its size. */
	void *data_out;
	uint32_t data_size_in;
	uint32_t data_size_out;
	const void *ctx_in;
	void *ctx_out;
	uint32_t ctx_size_in;
	uint32_t ctx_size_out;
	/* Out: what the program returned. */
	uint32_t retval;
	int repeat;
	/* Out: average of one run, in nanoseconds. */
	uint32_t duration;
	uint32_t flags;
	/* Which CPU runs it, if `on_cpu`. */
	uint32_t cpu;
	bool on_cpu;
	uint32_t batch_size;
};
/* Runs the program now; the only way to run `SEC("syscall")` programs. */
int bpf_program__test_run(struct bpf_program *prog, struct bpf_test_run_opts *opts);

struct bpf_program_statistics {
	uint64_t run_count;
	uint64_t run_time_ns;
	uint64_t recursion_misses;
};
/* Counted while `kernel.bpf_stats_enabled` is on. */
int bpf_program__statistics(struct bpf_program *prog, struct bpf_program_statistics *statistics);

/* Where a link is attached. */
struct bpf_link_info {
	/* Of the program, or of the map for `struct_ops`. */
	const char *name;
	/* `enum bpf_link_type`; 0 where the kernel has no link for it. */
	uint32_t type;
	/* In the text form of `ecli run --attach`; several when the operator gave several. */
	const char *const *targets;
	size_t target_count;
	/* The kernel's ids; none for kinds that the kernel does not list. */
	const uint32_t *ids;
	size_t id_count;
};
/* What it points to is valid until the next call of this function. */
int bpf_link__info(const struct bpf_link *link, struct bpf_link_info *info);

/* Links of `bpf_object__attach`: the one after `prev`, or the first; NULL at the end. */
struct bpf_link *bpf_object__next_link(struct bpf_object *obj, struct bpf_link *prev);
#define bpf_object__for_each_link(pos, obj) \
	for ((pos) = bpf_object__next_link((obj), NULL); (pos) != NULL; \
	     (pos) = bpf_object__next_link((obj), (pos)))

/* Detaches. */
int bpf_link__destroy(struct bpf_link *link);
/* Detaches and returns how that went; the link remains to be destroyed. */
int bpf_link__detach(struct bpf_link *link);
/* Leaves it attached until the guest ends, and releases the link. */
void bpf_link__disconnect(struct bpf_link *link);
/* Puts another program in the place of the one that the link holds. */
int bpf_link__update_program(struct bpf_link *link, struct bpf_program *prog);

/* What an attached iterator program writes. */
struct bpf_iter;
struct bpf_iter *bpf_iter__new(struct bpf_link *link);
/* Reads up to `size` bytes; 0 at the end. */
int bpf_iter__read(struct bpf_iter *iter, void *buffer, size_t size);
void bpf_iter__free(struct bpf_iter *iter);

/* --- maps --------------------------------------------------------------------------------- */

/* Flags of updates. */
enum {
	BPF_ANY = 0,
	BPF_NOEXIST = 1,
	BPF_EXIST = 2,
	BPF_F_LOCK = 4,
};

/* So that `ring_buffer__new(bpf_map__fd(map), ...)` of libbpf programs compiles. */
#define bpf_map__fd(map) (map)

const char *bpf_map__name(const struct bpf_map *map);
/* The name of the map's type: "hash", "percpu_array", "ringbuf". */
const char *bpf_map__type_name(const struct bpf_map *map);
uint32_t bpf_map__type(const struct bpf_map *map);
uint32_t bpf_map__key_size(const struct bpf_map *map);
/* Bytes of a value as the BPF program sees it. */
uint32_t bpf_map__value_size(const struct bpf_map *map);
/* Bytes of a value as the guest sees it: of per-CPU maps one for each possible CPU, each padded to
 * a multiple of 8. */
uint32_t bpf_map__user_value_size(const struct bpf_map *map);
uint32_t bpf_map__max_entries(const struct bpf_map *map);
/* What the host is asked for at each call. */
uint32_t bpf_map__map_flags(const struct bpf_map *map);
uint64_t bpf_map__map_extra(const struct bpf_map *map);
uint32_t bpf_map__btf_key_type_id(const struct bpf_map *map);
uint32_t bpf_map__btf_value_type_id(const struct bpf_map *map);
/* User space can no longer change it. */
bool bpf_map__is_frozen(const struct bpf_map *map);
/* The kernel's id; 0 before load. */
uint32_t bpf_map__id(const struct bpf_map *map);
/* The name it is shared under, or NULL; valid until the next call. */
const char *bpf_map__pin_name(const struct bpf_map *map);

/* Before load. */
int bpf_map__set_max_entries(struct bpf_map *map, uint32_t max_entries);
int bpf_map__set_value_size(struct bpf_map *map, uint32_t size);
int bpf_map__set_type(struct bpf_map *map, uint32_t type);
int bpf_map__set_autocreate(struct bpf_map *map, bool autocreate);
int bpf_map__set_pin_name(struct bpf_map *map, const char *name);

/* After load. Sizes must be the map's; -ENOENT when there is no such key. */
int bpf_map__lookup_elem(struct bpf_map *map, const void *key, size_t key_size, void *value,
			 size_t value_size, uint64_t flags);
int bpf_map__update_elem(struct bpf_map *map, const void *key, size_t key_size,
			 const void *value, size_t value_size, uint64_t flags);
int bpf_map__delete_elem(struct bpf_map *map, const void *key, size_t key_size, uint64_t flags);
int bpf_map__lookup_and_delete_elem(struct bpf_map *map, const void *key, size_t key_size,
				    void *value, size_t value_size, uint64_t flags);
/* The key after `key`, or the first one for NULL; -ENOENT at the end. */
int bpf_map__get_next_key(struct bpf_map *map, const void *key, void *next_key, size_t key_size);
/* Sets `count` entries that are laid end to end; returns how many were set. */
int bpf_map__update_batch(struct bpf_map *map, const void *keys, const void *values,
			  uint32_t count, uint64_t flags);
/* Removes `count` keys; returns how many were there. */
int bpf_map__delete_batch(struct bpf_map *map, const void *keys, uint32_t count);

/* A walk over all entries, many with each call of the host. */
struct bpf_map_cursor;
struct bpf_map_entries {
	uint32_t count;
	uint32_t key_size;
	uint32_t value_size;
	/* Borrowed until the next call for this cursor. */
	const void *keys;
	const void *values;
};
struct bpf_map_cursor *bpf_map__iterate(struct bpf_map *map);
/* Like `iterate`, and what is returned is also removed. */
struct bpf_map_cursor *bpf_map__drain(struct bpf_map *map);
/* Up to `entries_max` further entries (0: as many as fit); returns how many, 0 at the end. */
int bpf_map_cursor__next(struct bpf_map_cursor *cursor, uint32_t entries_max,
			 struct bpf_map_entries *entries);
void bpf_map_cursor__free(struct bpf_map_cursor *cursor);

static inline const void *bpf_map_entries__key(const struct bpf_map_entries *entries,
					       uint32_t index)
{
	return (const char *)entries->keys + (size_t)index * entries->key_size;
}

static inline const void *bpf_map_entries__value(const struct bpf_map_entries *entries,
						 uint32_t index)
{
	return (const char *)entries->values + (size_t)index * entries->value_size;
}

/* Maps of maps. What they return is freed with `bpf_map__free`. */
struct bpf_map *bpf_map__lookup_inner(struct bpf_map *map, const void *key, size_t key_size);
int bpf_map__update_inner(struct bpf_map *map, const void *key, size_t key_size,
			  struct bpf_map *inner, uint64_t flags);
struct bpf_map *bpf_map__create_inner(struct bpf_map *map);
void bpf_map__free(struct bpf_map *map);

/* The memory of an array that is mapped into the host, and of global data. */
int bpf_map__read_memory(struct bpf_map *map, uint64_t offset, void *bytes, uint32_t length);
int bpf_map__write_memory(struct bpf_map *map, uint64_t offset, const void *bytes,
			  uint32_t length);
int bpf_map__freeze(struct bpf_map *map);

/* Registers a `struct_ops` map. */
struct bpf_link *bpf_map__attach_struct_ops(struct bpf_object *obj, struct bpf_map *map);

/* --- record batches ----------------------------------------------------------------------- */

/* Many records in one piece of memory, see wit/errors.wit. */
struct bpf_batch {
	const void *records;
	size_t bytes;
	/* Records that the kernel dropped before these; perf event arrays only. */
	uint64_t lost;
};

/* One record, borrowed from its batch. */
struct bpf_record {
	const void *data;
	uint32_t size;
	/* The CPU that produced it; perf event arrays only. */
	uint32_t cpu;
	/* Where the next one starts. */
	size_t next;
};

/* Steps to the next record, discarded or not; 0 at the end, else its head. */
static inline uint64_t bpf_batch__step(const struct bpf_batch *batch, struct bpf_record *record)
{
	const char *at = (const char *)batch->records + record->next;
	uint64_t head;

	if (record->next + 8 > batch->bytes)
		return 0;
	__builtin_memcpy(&head, at, sizeof(head));
	record->size = (uint32_t)head & ((1U << 30) - 1);
	record->cpu = (uint32_t)(head >> 32);
	record->data = at + 8;
	if (record->size > batch->bytes - record->next - 8)
		return 0;
	record->next += 8 + (((size_t)record->size + 7) & ~(size_t)7);
	/* A bit that is never set in a batch, so that no head is 0. */
	return head | 1ULL << 31;
}

/* Passes over discarded records. Apart, so that there is one loop where there are none: each costs
 * a look at the clock of the host. */
__attribute__((noinline)) static inline bool bpf_batch__skip(const struct bpf_batch *batch,
							     struct bpf_record *record)
{
	uint64_t head;

	do
		head = bpf_batch__step(batch, record);
	while (head & 1U << 30);
	return head != 0;
}

/* Steps to the next record that was not discarded, from `record->next`; false at the end. */
static inline bool bpf_batch__next(const struct bpf_batch *batch, struct bpf_record *record)
{
	uint64_t head = bpf_batch__step(batch, record);

	if (__builtin_expect((head & 1U << 30) != 0, 0)) {
		struct bpf_record copy = *record;
		bool is_there = bpf_batch__skip(batch, &copy);

		*record = copy;
		return is_there;
	}
	return head != 0;
}

#define bpf_batch__for_each(record, batch) \
	for (struct bpf_record record = { 0, 0, 0, 0 }; bpf_batch__next((batch), &record);)

/* --- ring buffers, perf buffers ------------------------------------------------------------ */

struct ring_buffer;
struct perf_buffer;
struct user_ring_buffer;

/* A negative value ends the poll, which then returns it. */
typedef int (*ring_buffer_sample_fn)(void *ctx, void *data, size_t size);

/* Starts reading a ring buffer; `opts` is NULL. Without a callback, use `next_batch`. */
struct ring_buffer *ring_buffer__new(struct bpf_map *map, ring_buffer_sample_fn sample_cb,
				     void *ctx, const void *opts);
/* Reads another map with it. */
int ring_buffer__add(struct ring_buffer *rb, struct bpf_map *map,
		     ring_buffer_sample_fn sample_cb, void *ctx);
/* Waits up to `timeout_ms` (-1: until there is something) and calls back for each record. Returns
 * how many there were; -EINTR when the operator asked the guest to stop and everything is read. */
int ring_buffer__poll(struct ring_buffer *rb, int timeout_ms);
/* Calls back for what is there, without waiting. */
int ring_buffer__consume(struct ring_buffer *rb);
/* Frees the last batch and waits for the next one of the first map. Returns 1, 0 when the time is
 * up, -EINTR like `poll`. The batch is borrowed until the next call for this ring buffer. */
int ring_buffer__next_batch(struct ring_buffer *rb, int timeout_ms, struct bpf_batch *batch);
/* Frees the last batch without reading on. */
void ring_buffer__release(struct ring_buffer *rb);
/* The most bytes that a batch has; 0: the host's choice. */
void ring_buffer__set_batch_size(struct ring_buffer *rb, uint32_t bytes_max);
/* Bytes between the kernel's position and the reader's, of the first map. */
uint64_t ring_buffer__avail_data_size(struct ring_buffer *rb);
void ring_buffer__free(struct ring_buffer *rb);

typedef void (*perf_buffer_sample_fn)(void *ctx, int cpu, void *data, uint32_t size);
/* The host counts losses of all CPUs together: `cpu` is -1. */
typedef void (*perf_buffer_lost_fn)(void *ctx, int cpu, uint64_t count);

/* Starts reading a perf event array with so many pages for each CPU (0: 64); `opts` is NULL. */
struct perf_buffer *perf_buffer__new(struct bpf_map *map, size_t page_count,
				     perf_buffer_sample_fn sample_cb,
				     perf_buffer_lost_fn lost_cb, void *ctx, const void *opts);
/* Like those of ring buffers. */
int perf_buffer__poll(struct perf_buffer *pb, int timeout_ms);
int perf_buffer__next_batch(struct perf_buffer *pb, int timeout_ms, struct bpf_batch *batch);
void perf_buffer__set_batch_size(struct perf_buffer *pb, uint32_t bytes_max);
void perf_buffer__free(struct perf_buffer *pb);

/* Starts writing a user ring buffer; `opts` is NULL. */
struct user_ring_buffer *user_ring_buffer__new(struct bpf_map *map, const void *opts);
/* Submits one record, waiting up to `timeout_ms` for room (-1: until there is); -ENOSPC. */
int user_ring_buffer__write(struct user_ring_buffer *rb, const void *data, uint32_t size,
			    int timeout_ms);
/* Gathers a record, to be written with others by `user_ring_buffer__submit_all`. */
int user_ring_buffer__push(struct user_ring_buffer *rb, const void *data, uint32_t size);
/* Submits what was gathered, in order, waiting like `write`. Returns how many bytes are left of it
 * because time or room ran out; they are submitted by the next call. Nothing is when it fails. */
int user_ring_buffer__submit_all(struct user_ring_buffer *rb, int timeout_ms);
/* Forgets what was gathered and not submitted. */
void user_ring_buffer__clear(struct user_ring_buffer *rb);
void user_ring_buffer__free(struct user_ring_buffer *rb);

/* --- waiting for several things ------------------------------------------------------------- */

/* Something that becomes ready. */
struct bpf_pollable;
/* Of the first map: when there are records, and when the operator asks the guest to stop. */
struct bpf_pollable *ring_buffer__subscribe(struct ring_buffer *rb);
struct bpf_pollable *perf_buffer__subscribe(struct perf_buffer *pb);
/* When what did not fit in the last write fits. */
struct bpf_pollable *user_ring_buffer__subscribe(struct user_ring_buffer *rb);
/* When the operator asks the guest to stop, and ever after. */
struct bpf_pollable *bpf_pollable__stop(void);
/* When the time is up, and ever after. */
struct bpf_pollable *bpf_pollable__after_ms(uint64_t milliseconds);
bool bpf_pollable__is_ready(struct bpf_pollable *pollable);
/* Waits until one of them is ready, and says for each whether it is; returns how many are. Nothing
 * to wait for: BPF_ERROR_INVALID_STATE. */
int bpf_pollable__wait(struct bpf_pollable *const *pollables, size_t count, bool *is_ready);
void bpf_pollable__free(struct bpf_pollable *pollable);

/* --- output ------------------------------------------------------------------------------- */

/* Rows that the host shows as the operator chose. */
struct bpf_table;

enum bpf_field_type {
	BPF_FIELD_BOOL,
	BPF_FIELD_U8, BPF_FIELD_U16, BPF_FIELD_U32, BPF_FIELD_U64,
	BPF_FIELD_S8, BPF_FIELD_S16, BPF_FIELD_S32, BPF_FIELD_S64,
	BPF_FIELD_F32, BPF_FIELD_F64,
	BPF_FIELD_TEXT,
	BPF_FIELD_BYTES,
};

enum bpf_cardinality { BPF_ONE, BPF_OPTIONAL, BPF_REPEATED };

/* How to show a field or a table: docs/output.md lists them. */
struct bpf_hint {
	const char *key;
	const char *value;
};

struct bpf_field {
	const char *name;
	enum bpf_field_type type;
	enum bpf_cardinality cardinality;
	const struct bpf_hint *hints;
	size_t hint_count;
};

/* Rows that are structs of the object, by the name that its C source gives them. */
struct bpf_table *bpf_table__from_btf(const char *name, struct bpf_object *obj,
				      const char *type_name);
/* Rows of declared fields. */
struct bpf_table *bpf_table__from_fields(const char *name, const struct bpf_field *fields,
					 size_t count);
/* A hint for a field (NULL: for the table). Before the first row. */
int bpf_table__add_hint(struct bpf_table *table, const char *field, const char *key,
			const char *value);
/* Emits a row: a struct, or what `bpf_row` holds. Rows are gathered and handed on when the guest
 * waits, or 64 KiB are together. */
int bpf_table__push(struct bpf_table *table, const void *row, size_t size);
/* Hands on the rows of this table that were gathered. */
int bpf_table__flush(struct bpf_table *table);
/* Emits all records of a batch as they are. */
int bpf_table__emit_batch(struct bpf_table *table, const struct bpf_batch *batch);
int bpf_table__end_of_interval(struct bpf_table *table);
void bpf_table__free(struct bpf_table *table);
/* Hands on what was gathered, and has it shown now. */
int bpf_output__flush(void);
/* Counts events that were lost before the guest saw them. */
void bpf_output__report_lost(uint64_t count);

/* A row of declared fields; all zeros is an empty one. It grows as is needed. */
struct bpf_row {
	unsigned char *bytes;
	size_t size;
	size_t room;
};
/* Empties it, to be filled again. */
void bpf_row__clear(struct bpf_row *row);
void bpf_row__free(struct bpf_row *row);
/* Appends values in the order of the fields. */
void bpf_row__put(struct bpf_row *row, const void *value, size_t size);
void bpf_row__put_bool(struct bpf_row *row, bool value);
void bpf_row__put_u8(struct bpf_row *row, uint8_t value);
void bpf_row__put_u16(struct bpf_row *row, uint16_t value);
void bpf_row__put_u32(struct bpf_row *row, uint32_t value);
void bpf_row__put_u64(struct bpf_row *row, uint64_t value);
void bpf_row__put_f64(struct bpf_row *row, double value);
/* As much of `text` as is in front of its NUL. */
void bpf_row__put_text(struct bpf_row *row, const char *text);
void bpf_row__put_bytes(struct bpf_row *row, const void *bytes, uint32_t size);
/* In front of an optional field's value, if there is one. */
void bpf_row__put_present(struct bpf_row *row, bool is_present);
/* In front of the values of a repeated field. */
void bpf_row__put_count(struct bpf_row *row, uint32_t count);
int bpf_table__push_row(struct bpf_table *table, const struct bpf_row *row);

/* --- types at run time -------------------------------------------------------------------- */

/*
 * The types of an object, for guests that learn layouts at run time; others include the generated
 * header. `interface btf` of wit/btf.wit says what each part means.
 */
struct btf;

/* The cases of `type-kind`. */
enum bpf_type_kind {
	BPF_TYPE_VOID,
	BPF_TYPE_INT,
	BPF_TYPE_POINTER,
	BPF_TYPE_ARRAY,
	BPF_TYPE_STRUCT,
	BPF_TYPE_UNION,
	BPF_TYPE_ENUM,
	BPF_TYPE_FORWARD,
	BPF_TYPE_TYPEDEF,
	BPF_TYPE_VOLATILE,
	BPF_TYPE_CONST,
	BPF_TYPE_RESTRICT,
	BPF_TYPE_FUNCTION,
	BPF_TYPE_FUNCTION_PROTOTYPE,
	BPF_TYPE_VARIABLE,
	BPF_TYPE_DATA_SECTION,
	BPF_TYPE_FLOAT,
	BPF_TYPE_DECLARATION_TAG,
	BPF_TYPE_TYPE_TAG,
	BPF_TYPE_OTHER,
};

/* A part of a type; members that a kind has no use for are zero. */
struct bpf_type_part {
	/* Of a member, an enumerator, a parameter; else empty. */
	const char *name;
	/* Of a member, a parameter, a variable. */
	uint32_t type;
	/* Of a member in bits; of a variable of a section in bytes. */
	uint32_t offset;
	/* Of a bit field in bits, else 0; of a variable of a section in bytes. */
	uint32_t size;
	/* Of an enumerator: unsigned unless the enum is signed. */
	int64_t value;
};

struct bpf_type {
	uint32_t id;
	enum bpf_type_kind kind;
	/* Empty for anonymous types. */
	const char *name;
	/* Bytes; 0 where the kind has no size. Follows typedefs and qualifiers. */
	uint32_t size;
	/* What it points to, is a name for, qualifies, returns, has elements of... */
	uint32_t target;
	/* Elements of an array; 0: flexible. */
	uint32_t length;
	/* Of integers. */
	uint32_t bit_offset, bits;
	/* Of integers and enums. */
	bool is_signed;
	bool is_char, is_boolean;
	/* `BTF_VAR_*`, `BTF_FUNC_*` of functions and variables; of a forward declaration 1 for a
	 * union; of another kind its number. */
	uint32_t detail;
	/* Of a declaration tag: -1 the type itself, else the member's or parameter's index. */
	int32_t component;
	/* Members, enumerators, parameters, variables of a section. */
	const struct bpf_type_part *parts;
	size_t part_count;
};

/* The types of the object, which belong to it. */
struct btf *bpf_object__btf(struct bpf_object *obj);
/* Number of types; ids run from 0, `void`, to one less. */
uint32_t btf__type_cnt(const struct btf *btf);
/* The first type of this name, or -ENOENT; "struct event", "enum e" say which kind is meant. */
int btf__find_by_name(const struct btf *btf, const char *name);
/* Describes a type; what it points to belongs to the `btf` and lasts as long. NULL: there is
 * none. */
const struct bpf_type *btf__describe(struct btf *btf, uint32_t id);
/* Describes a type and every type that its layout needs, itself first; pointers are not followed.
 * Returns how many there are, and where the first of them is. */
int btf__closure(struct btf *btf, uint32_t id, const struct bpf_type **types);

/* --- lifecycle, symbols, the machine -------------------------------------------------------- */

/* Whether the operator has asked the guest to stop. */
bool bpf_stop_requested(void);
/* Stops as though the operator had asked. */
void bpf_request_stop(void);
/* Sleeps; false when the operator asked the guest to stop meanwhile. */
bool bpf_sleep_ms(uint64_t milliseconds);
/* Ends the guest at once. */
__attribute__((noreturn)) void bpf_exit(uint8_t code);

struct bpf_symbol {
	/* NULL: the address is in no symbol. */
	const char *name;
	uint64_t offset;
	/* NULL: the kernel itself. */
	const char *module;
};
/* The symbols of addresses; their names are valid until the next call of this function. */
int bpf_resolve_kernel(const uint64_t *addresses, size_t count, struct bpf_symbol *symbols);
/* The address of a kernel symbol; -ENOENT. */
int bpf_kernel_address(const char *name, uint64_t *address);

/* The guest's arguments, its own name first, as `main` gets them; NULL behind the last. For
 * plugins, which have no `main`. */
char **bpf_arguments(int *count);

/* CPUs for which per-CPU values are kept. */
int libbpf_num_possible_cpus(void);
struct bpf_kernel_version {
	uint32_t major, minor, patch;
};
struct bpf_kernel_version bpf_kernel_version(void);
/* Nanoseconds since 1970 when `bpf_ktime_get_ns()`, `bpf_ktime_get_boot_ns()` was 0. */
uint64_t bpf_monotonic_epoch_ns(void);
uint64_t bpf_boot_epoch_ns(void);

/* --- plugins ------------------------------------------------------------------------------ */

/* A guest that the host drives defines these instead of `main`, with `BPF_PLUGIN;` in one source.
 * Each returns 0 or a negative errno; `bpf_error()` is what the operator then reads. */
int bpf_plugin_start(void);
int bpf_plugin_on_events(uint32_t source, const struct bpf_batch *batch);
int bpf_plugin_on_tick(void);
int bpf_plugin_stop(void);

/* Fails a function of a plugin with a message of its own; returns -EIO. */
int bpf_plugin_fail(const char *message);

/* In `start` only. The map's records go to `bpf_plugin_on_events`; returns the source's number. */
int bpf_driver__add_ring_buffer(struct bpf_map *map);
int bpf_driver__add_perf_buffer(struct bpf_map *map, size_t page_count);
/* Has `bpf_plugin_on_tick` called at this interval, of at least a millisecond. */
int bpf_driver__set_tick_ms(uint64_t milliseconds);
int bpf_driver__set_tick_ns(uint64_t nanoseconds);

/* What `BPF_PLUGIN` refers to; not for calling. */
void *eunomia_bpf_plugin_answer(int outcome);
void *eunomia_bpf_plugin_on_events(uint32_t source, void *records, size_t bytes, uint64_t lost);

#define EUNOMIA_BPF_HANDLER(function) \
	__attribute__((export_name("eunomia:bpf/handler@0.1.0#" function)))
#ifdef __cplusplus
#define EUNOMIA_BPF_C extern "C"
#else
#define EUNOMIA_BPF_C
#endif

/* Makes the guest a plugin. */
#define BPF_PLUGIN \
	EUNOMIA_BPF_C EUNOMIA_BPF_HANDLER("start") void *eunomia_bpf_start(void) \
	{ \
		return eunomia_bpf_plugin_answer(bpf_plugin_start()); \
	} \
	EUNOMIA_BPF_C EUNOMIA_BPF_HANDLER("on-events") void *eunomia_bpf_on_events( \
		uint32_t source, void *records, size_t bytes, uint64_t lost) \
	{ \
		return eunomia_bpf_plugin_on_events(source, records, bytes, lost); \
	} \
	EUNOMIA_BPF_C EUNOMIA_BPF_HANDLER("on-tick") void *eunomia_bpf_on_tick(void) \
	{ \
		return eunomia_bpf_plugin_answer(bpf_plugin_on_tick()); \
	} \
	EUNOMIA_BPF_C EUNOMIA_BPF_HANDLER("stop") void *eunomia_bpf_stop(void) \
	{ \
		return eunomia_bpf_plugin_answer(bpf_plugin_stop()); \
	} \
	typedef int eunomia_bpf_plugin

#ifdef __cplusplus
}
#endif

#endif
