// SPDX-License-Identifier: Apache-2.0
// Values of GRUB's variables that a kernel's command line is made of, in scripts and in environment
// blocks.
#include <stdio.h>
#include <string.h>

#include "finalize/boot/cmdline.h"
#include "finalize/boot/cmdline_names.h"
#include "finalize/boot/grub_config.h"
#include "finalize/boot/grub_env.h"
#include "finalize/boot/lines.h"

// Variables of GRUB itself, whose values are no words of a kernel.
static bool is_grubs_own(const char *name)
{
    return strcmp(name, "root") == 0 || strcmp(name, "default") == 0 ||
           strcmp(name, "prefix") == 0 || strcmp(name, "fallback") == 0 ||
           strcmp(name, "saved_entry") == 0 || strcmp(name, "next_entry") == 0;
}

enum bf_err bf_grub_rewrite_value(struct bf_fin *f, const struct bf_grub_config *c,
                                  const char *path, unsigned line, const char *name,
                                  const char *value, size_t len, struct bf_text *out)
{
    struct bf_cmdline at = {
        .path = path, .line = line, .console = bf_grub_is_kernelopts(name), .starts = true};
    if (is_grubs_own(name)) {
        bf_text_add(out, value, len);
        return BF_OK;
    }
    if (!bf_grub_is_root(c, name))
        return bf_cmdline_edit(f, &at, value, len, out);
    enum bf_cmdline_word fate = bf_cmdline_root(f, &at, value, len, out);
    if (fate == BF_CMDLINE_STAYS)
        bf_text_add(out, value, len);
    return fate == BF_CMDLINE_REFUSED ? BF_ERR_CONFIG : BF_OK;
}

// One line of a block.
static enum bf_err rewrite_line(struct bf_fin *f, const struct bf_grub_config *c, const char *path,
                                const struct bf_grub_env *env, unsigned line, struct bf_text *out)
{
    char name[BF_GRUB_NAME] = "";
    struct bf_text old = {0}, new = {0};
    if (env->name && env->name_len < sizeof name)
        snprintf(name, sizeof name, "%.*s", (int)env->name_len, env->name);
    if (name[0])
        bf_grub_env_value(env, &old);
    enum bf_err err = BF_OK;
    if (name[0] && old.len)
        err = bf_grub_rewrite_value(f, c, path, line, name, old.data, old.len, &new);
    if (err || bf_lines_same(&new, bf_text_get(&old), old.len) || !bf_text_ok(&new) || !new.len) {
        bf_text_add(out, env->line.at, env->line.full);
    } else {
        bf_textf(out, "%s=", name);
        bf_grub_env_escape(out, new.data, new.len);
        bf_text_add(out, env->line.at + env->line.len, env->line.full - env->line.len);
    }
    bf_text_free(&old);
    bf_text_free(&new);
    return err;
}

static enum bf_err rewrite_block(struct bf_fin *f, const struct bf_grub_config *c, const char *path,
                                 struct bf_grub_env *env, struct bf_text *out)
{
    enum bf_err err = BF_OK;
    bf_text_add(out, env->text, env->pos);
    for (unsigned line = 2; !err && bf_grub_env_next(env); line++)
        err = rewrite_line(f, c, path, env, line, out);
    if (!err && bf_text_ok(out) && !bf_grub_env_fill(env, out))
        return bf_refuse(f->report,
                         "%s: the new values do not fit into the %zu bytes that GRUB can write: "
                         "remove a variable that is not needed",
                         path, env->len);
    return err ? err : bf_lines_set(f, path, out);
}

enum bf_err bf_grub_rewrite_env(struct bf_fin *f, const struct bf_grub_config *c, const char *path)
{
    size_t len;
    enum bf_err err;
    struct bf_grub_env env;
    struct bf_text out = {0};
    const char *text = bf_fin_get(f, path, &len, &err);
    if (!text || !len)
        return err;
    if (!bf_grub_env_init(&env, text, len)) {
        bf_note(f->report, "warning", path,
                "is no environment block that GRUB reads, and is left alone");
        return BF_OK;
    }
    err = rewrite_block(f, c, path, &env, &out);
    bf_text_free(&out);
    return err;
}
