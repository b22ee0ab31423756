// SPDX-License-Identifier: Apache-2.0
#include "tests/finalize_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "finalize/target/targets.h"
#include "tests/finalize_tree.h"

struct bf_fin table_fin;
struct bf_plan table_plan;
const struct bf_target *table_target;

static struct bf_fin_report report;
static struct bf_devices devices;
static char fault[4096];

static const struct bf_device disks[] = {
    {.disk = 0, .name = "/dev/vda"},
    {.disk = 0, .part = 1, .esp = true, .type = "vfat", .uuid = "AB-CD", .partuuid = "part-a1"},
    {.disk = 0, .part = 2, .root = true, .type = "ext4", .uuid = "1111", .partuuid = "part-a2"},
    {.disk = 0, .part = 3, .type = "swap", .uuid = "2222", .partuuid = "part-a3"},
    {.disk = 0, .part = 4, .type = "crypto_LUKS", .uuid = "3333", .partuuid = "part-a4"},
    {.disk = 0, .part = 5, .partuuid = "part-a5"},
    {.disk = 1, .part = 1, .type = "ext4", .uuid = "4444", .label = "data", .partuuid = "part-b1"},
    {.disk = 1, .part = 2, .type = "LVM2_member", .uuid = "pv-b2", .partuuid = "part-b2"},
    {.disk = 2, .part = 1, .type = "xfs", .uuid = "twin", .partuuid = "part-c1"},
    {.disk = 3, .part = 1, .type = "xfs", .uuid = "twin", .partuuid = "part-d1"},
    {.stacked = true, .type = "xfs", .uuid = "5555", .name = "/dev/mapper/vg-lv"},
};

void table_again(void)
{
    if (tree_root.fd < 0)
        tree_make();
    bf_edits_free(&table_fin.edits);
    bf_fin_report_free(&report);
    bf_fin_report_init(&report, "apply");
    struct bf_system system = table_fin.system;
    table_fin = (struct bf_fin){
        .root = &tree_root,
        .report = &report,
        .plan = &table_plan,
        .devices = &devices,
        .architectures = bf_architectures,
        .target = table_target ? table_target : bf_target_find(bf_targets, table_plan.target),
        .system = system};
    tree_root.budget = &table_fin.budget;
    bf_budget_begin(&table_fin.budget, "test");
    bf_edits_init(&table_fin.edits, &tree_root);
}

void table_begin(void)
{
    bf_devices_free(&devices);
    for (size_t i = 0; i < BF_COUNT(disks); i++)
        *bf_devices_add(&devices) = disks[i];
    table_target = NULL;
    table_plan = (struct bf_plan){.target = "qemu-virtio"};
    bf_system_init(&table_fin.system);
    table_again();
}

static bool has(const char *key, const char *about, const char *text)
{
    const json_t *notes = json_object_get(report.json, key), *note;
    size_t i;
    json_array_foreach(notes, i, note) if (strstr(json_string_value(json_object_get(note, about)),
                                                  text)) return true;
    return false;
}

bool table_said(const char *text)
{
    const char *error = json_string_value(json_object_get(report.json, "error"));
    return has("notes", "text", text) || (error && strstr(error, text));
}

void table_put(const char *path, const char *text)
{
    tree_put(path + 1, text, strlen(text));
}

void table_remove(const char *path)
{
    unlinkat(tree_root.fd, path + 1, 0);
}

static const char *wrong(const char *what, const char *in, const char *is, const char *wanted)
{
    snprintf(fault, sizeof fault, "%s of \"%.800s\":\n\"%.1200s\" instead of\n\"%.1200s\"", what,
             in, is, wanted);
    return fault;
}

// What the file will hold; `in` where it is not there any more.
static const char *now(const char *path, size_t *len)
{
    const char *text = bf_edits_get(&table_fin.edits, path, len, NULL);
    return text ? text : (*len = 0, "");
}

const char *table_fault_of(enum bf_err (*step)(struct bf_fin *), const char *path, const char *in,
                           size_t in_len, const char *out, size_t out_len)
{
    size_t len;
    tree_put(path + 1, in, in_len);
    table_again();
    if (step(&table_fin))
        return wrong("a refusal", in, json_string_value(json_object_get(report.json, "error")),
                     out);
    const char *text = now(path, &len);
    if (len != out_len || memcmp(text, out, len) != 0)
        return wrong("the result", in, text, out);
    return NULL;
}

static const char *second_run(enum bf_err (*step)(struct bf_fin *), const char *path,
                              const char *in, const char *out)
{
    const char *why = table_fault_of(step, path, out, strlen(out), out, strlen(out));
    if (why)
        return why;
    size_t changes = bf_edits_changes(&table_fin.edits);
    return changes ? wrong("a second run", in, "changes something", "no change") : NULL;
}

const char *table_fault(enum bf_err (*step)(struct bf_fin *), const char *path,
                        const struct table_row *row)
{
    bool same = strcmp(row->out, "=") == 0, refused = strcmp(row->out, "!") == 0;
    const char *out = same ? row->in : row->out, *why = NULL;
    if (refused) {
        table_put(path, row->in);
        table_again();
        if (!step(&table_fin))
            return wrong("no refusal", row->in, "accepted", row->note ? row->note : "");
    } else {
        why = table_fault_of(step, path, row->in, strlen(row->in), out, strlen(out));
    }
    bool silent = row->note && !row->note[0];
    if (!why && row->note && (silent ? table_said("") : !table_said(row->note))) {
        char *notes = json_dumps(report.json, JSON_COMPACT);
        why = wrong("the notes", row->in, notes, row->note);
        free(notes);
    }
    return why || refused ? why : second_run(step, path, row->in, out);
}
