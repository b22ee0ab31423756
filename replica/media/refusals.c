// SPDX-License-Identifier: Apache-2.0
// The two programs as bytes of this one, see media_refusals.h. The assembler takes them from the
// build folder; replica/sources.mk makes this file depend on them.
#include "replica/media/refusals.h"

#define INCLUDE(name, file)                                                                        \
    __asm__(".pushsection .rodata\n.balign 16\n"                                                   \
            ".globl " #name ", " #name "_end\n" #name ":\n.incbin \"" file "\"\n" #name "_end:\n"  \
            ".byte 0\n.popsection\n")

INCLUDE(bf_bios_sector, "build/refuse/bios.bin");
INCLUDE(bf_ia32_image, "build/refuse/bootia32.efi");
