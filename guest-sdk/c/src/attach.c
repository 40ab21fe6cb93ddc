/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Targets, as the canonical ABI passes the variant `target` of wit/attach.wit: the members of the
 * case one after the other, each in the first place that has its type in every case.
 */
#include <errno.h>

#include "internal.h"

/* Cases of `target`. */
enum {
	TARGET_TRACEPOINT = 0,
	TARGET_RAW_TRACEPOINT = 1,
	TARGET_TRACE = 2,
	TARGET_KPROBE = 3,
	TARGET_KSYSCALL = 4,
	TARGET_KPROBE_MULTI = 5,
	TARGET_UPROBE = 6,
	TARGET_UPROBE_MULTI = 7,
	TARGET_USDT = 8,
	TARGET_PERF_EVENT = 9,
	TARGET_XDP = 10,
	TARGET_TC = 11,
	TARGET_CGROUP = 13,
	TARGET_TEXT = 20,
};

/* Places of a target's members: which of them are 64 bits wide follows from all cases. */
#define PLACES 13

struct target {
	bool is_some;
	int32_t kind;
	size_t used;
	int64_t places[PLACES];
};

static void put(struct target *target, int64_t value)
{
	target->places[target->used++] = value;
}

static void put_text(struct target *target, const char *text)
{
	put(target, (intptr_t)text);
	put(target, (int64_t)strlen(text));
}

/* A list; none where there is none. */
static void put_list(struct target *target, const void *items, size_t count)
{
	put(target, (intptr_t)items);
	put(target, items ? (int64_t)count : 0);
}

/* `process-filter` */
static void put_process(struct target *target, int pid)
{
	put(target, pid < 0 ? 0 : pid == BPF_PROCESS_HOST ? 1 : 2);
	put(target, pid > 0 ? pid : 0);
}

static struct bpf_link *attach(struct bpf_program *prog, const struct target *target)
{
	const int64_t *at = target->places;
	struct abi_result_handle result;

	CALL(abi_program_attach(prog->handle, target->is_some, target->kind, at[0], at[1], at[2],
				at[3], at[4], at[5], (int32_t)at[6], (int32_t)at[7], at[8], at[9],
				(int32_t)at[10], (int32_t)at[11], (int32_t)at[12], &result));
	return OUTCOME(result) < 0 ? NULL : link__new(result.value);
}

struct bpf_link *bpf_program__attach(struct bpf_program *prog)
{
	struct target target = { .is_some = false };

	return attach(prog, &target);
}

struct bpf_link *bpf_program__attach_target(struct bpf_program *prog, const char *text)
{
	struct target target = { .is_some = true, .kind = TARGET_TEXT };

	put_text(&target, text);
	return attach(prog, &target);
}

struct bpf_link *bpf_program__attach_tracepoint_opts(struct bpf_program *prog,
						     const char *category, const char *name,
						     const struct bpf_tracepoint_opts *opts)
{
	struct target target = { .is_some = true, .kind = TARGET_TRACEPOINT };

	put_text(&target, category);
	put_text(&target, name);
	put(&target, opts ? (int64_t)opts->bpf_cookie : 0);
	return attach(prog, &target);
}

struct bpf_link *bpf_program__attach_tracepoint(struct bpf_program *prog, const char *category,
						const char *name)
{
	return bpf_program__attach_tracepoint_opts(prog, category, name, NULL);
}

struct bpf_link *
bpf_program__attach_raw_tracepoint_opts(struct bpf_program *prog, const char *name,
					const struct bpf_raw_tracepoint_opts *opts)
{
	struct target target = { .is_some = true, .kind = TARGET_RAW_TRACEPOINT };

	put_text(&target, name);
	put(&target, opts ? (int64_t)opts->cookie : 0);
	return attach(prog, &target);
}

struct bpf_link *bpf_program__attach_raw_tracepoint(struct bpf_program *prog, const char *name)
{
	return bpf_program__attach_raw_tracepoint_opts(prog, name, NULL);
}

struct bpf_link *bpf_program__attach_trace_opts(struct bpf_program *prog,
						const struct bpf_trace_opts *opts)
{
	struct target target = { .is_some = true, .kind = TARGET_TRACE };

	put(&target, opts ? (int64_t)opts->cookie : 0);
	return attach(prog, &target);
}

