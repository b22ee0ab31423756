// SPDX-License-Identifier: Apache-2.0
// kdump: where it writes to (kdump.conf(5), kdump-tools(5), SUSE's sysconfig), and its own
// initramfs, which nothing else starts from. The memory that crashkernel= reserves stays reserved.
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/system/fields.h"
#include "finalize/system/service.h"
#include "finalize/system/stable.h"
#include "finalize/system/steps.h"

#define CONF "/etc/kdump.conf"

static bool is_file_system(const char *word)
{
    static const char *const types[] = {"ext2", "ext3", "ext4", "xfs", "btrfs", "minix"};
    for (size_t i = 0; i < BF_COUNT(types); i++)
        if (strcmp(word, types[i]) == 0)
            return true;
    return false;
}

// A raw partition is overwritten by a dump, so it must be one that holds nothing.
static enum bf_stable find_raw(struct bf_fin *f, const char *name, char *out, size_t size,
                               const char **why)
{
    const struct bf_device *dev = bf_stable_device(f, name, "");
    *why = !dev                ? "no probed device has that name"
           : dev->type[0]      ? "a dump would overwrite what is on the device found there"
           : !dev->partuuid[0] ? "the device found there has no PARTUUID"
                               : "";
    if (bf_name_kind(name) == BF_NAME_STABLE)
        return BF_STABLE_ALREADY;
    if (**why)
        return BF_STABLE_UNKNOWN;
    snprintf(out, size, "/dev/disk/by-partuuid/%s", dev->partuuid);
    return BF_STABLE_NEW;
}

static void rewrite_line(struct bf_fin *f, const struct bf_line *line, unsigned number,
                         struct bf_text *out)
{
    char key[16], name[256], stable[128];
    const char *why = "";
    struct bf_fields w = bf_fields_split(line);
    enum bf_stable is = BF_STABLE_ALREADY;
    bf_fields_text(&w, 0, key, sizeof key);
    bf_fields_text(&w, 1, name, sizeof name);
    if (strcmp(key, "raw") == 0 && !bf_budget_take(&f->budget, CONF, BF_BUDGET_LOOKUP))
        is = find_raw(f, name, stable, sizeof stable, &why);
    else if (is_file_system(key))
        is = bf_stable_find(f, name, key, "", CONF, stable, sizeof stable, &why);
    if (is == BF_STABLE_UNKNOWN)
        bf_note(f->report, "warning", CONF,
                "line %u: kdump writes to %s, which depends on the order of the disks, and %s",
                number, name, why);
    if (strcmp(key, "nfs") == 0 || strcmp(key, "ssh") == 0)
        bf_note(f->report, "info", CONF,
                "line %u: kdump writes over the network (%s), which has to be reached from the new "
                "home",
                number, key);
    if (is == BF_STABLE_NEW)
        bf_fields_put(out, line, &w, 1, stable);
    else
        bf_text_add(out, line->at, line->full);
}

static enum bf_err adapt_conf(struct bf_fin *f)
{
    size_t len, pos = 0;
    unsigned number = 0;
    struct bf_line line;
    struct bf_text out = {0};
    enum bf_err err;
    const char *text = bf_fin_get(f, CONF, &len, &err);
    if (!text)
        return err;
    while (bf_line_next(text, len, &pos, &line))
        rewrite_line(f, &line, ++number, &out);
    err = bf_fin_set(f, CONF, &out, "device names that do not depend on the order of the disks");
    bf_text_free(&out);
    return err;
}

// Settings of the other two that name a server.
static void note_servers(struct bf_fin *f, const char *path)
{
    static const char *const marks[] = {"ssh://",  "sftp://", "nfs://", "ftp://",
                                        "cifs://", "SSH=",    "NFS=",   "FTP="};
    size_t len, pos = 0;
    unsigned number = 0;
    struct bf_line line;
    const char *text = bf_edits_get(&f->edits, path, &len, NULL);
    while (text && bf_line_next(text, len, &pos, &line)) {
        number++;
        for (size_t i = 0; i < BF_COUNT(marks) && line.len && line.at[0] != '#'; i++)
            if (memmem(line.at, line.len, marks[i], strlen(marks[i]))) {
                bf_note(f->report, "info", path,
                        "line %u: kdump writes over the network, which has to be reached from the "
                        "new home",
                        number);
                return;
            }
    }
}

enum bf_err bf_adapt_kdump(struct bf_fin *f)
{
    enum bf_err err = adapt_conf(f);
    if (err)
        return err;
    note_servers(f, "/etc/default/kdump-tools");
    note_servers(f, "/etc/sysconfig/kdump");
    if (bf_service_starts(f, "kdump"))
        bf_note(f->report, "info", "kdump",
                "its own initramfs was made for the old machine; the service makes it anew when it "
                "starts (\"kdumpctl rebuild\")");
    else if (bf_service_starts(f, "kdump-tools"))
        bf_note(f->report, "info", "kdump",
                "its own initramfs was made for the old machine: remove /var/lib/kdump/initrd* and "
                "restart kdump-tools in the new home");
    return BF_OK;
}
