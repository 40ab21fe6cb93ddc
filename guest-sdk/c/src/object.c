/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "internal.h"

static struct bpf_program *collect_programs(struct bpf_object *obj)
{
	struct bpf_program *first = NULL, **end = &first;
	struct abi_list list;
	struct abi_program_info *infos;
	uint32_t i;

	memory__begin(&obj->names);
	abi_object_programs(obj->handle, &list);
	memory__end();
	infos = list.data;
	for (i = 0; i < list.count; i++) {
		struct bpf_program *prog = memory__zeroed(sizeof(*prog));
		struct abi_result_handle result;

		CALL(abi_object_program(obj->handle, infos[i].name.data, infos[i].name.bytes,
					&result));
		/* It was listed, so it is there. */
		prog->handle = result.is_error ? -1 : result.value;
		prog->name = arena__string(&obj->names, infos[i].name);
		prog->section = arena__string(&obj->names, infos[i].section);
		prog->type_name = arena__string(&obj->names, infos[i].type_name);
		prog->autoload = infos[i].autoload;
		prog->autoattach = infos[i].autoattach;
		*end = prog;
		end = &prog->next;
	}
	return first;
}

static struct bpf_map *collect_maps(struct bpf_object *obj)
{
	struct bpf_map *first = NULL, **end = &first;
	struct abi_list list;
	struct abi_map_info *infos;
	uint32_t i;

	memory__begin(&obj->names);
	abi_object_maps(obj->handle, &list);
	memory__end();
	infos = list.data;
	for (i = 0; i < list.count; i++) {
		struct abi_result_handle result;

		CALL(abi_object_map(obj->handle, infos[i].name.data, infos[i].name.bytes,
				    &result));
		if (result.is_error)
			continue;
		*end = map__new(result.value);
		end = &(*end)->next;
	}
	return first;
}

const char *bpf_object__list(size_t index)
{
	static struct arena names;
	static struct abi_list list;

	if (!names.last) {
		memory__begin(&names);
		abi_list_objects(&list);
		memory__end();
	}
	return index < list.count ? arena__string(&names, ((struct abi_string *)list.data)[index])
				  : NULL;
}

struct bpf_object *bpf_object__open(const char *name)
{
	struct abi_result_handle result;
	struct bpf_object *obj;
	struct abi_list list;

	if (!name)
		name = "";
	CALL(abi_object_open(name, strlen(name), &result));
	if (OUTCOME(result) < 0)
		return NULL;
	obj = memory__zeroed(sizeof(*obj));
	obj->handle = result.value;
	obj->programs = collect_programs(obj);
	obj->maps = collect_maps(obj);
	memory__begin(&obj->names);
	abi_object_globals(obj->handle, &list);
	memory__end();
	obj->globals = list.data;
	obj->global_count = list.count;
	return obj;
}

int bpf_object__load(struct bpf_object *obj)
{
	struct abi_result result;
	struct bpf_map *map;

	CALL(abi_object_load(obj->handle, &result));
	if (OUTCOME(result) < 0)
		return -errno;
	/* Sizes may follow from the machine. */
	for (map = obj->maps; map; map = map->next) {
		struct abi_map_info info;

		CALL(abi_map_info(map->handle, &info));
		map->max_entries = info.max_entries;
		map->user_value_size = info.user_value_size;
	}
	return 0;
}

int bpf_object__attach(struct bpf_object *obj)
{
	struct abi_result_list result;
	uint32_t i;

	CALL(abi_object_attach(obj->handle, &result));
	if (OUTCOME(result) < 0)
		return -errno;
	for (i = 0; i < result.value.count; i++) {
		struct bpf_link *link = link__new(((abi_handle *)result.value.data)[i]);

		link->next = obj->links;
		obj->links = link;
	}
	return 0;
}

void bpf_object__detach(struct bpf_object *obj)
{
	while (obj->links) {
		struct bpf_link *link = obj->links;

		obj->links = link->next;
		bpf_link__destroy(link);
	}
}

