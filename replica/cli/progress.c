// SPDX-License-Identifier: Apache-2.0
// Progress on a terminal, see cli_progress.h.
#include "replica/cli/progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/platform.h"
#include "replica/state/text.h"

enum { EVERY_US = 200000 };

void bf_cli_progress_begin(struct bf_cli_progress *p, const char *what, unsigned number)
{
    *p = (struct bf_cli_progress){.what = what, .number = number, .terminal = isatty(2)};
}

void bf_cli_progress_show(void *user, uint64_t done, uint64_t total)
{
    struct bf_cli_progress *p = user;
    char done_text[BF_BYTES_TEXT], total_text[BF_BYTES_TEXT];
    uint64_t now = bf_platform_now_us();
    if (!p->terminal || (p->shown && now - p->last_us < EVERY_US))
        return;
    p->last_us = now;
    p->shown = 1;
    fprintf(stderr, "\r%s %u: %s of %s (%u %%) \033[K", p->what, p->number,
            bf_bytes_text(done, done_text), bf_bytes_text(total, total_text),
            total ? (unsigned)(done * 100 / total) : 100);
}

void bf_cli_progress_end(struct bf_cli_progress *p)
{
    if (p->shown)
        fprintf(stderr, "\r\033[K");
}
