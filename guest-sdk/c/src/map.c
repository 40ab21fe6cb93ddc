/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "internal.h"

struct bpf_map *map__new(abi_handle handle)
{
	struct bpf_map *map = memory__zeroed(sizeof(*map));
	struct abi_map_info info;

	CALL(abi_map_info(handle, &info));
	map->handle = handle;
	map->name = arena__string(&map->names, info.name);
	map->type_name = arena__string(&map->names, info.type_name);
	map->type = info.map_type;
	map->key_size = info.key_size;
	map->value_size = info.value_size;
	map->user_value_size = info.user_value_size;
	map->max_entries = info.max_entries;
	return map;
}

void bpf_map__free(struct bpf_map *map)
{
	if (!map)
		return;
	abi_map_drop(map->handle);
	arena__free(&map->names);
	free(map);
}

const char *bpf_map__name(const struct bpf_map *map)
{
	return map->name;
}

const char *bpf_map__type_name(const struct bpf_map *map)
{
	return map->type_name;
}

uint32_t bpf_map__type(const struct bpf_map *map)
{
	return map->type;
}

uint32_t bpf_map__key_size(const struct bpf_map *map)
{
	return map->key_size;
}

uint32_t bpf_map__value_size(const struct bpf_map *map)
{
	return map->value_size;
}

uint32_t bpf_map__user_value_size(const struct bpf_map *map)
{
	return map->user_value_size;
}

uint32_t bpf_map__max_entries(const struct bpf_map *map)
{
	return map->max_entries;
}

static struct abi_map_info info_of(const struct bpf_map *map)
{
	struct abi_map_info info;

	CALL(abi_map_info(map->handle, &info));
	return info;
}

uint32_t bpf_map__map_flags(const struct bpf_map *map)
{
	return info_of(map).map_flags;
}

uint64_t bpf_map__map_extra(const struct bpf_map *map)
{
	return info_of(map).map_extra;
}

uint32_t bpf_map__btf_key_type_id(const struct bpf_map *map)
{
	return info_of(map).key_type_id;
}

uint32_t bpf_map__btf_value_type_id(const struct bpf_map *map)
{
	return info_of(map).value_type_id;
}

bool bpf_map__is_frozen(const struct bpf_map *map)
{
	return info_of(map).frozen;
}

uint32_t bpf_map__id(const struct bpf_map *map)
{
	return info_of(map).id;
}

const char *bpf_map__pin_name(const struct bpf_map *map)
{
	static struct arena name;
	const struct abi_map_info info = info_of(map);

	arena__reset(&name);
	return info.pin_name.is_some ? arena__string(&name, info.pin_name.value) : NULL;
}

/* What was set may change other sizes too. */
static int refresh(struct bpf_map *map, const struct abi_result *result)
{
	struct abi_map_info info;

	if (OUTCOME(*result) < 0)
		return -errno;
	info = info_of(map);
	map->type = info.map_type;
	map->value_size = info.value_size;
	map->user_value_size = info.user_value_size;
	map->max_entries = info.max_entries;
	return 0;
}

int bpf_map__set_max_entries(struct bpf_map *map, uint32_t max_entries)
{
	struct abi_result result;

	CALL(abi_map_set_max_entries(map->handle, max_entries, &result));
	return refresh(map, &result);
}

int bpf_map__set_value_size(struct bpf_map *map, uint32_t size)
{
	struct abi_result result;

	CALL(abi_map_set_value_size(map->handle, size, &result));
	return refresh(map, &result);
}

int bpf_map__set_type(struct bpf_map *map, uint32_t type)
{
	struct abi_result result;

	CALL(abi_map_set_map_type(map->handle, type, &result));
	return refresh(map, &result);
}

int bpf_map__set_autocreate(struct bpf_map *map, bool autocreate)
{
	struct abi_result result;

	CALL(abi_map_set_autocreate(map->handle, autocreate, &result));
	return OUTCOME(result);
}

int bpf_map__set_pin_name(struct bpf_map *map, const char *name)
{
	struct abi_result result;

	CALL(abi_map_set_pin_name(map->handle, name, strlen(name), &result));
	return OUTCOME(result);
}

/* Copies a value out if there is one. */
static int copy_out(const struct abi_result_optional_list *result, void *out, size_t size)
{
	if (OUTCOME(*result) < 0)
		return -errno;
	if (!result->value.is_some)
		return error__not_found("there is no such key in the map");
	/* Bloom filters answer with an empty value. */
	if (result->value.list.count > size)
		return error__set(BPF_ERROR_INVALID_ARGUMENT, EINVAL,
				  "read a value of a map: it is larger than the room for it");
	memcpy(out, result->value.list.data, result->value.list.count);
	return 0;
}

int bpf_map__lookup_elem(struct bpf_map *map, const void *key, size_t key_size, void *value,
			 size_t value_size, uint64_t flags)
{
	struct abi_result_optional_list result;

	CALL(abi_map_lookup(map->handle, key, key_size, flags, &result));
	return copy_out(&result, value, value_size);
}

int bpf_map__update_elem(struct bpf_map *map, const void *key, size_t key_size,
			 const void *value, size_t value_size, uint64_t flags)
{
	struct abi_result result;

	CALL(abi_map_update(map->handle, key, key_size, value, value_size, flags, &result));
	return OUTCOME(result);
}

