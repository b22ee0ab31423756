// SPDX-License-Identifier: Apache-2.0
// What was refused, and what the operator has accepted. Both are kept as the disks' attributes and
// not as a digest of them: another driver shows the same disk with more or fewer of them, and the
// rule of image/identity.h says whether it is the same.
#include "replica/daemon/accept.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/assert.h"
#include "base/fmt.h"
#include "base/log.h"
#include "replica/daemon/plan.h"
#include "replica/state/disks_key.h"
#include "replica/state/text.h"

// ---- A disk's attributes as JSON ---------------------------------------------------------------

static json_t *identity_json(const struct bf_disk_identity *id)
{
    char guid[37] = "";
    if (id->has_gpt)
        bf_guid_text(guid, id->gpt_guid);
    return json_pack("{s:I, s:i, s:s, s:o, s:o, s:o, s:o}", "bytes", (json_int_t)id->bytes, "block",
                     (int)id->block_size, "gpt", guid, "wwn", bf_json_text(id->wwn), "serial",
                     bf_json_text(id->serial), "model", bf_json_text(id->model), "path",
                     bf_json_text(id->path));
}

static void take_text(const json_t *json, const char *key, char *out, size_t size)
{
    const char *text = json_string_value(json_object_get(json, key));
    bf_snprintf(out, size, "%s", text ? text : "");
}

static void take_identity(const json_t *json, struct bf_disk_identity *id)
{
    char guid[48];
    memset(id, 0, sizeof *id);
    id->bytes = (uint64_t)json_integer_value(json_object_get(json, "bytes"));
    id->block_size = (uint32_t)json_integer_value(json_object_get(json, "block"));
    take_text(json, "gpt", guid, sizeof guid);
    id->has_gpt = bf_guid_parse(guid, id->gpt_guid) == BF_OK;
    take_text(json, "wwn", id->wwn, sizeof id->wwn);
    take_text(json, "serial", id->serial, sizeof id->serial);
    take_text(json, "model", id->model, sizeof id->model);
    take_text(json, "path", id->path, sizeof id->path);
}

// ---- Keeping and comparing ---------------------------------------------------------------------

static void add_disks(const struct bf_inventory *inventory, json_t *lines, json_t *identities)
{
    char disk[96];
    for (uint16_t i = 0; i < inventory->disks; i++) {
        if (!inventory->disk[i].planned)
            continue;
        bf_identity_text(disk, sizeof disk, &inventory->disk[i].identity);
        json_array_append_new(lines, bf_json_text(disk));
        json_array_append_new(identities, identity_json(&inventory->disk[i].identity));
    }
}

void bf_conn_keep_refusal(struct bf_conn *c, const struct bf_inventory *inventory,
                          const struct bf_fault *fault)
{
    char key[BF_DISKS_KEY_MAX], *text = NULL;
    struct bf_digest digest;
    json_t *lines = json_array(), *identities = json_array(), *json;
    BF_ASSERT(!bf_db_is_in_transaction(c->db)); // it stays although the session ends
    BF_ASSERT(fault->code == BF_ERR_MISMATCH);
    bf_disk_set_digest(inventory, &digest);
    add_disks(inventory, lines, identities);
    json = json_pack("{s:o, s:I, s:o, s:o, s:o}", "digest", bf_json_hex(digest.bytes, 32), "time",
                     (json_int_t)time(NULL), "reason", bf_json_text(fault->what), "disks", lines,
                     "identities", identities);
    bf_disks_refused_key(key, c->peer.machine);
    if (json)
        text = json_dumps(json, JSON_COMPACT);
    if (!text || bf_db_meta_set(c->db, key, text))
        bf_log(BF_LOG_WARNING, "%s: the refused disks were not recorded", c->peer.machine);
    free(text);
    json_decref(json);
}

int bf_conn_disks_accepted(struct bf_conn *c, const struct bf_inventory *inventory)
{
    char key[BF_DISKS_KEY_MAX], *text = calloc(1, BF_DISKS_TEXT_MAX);
    struct bf_disk_identity *accepted = calloc(BF_PROTO_DISKS_MAX, sizeof *accepted);
    json_t *json = NULL, *one;
    size_t i, count = 0;
    bf_disks_accepted_key(key, c->peer.machine);
    if (text && accepted && bf_db_meta_get(c->db, key, text, BF_DISKS_TEXT_MAX) == BF_OK)
        json = json_loads(text, 0, NULL);
    json_array_foreach(json_object_get(json, "identities"), i, one)
    {
        if (count < BF_PROTO_DISKS_MAX)
            take_identity(one, &accepted[count++]);
    }
    int same = count && bf_disk_set_same(accepted, count, inventory);
    json_decref(json);
    free(accepted);
    free(text);
    return same;
}

void bf_conn_disks_settled(struct bf_conn *c)
{
    char key[BF_DISKS_KEY_MAX];
    BF_ASSERT(c->job.phase == BF_JOB_SUCCEEDED);
    bf_disks_accepted_key(key, c->peer.machine);
    enum bf_err err = bf_db_meta_remove(c->db, key);
    bf_disks_refused_key(key, c->peer.machine);
    if (err || bf_db_meta_remove(c->db, key))
        bf_log(BF_LOG_WARNING, "%s: the record of refused disks could not be removed",
               c->peer.machine);
}
