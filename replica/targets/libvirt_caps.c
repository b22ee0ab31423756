// SPDX-License-Identifier: Apache-2.0
// What domain capabilities say of a host (https://libvirt.org/formatdomaincaps.html).
#include <libxml/tree.h>
#include <string.h>

#include "replica/targets/libvirt.h"

// Whether the <enum name=...> of an element has the value.
static bool has_value(const xmlNode *element, const char *name, const char *value)
{
    xmlNodePtr list = bf_lv_child(element, "enum");
    char seen[128];

    while (list && !bf_lv_is(list, "name", name))
        list = bf_lv_next(list, "enum");
    for (xmlNodePtr v = bf_lv_child(list, "value"); v; v = bf_lv_next(v, "value"))
        if (bf_lv_get_text(v, seen, sizeof seen) && strcmp(seen, value) == 0)
            return true;
    return false;
}

// libvirt tells backends of networks since 9.2. One that does not has a QEMU that had user mode
// networking unless somebody built it without, which the machine's start then tells.
static bool has_user_network(const xmlNode *devices)
{
    xmlNodePtr nic = bf_lv_child(devices, "interface");

    return !nic || has_value(nic, "backendType", "default");
}

bool bf_lv_host_read(const char *xml, size_t len, struct bf_lv_host *host)
{
    xmlNodePtr root = bf_lv_tree_read(xml, len), os, devices;
    char domain[16];
    bool right = root && strcmp((const char *)root->name, "domainCapabilities") == 0;

    memset(host, 0, sizeof *host);
    if (right) {
        os = bf_lv_child(root, "os");
        devices = bf_lv_child(root, "devices");
        host->kvm = bf_lv_get_text(bf_lv_child(root, "domain"), domain, sizeof domain) &&
                    strcmp(domain, "kvm") == 0;
        host->uefi = has_value(os, "firmware", "efi");
        host->secure_boot = has_value(bf_lv_child(os, "loader"), "secure", "yes");
        host->user_network = has_user_network(devices);
        host->nvme = has_value(bf_lv_child(devices, "disk"), "bus", "nvme");
    }
    bf_lv_tree_free(root);
    return right;
}