struct bpf_link *bpf_program__attach_trace(struct bpf_program *prog)
{
	return bpf_program__attach_trace_opts(prog, NULL);
}

struct bpf_link *bpf_program__attach_lsm(struct bpf_program *prog)
{
	return bpf_program__attach_trace_opts(prog, NULL);
}

struct bpf_link *bpf_program__attach_kprobe_opts(struct bpf_program *prog, const char *function,
						 const struct bpf_kprobe_opts *opts)
{
	struct target target = { .is_some = true, .kind = TARGET_KPROBE };

	put_text(&target, function);
	put(&target, opts ? (int64_t)opts->offset : 0);
	put(&target, opts ? (int64_t)opts->bpf_cookie : 0);
	return attach(prog, &target);
}

struct bpf_link *bpf_program__attach_kprobe(struct bpf_program *prog, bool retprobe,
					    const char *function)
{
	(void)retprobe;
	return bpf_program__attach_kprobe_opts(prog, function, NULL);
}

struct bpf_link *bpf_program__attach_ksyscall(struct bpf_program *prog, const char *name,
					      const struct bpf_ksyscall_opts *opts)
{
	struct target target = { .is_some = true, .kind = TARGET_KSYSCALL };

	put_text(&target, name);
	put(&target, opts ? (int64_t)opts->bpf_cookie : 0);
	return attach(prog, &target);
}

/* Names as the ABI has them; freed by the caller. */
static struct abi_string *strings(const char *const *names, size_t count)
{
	struct abi_string *list = memory__zeroed((count ? count : 1) * sizeof(*list));
	size_t i;

	for (i = 0; i < count; i++)
		list[i] = (struct abi_string){ names[i], strlen(names[i]) };
	return list;
}

struct bpf_link *
bpf_program__attach_kprobe_multi_opts(struct bpf_program *prog, const char *pattern,
				      const struct bpf_kprobe_multi_opts *opts)
{
	struct target target = { .is_some = true, .kind = TARGET_KPROBE_MULTI };
	bool has_list = !pattern && opts && opts->syms;
	struct abi_string *symbols = has_list ? strings(opts->syms, opts->cnt)
					      : strings(&pattern, pattern ? 1 : 0);
	struct bpf_link *link;

	put_list(&target, symbols, has_list ? opts->cnt : pattern ? 1 : 0);
	put_list(&target, has_list ? opts->cookies : NULL, has_list ? opts->cnt : 0);
	link = attach(prog, &target);
	memory__free(symbols);
	return link;
}

struct bpf_link *bpf_program__attach_uprobe_opts(struct bpf_program *prog, int pid,
						 const char *binary, size_t offset,
						 const struct bpf_uprobe_opts *opts)
{
	struct target target = { .is_some = true, .kind = TARGET_UPROBE };
	bool has_name = opts && opts->func_name;

	put_text(&target, binary);
	/* `uprobe-location`: the case, and what it has in the places that both share. */
	put(&target, has_name ? 0 : 1);
	if (has_name) {
		put_text(&target, opts->func_name);
		put(&target, (int64_t)offset);
	} else {
		put(&target, (int64_t)offset);
		put(&target, 0);
		put(&target, 0);
	}
	put_process(&target, pid);
	put(&target, opts ? (int64_t)opts->ref_ctr_offset : 0);
	put(&target, opts ? (int64_t)opts->bpf_cookie : 0);
	return attach(prog, &target);
}

struct bpf_link *bpf_program__attach_uprobe(struct bpf_program *prog, bool retprobe, int pid,
					    const char *binary, size_t offset)
{
	(void)retprobe;
	return bpf_program__attach_uprobe_opts(prog, pid, binary, offset, NULL);
}

struct bpf_link *bpf_program__attach_uprobe_function(struct bpf_program *prog, int pid,
						     const char *binary, const char *function)
{
	const struct bpf_uprobe_opts opts = { .func_name = function };

	return bpf_program__attach_uprobe_opts(prog, pid, binary, 0, &opts);
}

/* Offsets of a program for 64 bits, which `unsigned long` of a guest does not hold. */
static uint64_t *wide(const unsigned long *offsets, size_t count)
{
	uint64_t *list;
	size_t i;

	if (!offsets)
		return NULL;
	list = memory__zeroed((count ? count : 1) * sizeof(*list));
	for (i = 0; i < count; i++)
		list[i] = offsets[i];
	return list;
}

