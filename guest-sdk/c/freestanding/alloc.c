/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Memory in powers of two, each with a list of free pieces: what is freed is used again for pieces
 * of the same power, so that a guest which does the same again and again does not grow.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Of all pieces, and of what is in front of each. */
#define ALIGN 16
#define PAGE_BYTES 65536
#define POWER_MIN 5
#define POWERS 32

struct piece {
	uint32_t power;
	/* While it is free. */
	struct piece *next;
	uint32_t unused[2];
};
_Static_assert(sizeof(struct piece) == ALIGN, "what follows is aligned");

static struct piece *unused_pieces[POWERS];

/* What the linker has put into memory ends here. */
extern unsigned char __heap_base;
static uintptr_t heap_end;

static struct piece *grow(uint32_t power)
{
	uintptr_t bytes = (uintptr_t)1 << power;
	uintptr_t start = heap_end ? heap_end : ((uintptr_t)&__heap_base + ALIGN - 1) & -ALIGN;
	uintptr_t has = __builtin_wasm_memory_size(0) * PAGE_BYTES;
	uintptr_t end;

	if (__builtin_add_overflow(start, bytes, &end))
		return NULL;
	if (end > has && __builtin_wasm_memory_grow(0, (end - has + PAGE_BYTES - 1) / PAGE_BYTES) ==
				 (size_t)-1)
		return NULL;
	heap_end = end;
	return (struct piece *)start;
}

void *malloc(size_t bytes)
{
	struct piece *piece;
	uint32_t power = POWER_MIN;

	if (bytes > ((size_t)1 << (POWERS - 1)) - sizeof(*piece))
		return NULL;
	while (((size_t)1 << power) - sizeof(*piece) < bytes)
		power++;
	piece = unused_pieces[power];
	if (piece)
		unused_pieces[power] = piece->next;
	else
		piece = grow(power);
	if (!piece)
		return NULL;
	piece->power = power;
	return piece + 1;
}

void free(void *memory)
{
	struct piece *piece = (struct piece *)memory - 1;

	if (!memory)
		return;
	piece->next = unused_pieces[piece->power];
	unused_pieces[piece->power] = piece;
}

void *calloc(size_t count, size_t bytes)
{
	size_t total;
	void *memory;

	if (__builtin_mul_overflow(count, bytes, &total))
		return NULL;
	memory = malloc(total);
	return memory ? memset(memory, 0, total) : NULL;
}

void *realloc(void *memory, size_t bytes)
{
	struct piece *piece = (struct piece *)memory - 1;
	size_t room;
	void *larger;

	if (!memory)
		return malloc(bytes);
	room = ((size_t)1 << piece->power) - sizeof(*piece);
	if (bytes <= room)
		return memory;
	larger = malloc(bytes);
	if (!larger)
		return NULL;
	memcpy(larger, memory, room);
	free(memory);
	return larger;
}

void *aligned_alloc(size_t align, size_t bytes)
{
	return align <= ALIGN ? malloc(bytes) : NULL;
}

void abort(void)
{
	__builtin_trap();
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if ((c | 32) >= 'a' && (c | 32) <= 'f')
		return (c | 32) - 'a' + 10;
	return 16;
}

unsigned long long strtoull(const char *text, char **end, int base)
{
	unsigned long long value = 0;

	if (!base || base == 16) {
		int is_hexadecimal = text[0] == '0' && (text[1] | 32) == 'x' && digit(text[2]) < 16;

		text += is_hexadecimal ? 2 : 0;
		base = base || is_hexadecimal ? 16 : 10;
	}
	for (; digit(*text) < base; text++)
		value = value * (unsigned int)base + (unsigned int)digit(*text);
	if (end)
		*end = (char *)text;
	return value;
}

int atoi(const char *text)
{
	int is_negative = *text == '-';
	int value = (int)strtoull(text + is_negative, NULL, 10);

	return is_negative ? -value : value;
}
