// SPDX-License-Identifier: Apache-2.0
// What the files of the reader of GRUB 2 share: the tree of a script, the state of a run, and the
// steps between them. The language is that of GRUB's manual, "Writing full configuration files
// directly"; where the manual is silent, it is what GRUB 2.06 does when it is run.
#ifndef BF_FINALIZE_REHEARSE_GRUB_H
#define BF_FINALIZE_REHEARSE_GRUB_H

#include "finalize/core/text.h"
#include "finalize/rehearse/walk.h"

#define BF_GR_NESTING   64    // blocks in blocks
#define BF_GR_DEPTH     192   // of what runs in what: blocks, functions, files
#define BF_GR_COMMANDS  30000 // that one configuration may run
#define BF_GR_CONFIGS   6     // that open one another
#define BF_GR_FUNCTIONS 512
#define BF_GR_WORD      65536 // bytes of a word, and of a variable
#define BF_GR_WORDS     4096  // of a command
#define BF_GR_MEMORY    ((size_t)32 << 20)

// ---- A script -----------------------------------------------------------------------------------

enum bf_gr_part_kind {
    BF_GR_TEXT,     // outside of quotes: a backslash and what it quotes are both still there
    BF_GR_QUOTED,   // as it is; makes a word even if it is empty
    BF_GR_VARIABLE, // its name; the value is split at blanks
    BF_GR_INSIDE,   // the name of a variable inside double quotes
    BF_GR_MESSAGE,  // $"...", which is translated
};

struct bf_gr_part {
    enum bf_gr_part_kind kind;
    const char *text;
    struct bf_gr_part *next;
};

struct bf_gr_arg {
    struct bf_gr_part *part;
    struct bf_gr_arg *next;
};

enum bf_gr_kind { BF_GR_COMMAND, BF_GR_IF, BF_GR_WHILE, BF_GR_UNTIL, BF_GR_FOR, BF_GR_FUNCTION };

// A statement. All of a script lives in the run's memory.
struct bf_gr_node {
    enum bf_gr_kind kind;
    unsigned line;         // where it begins
    struct bf_gr_arg *arg; // a command's words, or what `for` goes over
    const char *name;      // of a function, or of the variable of `for`
    struct bf_gr_node *test;
    struct bf_gr_node *body;  // a command's block; NULL: it has none
    struct bf_gr_node *other; // else
    struct bf_gr_node *next;
};

// A text as GRUB's reader of lines has it.
struct bf_gr_source {
    const char *text; // ends in a newline, unless it is empty
    size_t len;
    const size_t *start;    // of each line in `text`
    const unsigned *number; // of each line in the file
    size_t lines;
    size_t at;   // where reading goes on
    size_t line; // the line that `at` is in
};

enum bf_gr_token_kind {
    BF_GR_T_END,
    BF_GR_T_NEWLINE,
    BF_GR_T_SEMICOLON,
    BF_GR_T_OPEN,
    BF_GR_T_CLOSE,
    BF_GR_T_BAD, // no token, or one that no rule of the grammar has
    BF_GR_T_WORD,
    BF_GR_T_NAME,
    // The reserved words, which are plain words after the first of a command.
    BF_GR_T_CASE,
    BF_GR_T_DO,
    BF_GR_T_DONE,
    BF_GR_T_ELIF,
    BF_GR_T_ELSE,
    BF_GR_T_ESAC,
    BF_GR_T_FI,
    BF_GR_T_FOR,
    BF_GR_T_FUNCTION,
    BF_GR_T_IF,
    BF_GR_T_IN,
    BF_GR_T_SELECT,
    BF_GR_T_THEN,
    BF_GR_T_UNTIL,
    BF_GR_T_WHILE,
};

struct bf_gr_token {
    enum bf_gr_token_kind kind;
    unsigned line;
    struct bf_gr_part *part; // of a word
};

// ---- A run --------------------------------------------------------------------------------------

struct bf_gr_words {
    char **word; // ended by NULL
    size_t count, cap;
};

struct bf_gr_var {
    const char *name, *value;
    bool exported;
};

struct bf_gr_vars {
    struct bf_gr_var *item; // sorted by name; owned
    size_t count, cap;
};

