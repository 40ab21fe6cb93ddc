/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <eunomia_bpf.h>

#define IMPORT(module, name) __attribute__((import_module(module), import_name(name))) extern

IMPORT("wasi:cli/stdout@0.2.12", "get-stdout") int32_t abi_get_stdout(void);
IMPORT("wasi:cli/stderr@0.2.12", "get-stderr") int32_t abi_get_stderr(void);

/* `result<_, stream-error>`: error 0 is last-operation-failed with a handle, 1 closed. */
struct abi_write_result {
	uint8_t is_error;
	uint8_t kind;
	int32_t error;
};
IMPORT("wasi:io/streams@0.2.12", "[method]output-stream.blocking-write-and-flush")
void abi_write(int32_t self, const void *bytes, size_t count, struct abi_write_result *ret);
IMPORT("wasi:io/error@0.2.12", "[resource-drop]error") void abi_error_drop(int32_t self);

/* The most that one write takes. */
#define WRITE_BYTES_MAX 4096

int errno;

struct freestanding_file {
	int32_t (*get)(void);
	/* Zeros, which the component's file does not hold. */
	char *buffer;
	bool is_open, is_buffered;
	int32_t stream;
	size_t used;
};

static char out_buffer[WRITE_BYTES_MAX], err_buffer[WRITE_BYTES_MAX];
static struct freestanding_file out = { .get = abi_get_stdout,
					.buffer = out_buffer,
					.is_buffered = true };
static struct freestanding_file err = { .get = abi_get_stderr, .buffer = err_buffer };
FILE *const stdout = &out;
FILE *const stderr = &err;

int fflush(FILE *file)
{
	struct abi_write_result result;

	if (!file->used)
		return 0;
	if (!file->is_open) {
		file->stream = file->get();
		file->is_open = true;
	}
	abi_write(file->stream, file->buffer, file->used, &result);
	file->used = 0;
	if (!result.is_error)
		return 0;
	if (!result.kind)
		abi_error_drop(result.error);
	errno = EPIPE;
	return EOF;
}

size_t fwrite(const void *items, size_t bytes, size_t count, FILE *file)
{
	const char *from = items;
	size_t left = bytes * count;

	while (left) {
		size_t room = WRITE_BYTES_MAX - file->used;
		size_t part = left < room ? left : room;

		memcpy(file->buffer + file->used, from, part);
		file->used += part;
		from += part;
		left -= part;
		if ((!file->is_buffered || file->used == WRITE_BYTES_MAX) &&
		    fflush(file) == EOF)
			return 0;
	}
	return count;
}

int fputs(const char *text, FILE *file)
{
	size_t bytes = strlen(text);

	return fwrite(text, 1, bytes, file) == bytes ? 0 : EOF;
}

int puts(const char *text)
{
	return fputs(text, stdout) == EOF ? EOF : fputc('\n', stdout);
}

int fputc(int c, FILE *file)
{
	char byte = (char)c;

	return fwrite(&byte, 1, 1, file) ? c : EOF;
}

int putchar(int c)
{
	return fputc(c, stdout);
}

/* Where formatted text goes: a file, or memory as far as there is room. */
struct sink {
	FILE *file;
	char *to;
	size_t room;
	int count;
	bool has_failed;
};

static void put(struct sink *sink, const char *text, size_t bytes)
{
	if (sink->file) {
		sink->has_failed |= fwrite(text, 1, bytes, sink->file) != bytes;
	} else {
		for (size_t i = 0; i < bytes && (size_t)sink->count + i + 1 < sink->room; i++)
			sink->to[(size_t)sink->count + i] = text[i];
	}
	sink->count += (int)bytes;
}

static void fill(struct sink *sink, char c, int count)
{
	for (; count > 0; count--)
		put(sink, &c, 1);
}

/* A conversion: `%-08.4lx`. */
struct conversion {
	bool is_left, has_zeros;
	int width, precision;
	/* Bytes of a number. */
	size_t bytes;
	char letter;
};

static int number(const char **format, va_list *arguments)
{
	int value = 0;

	if (**format == '*') {
		++*format;
		return va_arg(*arguments, int);
	}
	while (**format >= '0' && **format <= '9')
		value = value * 10 + *(*format)++ - '0';
	return value;
}

static struct conversion parse(const char **format, va_list *arguments)
{
	struct conversion it = { .precision = -1, .bytes = sizeof(int) };

