// SPDX-License-Identifier: Apache-2.0
// GRUB's test, also called [. It reads from left to right without precedence of its own but that -o
// begins anew; a word that is no operator is true unless it is empty.
#include "finalize/rehearse/grub.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

#define NESTING 64

struct test {
    struct bf_gr *g;
    char **word;
    size_t at, count;
    unsigned depth;
};

struct truth {
    bool invert, any, all;
};

static void take(struct truth *t, bool value)
{
    t->all = t->all && value != t->invert;
    t->invert = false;
}

// GRUB keeps the lowest 32 bits of a number.
static long number(const char *s)
{
    unsigned long n = strtoul(s + (s[0] == '-'), NULL, 0);
    return (int32_t)(uint32_t)(s[0] == '-' ? -n : n);
}

static bool compare(const char *op, int order, bool *out)
{
    static const struct {
        const char *op;
        bool less, same, more;
    } ops[] = {{"=", 0, 1, 0},  {"==", 0, 1, 0}, {"!=", 1, 0, 1}, {"<", 1, 0, 0},
               {"<=", 1, 1, 0}, {">", 0, 0, 1},  {">=", 0, 1, 1}};
    for (size_t i = 0; i < BF_COUNT(ops); i++)
        if (strcmp(op, ops[i].op) == 0) {
            *out = order < 0 ? ops[i].less : order > 0 ? ops[i].more : ops[i].same;
            return true;
        }
    return false;
}

static bool compare_numbers(const char *op, long a, long b, bool *out)
{
    static const struct {
        const char *op, *as;
    } ops[] = {{"-eq", "="},  {"-ne", "!="}, {"-lt", "<"},
               {"-le", "<="}, {"-gt", ">"},  {"-ge", ">="}};
    for (size_t i = 0; i < BF_COUNT(ops); i++)
        if (strcmp(op, ops[i].op) == 0)
            return compare(ops[i].as, a < b ? -1 : a > b, out);
    return false;
}

// Numbers after what both words begin with.
static bool compare_suffixes(const char *op, const char *a, const char *b, bool *out)
{
    size_t i = 0;
    if (strcmp(op, "-pgt") != 0 && strcmp(op, "-plt") != 0)
        return false;
    while (a[i] && a[i] == b[i])
        i++;
    while (i && a[i - 1] >= '0' && a[i - 1] <= '9')
        i--;
    unsigned long x = strtoul(a + i, NULL, 0), y = strtoul(b + i, NULL, 0);
    *out = op[2] == 'g' ? x > y : x < y;
    return true;
}

static bool of_three(struct test *t, bool *out)
{
    const char *a = t->word[t->at], *op = t->word[t->at + 1], *b = t->word[t->at + 2];
    if (compare(op, strcmp(a, b), out) || compare_numbers(op, number(a), number(b), out) ||
        compare_suffixes(op, a, b, out))
        return true;
    if (strncmp(op, "-nt", 3) != 0 && strncmp(op, "-ot", 3) != 0)
        return false;
    bf_gr_unknown(t->g, "compares the times of files, which is not followed");
    *out = false;
    return true;
}

static bool test_file(struct bf_gr *g, char op, const char *name)
{
    char path[BF_START_PATH];
    uint64_t size = 0;
    enum bf_gr_found found = bf_gr_place(g, name, path);
    bool folder = found != BF_GR_THERE && path[0] && bf_fin_root_is_dir(g->w->f->root, path);
    if (found == BF_GR_UNSEEN) {
        bf_gr_look(g, "asks for %.80s, which is not seen here: taken as not there", name);
        return false;
    }
    if (op == 's')
        return bf_edits_size(&g->w->f->edits, path, &size, NULL) == BF_OK && size > 0;
    return (op != 'd' && found == BF_GR_THERE) || (op != 'f' && folder);
}

static bool of_two(struct test *t, bool *out)
{
    const char *op = t->word[t->at], *word = t->word[t->at + 1];
    if (op[0] != '-' || !op[1] || op[2] || !strchr("defsnz", op[1]))
        return false;
    if (op[1] == 'n' || op[1] == 'z')
        *out = (word[0] != 0) == (op[1] == 'n');
    else
        *out = test_file(t->g, op[1], word);
    return true;
}

static bool expression(struct test *t);

// One of the words that join tests, or a word that is a test itself.
static void of_one(struct test *t, struct truth *truth)
{
    const char *word = t->word[t->at++];
    if (strcmp(word, "(") == 0) {
        take(truth, expression(t));
    } else if (strcmp(word, "!") == 0) {
        truth->invert = !truth->invert;
    } else if (strcmp(word, "-o") == 0) {
        truth->any = truth->any || truth->all;
        truth->all = true;
    } else if (strcmp(word, "-a") != 0) {
        take(truth, word[0] != 0);
    }
}

static bool expression(struct test *t)
{
    struct truth truth = {.all = true};
    bool value;
    if (++t->depth > NESTING)
        bf_gr_lose(t->g, "has more than %d parentheses in one another", NESTING);
    while (t->at < t->count && t->g->state == BF_GR_RUNS) {
        if (t->at + 2 < t->count && of_three(t, &value)) {
            take(&truth, value);
            t->at += 3;
        } else if (t->at + 1 < t->count && of_two(t, &value)) {
            take(&truth, value);
            t->at += 2;
        } else if (strcmp(t->word[t->at], ")") == 0) {
            t->at++;
            break;
        } else
            of_one(t, &truth);
    }
    t->depth--;
    return truth.any || truth.all;
}

int bf_gr_test(struct bf_gr *g, struct bf_gr_words *args, struct bf_gr_node *block)
{
    struct test t = {.g = g, .word = args->word + 1, .count = args->count - 1};
    (void)block;
    if (t.count && strcmp(t.word[t.count - 1], "]") == 0)
        t.count--;
    return expression(&t) ? BF_GR_OK : BF_GR_FALSE;
}
