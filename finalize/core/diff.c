// SPDX-License-Identifier: Apache-2.0
// Unified diff by longest common subsequence. Equal heads and tails are trimmed first, so that the
// table is small for the edits made here; when it would still exceed TABLE_MAX cells the middle is
// shown as one block replaced by another, which is a correct if longer diff.
#include "finalize/core/diff.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "finalize/core/root.h"

#define TABLE_MAX ((size_t)4 << 20)
#define CONTEXT   3

struct lines {
    struct bf_line *at;
    size_t count;
};

// One step of the edit script.
struct step {
    char op; // ' ', '-', '+'
    const struct bf_line *line;
};

static const char *const secret_words[] = {
    "psk",         "password",     "passwd",       "passphrase",    "secret",
    "private-key", "privatekey",   "presharedkey", "preshared-key", "wep-key",
    "wep_key",     "wireless-key", "sae-password", "token",         "api-key",
    "apikey",      "credential",   "wpa-psk",      "private_key",
};

static bool is_secret_key(const char *key, size_t len)
{
    for (size_t i = 0; i < BF_COUNT(secret_words); i++) {
        size_t n = strlen(secret_words[i]);
        for (size_t at = 0; n <= len && at <= len - n; at++)
            if (strncasecmp(key + at, secret_words[i], n) == 0)
                return true;
    }
    return false;
}

static bool is_key_char(char c)
{
    return isalnum((unsigned char)c) || c == '-' || c == '_' || c == '.';
}

void bf_printable(struct bf_text *out, const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)s[i];
        char shown = c == '\t' || (c >= 0x20 && c < 0x7f) ? (char)c : '?';
        bf_text_add(out, &shown, 1);
    }
}

// Finds the value of a secret: a key word that names one, then '=', ':' or blanks. Everything after
// it is blanked, whatever the file's own quoting rules: a diff may show too little but never the
// secret.
static size_t secret_start(const char *line, size_t len)
{
    size_t at = 0;
    while (at < len) {
        while (at < len && !is_key_char(line[at]))
            at++;
        size_t key = at;
        while (at < len && is_key_char(line[at]))
            at++;
        if (!is_secret_key(line + key, at - key))
            continue;
        while (at < len && strchr("\"' \t=:", line[at]))
            at++;
        return at;
    }
    return len;
}

// The "user:password@" of an URL: [*from, *to). It has no key word beside it.
static bool url_secret(const char *line, size_t len, size_t *from, size_t *to)
{
    const char *scheme = memmem(line, len, "://", 3);
    if (!scheme)
        return false;
    *from = *to = (size_t)(scheme - line) + 3;
    while (*to < len && !strchr(" \t/\"'@", line[*to]))
        ++*to;
    return *to < len && line[*to] == '@';
}

void bf_redact_line(struct bf_text *out, const char *line, size_t len)
{
    size_t from, to, cut = secret_start(line, len);
    if (url_secret(line, len, &from, &to) && from <= cut) {
        bf_printable(out, line, from);
        bf_text_str(out, "********");
        bf_redact_line(out, line + to, len - to);
        return;
    }
    bf_printable(out, line, cut);
    if (cut < len)
        bf_text_str(out, "********");
}

bool bf_is_text(const char *data, size_t len)
{
    return len <= BF_ROOT_TEXT_MAX && (len == 0 || !memchr(data, 0, len));
}

static bool split(const char *text, size_t len, struct lines *out)
{
    size_t pos = 0, n = 0;
    struct bf_line line;
    while (bf_line_next(text, len, &pos, &line))
        n++;
    out->at = calloc(n + 1, sizeof *out->at);
    out->count = 0;
    pos = 0;
    while (out->at && bf_line_next(text, len, &pos, &line))
        out->at[out->count++] = line;
    return out->at != NULL;
}

static bool same(const struct bf_line *a, const struct bf_line *b)
{
    return a->full == b->full && memcmp(a->at, b->at, a->full) == 0;
}

static size_t put(struct step *s, size_t n, char op, const struct bf_line *line)
{
    s[n] = (struct step){op, line};
    return n + 1;
}

