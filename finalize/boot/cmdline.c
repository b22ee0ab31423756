// SPDX-License-Identifier: Apache-2.0
// Rewrites kernel command lines word by word.
#include "finalize/boot/cmdline.h"

#include <stdio.h>
#include <string.h>

#include "finalize/system/stable.h"

static bool begins(const char *w, size_t len, const char *prefix)
{
    size_t n = strlen(prefix);
    return len >= n && memcmp(w, prefix, n) == 0;
}

// One word. True when it goes (a serial console that the plan does not want).
static bool rewrite_word(struct bf_fin *f, const char *w, size_t len, const char *where,
                         struct bf_text *out)
{
    char name[128], stable[128];
    bool root = begins(w, len, "root="), resume = begins(w, len, "resume=");
    if (f->plan->serial_console == BF_OFF && begins(w, len, "console=ttyS"))
        return true;
    if (f->network_word && f->network_word(f, w, len, out))
        return false;
    size_t skip = root ? 5 : 7;
    if ((root || resume) && len - skip < sizeof name) {
        snprintf(name, sizeof name, "%.*s", (int)(len - skip), w + skip);
        if (bf_stable_name(f, name, root ? "" : "swap", root ? "/" : "", where, stable,
                           sizeof stable) == BF_STABLE_NEW) {
            bf_textf(out, "%.*s%s", (int)skip, w, stable);
            return false;
        }
    }
    bf_text_add(out, w, len);
    return false;
}

void bf_cmdline_rewrite(struct bf_fin *f, const char *line, size_t len, const char *where,
                        bool console, struct bf_text *out)
{
    const char *at = line, *end = line + len, *done = line, *w;
    size_t n;
    bool serial = false, any = false;
    for (; bf_word_next(&at, end, &w, &n); done = w + n) {
        serial = serial || begins(w, n, "console=ttyS0");
        any = any || begins(w, n, "console=");
        size_t mark = out->len;
        bf_text_add(out, done, (size_t)(w - done));
        if (rewrite_word(f, w, n, where, out) && bf_text_ok(out))
            out->data[out->len = mark] = 0;
    }
    if (console && f->plan->serial_console == BF_ON && !serial)
        bf_textf(out, "%s%sconsole=ttyS0,115200", done > line ? " " : "",
                 any ? "" : "console=tty0 ");
    bf_text_add(out, done, (size_t)(end - done));
}
