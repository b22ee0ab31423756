// SPDX-License-Identifier: Apache-2.0
// The last screen of an assessment: each disk, the link, and how long a copy would take.
#include "boot/screen_assessed.h"

#include "base/fmt.h"
#include "boot/screen_table.h"
#include "migrate/assess.h"

enum { TOP = 2, LABEL = 15, BELOW_DISKS = 7 };

void bf_screen_duration(char *out, size_t size, uint64_t seconds)
{
    if (seconds >= 2 * 86400)
        bf_snprintf(out, size, "%ju days", (uintmax_t)(seconds / 86400));
    else if (seconds >= 3600)
        bf_snprintf(out, size, "%ju h %02u min", (uintmax_t)(seconds / 3600),
                    (uint32_t)(seconds / 60 % 60));
    else if (seconds >= 120)
        bf_snprintf(out, size, "%u min", (uint32_t)((seconds + 30) / 60));
    else
        bf_snprintf(out, size, "%u s", (uint32_t)seconds);
}

static void disk_row(struct bf_grid *g, uint32_t row, const struct bf_assessed_disk *d)
{
    char used[16], bytes[16], rate[16];
    bf_human_bytes(used, sizeof used, d->used);
    bf_human_bytes(bytes, sizeof bytes, d->bytes);
    bf_human_bytes(rate, sizeof rate, d->rate);
    uint32_t at = bf_grid_putf(g, row, BF_SCREEN_LEFT, BF_TONE_NORMAL, "disk %-3u %9s of %9s used",
                               d->number, used, bytes);
    if (d->rate)
        at = bf_grid_putf(g, row, at, BF_TONE_NORMAL, ", read at %9s/s", rate);
    else
        at = bf_grid_put(g, row, at, d->used ? BF_TONE_BAD : BF_TONE_DIM, ", not timed     ");
    bf_grid_putf(g, row, at, BF_TONE_DIM, "  %s", d->name);
}

static void time_row(struct bf_grid *g, uint32_t row, const char *label, uint64_t seconds,
                     const char *what)
{
    char text[32];
    bf_grid_put(g, row, BF_SCREEN_LEFT, BF_TONE_DIM, label);
    if (seconds == UINT64_MAX)
        bf_snprintf(text, sizeof text, "cannot be told");
    else
        bf_screen_duration(text, sizeof text, seconds);
    uint32_t at = bf_grid_put(g, row, BF_SCREEN_LEFT + LABEL, BF_TONE_BRIGHT, text);
    if (seconds != UINT64_MAX)
        bf_grid_put(g, row, at, BF_TONE_NORMAL, what);
}

void bf_screen_assessed(const struct bf_screen *s, struct bf_grid *g, uint32_t tail)
{
    const struct bf_assess_view *v = s->assess;
    uint32_t row = TOP, disks = 0;
    char rate[16];
    bf_grid_put(g, row, BF_SCREEN_LEFT, BF_TONE_GOOD, "ASSESSED");
    bf_grid_put(g, row, BF_SCREEN_LEFT + LABEL, BF_TONE_NORMAL, "nothing of the disks was sent");
    row += 2;
    if (!v)
        return;
    for (; disks < v->found.disks && row + BELOW_DISKS < tail; disks++)
        disk_row(g, row++, &v->found.disk[disks]);
    if (disks < v->found.disks)
        bf_grid_putf(g, row++, BF_SCREEN_LEFT, BF_TONE_DIM, "and %u more", v->found.disks - disks);
    row++;
    bf_human_bytes(rate, sizeof rate, v->link.link);
    bf_grid_put(g, row, BF_SCREEN_LEFT, BF_TONE_DIM, "Link");
    bf_grid_putf(g, row++, BF_SCREEN_LEFT + LABEL, BF_TONE_NORMAL, "%s/s to %s", rate, v->server);
    time_row(g, row++, "First copy", v->estimate.first, ", while this machine is off");
    time_row(g, row++, "Later copy", v->estimate.later,
             " at least, and what has changed until then");
    if (v->found.unseen) {
        bf_grid_put(g, row, BF_SCREEN_LEFT, BF_TONE_WARN, "Not seen");
        bf_grid_wrap(g, row, BF_SCREEN_LEFT + LABEL, g->columns - 2u * BF_SCREEN_LEFT - LABEL, 3,
                     BF_TONE_WARN, v->found.unseen_list);
    }
}
