// SPDX-License-Identifier: Apache-2.0
// blscfg, of the GRUB of Fedora, Red Hat and their kin: the entries of the Boot Loader
// Specification, the newest first by RPM's order of versions. The text of an entry becomes commands
// of the script, so that quotes and variables mean there what they mean in a configuration.
#include "finalize/rehearse/grub.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

// One file of the folder. Its parts live in the run's memory.
struct bls {
    const char *id, *path;
    const char *title, *kernel, *options, *users, *devicetree;
    struct bf_gr_words initrd;
    struct bf_gr_words args; // besides the title
    unsigned line;           // of what GRUB loads
};

// ---- The order of versions ----------------------------------------------------------------------

static bool parts_version(char c)
{
    return c && !isalnum((unsigned char)c) && c != '~';
}

// Compares runs of digits, or of letters, from *a and *b, and steps over them.
static int compare_run(const char **a, const char **b)
{
    int (*is)(int) = isdigit((unsigned char)**a) ? isdigit : isalpha;
    const char *x = *a, *y = *b;
    size_t n = 0, m = 0;
    while (is((unsigned char)x[n]))
        n++;
    while (is((unsigned char)y[m]))
        m++;
    *a += n;
    *b += m;
    if (m == 0)
        return is == isdigit ? 1 : -1;
    for (; is == isdigit && n && *x == '0'; n--)
        x++;
    for (; is == isdigit && m && *y == '0'; m--)
        y++;
    if (is == isdigit && n != m)
        return n > m ? 1 : -1;
    int order = memcmp(x, y, n < m ? n : m);
    return order ? order : n < m ? -1 : n > m;
}

static int compare_versions(const char *a, const char *b)
{
    while (*a || *b) {
        while (parts_version(*a))
            a++;
        while (parts_version(*b))
            b++;
        if (*a == '~' || *b == '~') {
            if (*a != *b)
                return *a == '~' ? -1 : 1;
            a++;
            b++;
            continue;
        }
        if (!*a || !*b)
            break;
        int order = compare_run(&a, &b);
        if (order)
            return order;
    }
    return *a ? 1 : *b ? -1 : 0;
}

// Cuts a name at its last two hyphens; where there are fewer, the first part is the name.
static void split(char *id, const char *part[3])
{
    char *release = strrchr(id, '-'), *version = NULL;
    part[0] = id;
    part[1] = part[2] = "";
    if (!release)
        return;
    *release++ = 0;
    part[1] = release;
    version = strrchr(id, '-');
    if (!version)
        return;
    *version++ = 0;
    part[1] = version;
    part[2] = release;
}

static int compare(const char *a, const char *b)
{
    char x[256], y[256];
    const char *p[3], *q[3];
    int order = 0;
    snprintf(x, sizeof x, "%s", a);
    snprintf(y, sizeof y, "%s", b);
    split(x, p);
    split(y, q);
    for (int i = 0; i < 3 && !order; i++)
        order = compare_versions(p[i], q[i]);
    return order;
}

// ---- Reading ------------------------------------------------------------------------------------

static void keep(struct bf_gr *g, struct bls *b, const char *key, const char *value, unsigned line)
{
    const struct {
        const char *key;
        const char **to;
    } keys[] = {{"title", &b->title},
                {"linux", &b->kernel},
                {"options", &b->options},
                {"grub_users", &b->users},
                {"devicetree", &b->devicetree}};
    for (size_t i = 0; i < BF_COUNT(keys); i++)
        if (strcmp(key, keys[i].key) == 0 && !*keys[i].to) {
            *keys[i].to = value;
            b->line = *keys[i].to == b->kernel ? line : b->line;
        }
    if (strcmp(key, "initrd") == 0)
        bf_gr_word(g, &b->initrd, value, strlen(value));
    if (strcmp(key, "grub_arg") == 0)
        bf_gr_word(g, &b->args, value, strlen(value));
}

