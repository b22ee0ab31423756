// SPDX-License-Identifier: Apache-2.0
// See wanted.h; fstab(5), systemd.mount(5).
#include "finalize/vm/wanted.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/core/ini.h"
#include "finalize/system/fields.h"
#include "finalize/system/service.h"

// What the finalizer has to see, and the unit that would mount it (systemd-escape(1)).
static const struct place {
    const char *at, *unit;
} places[] = {
    {"/usr", "usr.mount"},   {"/var", "var.mount"},           {"/var/lib", "var-lib.mount"},
    {"/boot", "boot.mount"}, {"/boot/efi", "boot-efi.mount"}, {"/efi", "efi.mount"},
};

bool bf_wanted_option(const char *options, const char *name, char *out, size_t size)
{
    const char *at = bf_fields_after(options, name, ",=");
    if (at)
        snprintf(out, size, "%.*s", *at == '=' ? (int)strcspn(at + 1, ",") : 0, at + (*at == '='));
    return at != NULL;
}

const struct bf_want *bf_wanted_at(const struct bf_wanted_list *list, const char *at)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->item[i].at, at) == 0)
            return &list->item[i];
    return NULL;
}

static bool is_needed(const char *at)
{
    for (size_t i = 0; i < BF_COUNT(places); i++)
        if (strcmp(places[i].at, at) == 0)
            return true;
    return false;
}

static void finish(struct bf_want *w)
{
    char value[8];
    w->needed = is_needed(w->at);
    w->optional = bf_wanted_option(w->options, "nofail", value, sizeof value) ||
                  bf_wanted_option(w->options, "noauto", value, sizeof value);
}

static bool read_line(const struct bf_line *line, unsigned number, struct bf_want *out)
{
    struct bf_fields w = bf_fields_split(line);
    *out = (struct bf_want){.needed = false};
    bf_fields_plain(&w, 0, out->device, sizeof out->device);
    bf_fields_plain(&w, 1, out->at, sizeof out->at);
    bf_fields_plain(&w, 2, out->type, sizeof out->type);
    bf_fields_plain(&w, 3, out->options, sizeof out->options);
    // "/boot/" is "/boot"
    size_t last = strlen(out->at);
    while (last > 1 && out->at[last - 1] == '/')
        out->at[--last] = 0;
    snprintf(out->from, sizeof out->from, "/etc/fstab line %u", number);
    finish(out);
    return w.count > 2;
}

static void read_fstab(const struct bf_fin_root *root, struct bf_wanted_list *out)
{
    size_t len, pos = 0;
    unsigned number = 0;
    struct bf_line line;
    char *text = bf_fin_root_read(root, "/etc/fstab", BF_ROOT_TEXT_MAX, &len, NULL);
    while (text && out->count < BF_WANTED_MAX && bf_line_next(text, len, &pos, &line))
        out->count += read_line(&line, ++number, &out->item[out->count]);
    free(text);
}

// ---- Units -------------------------------------------------------------------------------------

// Whether something that is started draws the unit in; *softly: the system starts without it.
static bool is_enabled(const struct bf_fin_root *root, const char *unit, bool *softly)
{
    static const char *const ends[] = {".requires", ".wants"};
    bool enabled = false;
    struct bf_names names;
    for (size_t e = 0; e < BF_COUNT(ends) && !enabled; e++) {
        if (bf_fin_root_list(root, "/etc/systemd/system", ends[e], &names))
            continue;
        for (size_t i = 0; i < names.count && !enabled; i++) {
            char path[400];
            snprintf(path, sizeof path, "/etc/systemd/system/%.255s/%s", names.name[i], unit);
            char *link = bf_fin_root_readlink(root, path);
            enabled = link || bf_fin_root_exists(root, path);
            free(link);
        }
        bf_names_free(&names);
        *softly = e == 1;
    }
    return enabled;
}

static bool read_unit(const struct bf_fin_root *root, const char *path, const char *at,
                      struct bf_want *out)
{
    size_t len;
    char *text = bf_fin_root_read(root, path, BF_ROOT_TEXT_MAX, &len, NULL);
    *out = (struct bf_want){.type = "auto"};
    bool ok = text && bf_ini_find(text, len, "Mount", "What", out->device, sizeof out->device) &&
              bf_ini_find(text, len, "Mount", "Where", out->at, sizeof out->at) &&
              strcmp(out->at, at) == 0;
    if (ok && !bf_ini_find(text, len, "Mount", "Type", out->type, sizeof out->type))
        snprintf(out->type, sizeof out->type, "auto");
    if (ok)
        bf_ini_find(text, len, "Mount", "Options", out->options, sizeof out->options);
    snprintf(out->from, sizeof out->from, "%s", path);
    free(text);
    return ok;
}

static void add_unit(const struct bf_fin_root *root, const struct place *place,
                     struct bf_wanted_list *out)
{
    static const char *const dirs[] = {"/etc/systemd/system", "/usr/local/lib/systemd/system",
                                       "/usr/lib/systemd/system", "/lib/systemd/system"};
    struct bf_want *old = (struct bf_want *)bf_wanted_at(out, place->at), unit;
    bool softly = false, enabled = is_enabled(root, place->unit, &softly);
    for (size_t d = 0; d < BF_COUNT(dirs); d++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", dirs[d], place->unit);
        if ((d > 0 && old) || !read_unit(root, path, place->at, &unit))
            continue;
        if (!enabled && !old)
            return;
        finish(&unit);
        unit.optional = unit.optional || (softly && !old);
        if (!old && out->count < BF_WANTED_MAX)
            old = &out->item[out->count++];
        if (old)
            *old = unit;
        return;
    }
}

static int by_depth(const void *a, const void *b)
{
    size_t x = strlen(((const struct bf_want *)a)->at), y = strlen(((const struct bf_want *)b)->at);
    return x < y ? -1 : x > y;
}

void bf_wanted_read(const struct bf_fin_root *root, struct bf_wanted_list *out)
{
    out->count = 0;
    read_fstab(root, out);
    for (size_t i = 0; i < BF_COUNT(places); i++)
        if (!bf_service_masked(root, places[i].unit))
            add_unit(root, &places[i], out);
    qsort(out->item, out->count, sizeof out->item[0], by_depth);
}