int bpf_map__delete_elem(struct bpf_map *map, const void *key, size_t key_size, uint64_t flags)
{
	struct abi_result_bool result;

	if (flags)
		return error__set(BPF_ERROR_INVALID_ARGUMENT, EINVAL,
				  "delete a key of a map: it takes no flags");
	CALL(abi_map_delete(map->handle, key, key_size, &result));
	if (OUTCOME(result) < 0)
		return -errno;
	return result.value ? 0 : error__not_found("there is no such key in the map");
}

int bpf_map__lookup_and_delete_elem(struct bpf_map *map, const void *key, size_t key_size,
				    void *value, size_t value_size, uint64_t flags)
{
	struct abi_result_optional_list result;

	CALL(abi_map_lookup_and_delete(map->handle, key, key_size, flags, &result));
	return copy_out(&result, value, value_size);
}

int bpf_map__get_next_key(struct bpf_map *map, const void *key, void *next_key, size_t key_size)
{
	struct abi_result_optional_list result;

	CALL(abi_map_next_key(map->handle, key != NULL, key, key ? key_size : 0, &result));
	return copy_out(&result, next_key, key_size);
}

int bpf_map__update_batch(struct bpf_map *map, const void *keys, const void *values,
			  uint32_t count, uint64_t flags)
{
	struct abi_result_u32 result;

	CALL(abi_map_update_batch(map->handle, keys, (size_t)count * map->key_size, values,
				  (size_t)count * map->user_value_size, flags, &result));
	return OUTCOME(result) < 0 ? -errno : (int)result.value;
}

int bpf_map__delete_batch(struct bpf_map *map, const void *keys, uint32_t count)
{
	struct abi_result_u32 result;

	CALL(abi_map_delete_batch(map->handle, keys, (size_t)count * map->key_size, &result));
	return OUTCOME(result) < 0 ? -errno : (int)result.value;
}

struct bpf_map_cursor {
	abi_handle handle;
	uint32_t key_size, value_size;
	struct arena entries;
};

static struct bpf_map_cursor *cursor_new(struct bpf_map *map, struct abi_result_handle *result)
{
	struct bpf_map_cursor *cursor;

	if (OUTCOME(*result) < 0)
		return NULL;
	cursor = memory__zeroed(sizeof(*cursor));
	cursor->handle = result->value;
	cursor->key_size = map->key_size;
	cursor->value_size = map->user_value_size;
	return cursor;
}

struct bpf_map_cursor *bpf_map__iterate(struct bpf_map *map)
{
	struct abi_result_handle result;

	CALL(abi_map_iterate(map->handle, &result));
	return cursor_new(map, &result);
}

struct bpf_map_cursor *bpf_map__drain(struct bpf_map *map)
{
	struct abi_result_handle result;

	CALL(abi_map_drain(map->handle, &result));
	return cursor_new(map, &result);
}

int bpf_map_cursor__next(struct bpf_map_cursor *cursor, uint32_t entries_max,
			 struct bpf_map_entries *entries)
{
	struct abi_result_entries result;

	arena__reset(&cursor->entries);
	memory__begin(&cursor->entries);
	abi_cursor_next(cursor->handle, entries_max, &result);
	memory__end();
	if (OUTCOME(result) < 0)
		return -errno;
	*entries = (struct bpf_map_entries){
		.count = result.value.count,
		/* Queues and stacks are drained without keys. */
		.key_size = result.value.keys.count ? cursor->key_size : 0,
		.value_size = cursor->value_size,
		.keys = result.value.keys.data,
		.values = result.value.values.data,
	};
	return (int)entries->count;
}

void bpf_map_cursor__free(struct bpf_map_cursor *cursor)
{
	if (!cursor)
		return;
	abi_cursor_drop(cursor->handle);
	arena__free(&cursor->entries);
	free(cursor);
}

struct bpf_map *bpf_map__lookup_inner(struct bpf_map *map, const void *key, size_t key_size)
{
	struct abi_result_optional_handle result;

	CALL(abi_map_lookup_inner(map->handle, key, key_size, &result));
	if (OUTCOME(result) < 0)
		return NULL;
	if (!result.value.is_some) {
		error__not_found("there is no map in this slot");
		return NULL;
	}
	return map__new(result.value.handle);
}

int bpf_map__update_inner(struct bpf_map *map, const void *key, size_t key_size,
			  struct bpf_map *inner, uint64_t flags)
{
	struct abi_result result;

	CALL(abi_map_update_inner(map->handle, key, key_size, inner->handle, flags, &result));
	return OUTCOME(result);
}

struct bpf_map *bpf_map__create_inner(struct bpf_map *map)
{
	struct abi_result_handle result;

	CALL(abi_map_create_inner(map->handle, &result));
	return OUTCOME(result) < 0 ? NULL : map__new(result.value);
}

int bpf_map__read_memory(struct bpf_map *map, uint64_t offset, void *bytes, uint32_t length)
{
	struct abi_result_list result;

	CALL(abi_map_read_memory(map->handle, offset, length, &result));
	if (OUTCOME(result) < 0)
		return -errno;
	memcpy(bytes, result.value.data, length);
	return 0;
}

int bpf_map__write_memory(struct bpf_map *map, uint64_t offset, const void *bytes,
			  uint32_t length)
{
	struct abi_result result;

	CALL(abi_map_write_memory(map->handle, offset, bytes, length, &result));
	return OUTCOME(result);
}

int bpf_map__freeze(struct bpf_map *map)
{
	struct abi_result result;

	CALL(abi_map_freeze(map->handle, &result));
	return OUTCOME(result);
}
