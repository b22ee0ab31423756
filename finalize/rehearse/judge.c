// SPDX-License-Identifier: Apache-2.0
// What the judges of a rehearsal share; see judges.h.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "finalize/rehearse/judges.h"

void bf_judge_say(struct bf_walk *w, struct bf_judged *j, enum bf_trouble_kind kind,
                  const char *fmt, ...)
{
    const struct bf_start *s = j->start;
    struct bf_text t = {0};
    va_list ap;
    va_start(ap, fmt);
    bf_text_vf(&t, fmt, ap);
    va_end(ap);
    bool chosen = s->chosen;
    bf_walk_say(w, chosen ? kind : BF_TROUBLE_LOOK, s->file, s->line, "\"%s\" %s%s", s->title,
                chosen || kind == BF_TROUBLE_LOOK ? ""
                : kind == BF_TROUBLE_STOPS        ? "would not start if it were chosen: "
                                                  : "cannot be followed: ",
                bf_text_get(&t));
    j->doubt = j->doubt || kind == BF_TROUBLE_DOUBT;
    if (kind == BF_TROUBLE_STOPS && !j->why_not)
        j->why_not = strdup(bf_text_get(&t));
    bf_text_free(&t);
}

bool bf_cmdline_value(const char *cmdline, const char *key, char *out, size_t size)
{
    const char *at = cmdline ? cmdline : "", *end = at + strlen(at), *word;
    size_t len, n = strlen(key);
    bool found = false;
    while (bf_word_next(&at, end, &word, &len)) {
        size_t skip = len && word[0] == '"';
        if (len < n + 1 + skip || strncmp(word + skip, key, n) != 0 || word[skip + n] != '=')
            continue;
        const char *value = word + skip + n + 1;
        len -= skip + n + 1;
        if (len && value[0] == '"') {
            value++;
            len--;
        }
        while (len && value[len - 1] == '"')
            len--;
        found = len < size;
        snprintf(out, size, "%.*s", found ? (int)len : 0, value);
    }
    return found;
}