void bpf_object__close(struct bpf_object *obj)
{
	if (!obj)
		return;
	bpf_object__detach(obj);
	while (obj->programs) {
		struct bpf_program *prog = obj->programs;

		obj->programs = prog->next;
		abi_program_drop(prog->handle);
		free(prog);
	}
	while (obj->maps) {
		struct bpf_map *map = obj->maps;

		obj->maps = map->next;
		bpf_map__free(map);
	}
	btf__free(obj->btf);
	abi_object_drop(obj->handle);
	arena__free(&obj->names);
	free(obj);
}

struct bpf_program *bpf_object__program(struct bpf_object *obj, const char *name)
{
	struct bpf_program *prog;

	bpf_object__for_each_program(prog, obj)
		if (!strcmp(prog->name, name))
			return prog;
	return NULL;
}

struct bpf_program *bpf_object__find_program_by_name(struct bpf_object *obj, const char *name)
{
	struct bpf_program *prog = bpf_object__program(obj, name);
	struct abi_result_handle result;

	if (prog)
		return prog;
	/* The host knows which ones there are. */
	CALL(abi_object_program(obj->handle, name, strlen(name), &result));
	if (!result.is_error)
		abi_program_drop(result.value);
	else
		error__take(&result.error);
	return NULL;
}

struct bpf_map *bpf_object__find_map_by_name(struct bpf_object *obj, const char *name)
{
	struct bpf_map *map;
	struct abi_result_handle result;

	bpf_object__for_each_map(map, obj)
		if (!strcmp(map->name, name))
			return map;
	CALL(abi_object_map(obj->handle, name, strlen(name), &result));
	if (!result.is_error)
		abi_map_drop(result.value);
	else
		error__take(&result.error);
	return NULL;
}

struct bpf_program *bpf_object__next_program(struct bpf_object *obj, struct bpf_program *prev)
{
	return prev ? prev->next : obj->programs;
}

struct bpf_map *bpf_object__next_map(struct bpf_object *obj, struct bpf_map *prev)
{
	return prev ? prev->next : obj->maps;
}

struct bpf_link *bpf_object__next_link(struct bpf_object *obj, struct bpf_link *prev)
{
	return prev ? prev->next : obj->links;
}

int bpf_object__set_global(struct bpf_object *obj, const char *name, const void *value,
			   size_t size)
{
	struct abi_result result;

	CALL(abi_object_set_global(obj->handle, name, strlen(name), value, size, &result));
	return OUTCOME(result);
}

int bpf_object__push_global(struct bpf_object *obj, const char *name, const void *value,
			    void *before, size_t size)
{
	int outcome = 0;

	if (memcmp(value, before, size))
		outcome = bpf_object__set_global(obj, name, value, size);
	if (!outcome)
		memcpy(before, value, size);
	return outcome;
}

int bpf_object__get_global(struct bpf_object *obj, const char *name, void *value, size_t size)
{
	struct abi_result_list result;

	CALL(abi_object_get_global(obj->handle, name, strlen(name), &result));
	if (OUTCOME(result) < 0)
		return -errno;
	if (result.value.count != size)
		return error__set(BPF_ERROR_INVALID_ARGUMENT, EINVAL,
				  "read a global variable: it has another size");
	memcpy(value, result.value.data, size);
	return 0;
}

int bpf_object__global_info(struct bpf_object *obj, size_t index, struct bpf_global_info *info)
{
	const struct abi_global_info *global;

	if (index >= obj->global_count)
		return error__not_found("there are no further global variables");
	global = &obj->globals[index];
	*info = (struct bpf_global_info){
		.name = arena__string(&obj->names, global->name),
		.section = arena__string(&obj->names, global->section),
		.offset = global->offset,
		.size = global->size,
		.type_id = global->type_id,
		.constant = global->constant,
	};
	return 0;
}
