// SPDX-License-Identifier: Apache-2.0
// The table of storage: see boot/screen_table.h.
#include "boot/screen_table.h"

#include <string.h>

#include "base/fmt.h"
#include "boot/screen_grid.h"
#include "migrate/unseen.h"

enum {
    LEFT = BF_SCREEN_LEFT,
    NAME_COLUMN = LEFT + 3,
    SIZE_COLUMN = 30,
    BAR_COLUMN = SIZE_COLUMN + 12,
};

uint32_t bf_screen_percent(uint64_t part, uint64_t total)
{
    if (!total || part >= total)
        return total ? 100 : 0;
    uint64_t unit = total / 100 + (total % 100 != 0);
    return (uint32_t)(part / unit);
}

// ---- Disks -------------------------------------------------------------------------------------

// The serial number is shown whole, and as much of the model as fits; of a device path the end,
// which tells more than the beginning.
static void disk_name(char *out, size_t size, const struct bf_disk_identity *id)
{
    const char *name = id->serial[0] ? id->serial : id->wwn;
    size_t name_len = strlen(name), path_len = strlen(id->path);
    if (id->model[0] && name_len + 3 < size)
        bf_snprintf(out, size, "%.*s%s%s", (int)(size - name_len - 2), id->model,
                    name_len ? " " : "", name);
    else if (id->model[0] || name_len)
        bf_snprintf(out, size, "%s", name_len ? name : id->model);
    else if (path_len < size)
        bf_snprintf(out, size, "%s", id->path);
    else
        bf_snprintf(out, size, "..%s", id->path + path_len - (size - 3));
}

static void planned_disk(const struct bf_screen *s, struct bf_grid *g, uint32_t row, uint32_t i)
{
    const struct bf_inventory_disk *disk = &s->inventory->disk[i];
    const struct bf_progress *p = s->progress;
    uint32_t width = g->columns - LEFT - BAR_COLUMN - 6u;
    if (disk->hibernated && (!p || !p->disk[i].position)) {
        bf_grid_put(g, row, BAR_COLUMN, BF_TONE_WARN, "holds a hibernated system");
        return;
    }
    if (!p) {
        bf_grid_putf(g, row, BAR_COLUMN, BF_TONE_DIM, "driver %s", disk->driver);
        return;
    }
    const struct bf_progress_disk *d = &p->disk[i];
    int verifying = p->phase == BF_PHASE_VERIFYING;
    uint64_t done = verifying ? d->verified : d->durable;
    char text[8];
    bf_grid_rule(g, row, BAR_COLUMN, width, done, verifying ? 0 : d->position, d->bytes);
    bf_snprintf(text, sizeof text, "%u%%",
                bf_screen_percent(verifying ? d->verified : d->position, d->bytes));
    bf_grid_put_right(g, row, g->columns - LEFT, d->done ? BF_TONE_GOOD : BF_TONE_NORMAL, text);
}

// Why a disk is left out; after a failure rather the GUID by which disk= could name it, when it has
// nothing shorter.
static void excluded_disk(const struct bf_screen *s, struct bf_grid *g, uint32_t row, uint32_t i)
{
    const struct bf_inventory_disk *disk = &s->inventory->disk[i];
    const struct bf_disk_identity *id = &disk->identity;
    char guid[37];
    bf_guid_text(guid, id->gpt_guid);
    int by_guid = s->kind == BF_SCREEN_FAILURE && id->has_gpt && !id->serial[0] && !id->wwn[0];
    bf_grid_put(g, row, BAR_COLUMN, BF_TONE_DIM,
                by_guid        ? guid
                : disk->why[0] ? disk->why
                               : "not chosen yet");
}

static void disk_row(const struct bf_screen *s, struct bf_grid *g, uint32_t row, uint32_t i)
{
    const struct bf_inventory_disk *disk = &s->inventory->disk[i];
    char name[SIZE_COLUMN - NAME_COLUMN], size[16];
    enum bf_tone tone = disk->planned ? BF_TONE_NORMAL : BF_TONE_DIM;
    disk_name(name, sizeof name, &disk->identity);
    bf_human_bytes(size, sizeof size, disk->identity.bytes);
    bf_grid_putf(g, row, LEFT, tone, "%u", i);
    bf_grid_put(g, row, NAME_COLUMN, tone, name);
    bf_grid_put_right(g, row, SIZE_COLUMN + 10, tone, size);
    (disk->planned ? planned_disk : excluded_disk)(s, g, row, i);
}

// ---- What no disk came from --------------------------------------------------------------------

// Without a size, so that the name has its room; the reason ends with two dots where it does not
// fit.
static void unseen_row(const struct bf_screen *s, struct bf_grid *g, uint32_t row, uint32_t i)
{
    struct bf_unseen entry = s->inventory->unseen[i];
    enum bf_tone tone = bf_unseen_is_unknown(&entry) ? BF_TONE_WARN : BF_TONE_DIM;
    char name[BAR_COLUMN - NAME_COLUMN], why[BF_SCREEN_MAX_COLUMNS];
    uint32_t room = g->columns - LEFT - (uint32_t)BAR_COLUMN;
    bf_snprintf(why, sizeof why, "%s%s%s", entry.slot, entry.slot[0] ? "  " : "", entry.why);
    entry.slot[0] = 0;
    bf_unseen_text(name, sizeof name, &entry);
    if (strlen(why) > room)
        memcpy(why + room - 2, "..", sizeof "..");
    bf_grid_put(g, row, LEFT, tone, "-");
    bf_grid_put(g, row, NAME_COLUMN, tone, name);
    bf_grid_put(g, row, BAR_COLUMN, tone, why);
}

// ---- All of it ---------------------------------------------------------------------------------

enum group { PLANNED, UNKNOWN, EXCLUDED, EMPTY, GROUPS }; // in the order of the rows

// Of row-to-be n: the disks, then the others.
static uint32_t group_of(const struct bf_inventory *inventory, uint32_t n)
{
    if (n < inventory->disks)
        return inventory->disk[n].planned ? PLANNED : EXCLUDED;
    return bf_unseen_is_unknown(&inventory->unseen[n - inventory->disks]) ? UNKNOWN : EMPTY;
}

uint32_t bf_screen_table_rows(const struct bf_screen *s)
{
    return s->inventory ? (uint32_t)s->inventory->disks + s->inventory->unseens : 0;
}

static void rest_row(struct bf_grid *g, uint32_t row, uint32_t hidden, uint32_t unknown)
{
    if (unknown)
        bf_grid_putf(g, row, LEFT, BF_TONE_WARN, "and %u more, of which %u cannot be seen", hidden,
                     unknown);
    else
        bf_grid_putf(g, row, LEFT, BF_TONE_DIM, "and %u more", hidden);
}

void bf_screen_table(const struct bf_screen *s, struct bf_grid *g, uint32_t row, uint32_t rows)
{
    const struct bf_inventory *inventory = s->inventory;
    uint32_t total = bf_screen_table_rows(s), room = total > rows ? rows - 1 : rows;
    uint32_t shown = 0, unknown = 0;
    if (!total || !rows)
        return;
    for (uint32_t group = 0; group < GROUPS; group++)
        for (uint32_t n = 0; n < total && shown < room; n++) {
            if (group_of(inventory, n) != group)
                continue;
            unknown += group == UNKNOWN;
            if (n < inventory->disks)
                disk_row(s, g, row + shown++, n);
            else
                unseen_row(s, g, row + shown++, n - inventory->disks);
        }
    if (shown < total)
        rest_row(g, row + shown, total - shown, bf_unseen_unknown(inventory) - unknown);
}
