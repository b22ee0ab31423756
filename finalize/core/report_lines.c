// SPDX-License-Identifier: Apache-2.0
// See report_lines.h.
#include "finalize/core/report_lines.h"

const char *bf_report_field(const json_t *j, const char *key)
{
    const char *s = json_string_value(json_object_get(j, key));
    return s ? s : "";
}

// What a report quotes may come from a VM that a hostile disk has taken over: no control
// characters.
void bf_report_clean(struct bf_text *out, const char *before, const char *text, const char *after)
{
    bf_text_str(out, before);
    for (const char *c = text; *c; c++) {
        bool control = (unsigned char)*c < ' ' || *c == 127;
        // C1 controls in UTF-8 (U+0080 to U+009F): some terminals obey them.
        if ((unsigned char)c[0] == 0xc2 && (unsigned char)c[1] >= 0x80 &&
            (unsigned char)c[1] <= 0x9f) {
            control = true;
            c++;
        }
        bf_text_add(out, control && *c != '\n' && *c != '\t' ? "?" : c, 1);
    }
    bf_text_str(out, after);
}
