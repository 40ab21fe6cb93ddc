// SPDX-License-Identifier: MIT OR Apache-2.0
// Emits rows of structs and of declared fields.
#include <stdlib.h>

#include "../case.h"
#include "rows.skel.h"

// Hints that a field may have.
#define HINTS_MAX 64
// Fields that a table may have.
#define FIELDS_MAX 256

static int events(struct rows_bpf *skel)
{
	struct bpf_test_run_opts opts = { 0 };
	struct bpf_table *table = bpf_table__from_btf("events", skel->obj, "event");
	struct ring_buffer *ring;
	struct bpf_batch batch;
	unsigned char longer[sizeof(struct event) + 8] = { 3 };

	if (!table || bpf_table__add_hint(table, "comm", "width", "16") < 0 ||
	    bpf_table__add_hint(table, "place.y", "hidden", "true") < 0 ||
	    bpf_table__add_hint(table, NULL, "title", "Events") < 0)
		return bpf_error_report();
	printf("a hint for no field: %s\n",
	       code(bpf_table__add_hint(table, "nothing", "width", "1") == 0));

	ring = ring_buffer__new(skel->maps.events, NULL, NULL, NULL);
	bpf_program__test_run(bpf_object__find_program_by_name(skel->obj, "emit"), &opts);
	if (ring_buffer__next_batch(ring, 0, &batch) > 0)
		bpf_table__emit_batch(table, &batch);
	bpf_table__push(table, longer, sizeof(longer));
	bpf_table__flush(table);
	printf("a late hint: %s\n",
	       code(bpf_table__add_hint(table, "comm", "width", "8") == 0));
	bpf_table__end_of_interval(table);
	ring_buffer__free(ring);
	bpf_table__free(table);
	return 0;
}

static void fields(void)
{
	static const struct bpf_hint width = { "width", "12" };
	static const struct bpf_field fields[] = {
		{ "flag", BPF_FIELD_BOOL, BPF_ONE },
		{ "tiny", BPF_FIELD_U8, BPF_ONE },
		{ "signed", BPF_FIELD_S64, BPF_ONE },
		{ "unsigned", BPF_FIELD_U64, BPF_ONE },
		{ "ratio", BPF_FIELD_F64, BPF_ONE },
		{ "text", BPF_FIELD_TEXT, BPF_ONE, &width, 1 },
		{ "bytes", BPF_FIELD_BYTES, BPF_ONE },
		{ "maybe", BPF_FIELD_U32, BPF_OPTIONAL },
		{ "many", BPF_FIELD_TEXT, BPF_REPEATED },
	};
	static const char *const many[] = { "a", "", "c" };
	struct bpf_table *table =
		bpf_table__from_fields("fields", fields, sizeof(fields) / sizeof(*fields));
	struct bpf_row row = { 0 };

	for (uint8_t number = 0; number < 2; number++) {
		bpf_row__clear(&row);
		bpf_row__put_bool(&row, number == 1);
		bpf_row__put_u8(&row, number);
		bpf_row__put_u64(&row, (uint64_t)INT64_MIN);
		bpf_row__put_u64(&row, UINT64_MAX);
		bpf_row__put_f64(&row, 0.5);
		bpf_row__put_text(&row, "\"quoted\", \u00e4");
		bpf_row__put_bytes(&row, "\x00\xff", 2);
		bpf_row__put_present(&row, number == 1);
		if (number == 1)
			bpf_row__put_u32(&row, 7);
		bpf_row__put_count(&row, number * 3);
		for (int i = 0; i < number * 3; i++)
			bpf_row__put_text(&row, many[i]);
		bpf_table__push_row(table, &row);
	}
	bpf_table__end_of_interval(table);
	bpf_row__free(&row);
	bpf_table__free(table);
}

// Whether a table of so many fields can be made.
static bool has_fields(const char *name, size_t count)
{
	struct bpf_field *fields = calloc(count, sizeof(*fields));
	char(*names)[8] = calloc(count, sizeof(*names));
	struct bpf_table *table;

	for (size_t i = 0; i < count; i++) {
		snprintf(names[i], sizeof(*names), "f%zu", i);
		fields[i] = (struct bpf_field){ names[i], BPF_FIELD_U8, BPF_ONE };
	}
	table = bpf_table__from_fields(name, fields, count);
	bpf_table__free(table);
	free(names);
	free(fields);
	return table != NULL;
}

static bool has_hints(const char *name, const struct bpf_hint *hints, size_t count)
{
	struct bpf_field field = { "f0", BPF_FIELD_U8, BPF_ONE, hints, count };
	struct bpf_table *table = bpf_table__from_fields(name, &field, 1);

	bpf_table__free(table);
	return table != NULL;
}

static bool has_long_hint(const char *name, size_t bytes)
{
	char *key = calloc(1, bytes + 1), *value = calloc(1, bytes + 1);
	struct bpf_hint hint = { key, value };
	bool is_made;

	memset(key, 'k', bytes);
	memset(value, 'v', bytes);
	is_made = has_hints(name, &hint, 1);
	free(key);
	free(value);
	return is_made;
}

// As much as is allowed, and one more.
static void limits(void)
{
	static struct bpf_hint hints[HINTS_MAX + 1];
	static char keys[HINTS_MAX + 1][8];

	printf("256 fields: %s\n", code(has_fields("most_fields", FIELDS_MAX)));
	printf("257 fields: %s\n", code(has_fields("more_fields", FIELDS_MAX + 1)));
	for (int i = 0; i <= HINTS_MAX; i++) {
		snprintf(keys[i], sizeof(keys[i]), "h%d", i);
		hints[i] = (struct bpf_hint){ keys[i], "" };
	}
	printf("64 hints: %s\n", code(has_hints("most_hints", hints, HINTS_MAX)));
	printf("65 hints: %s\n", code(has_hints("more_hints", hints, HINTS_MAX + 1)));
	printf("a hint of 256 bytes: %s\n", code(has_long_hint("long_hint", 256)));
	printf("of 257: %s\n", code(has_long_hint("longer_hint", 257)));
}

// Rows of two tables that nobody flushes.
static void order(void)
{
	static const struct bpf_field field = { "number", BPF_FIELD_U8, BPF_ONE };
	struct bpf_table *one = bpf_table__from_fields("one", &field, 1);
	struct bpf_table *two = bpf_table__from_fields("two", &field, 1);
	struct bpf_table *tables[] = { two, one, two };

	for (uint8_t i = 0; i < 3; i++) {
		uint8_t number = i + 1;

		bpf_table__push(tables[i], &number, sizeof(number));
	}
}

int main(void)
{
	struct rows_bpf *skel = rows_bpf__open();

	if (!skel || rows_bpf__load(skel) < 0)
		return bpf_error_report();
	if (events(skel))
		return 1;
	fields();
	limits();
	bpf_output__report_lost(3);
	bpf_output__flush();
	order();
	rows_bpf__destroy(skel);
	return 0;
}
