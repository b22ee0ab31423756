// SPDX-License-Identifier: Apache-2.0
// Reads and fills GRUB's environment blocks.
#include "finalize/boot/grub_env.h"

#include <string.h>

#define HEADER "# GRUB Environment Block\n"
#define BLOCK  1024

bool bf_grub_env_init(struct bf_grub_env *env, const char *text, size_t len)
{
    *env = (struct bf_grub_env){.text = text, .len = len, .pos = strlen(HEADER)};
    return len >= strlen(HEADER) && memcmp(text, HEADER, strlen(HEADER)) == 0;
}

// Where the '#' begin that fill the block.
static size_t filled_from(const struct bf_grub_env *env)
{
    size_t at = env->len;
    while (at > 0 && env->text[at - 1] == '#')
        at--;
    return at > 0 && env->text[at - 1] == '\n' ? at : env->len;
}

bool bf_grub_env_next(struct bf_grub_env *env)
{
    const char *at = env->text + env->pos, *end = env->text + filled_from(env), *p = at;
    env->name = NULL;
    if (at >= end)
        return false;
    while (p < end && *p != '\n')
        p += *p == '\\' && p + 1 < end ? 2 : 1;
    env->line.at = at;
    env->line.len = (size_t)(p - at);
    env->line.full = env->line.len + (p < end);
    env->pos += env->line.full;
    const char *equals = memchr(at, '=', env->line.len);
    if (at[0] == '#' || !equals)
        return true;
    env->name = at;
    env->name_len = (size_t)(equals - at);
    env->value = equals + 1;
    env->value_len = (size_t)(p - equals - 1);
    return true;
}

void bf_grub_env_value(const struct bf_grub_env *env, struct bf_text *out)
{
    const char *end = env->value + env->value_len;
    for (const char *p = env->value; p < end; p++) {
        if (*p == '\\' && p + 1 < end)
            p++;
        bf_text_add(out, p, 1);
    }
}

void bf_grub_env_escape(struct bf_text *out, const char *value, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (value[i] == '\\' || value[i] == '\n')
            bf_text_str(out, "\\");
        bf_text_add(out, value + i, 1);
    }
}

bool bf_grub_env_fill(const struct bf_grub_env *env, struct bf_text *block)
{
    bool filled = env->len == BLOCK || filled_from(env) < env->len;
    while (filled && bf_text_ok(block) && block->len < env->len)
        bf_text_str(block, "#");
    return !filled || block->len <= env->len;
}
