/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef FREESTANDING_STDLIB_H
#define FREESTANDING_STDLIB_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define EXIT_SUCCESS 0
#define EXIT_FAILURE 1

void *malloc(size_t bytes);
void *calloc(size_t count, size_t bytes);
void *realloc(void *memory, size_t bytes);
void *aligned_alloc(size_t align, size_t bytes);
void free(void *memory);
/* Prints what is left and ends the guest. */
__attribute__((noreturn)) void exit(int code);
/* Traps. */
__attribute__((noreturn)) void abort(void);
/* Bases 10 and 16; 0 chooses by a leading `0x`. */
unsigned long long strtoull(const char *text, char **end, int base);
int atoi(const char *text);

#ifdef __cplusplus
}
#endif

#endif
