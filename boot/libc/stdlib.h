// SPDX-License-Identifier: Apache-2.0
// <stdlib.h> of the boot image. Memory comes from base/mem.h, so that everything is on one account.
#ifndef BF_LIBC_STDLIB_H
#define BF_LIBC_STDLIB_H

#include <stddef.h>

#define EXIT_SUCCESS 0
#define EXIT_FAILURE 1

void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void free(void *memory);
int atoi(const char *string);

#endif
