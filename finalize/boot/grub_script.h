// SPDX-License-Identifier: Apache-2.0
// GRUB's script language, as far as a rewriter needs it: words with their quotes, commands, and the
// entries that they are in. GRUB manual 2.06, "Shell-like scripting": a backslash before the end of
// a line continues it, also inside double quotes; braces, ';', '|', '&', '<' and '>' end a word.
#ifndef BF_FINALIZE_BOOT_GRUB_SCRIPT_H
#define BF_FINALIZE_BOOT_GRUB_SCRIPT_H

#include "finalize/core/budget.h"
#include "finalize/core/text.h"

#define BF_GRUB_COMMANDS_MAX 50000
#define BF_GRUB_DEPTH_MAX    32

struct bf_grub_word {
    const char *at; // as it is written
    size_t len;
};

struct bf_grub_command {
    const char *at, *end; // from the first word to behind the last one
    unsigned line;        // from 1
    unsigned entry;       // index of the entry that it is in; 0: none
    unsigned depth;       // of braces and of if, for, while and until around it
};

struct bf_grub_entry {
    struct bf_grub_word title, id; // with their quotes; of no length where there is none
    unsigned parent;               // index of the submenu that it is in; 0: the menu itself
    unsigned number;               // among those of its parent, from 0
    unsigned children;             // how many it has
    bool submenu;
    bool starts; // for whoever finds out
};

struct bf_grub_script {
    struct bf_grub_command *command; // owned
    size_t commands;
    struct bf_grub_entry *entry; // owned; the first one stands for the menu itself
    size_t entries;
};

// Finds the commands of a script, which they point into. BF_ERR_LIMIT for more than
// BF_GRUB_COMMANDS_MAX, BF_ERR_NO_MEMORY; to be freed in any case.
enum bf_err bf_grub_parse(struct bf_grub_script *s, const char *text, size_t len);
void bf_grub_script_free(struct bf_grub_script *s);

// Cuts the next word out of a command.
bool bf_grub_word_next(const char **at, const char *end, struct bf_grub_word *word);
// Appends what GRUB makes of a word, without its quotes. False, with some of it appended, when it
// has a variable.
bool bf_grub_word_value(const struct bf_grub_word *word, struct bf_text *out);
// The name of the variable of which the bytes consist: "kernelopts" for "$kernelopts" and
// "${kernelopts}". False when they are anything else.
bool bf_grub_variable(const char *at, size_t len, char *out, size_t size);

#endif
