/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "internal.h"

/* Rows that are gathered before they are handed on: enough to make the call cheap. */
#define PENDING_BYTES_MAX (64 * 1024)

struct bpf_table {
	abi_handle handle;
	struct bpf_table *next;
	size_t pending;
	unsigned char rows[PENDING_BYTES_MAX];
};

/* All tables, for what they have gathered. */
static struct bpf_table *tables;

static struct bpf_table *table_new(const struct abi_result_handle *result)
{
	struct bpf_table *table;

	if (OUTCOME(*result) < 0)
		return NULL;
	table = memory__zeroed(sizeof(*table));
	table->handle = result->value;
	table->next = tables;
	tables = table;
	return table;
}

static struct abi_string string(const char *text)
{
	return (struct abi_string){ text, strlen(text) };
}

struct bpf_table *bpf_table__from_btf(const char *name, struct bpf_object *obj,
				      const char *type_name)
{
	struct abi_result_handle result;

	CALL(abi_table_from_btf(name, strlen(name), obj->handle, type_name, strlen(type_name),
				&result));
	return table_new(&result);
}

/* Fields as the ABI has them, in memory of `arena`. */
static const struct abi_field *fields_of(struct arena *arena, const struct bpf_field *fields,
					 size_t count)
{
	struct abi_field *list = arena__alloc(arena, sizeof(void *), count * sizeof(*list));
	size_t i, j;

	for (i = 0; i < count; i++) {
		const struct bpf_field *field = &fields[i];
		struct abi_hint *hints = arena__alloc(arena, sizeof(void *),
						      field->hint_count * sizeof(*hints));

		for (j = 0; j < field->hint_count; j++)
			hints[j] = (struct abi_hint){ string(field->hints[j].key),
						      string(field->hints[j].value) };
		list[i] = (struct abi_field){
			.name = string(field->name),
			.type = field->type,
			.cardinality = field->cardinality,
			.hints = { hints, field->hint_count },
		};
	}
	return list;
}

struct bpf_table *bpf_table__from_fields(const char *name, const struct bpf_field *fields,
					 size_t count)
{
	struct abi_result_handle result;
	struct arena arena = { 0 };

	CALL(abi_table_from_fields(name, strlen(name), fields_of(&arena, fields, count), count,
				   &result));
	arena__free(&arena);
	return table_new(&result);
}

int bpf_table__add_hint(struct bpf_table *table, const char *field, const char *key,
			const char *value)
{
	struct abi_hint hint = { string(key), string(value) };
	struct abi_result result;

	if (!field)
		field = "";
	CALL(abi_table_add_hints(table->handle, field, strlen(field), &hint, 1, &result));
	return OUTCOME(result);
}

static int emit(struct bpf_table *table, const void *rows, size_t bytes)
{
	struct abi_result result;

	CALL(abi_table_emit(table->handle, rows, bytes, &result));
	return OUTCOME(result);
}

/* What a table has gathered, and what was printed before it. */
static int hand_on(struct bpf_table *table)
{
	size_t bytes = table->pending;

	if (!bytes)
		return 0;
	table->pending = 0;
	return emit(table, table->rows, bytes);
}

/* Rows of other tables come first, so that the order of all is kept. */
static int hand_on_others(struct bpf_table *but)
{
	struct bpf_table *table;

	if (fflush(stdout) == EOF)
		return error__set(BPF_ERROR_CLOSED, EPIPE, "write to standard output");
	for (table = tables; table; table = table->next)
		if (table != but && hand_on(table) < 0)
			return -errno;
	return 0;
}

int output__flush_before_wait(void)
{
	return hand_on_others(NULL);
}

int bpf_output__flush(void)
{
	struct abi_result result;

	if (hand_on_others(NULL) < 0)
		return -errno;
	CALL(abi_output_flush(&result));
	return OUTCOME(result);
}

