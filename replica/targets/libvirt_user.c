// SPDX-License-Identifier: Apache-2.0
// A test's network inside QEMU (user_net.h), and addresses. Nothing of the host changes for it,
// several tests may have the same addresses, and no privileges are needed. libvirt has no words for
// restrict= and host=, so the NICs stand in <qemu:commandline>, with PCI addresses of their own:
// QEMU makes such devices before libvirt's, and would give them addresses that libvirt has given
// away. libvirt's <ip> in <interface type='user'> gives the guest's network, but neither the
// gateway nor the restriction.
#include <arpa/inet.h>
#include <string.h>

#include "base/assert.h"
#include "base/fmt.h"
#include "replica/targets/libvirt.h"
#include "replica/targets/user_net.h"

// From here downwards: libvirt assigns upwards from 1, and q35 has devices of its own above.
enum { LAST_SLOT = 0x1a };

// ---- Addresses ---------------------------------------------------------------------------------

enum bf_err bf_lv_address_read(const char *text, struct bf_lv_address *out)
{
    const char *slash = strchr(text, '/');
    size_t len = slash ? (size_t)(slash - text) : strlen(text);
    char host[64];
    uint32_t most;

    memset(out, 0, sizeof *out);
    if (len >= sizeof host)
        return BF_ERR_RANGE;
    memcpy(host, text, len);
    host[len] = 0;
    out->family = strchr(host, ':') ? AF_INET6 : AF_INET;
    if (inet_pton(out->family, host, out->bytes) != 1)
        return BF_ERR_RANGE;
    most = out->family == AF_INET ? 32 : 128;
    out->length = most;
    if (!slash)
        return BF_OK;
    if (!slash[1] || strlen(slash + 1) > 3)
        return BF_ERR_RANGE;
    out->length = 0;
    for (const char *c = slash + 1; *c; c++) {
        if (*c < '0' || *c > '9')
            return BF_ERR_RANGE;
        out->length = out->length * 10 + (uint32_t)(*c - '0');
    }
    return out->length <= most ? BF_OK : BF_ERR_RANGE;
}

void bf_lv_address_text(const struct bf_lv_address *a, char out[64])
{
    if (!inet_ntop(a->family, a->bytes, out, 64))
        out[0] = 0;
}

// The first `length` bits of both are the same.
static bool begins_alike(const uint8_t *a, const uint8_t *b, uint32_t length)
{
    uint8_t mask = (uint8_t)(0xff00 >> length % 8);

    return memcmp(a, b, length / 8) == 0 &&
           (length % 8 == 0 || (a[length / 8] & mask) == (b[length / 8] & mask));
}

bool bf_lv_address_in(const struct bf_lv_address *a, const struct bf_lv_address *b)
{
    return a->family == b->family && begins_alike(a->bytes, b->bytes, a->length);
}

// ---- Arguments ---------------------------------------------------------------------------------

bool bf_lv_user_netdev(const struct bf_tgt_nic *nic, uint32_t number, char out[BF_LV_ARG_MAX])
{
    struct bf_text text = {.data = NULL};
    bool fits;

    bf_user_net(&text, nic, number, true);
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
