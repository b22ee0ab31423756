// SPDX-License-Identifier: Apache-2.0
// Durations as operators write them; see duration.h.
#include "replica/cli/duration.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/fmt.h"

enum { MOST = 365 * 86400 };

// 0 for anything that is not a duration.
static uint32_t parse(const char *text)
{
    static const struct {
        char unit;
        uint32_t seconds;
    } units[] = {{0, 1}, {'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    char *end;
    errno = 0;
    unsigned long number = strtoul(text, &end, 10);
    if (!isdigit((unsigned char)text[0]) || errno || number > MOST || (end[0] && end[1]))
        return 0;
    for (size_t i = 0; i < BF_COUNT(units); i++)
        if (units[i].unit == *end && number * units[i].seconds <= MOST)
            return (uint32_t)number * units[i].seconds;
    return 0;
}

int bf_cli_duration(const struct bf_cli *cli, const char *option, uint32_t fallback, uint32_t *out)
{
    const char *text = bf_cli_value(cli, option, 0);
    *out = text ? parse(text) : fallback;
    if (*out || !text)
        return 1;
    bf_cli_usage(cli, "%s takes a duration such as 90s, 30m, 2h or 7d, not \"%s\"", option, text);
    return 0;
}

const char *bf_duration_text(int64_t seconds, char out[BF_DURATION_TEXT])
{
    long long s = seconds < 0 ? 0 : seconds;
    if (s < 120)
        bf_snprintf(out, BF_DURATION_TEXT, "%lld s", s);
    else if (s < 7200)
        bf_snprintf(out, BF_DURATION_TEXT, "%lld min", s / 60);
    else if (s < 172800)
        bf_snprintf(out, BF_DURATION_TEXT, "%lld h %lld min", s / 3600, s / 60 % 60);
    else
        bf_snprintf(out, BF_DURATION_TEXT, "%lld days", s / 86400);
    return out;
}