// The script for the middle part: a[0..n) to b[0..m).
static size_t middle(const struct bf_line *a, size_t n, const struct bf_line *b, size_t m,
                     struct step *s, size_t at)
{
    uint32_t *t = NULL;
    size_t i = 0, j = 0, w = m + 1;
    if (n && m && (n + 1) <= TABLE_MAX / w)
        t = calloc((n + 1) * w, sizeof *t);
    for (size_t x = n; t && x-- > 0;)
        for (size_t y = m; y-- > 0;)
            t[x * w + y] = same(&a[x], &b[y])                       ? t[(x + 1) * w + y + 1] + 1
                           : t[(x + 1) * w + y] >= t[x * w + y + 1] ? t[(x + 1) * w + y]
                                                                    : t[x * w + y + 1];
    while (t && i < n && j < m) {
        if (same(&a[i], &b[j])) {
            at = put(s, at, ' ', &a[i++]);
            j++;
        } else if (t[(i + 1) * w + j] >= t[i * w + j + 1]) {
            at = put(s, at, '-', &a[i++]);
        } else {
            at = put(s, at, '+', &b[j++]);
        }
    }
    free(t);
    while (i < n)
        at = put(s, at, '-', &a[i++]);
    while (j < m)
        at = put(s, at, '+', &b[j++]);
    BF_ASSERT(i == n && j == m);
    return at;
}

static size_t script(const struct lines *a, const struct lines *b, struct step *s)
{
    size_t head = 0, tail = 0, at = 0;
    while (head < a->count && head < b->count && same(&a->at[head], &b->at[head]))
        head++;
    while (tail < a->count - head && tail < b->count - head &&
           same(&a->at[a->count - 1 - tail], &b->at[b->count - 1 - tail]))
        tail++;
    for (size_t i = 0; i < head; i++)
        at = put(s, at, ' ', &a->at[i]);
    at = middle(a->at + head, a->count - head - tail, b->at + head, b->count - head - tail, s, at);
    for (size_t i = a->count - tail; i < a->count; i++)
        at = put(s, at, ' ', &a->at[i]);
    BF_ASSERT(at <= a->count + b->count); // what the script has room for
    return at;
}

static void show_hunk(struct bf_text *out, const struct step *s, size_t from, size_t to,
                      size_t old_line, size_t new_line)
{
    size_t olds = 0, news = 0;
    BF_ASSERT(from < to);
    for (size_t i = from; i < to; i++) {
        olds += s[i].op != '+';
        news += s[i].op != '-';
    }
    bf_textf(out, "@@ -%zu,%zu +%zu,%zu @@\n", olds ? old_line + 1 : old_line, olds,
             news ? new_line + 1 : new_line, news);
    for (size_t i = from; i < to; i++) {
        bf_text_add(out, &s[i].op, 1);
        bf_redact_line(out, s[i].line->at, s[i].line->len);
        bf_text_str(out, "\n");
        if (s[i].line->full == s[i].line->len)
            bf_text_str(out, "\\ No newline at end of file\n");
    }
}

// The end of the hunk that begins with the change at `i`: changes closer than two contexts share
// one.
static size_t hunk_end(const struct step *s, size_t n, size_t i)
{
    size_t last = i;
    for (; i < n && i - last <= 2 * CONTEXT; i++)
        if (s[i].op != ' ')
            last = i;
    return last + 1 + CONTEXT < n ? last + 1 + CONTEXT : n;
}

static void show(struct bf_text *out, const struct step *s, size_t n)
{
    size_t old_line = 0, new_line = 0, done = 0;
    for (size_t i = 0; i < n; i++) {
        if (s[i].op == ' ')
            continue;
        size_t from = i > done + CONTEXT ? i - CONTEXT : done;
        for (; done < from; done++) {
            old_line++;
            new_line++;
        }
        size_t to = hunk_end(s, n, i);
        BF_ASSERT(done <= i && i < to && to <= n);
        show_hunk(out, s, from, to, old_line, new_line);
        for (; done < to; done++) {
            old_line += s[done].op != '+';
            new_line += s[done].op != '-';
        }
        i = to - 1;
    }
}

void bf_diff(struct bf_text *out, const char *path, const char *before, size_t before_len,
             const char *after, size_t after_len)
{
    struct lines a = {0}, b = {0};
    bool ok = split(before ? before : "", before ? before_len : 0, &a) &&
              split(after ? after : "", after ? after_len : 0, &b);
    struct step *s = ok ? calloc(a.count + b.count + 1, sizeof *s) : NULL;
    if (s) {
        bf_textf(out, "--- %s%s\n+++ %s%s\n", before ? "a" : "", before ? path : "/dev/null",
                 after ? "b" : "", after ? path : "/dev/null");
        show(out, s, script(&a, &b, s));
    } else {
        out->failed = true;
    }
    free(s);
    free(a.at);
    free(b.at);
}