// One of a menu. Its parts live in the run's memory.
struct bf_gr_entry {
    const char *title, *id;
    struct bf_gr_words args;
    struct bf_gr_node *body; // its block, or
    const char *source;      // the text of one
    bool submenu;
    bool asks; // for a name and a password, when there are superusers
    const char *file;
    unsigned line;
    struct bf_gr_entry *next;
};

struct bf_gr_menu {
    struct bf_gr_entry *first, *last;
    size_t count;
};

// What a kernel's commands have loaded so far.
struct bf_gr_load {
    bool loaded;
    struct bf_start start; // kind, kernel, initrds, command line, blocked and unknown are used
    bool xen;              // modules follow
    size_t modules;
};

enum bf_gr_state {
    BF_GR_RUNS,
    BF_GR_LEFT,  // GRUB ended: exit, halt, reboot, a kernel that was started
    BF_GR_SHOWN, // another configuration's menu took over
    BF_GR_LOST,  // it could not be followed further, which was said
};

// Where a file is that a script names.
enum bf_gr_found { BF_GR_THERE, BF_GR_MISSING, BF_GR_UNSEEN };

struct bf_gr_chunk;
struct bf_gr;

// `args` begin with the command's name.
typedef int bf_gr_run_fn(struct bf_gr *g, struct bf_gr_words *args, struct bf_gr_node *block);

struct bf_gr_command {
    const char *name;
    bf_gr_run_fn *run; // NULL: nothing that matters here; it succeeds
};

struct bf_gr {
    struct bf_walk *w;
    // The row of a command, NULL for one that GRUB does not have.
    const struct bf_gr_command *(*command)(const char *name);
    struct bf_gr_chunk *chunk; // the memory of the run; owned
    size_t memory;
    enum bf_gr_state state;
    struct bf_gr_vars vars;
    struct bf_gr_node *function; // defined so far, the last one first
    unsigned functions;
    struct bf_gr_menu *menu; // that entries are added to
    struct bf_gr_load load;
    const char *file; // at work, and the line in it
    unsigned line;
    unsigned only_line;        // what runs was made from this line; 0: it is what is written
    const char *title;         // of the menus that lead here: "" or "Advanced options > "
    bool in_entry;             // an entry is run, not a configuration
    bool in_test;              // what decides an if or a loop is run
    bool chosen;               // what runs now runs when nobody touches the keyboard
    struct bf_gr_words *scope; // $1, $2, ...; NULL: none
    size_t shifted;
    unsigned loops, breaks;
    bool again;    // the break is a continue
    bool returned; // a function ends
    bool bls;      // blscfg was used: a GRUB of the Red Hat family
    bool globs;    // the module regexp is there, which expands * and ?
    unsigned depth;
    unsigned commands;
    bool found[BF_DEVICES_MAX];      // by search, not by its place among the disks
    const char *open[BF_GR_CONFIGS]; // the configurations whose menus lead here
    size_t opened;
};

#define BF_GR_OK    0
#define BF_GR_FALSE 1 // an error of GRUB that prints nothing of interest
#define BF_GR_FAIL  18

// ---- grub_memory.c ------------------------------------------------------------------------------

