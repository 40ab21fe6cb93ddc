/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "internal.h"

const char *bpf_program__name(const struct bpf_program *prog)
{
	return prog->name;
}

const char *bpf_program__section_name(const struct bpf_program *prog)
{
	return prog->section;
}

const char *bpf_program__type_name(const struct bpf_program *prog)
{
	return prog->type_name;
}

bool bpf_program__autoload(const struct bpf_program *prog)
{
	return prog->autoload;
}

bool bpf_program__autoattach(const struct bpf_program *prog)
{
	return prog->autoattach;
}

int bpf_program__info(const struct bpf_program *prog, struct bpf_program_info *info)
{
	static struct arena names;
	struct abi_program_info from;

	CALL(abi_program_info(prog->handle, &from));
	arena__reset(&names);
	*info = (struct bpf_program_info){
		.type = from.program_type,
		.attach_type = from.attach_type,
		.id = from.id,
		.attach_target = arena__string(&names, from.attach_target),
	};
	return 0;
}

int bpf_program__set_autoload(struct bpf_program *prog, bool autoload)
{
	struct abi_result result;

	CALL(abi_program_set_autoload(prog->handle, autoload, &result));
	if (!result.is_error)
		prog->autoload = autoload;
	return OUTCOME(result);
}

int bpf_program__set_autoattach(struct bpf_program *prog, bool autoattach)
{
	struct abi_result result;

	CALL(abi_program_set_autoattach(prog->handle, autoattach, &result));
	if (!result.is_error)
		prog->autoattach = autoattach;
	return OUTCOME(result);
}

int bpf_program__set_attach_target(struct bpf_program *prog, const char *function)
{
	struct abi_result result;

	CALL(abi_program_set_attach_target(prog->handle, function, strlen(function), &result));
	return OUTCOME(result);
}

int bpf_program__store_in(struct bpf_program *prog, struct bpf_map *map, uint32_t index)
{
	struct abi_result result;

	CALL(abi_program_store_in(prog->handle, map->handle, index, &result));
	return OUTCOME(result);
}

/* Copies a list out, as much as there is room for. */
static bool copy_out(struct abi_list list, void *out, uint32_t *size)
{
	uint32_t room = *size;

	*size = list.count;
	if (out)
		memcpy(out, list.data, list.count < room ? list.count : room);
	return !out || list.count <= room;
}

int bpf_program__test_run(struct bpf_program *prog, struct bpf_test_run_opts *opts)
{
	struct abi_result_run result;
	bool all;

	CALL(abi_program_test_run(prog->handle, opts->data_in, opts->data_size_in, opts->ctx_in,
				  opts->ctx_size_in, opts->repeat, opts->flags, opts->on_cpu,
				  opts->cpu, opts->batch_size, &result));
	if (OUTCOME(result) < 0)
		return -errno;
	opts->retval = result.value.return_value;
	opts->duration = result.value.duration_ns;
	all = copy_out(result.value.data, opts->data_out, &opts->data_size_out);
	all &= copy_out(result.value.context, opts->ctx_out, &opts->ctx_size_out);
	return all ? 0 : error__set(BPF_ERROR_LIMIT_EXCEEDED, ENOSPC,
				    "run program: there is no room for what it left");
}

int bpf_program__statistics(struct bpf_program *prog, struct bpf_program_statistics *statistics)
{
	struct abi_result_statistics result;

	CALL(abi_program_statistics(prog->handle, &result));
	if (OUTCOME(result) < 0)
		return -errno;
	*statistics = (struct bpf_program_statistics){
		.run_count = result.value.run_count,
		.run_time_ns = result.value.run_time_ns,
		.recursion_misses = result.value.recursion_misses,
	};
	return 0;
}

struct bpf_link *link__new(abi_handle handle)
{
	struct bpf_link *link = memory__zeroed(sizeof(*link));

	link->handle = handle;
	return link;
}

int bpf_link__destroy(struct bpf_link *link)
{
	if (link) {
		abi_link_drop(link->handle);
		free(link);
	}
	return 0;
}

int bpf_link__info(const struct bpf_link *link, struct bpf_link_info *info)
{
	static struct arena arena;
	struct abi_link_info from;
	const char **targets;
	uint32_t i;

	arena__reset(&arena);
	memory__begin(&arena);
	abi_link_info(link->handle, &from);
	memory__end();
	targets = arena__alloc(&arena, sizeof(*targets), from.targets.count * sizeof(*targets));
	for (i = 0; i < from.targets.count; i++)
		targets[i] = arena__string(&arena, ((struct abi_string *)from.targets.data)[i]);
	*info = (struct bpf_link_info){
		.name = arena__string(&arena, from.name),
		.type = from.link_type,
		.targets = targets,
		.target_count = from.targets.count,
		.ids = from.ids.data,
		.id_count = from.ids.count,
	};
	return 0;
}

int bpf_link__detach(struct bpf_link *link)
{
	struct abi_result result;

	CALL(abi_link_detach(link->handle, &result));
	return OUTCOME(result);
}

void bpf_link__disconnect(struct bpf_link *link)
{
	abi_link_keep(link->handle);
	bpf_link__destroy(link);
}

int bpf_link__update_program(struct bpf_link *link, struct bpf_program *prog)
{
	struct abi_result result;

	CALL(abi_program_replace_in(prog->handle, link->handle, &result));
	return OUTCOME(result);
}

struct bpf_iter {
	abi_handle stream;
};

struct bpf_iter *bpf_iter__new(struct bpf_link *link)
{
	struct abi_result_handle result;
	struct bpf_iter *iter;

	CALL(abi_link_iterate(link->handle, &result));
	if (OUTCOME(result) < 0)
		return NULL;
	iter = memory__zeroed(sizeof(*iter));
	iter->stream = result.value;
	return iter;
}

int bpf_iter__read(struct bpf_iter *iter, void *buffer, size_t size)
{
	struct abi_stream_result result;

	CALL(abi_stream_read(iter->stream, (int64_t)size, &result));
	if (!result.is_error) {
		memcpy(buffer, result.bytes.data, result.bytes.count);
		return (int)result.bytes.count;
	}
	/* Closed: the end. */
	if (result.failure.kind == 1)
		return 0;
	abi_stream_error_drop(result.failure.error);
	return error__set(BPF_ERROR_OTHER, EIO, "read what an iterator program writes");
}

void bpf_iter__free(struct bpf_iter *iter)
{
	if (iter) {
		abi_stream_drop(iter->stream);
		free(iter);
	}
}
