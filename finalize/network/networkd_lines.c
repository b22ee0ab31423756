// SPDX-License-Identifier: Apache-2.0
// The lines of systemd-networkd's files (systemd.syntax(7)): continued ones joined, and what they
// say. The bytes stay, for whoever writes the file again.
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"
#include "finalize/network/networkd.h"

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void trim(const char **at, size_t *len)
{
    for (; *len && is_space(**at); --*len)
        ++*at;
    while (*len && is_space((*at)[*len - 1]))
        --*len;
}

// Moves counted bytes to the words and ends them.
static const char *keep(char **out, const char *at, size_t len)
{
    char *start = *out;
    memmove(start, at, len);
    start[len] = 0;
    *out = start + len + 1;
    return start;
}

// Whether the line goes on: it ends in a backslash that no other one escapes.
static bool goes_on(const char *at, size_t len)
{
    size_t n = 0;
    while (n < len && at[len - 1 - n] == '\\')
        n++;
    return n % 2 == 1;
}

static bool is_comment(const char *at, size_t len)
{
    trim(&at, &len);
    return len && (*at == '#' || *at == ';');
}

// Joins a line and its continuations at `out`, each backslash and line end as one blank. Comments
// between them are passed over. The number of physical lines.
static unsigned join(const struct bf_networkd_file *file, size_t *pos, struct bf_line *first,
                     char *out, size_t *len)
{
    struct bf_line line = *first;
    unsigned lines = 1;
    *len = 0;
    for (;;) {
        size_t n = line.len;
        while (n && line.at[n - 1] == '\r')
            n--;
        bool more = goes_on(line.at, n);
        memmove(out + *len, line.at, n);
        *len += n;
        if (more)
            out[*len - 1] = ' ';
        do {
            if (!more || !bf_line_next(file->text, file->len, pos, &line))
                return lines;
            lines++;
            first->full = (size_t)(line.at + line.full - first->at);
        } while (is_comment(line.at, line.len));
    }
}

// One joined line. False where networkd gives the whole file up.
static bool parse_line(struct bf_networkd_line *line, const char *at, size_t len, char **words)
{
    trim(&at, &len);
    if (len == 0)
        return true;
    if (!bf_is_utf8(at, len))
        return false;
    if (at[0] == '[') {
        if (at[len - 1] != ']')
            return false;
        line->kind = BF_NETWORKD_SECTION;
        line->ordinal++;
        line->section = keep(words, at + 1, len - 2);
        return true;
    }
    const char *eq = memchr(at, '=', len);
    if (!eq || !line->section[0])
        return true; // is ignored
    const char *key = at, *value = eq + 1;
    size_t key_len = (size_t)(eq - at), value_len = len - key_len - 1;
    trim(&key, &key_len);
    trim(&value, &value_len);
    line->kind = BF_NETWORKD_KEY;
    line->key = keep(words, key, key_len);
    line->value = keep(words, value, value_len);
    return true;
}

static struct bf_networkd_line *more_line(struct bf_networkd_file *file, size_t *room)
{
    if (file->lines == *room) {
        size_t want = *room ? *room * 2 : 32;
        struct bf_networkd_line *more = realloc(file->line, want * sizeof *more);
        if (!more)
            return NULL;
        file->line = more;
        *room = want;
    }
    return &file->line[file->lines++];
}

