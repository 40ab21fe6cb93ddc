/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Formats: `%d %i %u %x %c %s %p %%` with `-`, `0`, widths, precisions (also `*`) and the lengths
 * of C. No floating point.
 */
#ifndef FREESTANDING_STDIO_H
#define FREESTANDING_STDIO_H

#include <stdarg.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct freestanding_file FILE;
extern FILE *const stdout;
extern FILE *const stderr;

#define EOF (-1)

#define FREESTANDING_FORMAT(text, arguments) __attribute__((format(printf, text, arguments)))

int printf(const char *format, ...) FREESTANDING_FORMAT(1, 2);
int fprintf(FILE *file, const char *format, ...) FREESTANDING_FORMAT(2, 3);
int vfprintf(FILE *file, const char *format, va_list arguments);
int snprintf(char *to, size_t room, const char *format, ...) FREESTANDING_FORMAT(3, 4);
int vsnprintf(char *to, size_t room, const char *format, va_list arguments);
int puts(const char *text);
int fputs(const char *text, FILE *file);
int putchar(int c);
int fputc(int c, FILE *file);
size_t fwrite(const void *items, size_t bytes, size_t count, FILE *file);
/* EOF when nobody reads any more. */
int fflush(FILE *file);

#ifdef __cplusplus
}
#endif

#endif
