// SPDX-License-Identifier: Apache-2.0
// <string.h> of the boot image: what the portable code and the third-party libraries use.
#ifndef BF_LIBC_STRING_H
#define BF_LIBC_STRING_H

#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t length);
void *memmove(void *to, const void *from, size_t length);
void *memset(void *to, int byte, size_t length);
int memcmp(const void *a, const void *b, size_t length);
void *memchr(const void *memory, int byte, size_t length);
size_t strlen(const char *string);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t limit);
char *strchr(const char *string, int byte);
char *strrchr(const char *string, int byte);
char *strstr(const char *string, const char *part);
size_t strspn(const char *string, const char *accept);
size_t strcspn(const char *string, const char *reject);

#endif
