// SPDX-License-Identifier: Apache-2.0
// GRUB's search and probe: from what a file system is to the device that has it.
#include "finalize/rehearse/grub.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"

struct search {
    char by;         // 'u', 'l', 'f'; 0: not said
    const char *var; // NULL: it is printed
    const char *id;
    const char *only; // the word after --set, which is what is searched for when there is no other
};

// GRUB looks at file systems alone.
static bool has_file_system(const struct bf_device *dev)
{
    static const char *const none[] = {"crypto_LUKS", "LVM2_member", "linux_raid_member",
                                       "swap",        "swsuspend",   ""};
    for (size_t i = 0; i < BF_COUNT(none); i++)
        if (strcmp(dev->type, none[i]) == 0)
            return false;
    return true;
}

static bool has_file(struct bf_gr *g, const struct bf_device *dev, const char *path)
{
    char tree[BF_START_PATH];
    return bf_walk_path(g->w, dev, path, tree, sizeof tree) && bf_walk_exists(g->w, tree);
}

static bool is_it(struct bf_gr *g, const struct search *s, const struct bf_device *dev)
{
    if (s->by == 'u')
        return dev->uuid[0] && strcasecmp(dev->uuid, s->id) == 0 && has_file_system(dev);
    if (s->by == 'l')
        return dev->label[0] && strcmp(dev->label, s->id) == 0 && has_file_system(dev);
    return has_file(g, dev, s->id);
}

// Where no devices were probed, all that can be asked is whether the file is there at all.
static int search_tree(struct bf_gr *g, const struct search *s)
{
    char tree[BF_START_PATH];
    const char *root = bf_gr_get(g, "root");
    if (s->by == 'f' && !bf_walk_path(g->w, NULL, s->id, tree, sizeof tree))
        return BF_GR_FAIL;
    if (s->var)
        bf_gr_set(g, s->var, root ? root : "");
    return BF_GR_OK;
}

static int search(struct bf_gr *g, const struct search *s)
{
    static const char *const kinds[] = {"UUID", "label", "file"};
    const struct bf_devices *d = g->w->f->devices;
    const struct bf_device *dev = NULL;
    size_t count = 0;
    if (!s->id || !s->by)
        return BF_GR_FAIL;
    if (d->count == 0)
        return search_tree(g, s);
    for (size_t i = 0; i < d->count; i++)
        if (is_it(g, s, &d->item[i])) {
            dev = dev ? dev : &d->item[i];
            g->found[i] = true;
            count++;
        }
    if (!dev) {
        bf_gr_look(g, "nothing here has the %s %.80s: GRUB goes on with what it had",
                   kinds[s->by == 'u'   ? 0
                         : s->by == 'l' ? 1
                                        : 2],
                   s->id);
        return BF_GR_FAIL;
    }
    if (count > 1 && s->by != 'u')
        bf_gr_unknown(g, "several file systems have %.80s: GRUB takes the first", s->id);
    if (s->var)
        bf_gr_set(g, s->var, bf_gr_device_name(g, dev));
    return BF_GR_OK;
}

// An option of `search`; the number of words that it takes, 0 when it is none.
static size_t option(struct search *s, char **word, size_t left)
{
    const char *w = word[0];
    if (strcmp(w, "--fs-uuid") == 0 || strcmp(w, "-u") == 0)
        s->by = s->by == 'l' ? 'l' : 'u';
    else if (strcmp(w, "--label") == 0 || strcmp(w, "-l") == 0)
        s->by = 'l';
    else if (strcmp(w, "--file") == 0 || strcmp(w, "-f") == 0)
        s->by = s->by ? s->by : 'f';
    else if (strcmp(w, "--set") == 0 || strcmp(w, "-s") == 0) {
        // The next word, unless it is an option, is the variable.
        bool next = left > 1 && word[1][0] && (word[1][0] != '-' || !word[1][1]);
        s->only = s->var = next ? word[1] : "root";
        return next ? 2 : 1;
    } else if (strncmp(w, "--set=", 6) == 0)
        s->var = w + 6;
    else if (strncmp(w, "--hint", 6) == 0 || strcmp(w, "-h") == 0)
        return !strchr(w, '=') && left > 1 ? 2 : 1;
    else if (w[0] != '-' || !w[1])
        return 0;
    return 1;
}

int bf_gr_search(struct bf_gr *g, struct bf_gr_words *args, struct bf_gr_node *block)
{
    struct search s = {0};
    const char *dot = strchr(args->word[0], '.');
    (void)block;
    if (dot) { // search.fs_uuid ID [VARIABLE [HINT...]]
        s.by = dot[1] == 'f' && dot[2] == 's' && dot[3] == '_' && dot[4] == 'u' ? 'u'
               : dot[1] == 'f' && dot[2] == 's'                                 ? 'l'
                                                                                : 'f';
        s.id = args->count > 1 ? args->word[1] : NULL;
        s.var = args->count > 2 ? args->word[2] : NULL;
        return search(g, &s);
    }
    for (size_t i = 1; i < args->count;) {
        size_t n = option(&s, args->word + i, args->count - i);
        if (n == 0 && !s.id)
            s.id = args->word[i];
        i += n ? n : 1;
    }
    if (!s.id && s.only) {
        s.id = s.only;
        s.var = "root";
    }
    return search(g, &s);
}

// ---- probe --------------------------------------------------------------------------------------

static const char *file_system(const struct bf_device *dev)
{
    if (strncmp(dev->type, "ext", 3) == 0)
        return "ext2";
    return strcmp(dev->type, "vfat") == 0 ? "fat" : dev->type;
}

static const char *answer(const struct bf_device *dev, char what)
{
    switch (what) {
    case 'u':
        return dev->uuid;
    case 'l':
        return dev->label;
    case 'f':
        return file_system(dev);
    case 'p':
        return strlen(dev->partuuid) == 36 ? "gpt" : "msdos";
    default:
        return NULL;
    }
}

static char asked(const char *word)
{
    static const struct {
        const char *word;
        char what;
    } names[] = {{"--fs-uuid", 'u'}, {"--label", 'l'}, {"--fs", 'f'}, {"--partmap", 'p'}};
    for (size_t i = 0; i < BF_COUNT(names); i++)
        if (strcmp(word, names[i].word) == 0)
            return names[i].what;
    return word[0] == '-' && word[1] && !word[2] ? word[1] : 0;
}

int bf_gr_probe(struct bf_gr *g, struct bf_gr_words *args, struct bf_gr_node *block)
{
    const char *var = NULL, *name = NULL;
    char device[128], what = 0;
    enum bf_gr_found found = BF_GR_UNSEEN;
    (void)block;
    for (size_t i = 1; i < args->count; i++) {
        const char *w = args->word[i];
        if (strncmp(w, "--set=", 6) == 0)
            var = w + 6;
        else if ((strcmp(w, "--set") == 0 || strcmp(w, "-s") == 0) && i + 1 < args->count)
            var = args->word[++i];
        else if (w[0] == '-')
            what = asked(w);
        else
            name = w;
    }
    if (!name)
        return BF_GR_FAIL;
    snprintf(device, sizeof device, "%.*s", (int)strcspn(name + (name[0] == '('), ")"),
             name + (name[0] == '('));
    const struct bf_device *dev = bf_gr_device(g, device, &found);
    const char *value = dev ? answer(dev, what) : NULL;
    if (!value) {
        if (found != BF_GR_MISSING)
            bf_gr_unknown(g, "asks what %.60s is, which is not known here", name);
        return BF_GR_FAIL;
    }
    if (var)
        bf_gr_set(g, var, value);
    return BF_GR_OK;
}
