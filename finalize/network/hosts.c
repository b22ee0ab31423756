// SPDX-License-Identifier: Apache-2.0
// /etc/hosts follows the machine's addresses.
#include <string.h>

#include "finalize/network/network.h"

// In every hosts line that begins with an address the machine gave up: the new one of that family.
static void new_host_line(struct bf_text *out, const struct bf_line *line, const struct bf_old *old,
                          const struct bf_fin *f)
{
    const char *at = line->at, *w;
    size_t len;
    if (bf_word_next(&at, line->at + line->len, &w, &len))
        for (size_t i = 0; i < old->count; i++) {
            if (!bf_word_is(w, len, old->address[i]))
                continue;
            int family = strchr(old->address[i], ':') ? AF_INET6 : AF_INET;
            for (size_t n = 0; n < f->plan->nics; n++) {
                const struct bf_address *a = bf_nic_address(&f->plan->nic[n], family);
                if (!a)
                    continue;
                bf_text_add(out, line->at, (size_t)(w - line->at));
                bf_text_str(out, a->text);
                bf_text_add(out, w + len, line->full - (size_t)(w + len - line->at));
                return;
            }
        }
    bf_text_add(out, line->at, line->full);
}

enum bf_err bf_hosts_adapt(struct bf_fin *f, const struct bf_old *old)
{
    size_t len, pos = 0;
    struct bf_line line;
    struct bf_text out = {0};
    const char *text = bf_edits_get(&f->edits, "/etc/hosts", &len, NULL);
    if (!text)
        return BF_OK;
    while (bf_line_next(text, len, &pos, &line))
        new_host_line(&out, &line, old, f);
    enum bf_err err = bf_fin_set(f, "/etc/hosts", &out, "old addresses of this machine");
    bf_text_free(&out);
    return err;
}
