// SPDX-License-Identifier: Apache-2.0
// Keeps what inspection found, and makes the report's JSON from it.
#include "finalize/system/system.h"

#include <stdio.h>
#include <stdlib.h>

void bf_system_init(struct bf_system *s)
{
    *s = (struct bf_system){
        .id = "",
        .like = "",
        .version = "",
        .codename = "",
        .name = "",
        .packages = "",
    };
}

void bf_system_free(struct bf_system *s)
{
    free(s->release);
    free(s->fstab);
    free(s->mount);
    free(s->net);
    json_decref(s->secure_boot);
    json_decref(s->boot_entries);
    bf_system_init(s);
}

bool bf_is_utf8(const char *s, size_t len)
{
    json_t *j = json_stringn(s, len);
    json_decref(j);
    return j != NULL;
}

void bf_system_add_loader(struct bf_system *s, const char *name, const char *where)
{
    if (s->loaders == BF_LOADERS_MAX)
        return;
    struct bf_loader *loader = &s->loader[s->loaders++];
    loader->name = name;
    snprintf(loader->where, sizeof loader->where, "%s", where);
}

static json_t *os_json(const struct bf_system *s)
{
    json_t *os = json_pack("{s:s}", "type", s->found ? "linux" : "unknown");
    if (s->release) {
        json_object_set_new(os, "id", json_string(s->id));
        json_object_set_new(os, "version", json_string(s->version));
        json_object_set_new(os, "codename", json_string(s->codename));
        json_object_set_new(os, "name", json_string(s->name));
        json_object_set_new(os, "family", json_string(s->family ? s->family->name : "other"));
        json_object_set_new(os, "packages", json_string(s->packages));
    }
    return os;
}

static json_t *kernels_json(const struct bf_system *s)
{
    json_t *list = json_array();
    for (size_t i = 0; i < s->kernels; i++) {
        const struct bf_kernel *k = &s->kernel[i];
        json_t *o = json_pack("{s:s}", "version", k->version);
        if (k->image[0])
            json_object_set_new(o, "image", json_string(k->image));
        if (k->initramfs[0])
            json_object_set_new(o, "initramfs", json_string(k->initramfs));
        if (k->format) {
            json_object_set_new(o, "initramfs_format", json_string(k->format));
            json_object_set_new(o, "early_cpio", json_boolean(k->early));
        }
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *loaders_json(const struct bf_system *s)
{
    json_t *list = json_array();
    for (size_t i = 0; i < s->loaders; i++)
        json_array_append_new(
            list, json_pack("{s:s,s:s}", "name", s->loader[i].name, "where", s->loader[i].where));
    return list;
}

static json_t *mounts_json(const struct bf_system *s)
{
    json_t *list = json_array();
    for (size_t i = 0; i < s->mounts; i++)
        json_array_append_new(list,
                              json_pack("{s:s,s:s,s:s}", "device", s->mount[i].device, "mount",
                                        s->mount[i].mount, "type", s->mount[i].type));
    return list;
}

json_t *bf_system_json(const struct bf_system *s, const struct bf_devices *devices)
{
    static const char *const init[] = {"unknown", "systemd",  "openrc", "runit",
                                       "upstart", "sysvinit", "other"};
    json_t *o = json_object();
    json_object_set_new(o, "os", os_json(s));
    if (s->hostname[0])
        json_object_set_new(o, "hostname", json_string(s->hostname));
    json_object_set_new(o, "architecture",
                        json_string(s->architecture ? s->architecture->name : "unknown"));
    json_object_set_new(o, "init", json_string(init[s->init]));
    json_object_set_new(o, "kernels", kernels_json(s));
    json_object_set_new(o, "boot_loaders", loaders_json(s));
    json_object_set_new(o, "firmware",
                        json_string(s->uefi && s->bios ? "uefi and bios"
                                    : s->uefi          ? "uefi"
                                    : s->bios          ? "bios"
                                                       : "unknown"));
    if (s->boot_entries)
        json_object_set(o, "boot_entries", s->boot_entries);
    if (s->secure_boot)
        json_object_set(o, "secure_boot", s->secure_boot);
    json_object_set_new(o, "file_systems", mounts_json(s));
    if (devices->count)
        json_object_set_new(o, "devices", bf_devices_json(devices));
    json_object_set_new(o, "hibernated", json_boolean(s->hibernated));
    return o;
}
