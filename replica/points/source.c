// SPDX-License-Identifier: Apache-2.0
// Compares a plan with the NICs of an inventory; see source.h.
#include "replica/points/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/fmt.h"

static const char *field(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));
    return s ? s : "";
}

// bootferry-push calls the driver of every NIC so (linux/machine_linux.c).
bool bf_source_is_running_system(const json_t *inventory)
{
    const json_t *nic = json_array_get(json_object_get(inventory, "nics"), 0);
    return strcmp(field(nic, "driver"), "linux") == 0;
}

// The NIC that has this under the key, or NULL.
static const json_t *find(const json_t *nics, const char *key, const char *value)
{
    size_t i;
    const json_t *nic;
    json_array_foreach(nics, i, nic)
    {
        if (value[0] && strcasecmp(field(nic, key), value) == 0)
            return nic;
    }
    return NULL;
}

static enum bf_err unknown(const json_t *nics, size_t i, const char *mac, const char *ref,
                           struct bf_fault *fault)
{
    char list[128] = "";
    size_t n, len = 0;
    const json_t *nic;
    json_array_foreach(nics, n, nic)
    {
        if (len + 24 < sizeof list)
            len += (size_t)snprintf(list + len, sizeof list - len, "%s%s", n ? ", " : "",
                                    field(nic, "mac"));
        else if (len + 4 < sizeof list)
            len += (size_t)snprintf(list + len, sizeof list - len, "...");
    }
    bf_fault_set(fault, BF_ERR_CONFIG, BF_SIDE_CONFIG, "",
                 "plan: nics[%zu].match.mac: when %s was made, its machine had no NIC with the MAC "
                 "address %s",
                 i, ref, mac);
    return bf_fault_todo(fault, "its NICs: %s; if it is one that was not seen, use match.name",
                         list);
}

enum bf_err bf_source_check_nics(const json_t *inventory, const json_t *plan, const char *ref,
                                 struct bf_fault *fault)
{
    const json_t *nics = json_object_get(inventory, "nics"), *entry;
    size_t i;
    if (json_array_size(nics) == 0)
        return BF_OK;
    json_array_foreach(json_object_get(plan, "nics"), i, entry)
    {
        const json_t *match = json_object_get(entry, "match");
        const char *mac = field(match, "mac"), *name = field(match, "name");
        const json_t *maced = find(nics, "mac", mac), *named = find(nics, "name", name);
        if (mac[0] && !maced)
            return unknown(nics, i, mac, ref, fault);
        if (maced && named && maced != named)
            fprintf(
                stderr,
                "bootferry: warning: nics[%zu].match: when %s was made, %s was the NIC with %s, "
                "and not with %s\n",
                i, ref, name, field(named, "mac"), mac);
    }
    return BF_OK;
}