struct bpf_link *
bpf_program__attach_uprobe_multi(struct bpf_program *prog, int pid, const char *binary,
				 const char *pattern, const struct bpf_uprobe_multi_opts *opts)
{
	struct target target = { .is_some = true, .kind = TARGET_UPROBE_MULTI };
	size_t count = opts && !pattern ? opts->cnt : 0;
	struct abi_string *symbols = NULL;
	uint64_t *offsets = NULL, *counters = NULL;
	struct bpf_link *link;

	put_text(&target, binary);
	/* `uprobe-locations` */
	if (pattern) {
		put(&target, 0);
		put_text(&target, pattern);
	} else if (opts && opts->syms) {
		symbols = strings(opts->syms, count);
		put(&target, 1);
		put_list(&target, symbols, count);
	} else {
		offsets = wide(opts ? opts->offsets : NULL, count);
		put(&target, 2);
		put_list(&target, offsets, count);
	}
	put_process(&target, pid);
	counters = wide(count ? opts->ref_ctr_offsets : NULL, count);
	put_list(&target, counters, count);
	put_list(&target, count ? opts->cookies : NULL, count);
	link = attach(prog, &target);
	memory__free(symbols);
	memory__free(offsets);
	memory__free(counters);
	return link;
}

struct bpf_link *bpf_program__attach_usdt(struct bpf_program *prog, int pid, const char *binary,
					  const char *provider, const char *name,
					  const struct bpf_usdt_opts *opts)
{
	struct target target = { .is_some = true, .kind = TARGET_USDT };

	put_text(&target, binary);
	put_text(&target, provider);
	put_text(&target, name);
	put_process(&target, pid);
	put(&target, opts ? (int64_t)opts->usdt_cookie : 0);
	return attach(prog, &target);
}

struct bpf_link *bpf_program__attach_perf_event_opts(struct bpf_program *prog,
						     const struct bpf_perf_event_opts *opts)
{
	struct target target = { .is_some = true, .kind = TARGET_PERF_EVENT };

	put(&target, opts->type);
	put(&target, (int64_t)opts->config);
	put(&target, (int64_t)opts->config1);
	put(&target, (int64_t)opts->config2);
	/* `perf-sampling` */
	put(&target, opts->sample_freq ? 0 : 1);
	put(&target, (int64_t)(opts->sample_freq ? opts->sample_freq : opts->sample_period));
	put_process(&target, opts->pid);
	put(&target, opts->on_cpu);
	put(&target, opts->cpu);
	put(&target, opts->exclude_user);
	put(&target, opts->exclude_kernel);
	put(&target, opts->fall_back_to_cpu_clock);
	return attach(prog, &target);
}

struct bpf_link *bpf_program__attach_xdp_mode(struct bpf_program *prog,
					      const char *network_interface,
					      enum bpf_xdp_mode mode)
{
	struct target target = { .is_some = true, .kind = TARGET_XDP };

	put_text(&target, network_interface);
	put(&target, mode);
	return attach(prog, &target);
}

struct bpf_link *bpf_program__attach_xdp(struct bpf_program *prog, const char *network_interface)
{
	return bpf_program__attach_xdp_mode(prog, network_interface, BPF_XDP_DEFAULT);
}

struct bpf_link *bpf_program__attach_tc(struct bpf_program *prog, const char *network_interface,
					enum bpf_tc_attach_point direction)
{
	struct target target = { .is_some = true, .kind = TARGET_TC };

	put_text(&target, network_interface);
	put(&target, direction == BPF_TC_INGRESS ? 0 : 1);
	return attach(prog, &target);
}

struct bpf_link *bpf_program__attach_cgroup(struct bpf_program *prog, const char *path)
{
	struct target target = { .is_some = true, .kind = TARGET_CGROUP };

	put_text(&target, path);
	return attach(prog, &target);
}

struct bpf_link *bpf_map__attach_struct_ops(struct bpf_object *obj, struct bpf_map *map)
{
	struct abi_result_handle result;

	CALL(abi_object_attach_struct_ops(obj->handle, map->handle, &result));
	return OUTCOME(result) < 0 ? NULL : link__new(result.value);
}
