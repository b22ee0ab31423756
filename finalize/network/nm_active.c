// SPDX-License-Identifier: Apache-2.0
// Which profile NetworkManager activates for a device by itself. Of those that fit, the one of the
// highest autoconnect-priority comes first, then the one that was activated last, then the lowest
// UUID. Whether it names the device or fits any makes no difference.
#include <fnmatch.h>
#include <string.h>

#include "finalize/network/nm_profile.h"

bool bf_nm_is_automatic(const struct bf_nm_profile *p)
{
    return (p->autoconnect || p->port) && !p->restricted;
}

// [match] interface-name: one of the plain patterns, all with "&", none with "!".
static bool matches_name(const char *list, const char *name)
{
    const char *at = list, *part;
    size_t len;
    bool any = false, hit = false;
    while (bf_keyfile_part(&at, list + strlen(list), ";", &part, &len)) {
        char pattern[128];
        bool all = *part == '&', marked = all || *part == '|';
        bool not = len > marked && part[marked] == '!';
        size_t skip = (size_t)marked + not ;
        if (len - skip >= sizeof pattern)
            return false;
        memcpy(pattern, part + skip, len - skip);
        pattern[len - skip] = 0;
        bool fits = (fnmatch(pattern, name, 0) == 0) != not ;
        if ((all || (not &&!marked)) && !fits)
            return false;
        any = any || !(all || (not &&!marked));
        hit = hit || fits;
    }
    return !any || hit;
}

static bool is_listed(const char *list, const char *mac)
{
    const char *at = list, *part;
    size_t len;
    char one[BF_MAC_TEXT];
    while (mac[0] && bf_keyfile_part(&at, list + strlen(list), ";,", &part, &len)) {
        bf_net_copy(one, sizeof one, part, len);
        if (strcmp(one, mac) == 0)
            return true;
    }
    return false;
}

enum bf_nm_fit bf_nm_fits(const struct bf_nm_profile *p, const char *name, const char *mac)
{
    bool exact = false;
    if (p->name[0]) {
        if (strcmp(p->name, name) != 0)
            return BF_NM_NO;
        exact = true;
    }
    if (p->mac[0]) {
        if (mac[0] ? strcmp(p->mac, mac) != 0 : !exact)
            return BF_NM_NO;
        exact = true;
    }
    if (is_listed(p->blacklist, mac) || (p->match[0] && !(name[0] && matches_name(p->match, name))))
        return BF_NM_NO;
    return exact ? BF_NM_EXACT : BF_NM_PATTERN;
}

static bool precedes(const struct bf_nm_profile *a, const struct bf_nm_profile *b)
{
    if (a->priority != b->priority)
        return a->priority > b->priority;
    if (a->timestamp != b->timestamp)
        return a->timestamp > b->timestamp;
    return strcmp(a->uuid, b->uuid) < 0;
}

static bool is_candidate(const struct bf_nm_profile *p, const char *name, const char *mac)
{
    return bf_nm_is_hardware(p) && strcmp(p->type, "wifi") != 0 && bf_nm_is_automatic(p) &&
           bf_nm_fits(p, name, mac) != BF_NM_NO;
}

const struct bf_nm_profile *bf_nm_active(const struct bf_nm_profiles *all, const char *name,
                                         const char *mac)
{
    const struct bf_nm_profile *found = NULL;
    for (size_t i = 0; i < all->count; i++)
        if (is_candidate(&all->at[i], name, mac) && (!found || precedes(&all->at[i], found)))
            found = &all->at[i];
    return found;
}

const struct bf_nm_profile *bf_nm_rival(const struct bf_nm_profiles *all,
                                        const struct bf_nm_profile *active, const char *name,
                                        const char *mac)
{
    const struct bf_nm_profile *found = NULL;
    for (size_t i = 0; i < all->count; i++) {
        const struct bf_nm_profile *p = &all->at[i];
        if (p != active && is_candidate(p, name, mac) && p->priority == active->priority &&
            p->timestamp == active->timestamp && (!p->uuid[0] || !active->uuid[0]))
            found = p;
    }
    return found;
}

const struct bf_nm_profile *bf_nm_maker(const struct bf_nm_profiles *all, const char *name)
{
    const struct bf_nm_profile *found = NULL;
    for (size_t i = 0; name[0] && i < all->count; i++) {
        const struct bf_nm_profile *p = &all->at[i];
        if (bf_nm_is_hardware(p) || strcmp(p->name, name) != 0)
            continue;
        bool better = !found || bf_nm_is_automatic(p) > bf_nm_is_automatic(found) ||
                      (bf_nm_is_automatic(p) == bf_nm_is_automatic(found) && precedes(p, found));
        found = better ? p : found;
    }
    return found;
}
