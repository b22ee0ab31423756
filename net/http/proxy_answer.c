// SPDX-License-Identifier: Apache-2.0
// The parser of a proxy's answer: lines, of which the first is the status and an empty one the end.
// An interim answer (1xx) is followed by another one. A line may end without a carriage return
// (RFC 9112, 2.2).
#include "net/http/proxy_answer.h"

#include <string.h>

#include "base/assert.h"

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 32) : c;
}

// "HTTP/1.1 200 Connection established"
static int read_status(struct bf_proxy_answer *a)
{
    const char *l = a->line;
    if (a->line_len < 12 || memcmp(l, "HTTP/1.", 7) != 0 || !is_digit(l[7]) || l[8] != ' ')
        return 0;
    if (!is_digit(l[9]) || !is_digit(l[10]) || !is_digit(l[11]) || l[9] == '0' ||
        (a->line_len > 12 && l[12] != ' '))
        return 0;
    a->status = (uint16_t)((l[9] - '0') * 100 + (l[10] - '0') * 10 + (l[11] - '0'));
    size_t at = 0;
    for (size_t i = 13; i < a->line_len && at < sizeof a->reason - 1; i++)
        a->reason[at++] = l[i] < 0x20 || l[i] > 0x7e || l[i] == '"' ? '?' : l[i];
    a->reason[at] = 0;
    return 1;
}

// The value of the field with this name (in lower case), NULL: it is another one.
static const char *field(const struct bf_proxy_answer *a, const char *name, size_t *len)
{
    size_t n = strlen(name);
    if (a->line_len <= n || a->line[n] != ':')
        return NULL;
    for (size_t i = 0; i < n; i++)
        if (lower(a->line[i]) != name[i])
            return NULL;
    for (n++; n < a->line_len && a->line[n] == ' ';)
        n++;
    *len = a->line_len - n;
    return a->line + n;
}

// Each challenge may be in a field of its own (RFC 9110, 11.7.1); the scheme is its first word.
static void read_challenge(struct bf_proxy_answer *a)
{
    size_t len, at = 0;
    const char *value = field(a, "proxy-authenticate", &len);
    if (!value || strcmp(a->challenge, "Basic") == 0)
        return;
    while (at < len && at < sizeof a->challenge - 1 && value[at] > ' ' && value[at] < 0x7f &&
           value[at] != '"' && value[at] != ',') {
        a->challenge[at] = value[at];
        at++;
    }
    a->challenge[at] = 0;
    if (at == 5 && lower(value[0]) == 'b' && lower(value[1]) == 'a' && lower(value[2]) == 's' &&
        lower(value[3]) == 'i' && lower(value[4]) == 'c')
        a->challenge[0] = 'B';
}

// A whole line. BF_AGAIN: further ones follow.
static enum bf_err end_line(struct bf_proxy_answer *a)
{
    BF_ASSERT(a->line_len <= sizeof a->line);
    if (a->line_len && a->line[a->line_len - 1] == '\r')
        a->line_len--;
    if (!a->status)
        return read_status(a) ? BF_AGAIN : BF_ERR_PROTOCOL;
    if (a->line_len)
        read_challenge(a);
    else if (a->status >= 200)
        return BF_OK;
    else
        a->status = 0; // 1xx: the answer is still to come
    return BF_AGAIN;
}

enum bf_err bf_proxy_answer_take(struct bf_proxy_answer *a, const uint8_t *bytes, size_t len,
                                 size_t *used)
{
    static const char begin[] = "HTTP/1.";
    for (*used = 0; *used < len;) {
        char c = (char)bytes[(*used)++];
        if (++a->total > BF_PROXY_HEAD_MOST)
            return BF_ERR_LIMIT;
        if (c != '\n') {
            // what is not HTTP need not end its line for that to be known
            if (!a->status && a->line_len < sizeof begin - 1 && c != begin[a->line_len])
                return BF_ERR_PROTOCOL;
            if (a->line_len < sizeof a->line)
                a->line[a->line_len++] = c;
            continue;
        }
        enum bf_err err = end_line(a);
        a->line_len = 0;
        if (err != BF_AGAIN)
            return err;
    }
    return BF_AGAIN;
}