const char *bf_networkd_parse(struct bf_networkd_file *file)
{
    size_t pos = 0, room = 0, len;
    unsigned number = 1, ordinal = 0;
    struct bf_line raw;
    const char *section = "";
    char *words = file->words;
    if (file->len >= 3 && memcmp(file->text, "\xef\xbb\xbf", 3) == 0)
        pos = 3;
    while (bf_line_next(file->text, file->len, &pos, &raw)) {
        struct bf_networkd_line *line = more_line(file, &room);
        if (!line)
            return "out of memory";
        *line = (struct bf_networkd_line){.at = raw.at,
                                          .number = number++,
                                          .ordinal = ordinal,
                                          .section = section,
                                          .key = "",
                                          .value = ""};
        if (!is_comment(raw.at, raw.len)) {
            // The words never need more room than their lines: what is kept is shorter by "=".
            number += join(file, &pos, &raw, words, &len) - 1;
            if (!parse_line(line, words, len, &words))
                return "is not understood by systemd-networkd, which ignores the whole file";
        }
        line->full = raw.full;
        ordinal = line->ordinal;
        section = line->section;
    }
    return NULL;
}

bool bf_networkd_has_odd_ends(const char *text, size_t len)
{
    for (const char *cr = text; (cr = memchr(cr, '\r', len - (size_t)(cr - text))); cr++)
        if (cr + 1 < text + len && cr[1] != '\n')
            return true;
    return memchr(text, 0, len) != NULL;
}

// ---- Values -------------------------------------------------------------------------------------

const struct bf_networkd_line *bf_networkd_next(const struct bf_networkd_unit *unit, size_t *file,
                                                size_t *line)
{
    while (*file < unit->files && *line >= unit->file[*file].lines) {
        ++*file;
        *line = 0;
    }
    return *file < unit->files ? &unit->file[*file].line[(*line)++] : NULL;
}

bool bf_networkd_is(const struct bf_networkd_line *line, const char *section, const char *key)
{
    return line->kind == BF_NETWORKD_KEY && strcmp(line->section, section) == 0 &&
           strcmp(line->key, key) == 0;
}

const char *bf_networkd_value(const struct bf_networkd_file *file,
                              const struct bf_networkd_line *section, const char *key)
{
    const struct bf_networkd_line *end = file->line + file->lines;
    const char *value = NULL;
    for (const struct bf_networkd_line *line = section + 1;
         line < end && line->ordinal == section->ordinal; line++)
        if (line->kind == BF_NETWORKD_KEY && strcmp(line->key, key) == 0)
            value = line->value;
    return value;
}

bool bf_networkd_is_address(const char *text)
{
    unsigned char raw[16];
    char ip[INET6_ADDRSTRLEN], *end;
    size_t len = strcspn(text, "/");
    unsigned bits = memchr(text, ':', len) ? 128 : 32;
    if (len >= sizeof ip)
        return false;
    memcpy(ip, text, len);
    ip[len] = 0;
    if (inet_pton(bits == 128 ? AF_INET6 : AF_INET, ip, raw) != 1)
        return false;
    if (!text[len])
        return true;
    text += len + 1;
    return text[0] >= '0' && text[0] <= '9' && strtoul(text, &end, 10) <= bits && !*end;
}

unsigned bf_networkd_dhcp(const struct bf_networkd_unit *unit)
{
    static const struct {
        const char *word;
        unsigned family;
    } known[] = {{"yes", 3},  {"true", 3}, {"on", 3},    {"y", 3},    {"t", 3},   {"1", 3},
                 {"both", 3}, {"ipv4", 1}, {"v4", 1},    {"ipv6", 2}, {"v6", 2},  {"no", 0},
                 {"none", 0}, {"n", 0},    {"false", 0}, {"f", 0},    {"off", 0}, {"0", 0}};
    const struct bf_networkd_line *line;
    size_t file = 0, at = 0;
    unsigned dhcp = 0;
    while ((line = bf_networkd_next(unit, &file, &at)))
        for (size_t i = 0; bf_networkd_is(line, "Network", "DHCP") && i < BF_COUNT(known); i++)
            if (strcasecmp(line->value, known[i].word) == 0)
                dhcp = known[i].family;
    return dhcp;
}

void bf_networkd_head(struct bf_text *out, const struct bf_networkd_file *file)
{
    if (file->lines)
        bf_text_add(out, file->text, (size_t)(file->line[0].at - file->text));
}