	for (;; ++*format) {
		if (**format == '-')
			it.is_left = true;
		else if (**format == '0')
			it.has_zeros = true;
		else
			break;
	}
	it.width = number(format, arguments);
	if (**format == '.') {
		++*format;
		it.precision = number(format, arguments);
	}
	for (;; ++*format) {
		if (**format == 'h')
			it.bytes /= 2;
		else if (**format == 'l')
			it.bytes = it.bytes == sizeof(long) && (*format)[-1] == 'l' ? 8 : sizeof(long);
		else if (**format == 'z' || **format == 't')
			it.bytes = sizeof(size_t);
		else if (**format == 'j')
			it.bytes = sizeof(intmax_t);
		else
			break;
	}
	it.letter = **format;
	if (it.letter)
		++*format;
	return it;
}

static void put_padded(struct sink *sink, const struct conversion *it, const char *text, int bytes)
{
	if (!it->is_left)
		fill(sink, ' ', it->width - bytes);
	put(sink, text, (size_t)bytes);
	if (it->is_left)
		fill(sink, ' ', it->width - bytes);
}

static void put_number(struct sink *sink, const struct conversion *it, va_list *arguments)
{
	bool is_signed = it->letter == 'd' || it->letter == 'i';
	unsigned int base = it->letter == 'x' || it->letter == 'p' ? 16 : 10;
	unsigned int unused_bits = 64 - 8 * (unsigned int)(it->letter == 'p' ? 4 : it->bytes);
	/* Small ones are passed as int. */
	uint64_t value = it->bytes == 8 ? va_arg(*arguments, uint64_t)
					: va_arg(*arguments, unsigned int);
	char text[24 + 1];
	int at = sizeof(text);
	bool is_negative;
	int digits;

	value = is_signed ? (uint64_t)((int64_t)(value << unused_bits) >> unused_bits)
			  : value << unused_bits >> unused_bits;
	is_negative = is_signed && (int64_t)value < 0;
	value = is_negative ? -value : value;
	do
		text[--at] = "0123456789abcdef"[value % base];
	while (value /= base);
	digits = it->precision;
	if (it->has_zeros && !it->is_left && it->precision < 0)
		digits = it->width - is_negative;
	while (at > 1 && (int)sizeof(text) - at < digits)
		text[--at] = '0';
	if (is_negative)
		text[--at] = '-';
	put_padded(sink, it, text + at, (int)sizeof(text) - at);
}

static int format_all(struct sink *sink, const char *format, va_list arguments)
{
	va_list copy;

	va_copy(copy, arguments);
	while (*format) {
		const char *end = strchr(format, '%');
		struct conversion it;

		if (end != format) {
			size_t bytes = end ? (size_t)(end - format) : strlen(format);

			put(sink, format, bytes);
			format += bytes;
			continue;
		}
		format++;
		it = parse(&format, &copy);
		if (it.letter == 's') {
			const char *text = va_arg(copy, const char *);
			size_t bytes_max = it.precision < 0 ? SIZE_MAX : (size_t)it.precision;

			put_padded(sink, &it, text, (int)strnlen(text, bytes_max));
		} else if (it.letter == 'c') {
			char c = (char)va_arg(copy, int);

			put_padded(sink, &it, &c, 1);
		} else if (it.letter && strchr("diuxp", it.letter)) {
			put_number(sink, &it, &copy);
		} else {
			put(sink, &it.letter, it.letter ? 1 : 0);
		}
	}
	va_end(copy);
	return sink->has_failed ? EOF : sink->count;
}

int vfprintf(FILE *file, const char *format, va_list arguments)
{
	struct sink sink = { .file = file };

	return format_all(&sink, format, arguments);
}

int vsnprintf(char *to, size_t room, const char *format, va_list arguments)
{
	struct sink sink = { .to = to, .room = room };
	int count = format_all(&sink, format, arguments);

	if (room)
		to[(size_t)count < room ? (size_t)count : room - 1] = '\0';
	return count;
}

int printf(const char *format, ...)
{
	va_list arguments;
	int count;

	va_start(arguments, format);
	count = vfprintf(stdout, format, arguments);
	va_end(arguments);
	return count;
}

int fprintf(FILE *file, const char *format, ...)
{
	va_list arguments;
	int count;

	va_start(arguments, format);
	count = vfprintf(file, format, arguments);
	va_end(arguments);
	return count;
}

int snprintf(char *to, size_t room, const char *format, ...)
{
	va_list arguments;
	int count;

	va_start(arguments, format);
	count = vsnprintf(to, room, format, arguments);
	va_end(arguments);
	return count;
}

void exit(int code)
{
	bpf_exit((uint8_t)code);
}
