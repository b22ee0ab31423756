// SPDX-License-Identifier: Apache-2.0
// See shell_list.h.
#include "finalize/initramfs/shell_list.h"

#include <string.h>

#include "finalize/core/shvar.h"
#include "finalize/initramfs/maker.h"

static bool has_word(const char *list, char separator, const char *word)
{
    size_t n = strlen(word);
    for (const char *at = list; (at = strstr(at, word)); at += n) {
        bool begins = at == list || at[-1] == separator || at[-1] == ' ';
        if (begins && (!at[n] || at[n] == separator || at[n] == ' '))
            return true;
    }
    return false;
}

enum bf_err bf_shell_list(struct bf_fin *f, const char *path, const char *key, char separator,
                          const char *const *word, size_t count)
{
    size_t len;
    enum bf_err err;
    struct bf_shvars vars;
    struct bf_text value = {0}, out = {0};
    const char *text = bf_fin_get(f, path, &len, &err);
    if (err)
        return err;
    bf_shvars_load(&vars, text ? text : "", len);
    const struct bf_shvar_var *var = bf_shvars_find(&vars, key);
    bf_text_str(&value, var ? var->value : "");
    for (size_t i = 0; i < count; i++)
        if (!has_word(bf_text_get(&value), separator, word[i]))
            bf_textf(&value, "%.*s%s", value.len > 0, &separator, word[i]);
    struct bf_shvar_change change = {key, bf_text_get(&value)};
    if (var && !var->literal)
        bf_note(f->report, "warning", path,
                "line %u: %s is computed, so the drivers are not added to it: the next image may "
                "lack them",
                var->line, key);
    else
        bf_shvar_edit(&out, text ? text : "", len, &change, 1);
    if (!var || var->literal)
        err = bf_fin_set(f, path, &out, BF_LASTING_WHY);
    bf_shvars_free(&vars);
    bf_text_free(&value);
    bf_text_free(&out);
    return err;
}

enum bf_err bf_shell_set(struct bf_fin *f, const char *path, const char *key, const char *value)
{
    size_t len;
    enum bf_err err;
    struct bf_text out = {0};
    struct bf_shvar_change change = {key, value};
    const char *text = bf_fin_get(f, path, &len, &err);
    if (err)
        return err;
    bf_shvar_edit(&out, text ? text : "", len, &change, 1);
    err = bf_fin_set(f, path, &out, BF_LASTING_WHY);
    bf_text_free(&out);
    return err;
}