// GRUB takes lines up to the first that is no key with a value after a blank.
static bool read_line(struct bf_gr *g, struct bls *b, const struct bf_line *line, unsigned number)
{
    char *text = (char *)bf_gr_dup(g, line->at, strcspn(line->at, "\r\n"));
    text += strspn(text, " \t");
    if (text[0] == '#')
        return true;
    char *blank = strchr(text, ' ');
    blank = blank ? blank : strchr(text, '\t');
    if (!blank || !blank[1] || g->state == BF_GR_LOST)
        return false;
    *blank++ = 0;
    blank += strspn(blank, " \t");
    keep(g, b, text, blank, number);
    return true;
}

static bool read_file(struct bf_gr *g, const char *folder, const char *name, struct bls *b)
{
    char path[BF_START_PATH];
    size_t len, pos = 0;
    unsigned number = 0;
    struct bf_line line;
    *b = (struct bls){.id = bf_gr_dup(g, name, strlen(name) - 5), .line = 1};
    int n = snprintf(path, sizeof path, "%s/%s", folder, name);
    const char *text = n > 0 && (size_t)n < sizeof path ? bf_walk_text(g->w, path, &len) : NULL;
    if (!text)
        return false;
    b->path = bf_gr_dup(g, path, strlen(path));
    if (bf_budget_take(g->w->f->root->budget, path, len))
        bf_gr_lose(g, "is more than a step may read");
    while (g->state == BF_GR_RUNS && bf_line_next(text, len, &pos, &line))
        if (!read_line(g, b, &line, ++number))
            break;
    return b->kernel;
}

// Adds a file to the list, the newest first; of two that are of one version, the first that was
// read stays.
static void insert(struct bls *list, size_t *count, const struct bls *b)
{
    size_t at = 0;
    while (at < *count) {
        int order = compare(b->id, list[at].id);
        if (order == 0)
            return;
        if (order > 0)
            break;
        at++;
    }
    memmove(list + at + 1, list + at, (*count - at) * sizeof *list);
    list[at] = *b;
    ++*count;
}

static size_t read_folder(struct bf_gr *g, const char *folder, struct bls *list)
{
    struct bf_names names;
    size_t count = 0;
    if (bf_edits_list(&g->w->f->edits, folder, ".conf", &names))
        return 0;
    for (size_t i = 0; i < names.count; i++) {
        struct bls b;
        size_t len = strlen(names.name[i]);
        if (len <= 5 || len > 200)
            continue;
        if (count == BF_STARTS_MAX) {
            bf_gr_unknown(g, "%.120s has more entries than %d", folder, BF_STARTS_MAX);
            break;
        }
        if (read_file(g, folder, names.name[i], &b))
            insert(list, &count, &b);
    }
    bf_names_free(&names);
    return count;
}

// ---- Entries ------------------------------------------------------------------------------------

// Fills in $name; a blank follows what a variable has. One that is not set leaves nothing.
static void expand(struct bf_gr *g, const char *s, struct bf_text *out)
{
    while (s && *s) {
        size_t n = strcspn(s, "$"), name = 0;
        bf_text_add(out, s, n);
        s += n;
        if (!*s)
            return;
        s++;
        while (isalnum((unsigned char)s[name]) || s[name] == '_')
            name++;
        const char *value = bf_gr_get(g, bf_gr_dup(g, s, name));
        if (value)
            bf_textf(out, "%s ", value);
        s += name;
        s += *s == ' ';
    }
}

static void add_initrds(struct bf_gr *g, const struct bls *b, struct bf_text *out)
{
    const char *early = bf_gr_get(g, "early_initrd");
    const char *beside = b->initrd.count ? b->initrd.word[0] : b->kernel;
    const char *slash = strrchr(beside, '/'), *end, *word;
    size_t n;
    if (!early && !b->initrd.count)
        return;
    bf_text_str(out, "initrd");
    end = early ? early + strlen(early) : NULL;
    while (early && bf_word_next(&early, end, &word, &n))
        bf_textf(out, " ($root)%.*s%.*s", slash ? (int)(slash - beside + 1) : 0, beside, (int)n,
                 word);
    for (size_t i = 0; i < b->initrd.count; i++)
        bf_textf(out, " ($root)%s", b->initrd.word[i]);
    bf_text_str(out, "\n");
}

