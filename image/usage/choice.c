// SPDX-License-Identifier: Apache-2.0
// See image/usage/choice.h.
#include "image/usage/choice.h"

#include <string.h>

#include "base/selector.h"

static int has_guid(const char *text, const uint8_t *guid)
{
    uint8_t wanted[16];
    return guid && !bf_guid_parse(text, wanted) && memcmp(wanted, guid, sizeof wanted) == 0;
}

static int names(const char *where, const struct bf_disk_identity *disk, uint32_t number,
                 const uint8_t *guid)
{
    struct bf_place_selector s;
    if (bf_place_selector_parse(where, &s, NULL, 0))
        return 0;
    if (s.guid)
        return has_guid(s.guid, guid);
    return (!s.number || s.number == number) && bf_selector_fits(s.disk, disk);
}

const char *bf_usage_choice_whole(struct bf_usage_choice *choice,
                                  const struct bf_disk_identity *disk, uint32_t number,
                                  const uint8_t *guid)
{
    const struct bf_config *c = choice->config;
    uint32_t all = 0, used = 0;
    for (uint32_t i = 0; c && i < c->copies; i++) {
        if (!names(c->copy[i].where, disk, number, guid))
            continue;
        choice->met[i] = 1;
        all += c->copy[i].all;
        used += !c->copy[i].all;
    }
    return all ? "copy=all" : used ? NULL : choice->whole;
}

const struct bf_config_copy *bf_usage_choice_missed(const struct bf_usage_choice *choice, int all)
{
    const struct bf_config *c = choice->config;
    for (uint32_t i = 0; c && i < c->copies; i++)
        if (!choice->met[i] && c->copy[i].all == all)
            return &c->copy[i];
    return NULL;
}
