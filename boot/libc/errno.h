// SPDX-License-Identifier: Apache-2.0
// <errno.h> of the boot image: nothing here sets errno, and lwIP brings its own numbers.
#ifndef BF_LIBC_ERRNO_H
#define BF_LIBC_ERRNO_H

#endif
