// SPDX-License-Identifier: Apache-2.0
// Builds `BOOTFERRY key=value ...` lines. A field is formatted aside and added only if all of it
// fits, so a long value never cuts the one after it or leaves a quote open.
#include "migrate/report.h"

#include <string.h>

#include "base/assert.h"
#include "base/fmt.h"

static void add(struct bf_report *r, const char *field)
{
    size_t len = strlen(field);

    BF_ASSERT(r->len < sizeof r->line);

    if (len < sizeof r->line - r->len) {
        memcpy(r->line + r->len, field, len + 1);
        r->len += len;
    }
}

void bf_report_begin(struct bf_report *r, const char *event)
{
    r->len = 0;
    add(r, "BOOTFERRY");
    if (event)
        bf_report_text(r, "event", event);
}

void bf_report_u64(struct bf_report *r, const char *key, uint64_t value)
{
    char field[80];

    bf_snprintf(field, sizeof field, " %s=%llu", key, (unsigned long long)value);
    add(r, field);
}

void bf_report_seconds(struct bf_report *r, const char *key, uint64_t us)
{
    char field[80];

    bf_snprintf(field, sizeof field, " %s=%llu.%03u", key, (unsigned long long)(us / 1000000),
                (unsigned)(us / 1000 % 1000));
    add(r, field);
}

static int is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr(".:/,+@_-", c));
}

void bf_report_text(struct bf_report *r, const char *key, const char *value)
{
    char field[BF_REPORT_MAX];
    size_t at, room = sizeof field - 2; // the closing quote and the end
    int quoted = !*value;

    for (const char *c = value; *c; c++)
        quoted |= !is_plain(*c);
    at = (size_t)bf_snprintf(field, sizeof field, " %s=%s", key, quoted ? "\"" : "");
    for (; *value && at < room; value++) {
        char c = *value;
        field[at++] = c == '"' || c == '\\' ? '\'' : c < ' ' || c > '~' ? '?' : c;
    }
    if (quoted)
        field[at++] = '"';
    BF_ASSERT(at < sizeof field);
    field[at] = 0;
    add(r, field);
}

const char *bf_report_end(const struct bf_report *r)
{
    BF_ASSERT(r->len && r->len < sizeof r->line && !r->line[r->len]);
    return r->line;
}
