// SPDX-License-Identifier: Apache-2.0
// What a domain's definition says of a disk, and the definition that stays: that of a machine which
// needs nothing of the replica any more.
#include <libxml/tree.h>
#include <string.h>

#include "base/fmt.h"
#include "replica/targets/libvirt.h"

// ---- Reading -----------------------------------------------------------------------------------

static xmlNodePtr find_disk(const xmlNode *root, const char *name)
{
    xmlNodePtr disk = bf_lv_child(bf_lv_child(root, "devices"), "disk");

    while (disk && !bf_lv_is(bf_lv_child(disk, "target"), "dev", name))
        disk = bf_lv_next(disk, "disk");
    return disk;
}

static bool place_of(const xmlNode *element, char *out, size_t size)
{
    xmlNodePtr source = bf_lv_child(element, "source");

    return bf_lv_get(source, "file", out, size) || bf_lv_get(source, "dev", out, size);
}

bool bf_lv_disk_read(const char *xml, const char *name, struct bf_lv_disk_state *out)
{
    xmlNodePtr root = bf_lv_tree_read(xml, strlen(xml));
    xmlNodePtr disk = find_disk(root, name), copy = bf_lv_child(disk, "mirror");

    memset(out, 0, sizeof *out);
    place_of(disk, out->source, sizeof out->source);
    if (copy && !place_of(copy, out->copy, sizeof out->copy))
        bf_snprintf(out->copy, sizeof out->copy, "?"); // of a kind that is not ours
    out->copied = bf_lv_is(copy, "ready", "yes");
    bf_lv_tree_free(root);
    return disk != NULL;
}

// ---- What stays --------------------------------------------------------------------------------

static void drop(xmlNodePtr node)
{
    if (!node)
        return;
    xmlUnlinkNode(node);
    xmlFreeNode(node);
}

static void settle_disk(xmlNodePtr disk, const struct bf_lv_volume *v)
{
    xmlNodePtr source;

    drop(bf_lv_child(disk, "source"));
    drop(bf_lv_child(disk, "backingStore"));
    drop(bf_lv_child(disk, "mirror"));
    bf_lv_set(disk, "type", v->block ? "block" : "file");
    bf_lv_set(bf_lv_child(disk, "driver"), "type", v->block ? "raw" : "qcow2");
    source = bf_lv_add(disk, "source");
    bf_lv_set(source, v->block ? "dev" : "file", v->path);
    bf_lv_add(disk, "backingStore"); // nothing is below
}

// A console or channel into a file of the job's becomes a terminal.
static void settle_console(xmlNodePtr console)
{
    if (!bf_lv_is(console, "type", "file"))
        return;
    bf_lv_set(console, "type", "pty");
    drop(bf_lv_child(console, "source"));
}

static void drop_evidence(xmlNodePtr devices)
{
    xmlNodePtr next, channel = bf_lv_child(devices, "channel");

    for (; channel; channel = next) {
        next = bf_lv_next(channel, "channel");
        if (bf_lv_is(bf_lv_child(channel, "target"), "name", BF_TGT_PORT))
            drop(channel);
    }
}

char *bf_lv_lasting_xml(const char *xml, const struct bf_tgt_machine *m,
                        const struct bf_lv_volume *volume)
{
    xmlNodePtr root = bf_lv_tree_read(xml, strlen(xml)), devices = bf_lv_child(root, "devices");
    bool complete = devices != NULL;

    for (uint32_t i = 0; complete && i < m->disks; i++) {
        char name[8];
        xmlNodePtr disk;

        bf_lv_target_name(m, i, name);
        disk = find_disk(root, name);
        complete = disk != NULL;
        if (complete)
            settle_disk(disk, &volume[i]);
    }
    if (!complete) {
        bf_lv_tree_free(root);
        return NULL;
    }
    settle_console(bf_lv_child(devices, "serial"));
    settle_console(bf_lv_child(devices, "console"));
    drop_evidence(devices);
    return bf_lv_tree_text(root);
}
