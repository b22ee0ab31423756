// SPDX-License-Identifier: Apache-2.0
// A writer of newc archives; see cpio.h. Names and data are padded to 4 bytes counted from the
// archive's beginning, which is why an archive may only follow something that ends on such a
// boundary.
#include "finalize/initramfs/cpio.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

void bf_cpio_begin(struct bf_cpio *c, struct bf_text *out)
{
    *c = (struct bf_cpio){.out = out, .start = out->len, .inode = 1};
}

static void pad(struct bf_cpio *c)
{
    static const char zero[4];
    size_t rest = (c->out->len - c->start) % 4;
    if (rest)
        bf_text_add(c->out, zero, 4 - rest);
}

static void entry(struct bf_cpio *c, const char *name, unsigned mode, unsigned links,
                  const void *data, size_t len)
{
    if (len > UINT32_MAX) {
        c->out->failed = true;
        return;
    }
    bf_textf(c->out, "070701%08" PRIX32 "%08X%08X%08X%08X%08X%08" PRIX32 "%08X%08X%08X%08X%08X%08X",
             c->inode++, mode, 0, 0, links, 0, (uint32_t)len, 0, 0, 0, 0,
             (unsigned)strlen(name) + 1, 0);
    bf_text_add(c->out, name, strlen(name) + 1);
    pad(c);
    bf_text_add(c->out, data, len);
    pad(c);
}

void bf_cpio_dir(struct bf_cpio *c, const char *name, unsigned mode)
{
    entry(c, name, S_IFDIR | mode, 2, "", 0);
}

void bf_cpio_file(struct bf_cpio *c, const char *name, unsigned mode, const void *data, size_t len)
{
    if (!c->has || !c->has(c->arg, name, data, len))
        entry(c, name, S_IFREG | mode, 1, data, len);
}

void bf_cpio_link(struct bf_cpio *c, const char *name, const char *target)
{
    entry(c, name, S_IFLNK | 0777, 1, target, strlen(target));
}

void bf_cpio_end(struct bf_cpio *c)
{
    c->inode = 0;
    entry(c, "TRAILER!!!", 0, 1, "", 0);
}
