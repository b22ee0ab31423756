// SPDX-License-Identifier: Apache-2.0
// Names of points and objects, and the chains of files behind them.
#include "replica/points/image.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/fmt.h"
#include "replica/points/layers.h"

// ---- Names -------------------------------------------------------------------------------------

// A number from 1 to 999999 without leading zeros, all digits up to end.
static int number_parse(const char *text, const char *end, uint32_t *out)
{
    uint32_t value = 0;

    if (text == end || end - text > 6 || *text == '0')
        return 0;
    for (; text < end; text++) {
        if (*text < '0' || *text > '9')
            return 0;
        value = value * 10 + (uint32_t)(*text - '0');
    }
    *out = value;
    return 1;
}

enum bf_err bf_image_ref_parse(const char *text, struct bf_image_ref *ref)
{
    const char *at = strchr(text, '@'), *end = text + strlen(text);
    const char *slash = at ? strchr(at, '/') : NULL;
    size_t name = (size_t)((at ? at : end) - text);

    memset(ref, 0, sizeof *ref);
    if (name >= sizeof ref->machine)
        return BF_ERR_RANGE;
    memcpy(ref->machine, text, name);
    if (!bf_machine_name_ok(ref->machine))
        return BF_ERR_RANGE;
    if (at && !number_parse(at + 1, slash ? slash : end, &ref->point))
        return BF_ERR_RANGE;
    if (slash && !number_parse(slash + 1, end, &ref->object))
        return BF_ERR_RANGE;
    return BF_OK;
}

void bf_image_ref_text(const struct bf_image_ref *ref, char out[96])
{
    BF_ASSERT(!ref->object || ref->point); // an object is one of a point
    if (ref->object)
        bf_snprintf(out, 96, "%s@%u/%u", ref->machine, ref->point, ref->object);
    else if (ref->point)
        bf_snprintf(out, 96, "%s@%u", ref->machine, ref->point);
    else
        bf_snprintf(out, 96, "%s", ref->machine);
}

static enum bf_err not_there(struct bf_state *state, const struct bf_image_ref *ref,
                             enum bf_err err, struct bf_fault *fault)
{
    char text[96];

    BF_ASSERT(err);
    bf_image_ref_text(ref, text);
    if (err != BF_ERR_NOT_FOUND) {
        *fault = *bf_db_fault(bf_state_db(state));
        return err;
    }
    if (!ref->point)
        return bf_fault_set(
            fault, err, BF_SIDE_CONFIG,
            "boot it from its medium, and watch with: bootferry status NAME --watch",
            "%s has no recovery point", text);
    return bf_fault_set(fault, err, BF_SIDE_CONFIG, "bootferry points NAME lists what there is",
                        "there is no %s", text);
}

enum bf_err bf_image_resolve(struct bf_state *state, struct bf_image_ref *ref,
                             struct bf_fault *fault)
{
    struct bf_db *db = bf_state_db(state);
    struct bf_machine machine;
    struct bf_object object;
    struct bf_point *point;
    enum bf_err err = bf_db_machine_get(db, ref->machine, &machine);

    if (err == BF_ERR_NOT_FOUND)
        return bf_fault_set(fault, err, BF_SIDE_CONFIG, "look at: bootferry machine list",
                            "there is no machine %s", ref->machine);
    point = err ? NULL : malloc(sizeof *point);
    if (!err && !point)
        return bf_fault_set(fault, BF_ERR_NO_MEMORY, BF_SIDE_SERVER, "free some memory",
                            "no memory to look at a point");
    if (!err)
        err = bf_db_point_get(db, ref->machine, ref->point, point);
    if (!err)
        ref->point = point->number;
    free(point);
    if (!err && ref->object) {
        err = bf_db_object_get(db, ref->machine, ref->point, ref->object, &object);
        if (!err && object.state != BF_OBJECT_READY)
            err = BF_ERR_NOT_FOUND;
    }
    return err ? not_there(state, ref, err, fault) : BF_OK;
}

// ---- Chains ------------------------------------------------------------------------------------

static enum bf_err point_layer(struct bf_state *state, const struct bf_image_ref *ref,
                               uint16_t disk, uint32_t *layer, struct bf_fault *fault)
{
    struct bf_point *point = malloc(sizeof *point);
    enum bf_err err;

    BF_ASSERT(ref->point > 0); // it was resolved: what is latest may change
    if (!point)
        return bf_fault_set(fault, BF_ERR_NO_MEMORY, BF_SIDE_SERVER, "free some memory",
                            "no memory to look at a point");
    err = bf_db_point_get(bf_state_db(state), ref->machine, ref->point, point);
    if (err) {
        not_there(state, ref, err, fault);
    } else {
        *layer = 0;
        for (uint16_t i = 0; i < point->disks; i++)
            if (point->disk[i].disk == disk)
                *layer = point->disk[i].layer;
        if (!*layer)
            err = bf_fault_set(fault, BF_ERR_NOT_FOUND, BF_SIDE_CONFIG,
                               "bootferry points NAME@POINT lists its disks",
                               "%s@%u has no disk %u", ref->machine, ref->point, disk);
    }
    free(point);
    return err;
}

// Puts the object's overlay on top.
static enum bf_err add_overlay(struct bf_image_chain *chain, const struct bf_image_ref *ref,
                               uint16_t disk, struct bf_fault *fault)
{
    struct bf_image_layer *grown =
        reallocarray(chain->layer, chain->layers + 1, sizeof *chain->layer);
    struct bf_image_object object = {.ref = *ref};

    BF_ASSERT(ref->object > 0 && chain->layers > 0); // over what was sealed
    if (!grown)
        return bf_fault_set(fault, BF_ERR_NO_MEMORY, BF_SIDE_SERVER, "free some memory",
                            "no memory for a chain of layers");
    memmove(grown + 1, grown, chain->layers * sizeof *grown);
    chain->layer = grown;
    chain->layers++;
    bf_image_object_file(&object, disk, grown[0].path);
    return BF_OK;
}

enum bf_err bf_image_chain(struct bf_state *state, const struct bf_image_ref *ref, uint16_t disk,
                           struct bf_image_chain *chain, struct bf_fault *fault)
{
    uint32_t layer = 0;
    enum bf_err err = point_layer(state, ref, disk, &layer, fault);

    memset(chain, 0, sizeof *chain);
    if (!err)
        err = bf_layer_chain(bf_state_db(state), ref->machine, disk, layer, 0, chain, fault);
    if (!err && ref->object)
        err = add_overlay(chain, ref, disk, fault);
    if (err)
        bf_image_chain_free(chain);
    return err;
}
