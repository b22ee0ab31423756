// SPDX-License-Identifier: Apache-2.0
// The table of targets, and the one that a URI names.
#include <string.h>

#include "base/fmt.h"
#include "replica/targets/target.h"

#define ADDRESS(row) &row,
static const struct bf_tgt_ops *const targets[] = {BF_TGTS(ADDRESS) NULL};

const struct bf_tgt_ops *const *bf_tgt_all(void)
{
    return targets;
}

const struct bf_tgt_ops *bf_tgt_find(const char *uri, struct bf_fault *fault)
{
    size_t scheme = strcspn(uri, ":"), len = 0;
    char known[160] = "";

    for (const struct bf_tgt_ops *const *t = targets; *t; t++) {
        if (uri[scheme] && strlen((*t)->scheme) == scheme && memcmp((*t)->scheme, uri, scheme) == 0)
            return *t;
        if (len < sizeof known)
            len += (size_t)bf_snprintf(known + len, sizeof known - len, "%s%s:", len ? ", " : "",
                                       (*t)->scheme);
    }
    bf_fault_set(fault, BF_ERR_CONFIG, BF_SIDE_CONFIG, "", "%.100s is no target", uri);
    bf_fault_todo(fault, "name one of these: %s", known);
    return NULL;
}
