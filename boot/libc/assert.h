// SPDX-License-Identifier: Apache-2.0
// <assert.h> of the boot image: assertions are compiled away. There is nobody to abort to.
#undef assert
#define assert(condition) ((void)0)
#ifndef static_assert
#define static_assert _Static_assert
#endif
