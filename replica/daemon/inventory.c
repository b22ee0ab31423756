// SPDX-License-Identifier: Apache-2.0
// Recording the inventory, see daemon_inventory.h. docs/cli.md has the fields of the JSON.
#include "replica/daemon/inventory.h"

#include <jansson.h>
#include <stdlib.h>
#include <time.h>

#include "base/assert.h"
#include "base/fmt.h"
#include "base/log.h"
#include "replica/state/text.h"

static json_t *disk_json(const struct bf_inventory_disk *d)
{
    const struct bf_disk_identity *id = &d->identity;
    char guid[37] = "";
    if (id->has_gpt)
        bf_guid_text(guid, id->gpt_guid);
    return json_pack("{s:I, s:i, s:b, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "bytes",
                     (json_int_t)id->bytes, "block_size", (int)id->block_size, "planned",
                     (int)d->planned, "hibernated", (int)d->hibernated, "why", bf_json_text(d->why),
                     "driver", bf_json_text(d->driver), "model", bf_json_text(id->model), "serial",
                     bf_json_text(id->serial), "wwn", bf_json_text(id->wwn), "gpt",
                     bf_json_text(guid), "path", bf_json_text(id->path));
}

static json_t *nic_json(const struct bf_inventory_nic *n)
{
    char mac[18];
    bf_snprintf(mac, sizeof mac, "%02x:%02x:%02x:%02x:%02x:%02x", n->mac[0], n->mac[1], n->mac[2],
                n->mac[3], n->mac[4], n->mac[5]);
    return json_pack("{s:s, s:i, s:o, s:o}", "mac", mac, "link", (int)n->link, "driver",
                     bf_json_text(n->driver), "name", bf_json_text(n->name));
}

static json_t *inventory_json(const struct bf_inventory *v)
{
    static const char *const firmware[] = {"unknown", "bios", "uefi"};
    json_t *disks = json_array(), *nics = json_array();
    for (uint16_t i = 0; i < v->disks; i++)
        json_array_append_new(disks, disk_json(&v->disk[i]));
    for (uint16_t i = 0; i < v->nics; i++)
        json_array_append_new(nics, nic_json(&v->nic[i]));
    return json_pack("{s:o, s:s, s:i, s:i, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:[]}",
                     "seen", bf_json_time(time(NULL)), "firmware",
                     firmware[v->firmware <= BF_FIRMWARE_UEFI ? v->firmware : 0], "secure_boot",
                     (int)v->secure_boot, "processors", (int)v->processors, "memory",
                     (json_int_t)v->memory_bytes, "processor", bf_json_text(v->processor),
                     "firmware_vendor", bf_json_text(v->firmware_vendor), "vendor",
                     bf_json_text(v->system_vendor), "product", bf_json_text(v->system_product),
                     "serial", bf_json_text(v->system_serial), "uuid", bf_json_text(v->system_uuid),
                     "disks", disks, "nics", nics, "boot_entries");
}

static void store_json(struct bf_conn *c, uint32_t point)
{
    char key[BF_NAME_MAX + 32];
    if (point)
        bf_snprintf(key, sizeof key, "inventory/%s@%u", c->peer.machine, point);
    else
        bf_snprintf(key, sizeof key, "inventory/%s", c->peer.machine);
    if (!c->inventory || bf_db_meta_set(c->db, key, c->inventory))
        bf_log(BF_LOG_WARNING, "%s: the inventory was not recorded", c->peer.machine);
}

static void note_disks(struct bf_conn *c, const struct bf_inventory *inventory)
{
    char disk[96];
    for (uint16_t i = 0; i < inventory->disks; i++) {
        const struct bf_inventory_disk *d = &inventory->disk[i];
        bf_identity_text(disk, sizeof disk, &d->identity);
        if (!d->planned)
            bf_conn_event(c, BF_LOG_INFO, "left out: %s (%s)", disk, d->why);
        else if (d->hibernated)
            bf_conn_event(c, BF_LOG_WARNING,
                          "%s holds a hibernated system: it is copied whole, and finalize asks "
                          "what to do",
                          disk);
    }
}

void bf_inventory_record(struct bf_conn *c, const struct bf_inventory *inventory)
{
    json_t *json = inventory_json(inventory);
    BF_ASSERT(c->holds_machine);
    free(c->inventory);
    c->inventory = json ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    store_json(c, 0);
    note_disks(c, inventory);
}

void bf_inventory_boot_entry(struct bf_conn *c, const struct bf_boot_entry *entry)
{
    char number[9];
    json_t *json = c->inventory ? json_loads(c->inventory, 0, NULL) : NULL;
    json_t *list = json_object_get(json, "boot_entries");
    bf_snprintf(number, sizeof number, "Boot%04X", (unsigned)entry->number);
    json_array_append_new(list,
                          json_pack("{s:s, s:b, s:b, s:o, s:o}", "number", number, "current",
                                    (int)entry->current, "active", (int)entry->active, "name",
                                    bf_json_text(entry->name), "path", bf_json_text(entry->path)));
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    if (text) {
        free(c->inventory);
        c->inventory = text;
        store_json(c, 0);
    }
    json_decref(json);
}

void bf_inventory_keep(struct bf_conn *c, uint32_t point)
{
    store_json(c, point);
}
