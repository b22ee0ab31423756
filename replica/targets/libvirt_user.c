// SPDX-License-Identifier: Apache-2.0
// A test's network inside QEMU (user_net.h). Nothing of the host changes for it,
// several tests may have the same addresses, and no privileges are needed. libvirt has no words for
// restrict= and host=, so the NICs stand in <qemu:commandline>, with PCI addresses of their own:
// QEMU makes such devices before libvirt's, and would give them addresses that libvirt has given
// away. libvirt's <ip> in <interface type='user'> gives the guest's network, but neither the
// gateway nor the restriction.
#include <string.h>

#include "base/assert.h"
#include "base/fmt.h"
#include "replica/targets/libvirt.h"
#include "replica/targets/user_net.h"

// From here downwards: libvirt assigns upwards from 1, and q35 has devices of its own above.
enum { LAST_SLOT = 0x1a };

bool bf_lv_user_netdev(const struct bf_tgt_machine *m, uint32_t number, char out[BF_LV_ARG_MAX])
{
    struct bf_text text = {.data = NULL};
    bool fits;

    bf_user_net(&text, &m->nic[number], number, m->isolated);
    fits = bf_text_ok(&text) && text.len < BF_LV_ARG_MAX;
    bf_snprintf(out, BF_LV_ARG_MAX, "%s", fits ? bf_text_get(&text) : "");
    bf_text_free(&text);
    return fits;
}

void bf_lv_user_device(const struct bf_tgt_machine *m, uint32_t number, char out[BF_LV_ARG_MAX])
{
    const char *model = strcmp(m->nic_model, "virtio-net") == 0 ? "virtio-net-pci" : m->nic_model;

    BF_ASSERT(number < BF_LV_USER_NICS);
    bf_snprintf(out, BF_LV_ARG_MAX, "%s,netdev=net%u,mac=%s,bus=%s,addr=%x", model, number,
                m->nic[number].mac, strcmp(m->type, "pc") == 0 ? "pci.0" : "pcie.0",
                LAST_SLOT - number);
}
