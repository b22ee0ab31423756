// SPDX-License-Identifier: Apache-2.0
// All files that GRUB reads when the machine starts: its menu, what that reads by source,
// configfile and load_env, and what their variables have to do with kernels' command lines.
#ifndef BF_FINALIZE_BOOT_GRUB_CONFIG_H
#define BF_FINALIZE_BOOT_GRUB_CONFIG_H

#include "finalize/boot/grub_script.h"
#include "finalize/system/fin.h"

#define BF_GRUB_FILES_MAX     64
#define BF_GRUB_VARIABLES_MAX 256
#define BF_GRUB_NAME          48

enum bf_grub_kind {
    BF_GRUB_MENU,   // a script with entries of its own, of which one is the default
    BF_GRUB_SCRIPT, // a part of another one
    BF_GRUB_ENV,    // an environment block
};

struct bf_grub_file {
    char path[512]; // canonical
    enum bf_grub_kind kind;
};

// A variable that a kernel's command line uses.
struct bf_grub_variable_use {
    char name[BF_GRUB_NAME];
    bool root;     // as "root=$name": its value is a device
    bool set;      // some file gives it a value
    char path[96]; // where it is used first
    unsigned line;
};

struct bf_grub_config {
    struct bf_grub_file file[BF_GRUB_FILES_MAX];
    size_t files;
    struct bf_grub_variable_use use[BF_GRUB_VARIABLES_MAX];
    size_t uses;
    bool kernelopts;      // a variable of that name has a value: consoles go there
    struct bf_text saved; // saved_entry and next_entry, one in a line; owned
};

// Finds them; to be freed in any case. Fails after bf_refuse() or bf_fail().
enum bf_err bf_grub_find(struct bf_fin *f, struct bf_grub_config *c);
void bf_grub_config_free(struct bf_grub_config *c);

// Whether it is one of the names under which Red Hat and Fedora keep all options.
bool bf_grub_is_kernelopts(const char *name);
// The variable, when a command line has its root from it.
bool bf_grub_is_root(const struct bf_grub_config *c, const char *name);
// A command by its first word: whether it starts a Linux kernel ("linux", "linuxefi", "$linux"), or
// loads an initramfs; and of Xen or another multiboot kernel, whether it loads a module.
bool bf_grub_is_linux(const struct bf_grub_word *word);
bool bf_grub_is_initrd(const struct bf_grub_word *word);
bool bf_grub_is_module(const struct bf_grub_word *word);
// The first word of a command; `rest` is behind it.
struct bf_grub_word bf_grub_first(const struct bf_grub_command *c, const char **rest);
// "set NAME=VALUE" or "NAME=VALUE": the name, and the value as it is written. False for others.
bool bf_grub_assignment(const struct bf_grub_command *c, char *name, size_t size,
                        struct bf_grub_word *value);

// Marks the entries that may be started without anybody choosing one.
void bf_grub_mark_default(const struct bf_grub_config *c, struct bf_grub_script *s);

// Rewrites them, in grub_cfg.c and grub_vars.c. Fails after bf_refuse() or bf_fail().
enum bf_err bf_grub_rewrite_script(struct bf_fin *f, const struct bf_grub_config *c,
                                   const struct bf_grub_file *file);
enum bf_err bf_grub_rewrite_env(struct bf_fin *f, const struct bf_grub_config *c, const char *path);
// Appends what becomes of the value of a variable.
enum bf_err bf_grub_rewrite_value(struct bf_fin *f, const struct bf_grub_config *c,
                                  const char *path, unsigned line, const char *name,
                                  const char *value, size_t len, struct bf_text *out);

#endif
