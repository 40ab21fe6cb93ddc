// SPDX-License-Identifier: MIT OR Apache-2.0
// Describes the types of its object.
#include "../case.h"

// The type of this number among those that were described.
static const char *name_of(const struct bpf_type *types, int count, uint32_t id)
{
	for (int i = 0; i < count; i++)
		if (types[i].id == id)
			return types[i].name[0] ? types[i].name : "(anonymous)";
	return "(not in it)";
}

static void show_members(const struct bpf_type *type, const struct bpf_type *types, int count)
{
	printf("struct or union\n");
	for (size_t i = 0; i < type->part_count; i++) {
		const struct bpf_type_part *member = &type->parts[i];

		printf("  %s at bit %u: %s", member->name, member->offset,
		       name_of(types, count, member->type));
		if (member->size)
			printf(", %u bits", member->size);
		printf("\n");
	}
}

static void show_enum(const struct bpf_type *type)
{
	printf("enum, signed %s:", truth(type->is_signed));
	for (size_t i = 0; i < type->part_count; i++)
		printf(" %s=%lld", type->parts[i].name, type->parts[i].value);
	printf("\n");
}

// Names in place of numbers, which differ between compilers.
static void show(const struct bpf_type *type, const struct bpf_type *types, int count)
{
	const char *target = name_of(types, count, type->target);

	printf("%s, %u bytes: ", type->name[0] ? type->name : "(anonymous)", type->size);
	switch (type->kind) {
	case BPF_TYPE_INT:
		printf("int of %u bits, signed %s, boolean %s\n", type->bits,
		       truth(type->is_signed), truth(type->is_boolean));
		break;
	case BPF_TYPE_STRUCT:
	case BPF_TYPE_UNION:
		show_members(type, types, count);
		break;
	case BPF_TYPE_ARRAY:
		printf("array of %u %s\n", type->length, target);
		break;
	case BPF_TYPE_ENUM:
		show_enum(type);
		break;
	case BPF_TYPE_POINTER:
		printf("pointer to %s\n", target);
		break;
	case BPF_TYPE_TYPEDEF:
		printf("typedef of %s\n", target);
		break;
	case BPF_TYPE_VOLATILE:
		printf("volatile %s\n", target);
		break;
	case BPF_TYPE_CONST:
		printf("const %s\n", target);
		break;
	case BPF_TYPE_FUNCTION:
		printf("function, linkage %u\n", type->detail);
		break;
	case BPF_TYPE_FLOAT:
		printf("float\n");
		break;
	default:
		printf("kind %d\n", type->kind);
	}
}

static void found(struct btf *btf, int everything)
{
	printf("types: %s\n", truth(btf__type_cnt(btf) > 10));
	printf("without a kind: %s\n", truth(btf__find_by_name(btf, "everything") == everything));
	printf("of another kind: %s\n",
	       btf__find_by_name(btf, "union everything") < 0 ? "None" : "Some");
	printf("void: %s\n", btf__describe(btf, 0)->kind == BPF_TYPE_VOID ? "TypeKind::Void" : "");
	print_result("beyond the last", btf__describe(btf, btf__type_cnt(btf)) != NULL);
}

int main(void)
{
	static const char *const names[] = { "enum color", "struct color", "on_exec" };
	struct bpf_object *object = bpf_object__open(NULL);
	const struct bpf_type *types, *described;
	struct btf *btf;
	int everything, count;
	uint32_t before;

	if (!object || !(btf = bpf_object__btf(object)))
		return bpf_error_report();
	everything = btf__find_by_name(btf, "struct everything");
	if (everything < 0)
		return bpf_error_report();
	found(btf, everything);
	count = btf__closure(btf, (uint32_t)everything, &types);
	if (count < 0)
		return bpf_error_report();
	printf("the type itself first: %s\n", truth(types[0].id == (uint32_t)everything));
	for (int i = 0; i < count; i++)
		show(&types[i], types, count);
	described = btf__describe(btf, (uint32_t)everything);
	printf("the same alone: %s %u\n", described->name, described->size);
	for (int i = 0; i < 3; i++) {
		int id = btf__find_by_name(btf, names[i]);

		if (id < 0)
			printf("no %s\n", names[i]);
		else
			show(btf__describe(btf, (uint32_t)id), types, count);
	}
	before = btf__type_cnt(btf);
	if (bpf_object__load(object) < 0)
		return bpf_error_report();
	printf("after load: %s\n", truth(btf__type_cnt(bpf_object__btf(object)) == before));
	bpf_object__close(object);
	return 0;
}
