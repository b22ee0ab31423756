// SPDX-License-Identifier: Apache-2.0
// The values of the configuration that concern the link: the VLAN tag (IEEE 802.1Q) and the MTU.
#include "base/config_rules.h"
#include "base/fmt.h"

enum { VLAN_MOST = 4094 }; // 0 is a priority without a VLAN, 4095 is reserved

static void show_number(uint16_t number, char *out, size_t size)
{
    if (number)
        bf_snprintf(out, size, "%u", (unsigned)number);
    else
        bf_snprintf(out, size, "%s", "");
}

enum bf_err bf_set_vlan(struct bf_config *c, struct bf_config_value v, char *reason, size_t size)
{
    uint64_t id;
    if (!bf_value_number(v, VLAN_MOST, &id) || !id)
        return bf_config_refuse(reason, size, "must be from 1 to %d", VLAN_MOST);
    c->vlan = (uint16_t)id;
    return BF_OK;
}

void bf_show_vlan(const struct bf_config *c, char *out, size_t size)
{
    show_number(c->vlan, out, size);
}

enum bf_err bf_set_mtu(struct bf_config *c, struct bf_config_value v, char *reason, size_t size)
{
    uint64_t mtu;
    if (!bf_value_number(v, BF_CONFIG_MTU_MOST, &mtu) || mtu < BF_CONFIG_MTU_LEAST)
        return bf_config_refuse(reason, size, "must be from %d to %d", BF_CONFIG_MTU_LEAST,
                                BF_CONFIG_MTU_MOST);
    c->mtu = (uint16_t)mtu;
    return BF_OK;
}

void bf_show_mtu(const struct bf_config *c, char *out, size_t size)
{
    show_number(c->mtu, out, size);
}
