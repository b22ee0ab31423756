// SPDX-License-Identifier: Apache-2.0
// Times, sizes and digests, see text.h.
#include "replica/state/text.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/assert.h"
#include "base/fmt.h"

static const char *format_time(int64_t seconds, const char *format, char out[BF_TIME_TEXT])
{
    time_t t = (time_t)seconds;
    struct tm tm;
    if (!gmtime_r(&t, &tm) || strftime(out, BF_TIME_TEXT, format, &tm) == 0)
        snprintf(out, BF_TIME_TEXT, "?");
    return out;
}

const char *bf_time_text(int64_t seconds, char out[BF_TIME_TEXT])
{
    if (seconds == 0)
        return strcpy(out, "-");
    return format_time(seconds, "%Y-%m-%d %H:%M:%SZ", out);
}

const char *bf_bytes_text(uint64_t bytes, char out[BF_BYTES_TEXT])
{
    bf_human_bytes(out, BF_BYTES_TEXT, bytes);
    return out;
}

const char *bf_known_text(int64_t bytes, char out[BF_BYTES_TEXT])
{
    return bytes < 0 ? "-" : bf_bytes_text((uint64_t)bytes, out);
}

json_t *bf_json_known(int64_t bytes)
{
    return bytes < 0 ? json_null() : json_integer(bytes);
}

json_t *bf_json_time(int64_t seconds)
{
    char text[BF_TIME_TEXT];
    return seconds ? json_string(format_time(seconds, "%Y-%m-%dT%H:%M:%SZ", text)) : json_null();
}

json_t *bf_json_hex(const uint8_t *bytes, size_t len)
{
    char hex[65];
    BF_ASSERT(len <= 32);
    bf_hex(hex, bytes, len <= 32 ? len : 32);
    return json_string(hex);
}

json_t *bf_json_text(const char *text)
{
    json_t *string = json_string(text);
    return string ? string : json_null();
}