int bpf_table__push(struct bpf_table *table, const void *row, size_t size)
{
	uint32_t head[2] = { (uint32_t)size, 0 };
	size_t bytes = sizeof(head) + ((size + 7) & ~(size_t)7);
	unsigned char *at;

	if (bytes > sizeof(table->rows))
		return error__set(BPF_ERROR_LIMIT_EXCEEDED, E2BIG,
				  "emit a row: it has more than 64 KiB");
	if (!table->pending && hand_on_others(table) < 0)
		return -errno;
	if (table->pending + bytes > sizeof(table->rows) && hand_on(table) < 0)
		return -errno;
	at = table->rows + table->pending;
	memset(at + bytes - 8, 0, 8);
	memcpy(at, head, sizeof(head));
	memcpy(at + sizeof(head), row, size);
	table->pending += bytes;
	return 0;
}

int bpf_table__push_row(struct bpf_table *table, const struct bpf_row *row)
{
	return bpf_table__push(table, row->bytes, row->size);
}

int bpf_table__flush(struct bpf_table *table)
{
	return hand_on_others(table) < 0 || hand_on(table) < 0 ? -errno : 0;
}

int bpf_table__emit_batch(struct bpf_table *table, const struct bpf_batch *batch)
{
	if (bpf_table__flush(table) < 0)
		return -errno;
	return batch->bytes ? emit(table, batch->records, batch->bytes) : 0;
}

int bpf_table__end_of_interval(struct bpf_table *table)
{
	struct abi_result result;

	if (bpf_table__flush(table) < 0)
		return -errno;
	CALL(abi_table_end_of_interval(table->handle, &result));
	return OUTCOME(result);
}

void bpf_table__free(struct bpf_table *table)
{
	struct bpf_table **at = &tables;

	if (!table)
		return;
	/* Nobody is left to hear that it failed. */
	hand_on(table);
	while (*at != table)
		at = &(*at)->next;
	*at = table->next;
	abi_table_drop(table->handle);
	free(table);
}

void bpf_output__report_lost(uint64_t count)
{
	abi_report_lost(count);
}

void bpf_row__clear(struct bpf_row *row)
{
	row->size = 0;
}

void bpf_row__free(struct bpf_row *row)
{
	memory__free(row->bytes);
	*row = (struct bpf_row){ 0 };
}

void bpf_row__put(struct bpf_row *row, const void *value, size_t size)
{
	if (size > row->room - row->size) {
		row->room = row->size + size > row->room * 2 ? row->size + size : row->room * 2;
		row->bytes = memory__resized(row->bytes, row->room);
	}
	memcpy(row->bytes + row->size, value, size);
	row->size += size;
}

void bpf_row__put_bool(struct bpf_row *row, bool value)
{
	bpf_row__put_u8(row, value);
}

void bpf_row__put_u8(struct bpf_row *row, uint8_t value)
{
	bpf_row__put(row, &value, sizeof(value));
}

void bpf_row__put_u16(struct bpf_row *row, uint16_t value)
{
	bpf_row__put(row, &value, sizeof(value));
}

void bpf_row__put_u32(struct bpf_row *row, uint32_t value)
{
	bpf_row__put(row, &value, sizeof(value));
}

void bpf_row__put_u64(struct bpf_row *row, uint64_t value)
{
	bpf_row__put(row, &value, sizeof(value));
}

void bpf_row__put_f64(struct bpf_row *row, double value)
{
	bpf_row__put(row, &value, sizeof(value));
}

void bpf_row__put_bytes(struct bpf_row *row, const void *bytes, uint32_t size)
{
	bpf_row__put_u32(row, size);
	bpf_row__put(row, bytes, size);
}

void bpf_row__put_text(struct bpf_row *row, const char *text)
{
	bpf_row__put_bytes(row, text, strlen(text));
}

void bpf_row__put_present(struct bpf_row *row, bool is_present)
{
	bpf_row__put_bool(row, is_present);
}

void bpf_row__put_count(struct bpf_row *row, uint32_t count)
{
	bpf_row__put_u32(row, count);
}
