// SPDX-License-Identifier: Apache-2.0
// Log lines: formats, cuts at 512 bytes, and replaces control characters, since peers, disks and
// firmware choose some of the text and a terminal would obey it. Bytes above 127 pass unchanged.
#include "base/log.h"

#include <stdarg.h>

#include "base/fmt.h"
#include "base/platform.h"

enum { LINE_MAX_BYTES = 512 };

static enum bf_log_level log_level = BF_LOG_INFO;

void bf_log_set_level(enum bf_log_level level)
{
    log_level = level;
}

void bf_log(enum bf_log_level level, const char *format, ...)
{
    char line[LINE_MAX_BYTES];
    va_list args;
    if (level > log_level)
        return;
    va_start(args, format);
    bf_vsnprintf(line, sizeof line, format, args);
    va_end(args);
    for (char *c = line; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 127)
            *c = '?';
    bf_platform_log(level, line);
}
