// SPDX-License-Identifier: Apache-2.0
// lwIP's view of compiler and platform.
#ifndef BF_NET_ARCH_CC_H
#define BF_NET_ARCH_CC_H

#include <stdint.h>

#include "base/fmt.h"

#define LWIP_NO_INTTYPES_H 1
#define LWIP_NO_CTYPE_H    1

#define X8_F  "02x"
#define U16_F "u"
#define S16_F "d"
#define X16_F "x"
#define U32_F "u"
#define S32_F "d"
#define X32_F "x"
#define SZT_F "zu"

#define PACK_STRUCT_STRUCT __attribute__((packed))

uint32_t bf_lwip_random(void);
void bf_lwip_complain(const char *file, int line);

#define LWIP_RAND() bf_lwip_random()
// A broken assumption inside lwIP is told and counted; halting would help nobody. Its place says
// which one it is, so that the texts need not be in the boot image.
#define LWIP_PLATFORM_ASSERT(text) bf_lwip_complain(__FILE__, __LINE__)
#define LWIP_PLATFORM_DIAG(arguments)                                                              \
    do {                                                                                           \
    } while (0)

#endif
