// SPDX-License-Identifier: Apache-2.0
// Swap areas and hibernation images. The signatures are those of Linux (mm/swapfile.c,
// kernel/power/swap.c), of uswsusp and of TuxOnIce; a swap header keeps its version and UUID from
// byte 1024 on, also while a hibernation image is in it.
#include "image/swap.h"

#include <string.h>

#include "base/bytes.h"

enum { SIGNATURE_LEN = BF_SWAP_SIGNATURE, HEADER_AT = 1024, UUID_AT = HEADER_AT + 12 };
enum { PAGE_MIN = 4096, PAGE_MAX = BF_SWAP_PROBE_BYTES, SECTOR = 512 };

static const struct {
    const char *text;
    uint8_t len;
    enum bf_swap_kind kind;
} signatures[] = {
    {"SWAPSPACE2", 10, BF_SWAP_PLAIN},
    {"SWAP-SPACE", 10, BF_SWAP_PLAIN},
    {"S1SUSPEND", 9, BF_SWAP_HIBERNATED}, // the kernel's own
    {"S2SUSPEND", 9, BF_SWAP_HIBERNATED},
    {"ULSUSPEND", 9, BF_SWAP_HIBERNATED}, // uswsusp
    {"LINHIB0001", 10, BF_SWAP_HIBERNATED},
    {"\xed\xc3\x02\xe9\x98\x56\xe5\x0c", 8, BF_SWAP_HIBERNATED}, // TuxOnIce
};

static enum bf_swap_kind judge(const uint8_t *at)
{
    for (size_t i = 0; i < BF_COUNT(signatures); i++)
        if (memcmp(at, signatures[i].text, signatures[i].len) == 0)
            return signatures[i].kind;
    return BF_SWAP_NONE;
}

static void take_signature(const uint8_t *at, char out[SIGNATURE_LEN + 1])
{
    size_t n = 0;
    for (; n < SIGNATURE_LEN && at[n] >= 0x20 && at[n] < 0x7f; n++)
        out[n] = (char)at[n];
    out[n] = 0;
    if (!n)
        memcpy(out, "TuxOnIce", sizeof "TuxOnIce");
}

static void take_uuid(const uint8_t *bytes, struct bf_swap *out)
{
    static const uint8_t none[16];
    memcpy(out->uuid, bytes + UUID_AT, sizeof out->uuid);
    out->has_uuid = memcmp(out->uuid, none, sizeof none) != 0;
}

void bf_swap_probe(const void *bytes, size_t len, struct bf_swap *out)
{
    memset(out, 0, sizeof *out);
    for (uint32_t page = PAGE_MIN; page <= PAGE_MAX && page <= len; page *= 2) {
        const uint8_t *at = (const uint8_t *)bytes + page - SIGNATURE_LEN;
        enum bf_swap_kind kind = judge(at);
        if (kind == BF_SWAP_NONE)
            continue;
        out->kind = kind;
        out->page_size = page;
        take_signature(at, out->signature);
        if (kind == BF_SWAP_PLAIN)
            take_uuid(bytes, out);
        return;
    }
}

// ---- Swap files --------------------------------------------------------------------------------

// Version 1 in either order of bytes, and pages to swap to.
static int is_header(const uint8_t *at)
{
    return (bf_le32(at) == 1 || bf_be32(at) == 1) && bf_le32(at + 4) != 0;
}

// The kernel and uswsusp keep the signature of the swap area in front of theirs. Otherwise there is
// its header, 1024 bytes behind the beginning of the page; where a file system has blocks of 1 KiB,
// without the zero blocks of the page it may be closer.
static int is_swap(const uint8_t *end, size_t before)
{
    if (before < PAGE_MIN || judge(end - 2 * SIGNATURE_LEN) == BF_SWAP_PLAIN)
        return 1;
    for (size_t back = HEADER_AT; back < PAGE_MAX && back <= before; back += HEADER_AT)
        if (is_header(end - back))
            return 1;
    return 0;
}

// All data of a machine passes here. Four bytes tell the signatures from nearly everything else.
size_t bf_swap_find_hibernated(const void *bytes, size_t before, size_t len)
{
    const uint8_t *from = bytes;
    const uint32_t kernel = bf_le32("SUSP"), uswsusp = bf_le32("NHIB"),
                   toi = bf_le32("\x02\xe9\x98\x56");
    for (size_t end = SECTOR; end <= len; end += SECTOR) {
        const uint8_t *at = from + end - SIGNATURE_LEN;
        uint32_t w = bf_le32(at + 2);
        if (w != kernel && w != uswsusp && w != toi)
            continue;
        if (judge(at) == BF_SWAP_HIBERNATED && is_swap(from + end, before + end))
            return end;
    }
    return 0;
}
