// SPDX-License-Identifier: Apache-2.0
// A YAML file that is edited where it stands: libyaml tells where each node is, pieces of the text
// are cut out and others put in, and every other byte stays. Lines are YAML's: they end with LF,
// CRLF, CR, NEL, LS or PS.
#ifndef BF_FINALIZE_NETWORK_YAML_SHEET_H
#define BF_FINALIZE_NETWORK_YAML_SHEET_H

#include <stdint.h>
#include <yaml.h>

#include "finalize/system/fin.h"

#define BF_SHEET_MARKS 256

struct bf_splice {
    size_t from, to; // bytes that go
    char *text;      // that takes their place; owned, NULL for none
    size_t order;    // of those at one place
};

struct bf_sheet {
    char path[512];
    const char *text; // owned by the edit set
    size_t len;
    yaml_document_t doc;
    bool parsed;
    size_t *start; // where each line begins; one more for the end
    size_t lines;
    uint32_t *byte_of;           // offset of each character, made when first asked for
    size_t mark[BF_SHEET_MARKS]; // lines of anchors and aliases
    size_t marks;
    struct bf_splice *splice;
    size_t splices, room;
    bool failed; // out of memory while it was edited
};

// Reads and parses a file. After a failure there is nothing to close, and `why` says what is wrong
// and where: it cannot be read, is no YAML, is in UTF-16, or has too much of something, which is
// over the budget.
enum bf_err bf_sheet_open(struct bf_fin *f, const char *path, struct bf_sheet *s, char *why,
                          size_t size);
void bf_sheet_close(struct bf_sheet *s);

// ---- Nodes --------------------------------------------------------------------------------------

// The document's root; NULL for an empty one.
yaml_node_t *bf_sheet_root(struct bf_sheet *s);
bool bf_yaml_is_map(const yaml_node_t *n);
bool bf_yaml_is_list(const yaml_node_t *n);
bool bf_yaml_is_flow(const yaml_node_t *n);
// The text of a scalar, "" for all else and NULL.
const char *bf_yaml_text(const yaml_node_t *n);
// The pairs of a mapping or the items of a list; 0 for all else and NULL.
size_t bf_yaml_size(const yaml_node_t *n);
// A pair's key (a list's item, too) and value.
yaml_node_t *bf_yaml_key(struct bf_sheet *s, const yaml_node_t *n, size_t i);
yaml_node_t *bf_yaml_value(struct bf_sheet *s, const yaml_node_t *n, size_t i);
// The value of the last pair with that key, or NULL.
yaml_node_t *bf_yaml_get(struct bf_sheet *s, const yaml_node_t *map, const char *key);
// Appends a node on one line: flow style, text quoted where it has to be.
void bf_yaml_emit(struct bf_sheet *s, struct bf_text *out, const yaml_node_t *n);

// ---- Places -------------------------------------------------------------------------------------

// Where a node stands, for messages: a line from 1.
unsigned bf_sheet_line(const yaml_node_t *n);
// The last line, from 0, that the pair of a key with that value has.
size_t bf_sheet_last(struct bf_sheet *s, const yaml_node_t *key, const yaml_node_t *value);
// Whether there is nothing but blanks before it on its line.
bool bf_sheet_leads(struct bf_sheet *s, const yaml_node_t *n);
// Whether an anchor or an alias stands on one of the lines.
bool bf_sheet_has_marks(const struct bf_sheet *s, size_t first, size_t last);

// ---- Edits --------------------------------------------------------------------------------------

// Puts lines, each ended by LF, below a line; they get the file's own line ends.
void bf_sheet_put_below(struct bf_sheet *s, size_t line, const char *text);
// Puts text right behind the colon of a key, or before a node.
void bf_sheet_put_behind(struct bf_sheet *s, const yaml_node_t *key, const char *text);
void bf_sheet_put_before(struct bf_sheet *s, const yaml_node_t *n, const char *text);
// Puts text behind the opening bracket of a mapping or list in flow style.
void bf_sheet_put_inside(struct bf_sheet *s, const yaml_node_t *flow, const char *text);
// Replaces a node's own text.
void bf_sheet_replace(struct bf_sheet *s, const yaml_node_t *n, const char *text);
// Takes a node's own text away, with the blanks before it.
void bf_sheet_clear(struct bf_sheet *s, const yaml_node_t *n);
// Takes a pair or item out of a mapping or list, of either style. `joined`: the one before it
// stays. False when it shares its lines with something else.
bool bf_sheet_remove(struct bf_sheet *s, const yaml_node_t *n, size_t i, bool joined);
// Appends the edited text. False when out of memory.
bool bf_sheet_render(struct bf_sheet *s, struct bf_text *out);

#endif
