/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <string.h>

/* The compiler knows what these loops do, and must not have each call itself. */
#define NO_BUILTIN __attribute__((no_builtin))

void *memcpy(void *to, const void *from, size_t bytes)
{
	return memmove(to, from, bytes);
}

NO_BUILTIN void *memmove(void *to, const void *from, size_t bytes)
{
	unsigned char *out = to;
	const unsigned char *in = from;

	/* Eight at a time where both allow it. */
	if (out <= in) {
		for (; bytes >= 8; bytes -= 8, out += 8, in += 8) {
			unsigned long long word;

			__builtin_memcpy(&word, in, 8);
			__builtin_memcpy(out, &word, 8);
		}
		while (bytes--)
			*out++ = *in++;
	} else {
		while (bytes--)
			out[bytes] = in[bytes];
	}
	return to;
}

NO_BUILTIN void *memset(void *to, int byte, size_t bytes)
{
	unsigned char *out = to;

	while (bytes--)
		*out++ = (unsigned char)byte;
	return to;
}

NO_BUILTIN void *memchr(const void *bytes, int byte, size_t count)
{
	const unsigned char *at = bytes;

	for (; count; count--, at++)
		if (*at == (unsigned char)byte)
			return (void *)at;
	return NULL;
}

NO_BUILTIN int memcmp(const void *left, const void *right, size_t bytes)
{
	const unsigned char *a = left, *b = right;

	for (; bytes; bytes--, a++, b++)
		if (*a != *b)
			return *a - *b;
	return 0;
}

NO_BUILTIN size_t strlen(const char *text)
{
	size_t bytes = 0;

	while (text[bytes])
		bytes++;
	return bytes;
}

NO_BUILTIN size_t strnlen(const char *text, size_t bytes_max)
{
	size_t bytes = 0;

	while (bytes < bytes_max && text[bytes])
		bytes++;
	return bytes;
}

int strncmp(const char *left, const char *right, size_t bytes_max)
{
	for (; bytes_max; bytes_max--, left++, right++) {
		if (*left != *right)
			return (unsigned char)*left - (unsigned char)*right;
		if (!*left)
			return 0;
	}
	return 0;
}

int strcmp(const char *left, const char *right)
{
	return strncmp(left, right, (size_t)-1);
}

char *strchr(const char *text, int c)
{
	for (;; text++) {
		if (*text == (char)c)
			return (char *)text;
		if (!*text)
			return NULL;
	}
}

char *strstr(const char *text, const char *part)
{
	size_t bytes = strlen(part);

	for (;; text++) {
		if (!strncmp(text, part, bytes))
			return (char *)text;
		if (!*text)
			return NULL;
	}
}

char *strcpy(char *to, const char *from)
{
	memcpy(to, from, strlen(from) + 1);
	return to;
}
