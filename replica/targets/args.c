// SPDX-License-Identifier: Apache-2.0
// Lists of arguments, see args.h.
#include "replica/targets/args.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM_FIRST = 64 };

void bf_args_free(struct bf_args *a)
{
    for (size_t i = 0; i < a->count; i++)
        free(a->arg[i]);
    free(a->arg);
    memset(a, 0, sizeof *a);
}

static bool make_room(struct bf_args *a)
{
    size_t room = a->room ? a->room * 2 : ROOM_FIRST;
    char **grown;

    if (a->count + 1 < a->room)
        return true;
    grown = reallocarray(a->arg, room, sizeof *grown);
    if (!grown)
        return false;
    a->arg = grown;
    a->room = room;
    return true;
}

void bf_args_add(struct bf_args *a, const char *format, ...)
{
    va_list list;

    if (a->failed || !make_room(a)) {
        a->failed = true;
        return;
    }
    va_start(list, format);
    if (vasprintf(&a->arg[a->count], format, list) < 0)
        a->failed = true;
    else
        a->count++;
    va_end(list);
    a->arg[a->count] = NULL;
}

void bf_args_value(struct bf_text *out, const char *value)
{
    for (; *value; value++)
        bf_textf(out, *value == ',' ? ",," : "%c", *value);
}

static bool is_plain(const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_-./:=,@+%";

    return *word && !word[strspn(word, plain)];
}

void bf_args_quote(struct bf_text *out, const char *word)
{
    if (is_plain(word)) {
        bf_text_str(out, word);
        return;
    }
    bf_text_str(out, "'");
    for (; *word; word++)
        if (*word == '\'')
            bf_text_str(out, "'\\''");
        else
            bf_text_add(out, word, 1);
    bf_text_str(out, "'");
}

void bf_args_shell(struct bf_text *out, const struct bf_args *a)
{
    for (size_t i = 0; i < a->count; i++) {
        if (i > 0)
            bf_text_str(out, a->arg[i][0] == '-' ? " \\\n    " : " ");
        bf_args_quote(out, a->arg[i]);
    }
    bf_text_str(out, "\n");
}
