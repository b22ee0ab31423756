// SPDX-License-Identifier: Apache-2.0
// Maps device names of a guest to what was probed. The order of the disks is that of the recovery
// point, which is that of the source's firmware; a name is therefore evidence and callers check the
// file system type before they believe it.
#include "finalize/core/devices.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/fmt.h"

void bf_devices_free(struct bf_devices *d)
{
    free(d->item);
    *d = (struct bf_devices){0};
}

struct bf_device *bf_devices_add(struct bf_devices *d)
{
    BF_ASSERT(d->item || d->count == 0);
    if (d->count >= BF_DEVICES_MAX)
        return NULL;
    struct bf_device *more = realloc(d->item, (d->count + 1) * sizeof *more);
    if (!more)
        return NULL;
    d->item = more;
    memset(&more[d->count], 0, sizeof *more);
    return &more[d->count++];
}

void bf_devices_place(struct bf_devices *d, size_t device, const char *at, const char *inside)
{
    BF_ASSERT(device < d->count && at[0] == '/');
    struct bf_placed *p = &d->place[d->places];
    if (d->places == BF_PLACES_MAX || strlen(at) >= sizeof p->at ||
        strlen(inside) >= sizeof p->inside)
        return;
    *p = (struct bf_placed){.device = device};
    snprintf(p->at, sizeof p->at, "%s", at);
    snprintf(p->inside, sizeof p->inside, "%s", strcmp(inside, "/") == 0 ? "" : inside);
    d->places++;
}

static enum bf_err copy(const json_t *o, const char *key, char *out, size_t size)
{
    const json_t *v = json_object_get(o, key);
    if (!v)
        return BF_OK;
    const char *s = json_string_value(v);
    if (!s || strlen(s) >= size)
        return BF_ERR_CONFIG;
    memcpy(out, s, strlen(s) + 1);
    return BF_OK;
}

static enum bf_err number(const json_t *o, const char *key, unsigned *out)
{
    const json_t *v = json_object_get(o, key);
    json_int_t n = json_integer_value(v);
    if (v && (!json_is_integer(v) || n < 0 || n > 65535))
        return BF_ERR_CONFIG;
    *out = (unsigned)n;
    return BF_OK;
}

bool bf_device_alias(struct bf_device *dev, const char *name)
{
    BF_ASSERT(dev && name);
    if (!name[0] || strlen(name) >= sizeof dev->alias[0])
        return false;
    for (size_t i = 0; i < BF_ALIAS_MAX; i++) {
        if (strcmp(dev->alias[i], name) == 0)
            return true;
        if (!dev->alias[i][0]) {
            memcpy(dev->alias[i], name, strlen(name) + 1);
            return true;
        }
    }
    return false;
}

static bool is_alias(const struct bf_device *dev, const char *name)
{
    for (size_t i = 0; i < BF_ALIAS_MAX; i++)
        if (dev->alias[i][0] && strcmp(dev->alias[i], name) == 0)
            return true;
    return false;
}

static enum bf_err parse_aliases(const json_t *list, struct bf_device *dev)
{
    size_t i;
    const json_t *name;
    if (list && (!json_is_array(list) || json_array_size(list) > BF_ALIAS_MAX))
        return BF_ERR_CONFIG;
    json_array_foreach(list, i, name)
    {
        if (!json_is_string(name) || !bf_device_alias(dev, json_string_value(name)))
            return BF_ERR_CONFIG;
    }
    return BF_OK;
}

static enum bf_err parse_one(const json_t *o, struct bf_device *dev)
{
    dev->stacked = json_is_true(json_object_get(o, "stacked"));
    dev->root = json_is_true(json_object_get(o, "root"));
    dev->esp = json_is_true(json_object_get(o, "esp"));
    if (!json_is_object(o) || number(o, "disk", &dev->disk) || number(o, "part", &dev->part) ||
        copy(o, "name", dev->name, sizeof dev->name) ||
        copy(o, "type", dev->type, sizeof dev->type) ||
        copy(o, "uuid", dev->uuid, sizeof dev->uuid) ||
        copy(o, "label", dev->label, sizeof dev->label) ||
        copy(o, "partuuid", dev->partuuid, sizeof dev->partuuid) ||
        copy(o, "boot_code", dev->boot_code, sizeof dev->boot_code) ||
        copy(o, "partlabel", dev->partlabel, sizeof dev->partlabel) ||
        copy(o, "parttype", dev->parttype, sizeof dev->parttype))
        return BF_ERR_CONFIG;
    return parse_aliases(json_object_get(o, "aliases"), dev);
}

