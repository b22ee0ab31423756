// SPDX-License-Identifier: Apache-2.0
// A growable byte string for building files and messages. It fails once and stays failed: callers
// append without checking each step and ask bf_text_ok() before they use the result.
#ifndef BF_FINALIZE_CORE_TEXT_H
#define BF_FINALIZE_CORE_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct bf_text {
    char *data; // NUL-terminated once anything was added; owned by the text
    size_t len; // without the NUL
    size_t cap;
    bool failed; // out of memory: the content is incomplete and must not be used
};

void bf_text_free(struct bf_text *t);
// Makes it empty, and keeps its memory for what comes next.
void bf_text_empty(struct bf_text *t);
void bf_text_add(struct bf_text *t, const void *bytes, size_t len);
void bf_text_str(struct bf_text *t, const char *s);
void bf_textf(struct bf_text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void bf_text_vf(struct bf_text *t, const char *fmt, va_list ap);
// Appends words with ", " between them, and `last` (" and ") before the last one.
void bf_text_list(struct bf_text *t, const char *const *word, size_t count, const char *last);
// True when everything appended so far is there.
bool bf_text_ok(const struct bf_text *t);
// The content as a C string, "" when empty or failed. Valid until the next append.
const char *bf_text_get(const struct bf_text *t);

// One line of a text file, found by bf_line_next(). `len` excludes the line end, `full` includes
// it.
struct bf_line {
    const char *at;
    size_t len;
    size_t full;
};

// Steps through a text of `len` bytes: *pos starts at 0; false at the end.
bool bf_line_next(const char *text, size_t len, size_t *pos, struct bf_line *line);

// The bytes that bf_line_next and bf_word_next have gone over so far: a measure of work, by which
// tests and fuzzers see that a parser's is in proportion to its input.
size_t bf_text_stepped(void);

// Cuts the next blank-separated word out of [*at, end); false when there is none. The word is
// [*at_word, *at_word + *word_len).
bool bf_word_next(const char **at, const char *end, const char **word, size_t *word_len);
// True when the counted word equals the C string.
bool bf_word_is(const char *word, size_t len, const char *s);
// Decodes "\040" and the like in place, as getmntent(3) does it in the fields of fstab.
void bf_text_unoctal(char *s);
// Allocates a C string of the counted bytes; NULL when out of memory.
char *bf_word_dup(const char *word, size_t len);

#endif
