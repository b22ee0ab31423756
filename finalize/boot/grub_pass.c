// SPDX-License-Identifier: Apache-2.0
// See grub_pass.h.
#include "finalize/boot/grub_pass.h"

void bf_grub_replace(struct bf_grub_pass *p, const char *from, const char *to, const char *new,
                     size_t len)
{
    if (from < p->done)
        return;
    bf_text_add(&p->out, p->done, (size_t)(from - p->done));
    bf_text_add(&p->out, new, len);
    p->done = to;
}
