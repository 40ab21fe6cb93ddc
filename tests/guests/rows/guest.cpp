// SPDX-License-Identifier: MIT OR Apache-2.0
// Emits rows of structs and of declared fields.
#include <eunomia_bpf.hpp>

#include "../case.h"
#include "rows.skel.h"

// Hints that a field may have.
static constexpr size_t hints_max = 64;
// Fields that a table may have.
static constexpr size_t fields_max = 256;

using skeleton = bpf::skeleton<rows_bpf>;

template <class T> static const char *code_of(const bpf::result<T> &result)
{
	return code(static_cast<bool>(result));
}

struct longer {
	struct event event;
	unsigned char rest[8];
};

static bpf::result<void> events(skeleton &skel)
{
	auto table = BPF_TRY(bpf::table::from_btf("events", skel->obj, "event"));

	BPF_TRY(table.add_hint("comm", "width", "16"));
	BPF_TRY(table.add_hint("place.y", "hidden", "true"));
	BPF_TRY(table.add_hint(nullptr, "title", "Events"));
	printf("a hint for no field: %s\n", code_of(table.add_hint("nothing", "width", "1")));

	auto ring = BPF_TRY(bpf::ring_buffer::open(skel->maps.events));
	BPF_TRY(bpf::program(skel->progs.emit).test_run());
	BPF_TRY(table.emit(BPF_TRY(ring.next_batch(0))));
	BPF_TRY(table.push(longer{ .event = { .number = 3 } }));
	BPF_TRY(table.flush());
	printf("a late hint: %s\n", code_of(table.add_hint("comm", "width", "8")));
	return table.end_of_interval();
}

static bpf::result<void> fields()
{
	const bpf_hint width = { "width", "12" };
	const bpf_field fields[] = {
		{ "flag", BPF_FIELD_BOOL },
		{ "tiny", BPF_FIELD_U8 },
		{ "signed", BPF_FIELD_S64 },
		{ "unsigned", BPF_FIELD_U64 },
		{ "ratio", BPF_FIELD_F64 },
		{ "text", BPF_FIELD_TEXT, BPF_ONE, &width, 1 },
		{ "bytes", BPF_FIELD_BYTES },
		{ "maybe", BPF_FIELD_U32, BPF_OPTIONAL },
		{ "many", BPF_FIELD_TEXT, BPF_REPEATED },
	};
	auto table = BPF_TRY(bpf::table::from_fields("fields", fields));

	for (uint8_t number = 0; number < 2; number++) {
		bpf::row row;

		row.put(number == 1).put(number).put(INT64_MIN).put(UINT64_MAX).put(0.5);
		row.put("\"quoted\", \u00e4").put(bpf::text("\x00\xff", 2));
		if (number == 1)
			row.present().put(uint32_t(7)).count(3).put("a").put("").put("c");
		else
			row.absent().count(0);
		BPF_TRY(table.push(row));
	}
	return table.end_of_interval();
}

// A table of so many fields.
template <size_t N> static bpf::result<bpf::table> with_fields(const char *name)
{
	static char names[N][8];
	static bpf_field fields[N];

	for (size_t i = 0; i < N; i++) {
		snprintf(names[i], sizeof(names[i]), "f%zu", i);
		fields[i] = { names[i], BPF_FIELD_U8 };
	}
	return bpf::table::from_fields(name, fields);
}

static bpf::result<bpf::table> with_hints(const char *name, const bpf_hint *hints, size_t count)
{
	const bpf_field field[] = { { "f0", BPF_FIELD_U8, BPF_ONE, hints, count } };

	return bpf::table::from_fields(name, field);
}

// A hint whose key and value have so many bytes.
template <size_t N> static bpf::result<bpf::table> with_long_hint(const char *name)
{
	static char key[N + 1], value[N + 1];
	const bpf_hint hint = { key, value };

	memset(key, 'k', N);
	memset(value, 'v', N);
	return with_hints(name, &hint, 1);
}

// As much as is allowed, and one more.
static void limits()
{
	static char keys[hints_max + 1][8];
	bpf_hint hints[hints_max + 1];

	printf("256 fields: %s\n", code_of(with_fields<fields_max>("most_fields")));
	printf("257 fields: %s\n", code_of(with_fields<fields_max + 1>("more_fields")));
	for (size_t i = 0; i <= hints_max; i++) {
		snprintf(keys[i], sizeof(keys[i]), "h%zu", i);
		hints[i] = { keys[i], "" };
	}
	printf("64 hints: %s\n", code_of(with_hints("most_hints", hints, hints_max)));
	printf("65 hints: %s\n", code_of(with_hints("more_hints", hints, hints_max + 1)));
	printf("a hint of 256 bytes: %s\n", code_of(with_long_hint<256>("long_hint")));
	printf("of 257: %s\n", code_of(with_long_hint<257>("longer_hint")));
}

// Rows of two tables that nobody flushes.
static bpf::result<void> order()
{
	const bpf_field field[] = { { "number", BPF_FIELD_U8 } };
	auto one = BPF_TRY(bpf::table::from_fields("one", field));
	auto two = BPF_TRY(bpf::table::from_fields("two", field));
	uint8_t number = 0;

	for (bpf::table *table : { &two, &one, &two })
		BPF_TRY(table->push(++number));
	return {};
}

static bpf::result<void> emit()
{
	auto skel = BPF_TRY(skeleton::open());

	BPF_TRY(skel.load());
	BPF_TRY(events(skel));
	BPF_TRY(fields());
	limits();
	bpf_output__report_lost(3);
	BPF_TRY(bpf::checked(bpf_output__flush()));
	return order();
}

int main()
{
	return bpf::run(emit);
}