// Memory that lives as long as the run; NULL, and the run is lost, when there is too much of it.
void *bf_gr_alloc(struct bf_gr *g, size_t size);
const char *bf_gr_dup(struct bf_gr *g, const char *s, size_t len);
void bf_gr_release(struct bf_gr *g); // but for what is said to be owned elsewhere
// The run cannot be followed further; says why, once.
void bf_gr_lose(struct bf_gr *g, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
// What is said of the line at work. Of an entry, it is said in its start.
void bf_gr_block(struct bf_gr *g, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void bf_gr_unknown(struct bf_gr *g, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void bf_gr_look(struct bf_gr *g, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

// Appends a word; the run is lost when there are too many.
void bf_gr_word(struct bf_gr *g, struct bf_gr_words *w, const char *s, size_t len);

// ---- grub_lex.c, grub_parse.c -------------------------------------------------------------------

// Makes a source of a text; false when out of memory.
bool bf_gr_source(struct bf_gr *g, const char *text, size_t len, struct bf_gr_source *out);
struct bf_gr_token bf_gr_token(struct bf_gr *g, struct bf_gr_source *s);
// Goes on at the next line, after an error in this one.
void bf_gr_skip_line(struct bf_gr_source *s);

enum bf_gr_unit { BF_GR_UNIT, BF_GR_UNIT_END, BF_GR_UNIT_BAD };
// Reads the statements of one line, with as many further lines as they need: what GRUB reads before
// it runs anything. After a bad one, *bad is the line where it could not go on.
enum bf_gr_unit bf_gr_parse(struct bf_gr *g, struct bf_gr_source *s, struct bf_gr_node **out,
                            unsigned *bad);

// ---- grub_vars.c --------------------------------------------------------------------------------

const char *bf_gr_get(const struct bf_gr *g, const char *name); // NULL: not set
void bf_gr_set(struct bf_gr *g, const char *name, const char *value);
void bf_gr_unset(struct bf_gr *g, const char *name);
void bf_gr_export(struct bf_gr *g, const char *name);
void bf_gr_set_exported(struct bf_gr *g, const char *name, const char *value);
// Copies the variables; those that are exported alone, as another configuration or a submenu gets
// them. False when out of memory.
bool bf_gr_vars_copy(const struct bf_gr_vars *from, bool exported, struct bf_gr_vars *out);
void bf_gr_vars_free(struct bf_gr_vars *v);

// ---- grub_expand.c ------------------------------------------------------------------------------

void bf_gr_expand(struct bf_gr *g, const struct bf_gr_arg *arg, struct bf_gr_words *out);

// ---- grub_run.c ---------------------------------------------------------------------------------

// Runs a text, which is called `file` in what is said.
int bf_gr_run_text(struct bf_gr *g, const char *file, const char *text, size_t len);
int bf_gr_call(struct bf_gr *g, const struct bf_gr_node *list, struct bf_gr_words *args);

// ---- grub_place.c -------------------------------------------------------------------------------

// What GRUB calls a device.
const char *bf_gr_device_name(struct bf_gr *g, const struct bf_device *dev);
// The device of a name; NULL when there is none (*found MISSING), or it is not known (UNSEEN).
const struct bf_device *bf_gr_device(struct bf_gr *g, const char *name, enum bf_gr_found *found);
// The path in the tree of a file as a script names it: "(hd0,gpt2)/boot/x", or "/x" on $root. `out`
// is of BF_START_PATH bytes, and filled as well as can be when the file is missing.
enum bf_gr_found bf_gr_place(struct bf_gr *g, const char *name, char *out);

// ---- The commands -------------------------------------------------------------------------------

// In grub_command.c.
const struct bf_gr_command *bf_gr_command(const char *name);

bf_gr_run_fn bf_gr_test, bf_gr_search, bf_gr_menuentry, bf_gr_submenu, bf_gr_blscfg;
bf_gr_run_fn bf_gr_load_env, bf_gr_save_env, bf_gr_linux, bf_gr_initrd, bf_gr_multiboot,
    bf_gr_module;
bf_gr_run_fn bf_gr_chainloader, bf_gr_devicetree, bf_gr_boot, bf_gr_configfile, bf_gr_source_file;
bf_gr_run_fn bf_gr_normal, bf_gr_probe, bf_gr_foreign, bf_gr_leave;
bf_gr_run_fn bf_gr_set_command, bf_gr_unset_command, bf_gr_export_command, bf_gr_step, bf_gr_yes;
bf_gr_run_fn bf_gr_no, bf_gr_stop_loop, bf_gr_return, bf_gr_shift, bf_gr_setparams, bf_gr_eval;
bf_gr_run_fn bf_gr_insmod, bf_gr_drawing, bf_gr_ask, bf_gr_unseen, bf_gr_regexp;

// Reads a configuration, which a script calls `name` and which is `path` in the tree, in the
// variables that are there, and offers its menu.
void bf_gr_run_menu(struct bf_gr *g, const char *name, const char *path, const char *text,
                    size_t len);
void bf_gr_entry_add(struct bf_gr *g, struct bf_gr_entry *e);
// What is offered when a configuration was read to its end: adds a start for each entry.
void bf_gr_show(struct bf_gr *g, struct bf_gr_menu *menu, bool waits);
void bf_gr_load_clear(struct bf_gr_load *load);
// Adds what is loaded as a start; true when something was.
bool bf_gr_load_start(struct bf_gr *g, const char *title, const char *file, unsigned line);

#endif
