/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef FREESTANDING_STRING_H
#define FREESTANDING_STRING_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

void *memcpy(void *to, const void *from, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
void *memset(void *to, int byte, size_t bytes);
void *memchr(const void *bytes, int byte, size_t count);
int memcmp(const void *left, const void *right, size_t bytes);
size_t strlen(const char *text);
size_t strnlen(const char *text, size_t bytes_max);
int strcmp(const char *left, const char *right);
int strncmp(const char *left, const char *right, size_t bytes_max);
char *strchr(const char *text, int c);
char *strstr(const char *text, const char *part);
char *strcpy(char *to, const char *from);

#ifdef __cplusplus
}
#endif

#endif
