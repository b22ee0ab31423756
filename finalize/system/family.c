// SPDX-License-Identifier: Apache-2.0
// The families that are known.
#include "finalize/system/family.h"

#include <string.h>

#include "finalize/core/text.h"

static bool has_word(const char *list, const char *word)
{
    const char *at = list, *end = list + strlen(list), *w;
    size_t len;
    while (bf_word_next(&at, end, &w, &len))
        if (bf_word_is(w, len, word))
            return true;
    return false;
}

static bool is_debian(const char *id, const char *like)
{
    return strcmp(id, "debian") == 0 || strcmp(id, "ubuntu") == 0 || has_word(like, "debian");
}

static bool is_redhat(const char *id, const char *like)
{
    return strcmp(id, "fedora") == 0 || has_word(like, "fedora") || has_word(like, "rhel");
}

static bool is_suse(const char *id, const char *like)
{
    return strstr(id, "suse") || has_word(like, "suse");
}

static const struct bf_release debian_oldest[] = {{"debian", 11}, {"ubuntu", 20}, {NULL, 0}};

const struct bf_family bf_debian = {
    .name = "debian",
    .title = "Debian",
    .whole = true,
    .oldest = debian_oldest,
    .holds = is_debian,
};
const struct bf_family bf_redhat = {.name = "redhat", .title = "Red Hat", .holds = is_redhat};
const struct bf_family bf_suse = {.name = "suse", .title = "SUSE", .holds = is_suse};

const struct bf_family *bf_family_of(const struct bf_family *const *table, const char *id,
                                     const char *like)
{
    for (const struct bf_family *const *f = table; *f; f++)
        if ((*f)->holds(id, like))
            return *f;
    return NULL;
}