static void commands_of(struct bf_gr *g, const struct bls *b, struct bf_text *out)
{
    struct bf_text options = {0};
    const char *save = bf_gr_get(g, "save_default");
    expand(g, b->options, &options);
    if (!options.len)
        expand(g, bf_gr_get(g, "default_kernelopts"), &options);
    bf_textf(out, "%sload_video\nset gfxpayload=keep\ninsmod gzio\nlinux ($root)%s%s%s\n",
             save && strcmp(save, "true") == 0 ? "savedefault\n" : "", b->kernel,
             options.len ? " " : "", bf_text_get(&options));
    add_initrds(g, b, out);
    if (b->devicetree)
        bf_textf(out, "devicetree ($root)%s\n", b->devicetree);
    bf_text_free(&options);
}

static void add_entry(struct bf_gr *g, const struct bls *b)
{
    struct bf_gr_entry *e = bf_gr_alloc(g, sizeof *e);
    struct bf_text text = {0}, users = {0};
    if (!e)
        return;
    *e = (struct bf_gr_entry){.id = b->id, .file = b->path, .line = b->line};
    e->title = b->title ? b->title : b->kernel;
    bf_gr_word(g, &e->args, e->title, strlen(e->title));
    for (size_t i = 0; i < b->args.count; i++)
        bf_gr_word(g, &e->args, b->args.word[i], strlen(b->args.word[i]));
    commands_of(g, b, &text);
    expand(g, b->users, &users);
    e->asks = users.len > 0;
    e->source = bf_gr_dup(g, bf_text_get(&text), text.len);
    if (!bf_text_ok(&text) || !bf_text_ok(&users))
        bf_gr_lose(g, "needs more memory than there is");
    bf_text_free(&text);
    bf_text_free(&users);
    bf_gr_entry_add(g, e);
}

static bool is_default(struct bf_gr *g, const struct bls *b, size_t index)
{
    const char *value = bf_gr_get(g, "default");
    char *end;
    if (!value || !value[0])
        return false;
    unsigned long n = strtoul(value, &end, 0);
    return strcmp(value, b->id) == 0 || (b->title && strcmp(value, b->title) == 0) ||
           (end > value && n == index);
}

// The folder of the entries: the one that is named, else $blsdir or the usual ones.
static bool find_folder(struct bf_gr *g, const char *named, char *out)
{
    const char *var = bf_gr_get(g, "blsdir");
    const char *const places[] = {named ? named
                                  : var ? var
                                        : "/loader/entries",
                                  named ? NULL : "/boot/loader/entries"};
    for (size_t i = 0; i < 2 && places[i]; i++) {
        char name[BF_START_PATH];
        snprintf(name, sizeof name, "%.300s/.", places[i]);
        enum bf_gr_found found = bf_gr_place(g, name, out);
        if (found != BF_GR_UNSEEN && out[0] && bf_fin_root_is_dir(g->w->f->root, out))
            return true;
        if (found == BF_GR_UNSEEN)
            bf_gr_unknown(g, "blscfg reads %.100s, which is not seen here", places[i]);
    }
    return false;
}

// blscfg [default | non-default | ID | (DEVICE)FOLDER]
int bf_gr_blscfg(struct bf_gr *g, struct bf_gr_words *args, struct bf_gr_node *block)
{
    char folder[BF_START_PATH];
    const char *arg = args->count == 2 ? args->word[1] : "";
    struct bls *list = calloc(BF_STARTS_MAX + 1, sizeof *list);
    (void)block;
    g->bls = true;
    if (!list || !find_folder(g, arg[0] == '(' ? arg : NULL, folder)) {
        free(list);
        bf_gr_look(g, "blscfg finds no folder of entries");
        return BF_GR_FAIL;
    }
    size_t count = read_folder(g, folder, list);
    for (size_t i = 0; i < count; i++) {
        bool all = !arg[0] || arg[0] == '(', chosen = is_default(g, &list[i], i);
        if (all || (strcmp(arg, "default") == 0 && chosen) ||
            (strcmp(arg, "non-default") == 0 && !chosen) || strcmp(arg, list[i].id) == 0)
            add_entry(g, &list[i]);
    }
    free(list);
    return BF_GR_OK;
}
