// SPDX-License-Identifier: Apache-2.0
// <stdio.h> of the boot image: formatting into memory, and no streams.
#ifndef BF_LIBC_STDIO_H
#define BF_LIBC_STDIO_H

#include <stddef.h>

int snprintf(char *out, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
