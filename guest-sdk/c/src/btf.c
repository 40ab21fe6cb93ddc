/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>

#include "internal.h"

struct btf {
	abi_handle handle;
	/* All descriptions that were asked for. */
	struct arena types;
};

struct btf *bpf_object__btf(struct bpf_object *obj)
{
	struct abi_result_handle result;

	if (obj->btf)
		return obj->btf;
	CALL(abi_object_btf(obj->handle, &result));
	if (OUTCOME(result) < 0)
		return NULL;
	obj->btf = memory__zeroed(sizeof(*obj->btf));
	obj->btf->handle = result.value;
	return obj->btf;
}

void btf__free(struct btf *btf)
{
	if (!btf)
		return;
	abi_btf_drop(btf->handle);
	arena__free(&btf->types);
	memory__free(btf);
}

uint32_t btf__type_cnt(const struct btf *btf)
{
	return abi_btf_count(btf->handle);
}

int btf__find_by_name(const struct btf *btf, const char *name)
{
	struct abi_optional_u32 result;

	CALL(abi_btf_find(btf->handle, name, strlen(name), &result));
	return result.is_some ? (int)result.value
			      : error__not_found("there is no type of this name in the object");
}

/* A part of a list whose items have `bytes` bytes each. */
static const void *item(struct abi_list list, size_t bytes, uint32_t index)
{
	return (const char *)list.data + (size_t)index * bytes;
}

static struct bpf_type_part part(struct arena *arena, const struct abi_type *from,
				 struct abi_list list, uint32_t index)
{
	struct bpf_type_part part = { .name = "" };

	if (from->kind == BPF_TYPE_STRUCT || from->kind == BPF_TYPE_UNION) {
		const struct abi_member *member = item(list, sizeof(*member), index);

		part.name = arena__string(arena, member->name);
		part.type = member->type;
		part.offset = member->bit_offset;
		part.size = member->bit_width;
	} else if (from->kind == BPF_TYPE_ENUM) {
		const struct abi_enumerator *enumerator = item(list, sizeof(*enumerator), index);

		part.name = arena__string(arena, enumerator->name);
		part.value = enumerator->value;
	} else if (from->kind == BPF_TYPE_FUNCTION_PROTOTYPE) {
		const struct abi_parameter *parameter = item(list, sizeof(*parameter), index);

		part.name = arena__string(arena, parameter->name);
		part.type = parameter->type;
	} else {
		const struct abi_section_variable *variable = item(list, sizeof(*variable), index);

		part.type = variable->type;
		part.offset = variable->offset;
		part.size = variable->size;
	}
	return part;
}

static void set_parts(struct arena *arena, struct bpf_type *type, const struct abi_type *from,
		      struct abi_list list)
{
	struct bpf_type_part *parts = arena__alloc(arena, 8, list.count * sizeof(*parts));
	uint32_t i;

	for (i = 0; i < list.count; i++)
		parts[i] = part(arena, from, list, i);
	type->parts = parts;
	type->part_count = list.count;
}

/* Bits of `int-encoding`. */
enum {
	ENCODING_SIGNED = 1,
	ENCODING_CHAR = 2,
	ENCODING_BOOLEAN = 4,
};

static void set_integer(struct bpf_type *type, const struct abi_type *from)
{
	type->bit_offset = from->integer.bit_offset;
	type->bits = from->integer.bits;
	type->is_signed = from->integer.encoding & ENCODING_SIGNED;
	type->is_char = from->integer.encoding & ENCODING_CHAR;
	type->is_boolean = from->integer.encoding & ENCODING_BOOLEAN;
}

/* Copies a description out of what the host returned. */
static void describe(struct arena *arena, struct bpf_type *type, const struct abi_type *from)
{
	*type = (struct bpf_type){
		.id = from->id,
		.kind = from->kind,
		.name = arena__string(arena, from->name),
		.size = from->size,
	};
	switch (type->kind) {
	case BPF_TYPE_VOID:
	case BPF_TYPE_FLOAT:
		break;
	case BPF_TYPE_INT:
		set_integer(type, from);
		break;
	case BPF_TYPE_ARRAY:
		type->target = from->array.element;
		type->length = from->array.length;
		break;
	case BPF_TYPE_STRUCT:
	case BPF_TYPE_UNION:
	case BPF_TYPE_DATA_SECTION:
		set_parts(arena, type, from, from->parts);
		break;
	case BPF_TYPE_ENUM:
		type->is_signed = from->enumeration.is_signed;
		set_parts(arena, type, from, from->enumeration.enumerators);
		break;
	case BPF_TYPE_FORWARD:
		type->detail = from->forward;
		break;
	case BPF_TYPE_FUNCTION:
	case BPF_TYPE_VARIABLE:
		type->target = from->linked.type;
		type->detail = from->linked.linkage;
		break;
	case BPF_TYPE_FUNCTION_PROTOTYPE:
		type->target = from->prototype.returns;
		set_parts(arena, type, from, from->prototype.parameters);
		break;
	case BPF_TYPE_DECLARATION_TAG:
		type->target = from->tagged.type;
		type->component = from->tagged.component;
		break;
	case BPF_TYPE_OTHER:
		type->detail = from->type;
		break;
	default:
		type->target = from->type;
	}
}

const struct bpf_type *btf__describe(struct btf *btf, uint32_t id)
{
	struct abi_result_type result;
	struct bpf_type *type;

	CALL(abi_btf_describe(btf->handle, id, &result));
	if (OUTCOME(result) < 0)
		return NULL;
	type = arena__alloc(&btf->types, 8, sizeof(*type));
	describe(&btf->types, type, &result.value);
	return type;
}

int btf__closure(struct btf *btf, uint32_t id, const struct bpf_type **types)
{
	struct abi_result_list result;
	struct bpf_type *list;
	uint32_t i;

	CALL(abi_btf_closure(btf->handle, id, &result));
	if (OUTCOME(result) < 0)
		return -errno;
	list = arena__alloc(&btf->types, 8, result.value.count * sizeof(*list));
	for (i = 0; i < result.value.count; i++)
		describe(&btf->types, &list[i], item(result.value, sizeof(struct abi_type), i));
	*types = list;
	return (int)result.value.count;
}
