// SPDX-License-Identifier: Apache-2.0
// Files of shell variables, as /etc/sysconfig has them: KEY=value, 'value' or "value" lines that a
// shell sources, or that a program reads in that form. Files are stepped through statement by
// statement, so that what is not rewritten keeps its bytes. Nothing is expanded: a value that a
// shell would compute is told from one that is written down.
#ifndef BF_FINALIZE_CORE_SHVAR_H
#define BF_FINALIZE_CORE_SHVAR_H

#include "finalize/core/text.h"

#define BF_SHVAR_KEY     48
#define BF_SHVAR_MAX     512 // variables of one file
#define BF_SHVAR_CHANGES 128 // of one edit

enum bf_shvar_kind {
    BF_SHVAR_NONE, // blank, or a comment
    BF_SHVAR_SET,  // one assignment and no more
    BF_SHVAR_CODE, // what a shell would run: a command, a condition, an unclosed quote
};

struct bf_shvar {
    const char *text; // the file; borrowed
    size_t size;
    size_t pos;          // where the next statement begins
    unsigned number;     // the statement's first line, from 1
    unsigned lines;      // how many lines it has
    struct bf_line line; // the statement with all its lines
    enum bf_shvar_kind kind;
    char key[BF_SHVAR_KEY]; // BF_SHVAR_SET
    const char *value;      // as it is written, with its quotes; not terminated
    size_t value_len;
    bool literal;  // nothing in the value is computed
    bool exported; // "export KEY=value"
    bool cr;       // the line ends with CR LF, of which a shell makes the CR a part of the value
};

void bf_shvar_init(struct bf_shvar *sv, const char *text, size_t size);
bool bf_shvar_next(struct bf_shvar *sv);
// True on an assignment of that key.
bool bf_shvar_is(const struct bf_shvar *sv, const char *key);
// The value without its quotes, NUL-terminated. False, with "", when it is computed, has a NUL byte
// or does not fit.
bool bf_shvar_value(const struct bf_shvar *sv, char *out, size_t size);

// A variable after the whole file: the last assignment wins.
struct bf_shvar_var {
    char key[BF_SHVAR_KEY];
    char *value;    // never NULL; "" when it is not literal
    bool literal;   // it is written down
    unsigned line;  // of the last assignment
    unsigned lines; // how many lines that has
};

struct bf_shvars {
    struct bf_shvar_var *var; // owned
    size_t count;
    unsigned code;     // the first line that is more than an assignment; 0: there is none
    unsigned exported; // the first assignment after "export"; 0: there is none
    unsigned cr;       // the first assignment that ends with CR LF; 0: there is none
    bool failed;       // out of memory, or more than BF_SHVAR_MAX variables: some are missing
};

// Reads all variables. To be freed, also after a failure.
void bf_shvars_load(struct bf_shvars *vars, const char *text, size_t size);
void bf_shvars_free(struct bf_shvars *vars);
// The variable, or NULL when it is not set.
const struct bf_shvar_var *bf_shvars_find(const struct bf_shvars *vars, const char *key);
// Its value; "" when it is not set or not literal.
const char *bf_shvars_get(const struct bf_shvars *vars, const char *key);

struct bf_shvar_change {
    const char *key;
    const char *value; // NULL: the variable goes
};

// Appends the file with the changes, at most BF_SHVAR_CHANGES, each of another key. A value is set
// where the last assignment stood, with its kind of quotes and its comment; earlier assignments of
// the key, which it hid, go. New variables follow the last one that was touched, or stand at the
// end. A value that is there already keeps its bytes.
void bf_shvar_edit(struct bf_text *out, const char *text, size_t size,
                   const struct bf_shvar_change *change, size_t count);

#endif