// The places of the device that was added last.
static enum bf_err parse_places(const json_t *list, struct bf_devices *d)
{
    size_t i;
    const json_t *o;
    if (list && (!json_is_array(list) || json_array_size(list) > BF_PLACES_MAX))
        return BF_ERR_CONFIG;
    json_array_foreach(list, i, o)
    {
        char at[sizeof d->place->at] = "", inside[sizeof d->place->inside] = "";
        if (copy(o, "at", at, sizeof at) || copy(o, "inside", inside, sizeof inside) ||
            at[0] != '/' || (inside[0] && inside[0] != '/'))
            return BF_ERR_CONFIG;
        bf_devices_place(d, d->count - 1, at, inside);
    }
    return BF_OK;
}

enum bf_err bf_devices_parse(const json_t *list, struct bf_devices *out)
{
    *out = (struct bf_devices){0};
    BF_ASSERT(out->count == 0);
    enum bf_err err = json_is_array(list) ? BF_OK : BF_ERR_CONFIG;
    for (size_t i = 0; !err && i < json_array_size(list); i++) {
        struct bf_device *dev = bf_devices_add(out);
        err = dev ? parse_one(json_array_get(list, i), dev) : BF_ERR_LIMIT;
        if (!err)
            err = parse_places(json_object_get(json_array_get(list, i), "mounts"), out);
    }
    if (err)
        bf_devices_free(out);
    return err;
}

static json_t *places_json(const struct bf_devices *d, size_t device)
{
    json_t *list = json_array();
    for (size_t i = 0; i < d->places; i++)
        if (d->place[i].device == device)
            json_array_append_new(
                list, json_pack("{s:s,s:s}", "at", d->place[i].at, "inside", d->place[i].inside));
    return list;
}

static json_t *aliases_json(const struct bf_device *dev)
{
    json_t *list = json_array();
    for (size_t i = 0; i < BF_ALIAS_MAX && dev->alias[i][0]; i++)
        json_array_append_new(list, json_string(dev->alias[i]));
    return list;
}

json_t *bf_devices_json(const struct bf_devices *d)
{
    json_t *list = json_array();
    for (size_t i = 0; i < d->count; i++) {
        const struct bf_device *v = &d->item[i];
        json_t *o = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:b,s:b,s:b}", "name", v->name, "type",
                              v->type, "uuid", v->uuid, "label", v->label, "partuuid", v->partuuid,
                              "partlabel", v->partlabel, "parttype", v->parttype, "stacked",
                              v->stacked, "root", v->root, "esp", v->esp);
        json_t *aliases = aliases_json(v);
        if (json_array_size(aliases))
            json_object_set(o, "aliases", aliases);
        json_decref(aliases);
        if (o && !v->stacked) {
            json_object_set_new(o, "disk", json_integer(v->disk));
            json_object_set_new(o, "part", json_integer(v->part));
        }
        if (o && v->boot_code[0])
            json_object_set_new(o, "boot_code", json_string(v->boot_code));
        json_t *places = places_json(d, i);
        if (json_array_size(places))
            json_object_set(o, "mounts", places);
        json_decref(places);
        json_array_append_new(list, o);
    }
    return list;
}

bool bf_device_is(const struct bf_device *dev, const char *claimed)
{
    const char *found = dev->type;
    if (!claimed[0] || strcmp(claimed, "auto") == 0 || strcmp(claimed, found) == 0)
        return true;
    if (strcmp(claimed, "swap") == 0)
        return strcmp(found, "swsuspend") == 0;
    if (strncmp(claimed, "ext", 3) == 0)
        return strncmp(found, "ext", 3) == 0;
    return strcmp(claimed, "msdos") == 0 && strcmp(found, "vfat") == 0;
}

const struct bf_device *bf_device_at(const struct bf_devices *d, unsigned disk, unsigned part)
{
    BF_ASSERT(d->count <= BF_DEVICES_MAX);
    for (size_t i = 0; i < d->count; i++)
        if (!d->item[i].stacked && d->item[i].disk == disk && d->item[i].part == part)
            return &d->item[i];
    return NULL;
}

const struct bf_device *bf_device_by_order(const struct bf_devices *d, const char *name,
                                           const char *type)
{
    struct bf_position place;
    const struct bf_device *only = NULL;
    for (size_t i = 0; i < d->count; i++)
        if (is_alias(&d->item[i], name))
            return &d->item[i];
    if (!bf_device_position(name, &place))
        return NULL;
    if (place.known)
        return bf_device_at(d, place.disk, place.part);
    for (size_t i = 0; i < d->count; i++) {
        const struct bf_device *v = &d->item[i];
        if (v->stacked || v->part != place.part || !v->type[0] || !bf_device_is(v, type))
            continue;
        if (only)
            return NULL;
        only = v;
    }
    return only;
}

// "/dev/vg/lv" and "/dev/mapper/vg-lv" are one device; a hyphen inside a name is doubled in the
// latter. udev calls it by-id/dm-name-vg-lv, too.
static bool is_mapper_name(const char *name, const char *mapper)
{
    char want[160];
    size_t n = 0;
    if (strncmp(name, "/dev/disk/by-id/dm-name-", 24) == 0)
        return strncmp(mapper, "/dev/mapper/", 12) == 0 && strcmp(name + 24, mapper + 12) == 0;
    if (strncmp(name, "/dev/mapper/", 12) == 0)
        return strcmp(name, mapper) == 0;
    const char *at = name + 5, *slash = strchr(at, '/');
    if (strncmp(name, "/dev/", 5) != 0 || !slash || strchr(slash + 1, '/'))
        return strcmp(name, mapper) == 0;
    for (; *at && n + 3 < sizeof want; at++) {
        if (*at == '-')
            want[n++] = '-';
        want[n++] = at == slash ? '-' : *at;
    }
    want[n] = 0;
    return strncmp(mapper, "/dev/mapper/", 12) == 0 && strcmp(mapper + 12, want) == 0;
}

// udev writes bytes that a file name should not have as "\\x20".
static void decode_udev(char *s)
{
    char *out = s;
    for (; *s; s++) {
        int byte = s[0] == '\\' && s[1] == 'x' ? bf_hex_byte(s + 2) : -1;
        *out++ = byte > 0 ? (char)byte : *s;
        s += byte > 0 ? 3 : 0;
    }
    *out = 0;
}

// Cuts "KEY=value" or "/dev/disk/by-key/value" to its value, without quotes.
static bool tagged(const char *name, const char *key, const char *dir, char *out, size_t size)
{
    size_t n = strlen(key), m = strlen(dir);
    bool path = false;
    if (strncasecmp(name, key, n) == 0)
        name += n;
    else if ((path = strncmp(name, dir, m) == 0))
        name += m;
    else
        return false;
    size_t len = strlen(name);
    if (len >= 2 && name[0] == '"' && name[len - 1] == '"') {
        name++;
        len -= 2;
    }
    snprintf(out, size, "%.*s", (int)len, name);
    if (path)
        decode_udev(out);
    return *out != 0;
}

// The tags of fstab(5), and how their values are compared.
enum tag { NO_TAG, TAG_UUID, TAG_LABEL, TAG_PARTUUID, TAG_PARTLABEL };

static enum tag tag_of(const char *name, char *value, size_t size)
{
    static const struct {
        enum tag tag;
        const char *key, *dir;
    } tags[] = {
        {TAG_UUID, "UUID=", "/dev/disk/by-uuid/"},
        {TAG_LABEL, "LABEL=", "/dev/disk/by-label/"},
        {TAG_PARTUUID, "PARTUUID=", "/dev/disk/by-partuuid/"},
        {TAG_PARTLABEL, "PARTLABEL=", "/dev/disk/by-partlabel/"},
    };
    for (size_t i = 0; i < BF_COUNT(tags); i++)
        if (tagged(name, tags[i].key, tags[i].dir, value, size))
            return tags[i].tag;
    return NO_TAG;
}

static bool has_tag(const struct bf_device *v, enum tag tag, const char *value)
{
    switch (tag) {
    case TAG_UUID:
        return strcasecmp(v->uuid, value) == 0;
    case TAG_LABEL:
        return strcmp(v->label, value) == 0;
    case TAG_PARTUUID:
        return strcasecmp(v->partuuid, value) == 0;
    case TAG_PARTLABEL:
        return strcmp(v->partlabel, value) == 0;
    default:
        return false;
    }
}

const struct bf_device *bf_device_find(const struct bf_devices *d, const char *name)
{
    char value[128];
    enum tag tag = tag_of(name, value, sizeof value);
    for (size_t i = 0; i < d->count; i++) {
        const struct bf_device *v = &d->item[i];
        if (tag ? has_tag(v, tag, value) : v->stacked && is_mapper_name(name, v->name))
            return v;
    }
    return bf_device_by_order(d, name, "");
}

bool bf_device_unprobed(const char *name)
{
    struct bf_position slot;
    return strncmp(name, "/dev/disk/by-id/", 16) == 0 && strncmp(name + 16, "dm-name-", 8) != 0 &&
           !bf_device_position(name, &slot);
}

const struct bf_device *bf_device_root(const struct bf_devices *d)
{
    for (size_t i = 0; i < d->count; i++)
        if (d->item[i].root)
            return &d->item[i];
    return NULL;
}
