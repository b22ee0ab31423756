// SPDX-License-Identifier: Apache-2.0
// See nm_conf.h. Files are read in the daemon's order: a later one overrides, and one in /etc hides
// the one of the same name in /usr/lib. Of [device] sections that match, the one of the last file
// counts, of those the first, and the one without a name after all others.
#include "finalize/network/nm_conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"
#include "finalize/network/nm_keyfile.h"
#include "finalize/network/stack.h"

#define ETC_DIR "/etc/NetworkManager"
#define USR_DIR "/usr/lib/NetworkManager/conf.d"
// With this file, Ubuntu leaves all cables to others, unless netplan's own empty one hides it.
#define GLOBALLY "10-globally-managed-devices.conf"

// ---- Reading ------------------------------------------------------------------------------------

static void append_list(char *list, size_t size, const char *more)
{
    size_t len = strlen(list);
    if (len + strlen(more) + 2 <= size)
        snprintf(list + len, size - len, "%s%s", len ? "," : "", more);
}

static struct bf_nm_section *section_of(struct bf_nm_conf *conf, const char *name)
{
    for (size_t i = 0; i < conf->sections; i++)
        if (strcmp(conf->section[i].name, name) == 0)
            return &conf->section[i];
    if (conf->sections == BF_NM_DEVICE_SECTIONS)
        return NULL;
    struct bf_nm_section *s = &conf->section[conf->sections++];
    *s = (struct bf_nm_section){.managed = true};
    snprintf(s->name, sizeof s->name, "%s", name);
    return s;
}

static void take_device(struct bf_nm_conf *conf, const struct bf_keyfile *k)
{
    struct bf_nm_section *s = section_of(conf, k->group);
    if (!s)
        return;
    s->file = conf->files;
    if (strcmp(k->key, "match-device") == 0) {
        s->matches = bf_keyfile_string(k, s->match, sizeof s->match);
    } else if (strcmp(k->key, "managed") == 0) {
        s->said = true;
        s->managed = bf_keyfile_bool(k, true);
    }
}

struct main_keys {
    char plugins[256];
    bool ifupdown_managed;
};

static void take_key(struct bf_nm_conf *conf, struct main_keys *keys, const struct bf_keyfile *k)
{
    char more[BF_NM_SPEC];
    if (bf_keyfile_is(k, "main", "plugins"))
        bf_keyfile_string(k, keys->plugins, sizeof keys->plugins);
    else if (bf_keyfile_is(k, "main", "plugins+") && bf_keyfile_string(k, more, sizeof more))
        append_list(keys->plugins, sizeof keys->plugins, more);
    else if (bf_keyfile_is(k, "ifupdown", "managed"))
        keys->ifupdown_managed = bf_keyfile_bool(k, false);
    else if (bf_keyfile_is(k, "keyfile", "path"))
        bf_keyfile_string(k, conf->profiles, sizeof conf->profiles);
    else if (bf_keyfile_is(k, "keyfile", "unmanaged-devices"))
        bf_keyfile_string(k, conf->unmanaged, sizeof conf->unmanaged);
    else if (bf_keyfile_is(k, "keyfile", "unmanaged-devices+") &&
             bf_keyfile_string(k, more, sizeof more))
        append_list(conf->unmanaged, sizeof conf->unmanaged, more);
    else if (k->kind == BF_KEYFILE_KEY && strncmp(k->group, "device", 6) == 0)
        take_device(conf, k);
}

static void read_file(struct bf_fin *f, struct bf_nm_conf *conf, struct main_keys *keys,
                      const char *path, struct bf_net *net)
{
    size_t len;
    struct bf_fault fault;
    struct bf_keyfile k;
    const char *text = bf_edits_get(&f->edits, path, &len, &fault);
    if (!text && fault.code != BF_ERR_NOT_FOUND && net)
        bf_net_trouble(net, "%s cannot be read: %s", path, fault.what);
    if (!text)
        return;
    unsigned bad = bf_keyfile_bad_line(text, len);
    if (bad && net)
        bf_net_trouble(net, "%s, line %u: NetworkManager does not start with this line", path, bad);
    conf->files++;
    bf_keyfile_init(&k, text, len);
    while (!bad && bf_keyfile_next(&k))
        take_key(conf, keys, &k);
}

// Whether netplan has NetworkManager manage everything: its generator then hides a file.
static bool is_netplan_renderer(struct bf_fin *f)
{
    static const char *const dir[] = {"/etc/netplan", "/usr/lib/netplan", "/lib/netplan"};
    static const char word[] = "renderer: NetworkManager";
    bool found = false;
    for (size_t d = 0; d < BF_COUNT(dir) && !found; d++) {
        struct bf_names names;
        if (bf_edits_list(&f->edits, dir[d], ".yaml", &names))
            continue;
        for (size_t i = 0; i < names.count && !found; i++) {
            char path[512];
            size_t len;
            snprintf(path, sizeof path, "%s/%.250s", dir[d], names.name[i]);
            const char *text = bf_edits_get(&f->edits, path, &len, NULL);
            found = text && memmem(text, len, word, strlen(word));
        }
        bf_names_free(&names);
    }
    return found;
}

static void read_folder(struct bf_fin *f, struct bf_nm_conf *conf, struct main_keys *keys,
                        bool vendor, struct bf_net *net)
{
    struct bf_names names;
    const char *dir = vendor ? USR_DIR : ETC_DIR "/conf.d";
    if (bf_edits_list(&f->edits, dir, ".conf", &names))
        return;
    for (size_t i = 0; i < names.count; i++) {
        char path[512], over[512];
        size_t len;
        snprintf(path, sizeof path, "%s/%.250s", dir, names.name[i]);
        snprintf(over, sizeof over, ETC_DIR "/conf.d/%.250s", names.name[i]);
        bool hidden = vendor && bf_edits_get(&f->edits, over, &len, NULL);
        if (strcmp(names.name[i], GLOBALLY) == 0 && vendor && !hidden)
            hidden = is_netplan_renderer(f);
        if (!hidden)
            read_file(f, conf, keys, path, net);
    }
    bf_names_free(&names);
}

static bool has_word(const char *list, const char *word)
{
    const char *at = list, *part;
    size_t len;
    while (bf_keyfile_part(&at, list + strlen(list), ",; \t", &part, &len))
        if (bf_word_is(part, len, word))
            return true;
    return false;
}

// The names in /etc/network/interfaces: NetworkManager's plugin reads what ifupdown does, whether
// that is in use or not.
static void ask_ifupdown(struct bf_fin *f, struct bf_nm_conf *conf)
{
    conf->interfaces = calloc(1, sizeof *conf->interfaces);
    if (conf->interfaces)
        bf_ifupdown.scan(f, conf->interfaces);
}

void bf_nm_conf_load(struct bf_fin *f, struct bf_nm_conf *conf, struct bf_net *net)
{
    // What Debian builds in, where its file does not say it.
    struct main_keys keys = {.plugins = "ifupdown,keyfile"};
    *conf = (struct bf_nm_conf){.profiles = ETC_DIR "/system-connections"};
    read_folder(f, conf, &keys, true, net);
    read_file(f, conf, &keys, ETC_DIR "/NetworkManager.conf", net);
    read_folder(f, conf, &keys, false, net);
    conf->leaves_ifupdown = has_word(keys.plugins, "ifupdown") && !keys.ifupdown_managed;
    if (conf->leaves_ifupdown && bf_fin_root_exists(f->root, "/etc/network/interfaces"))
        ask_ifupdown(f, conf);
}

void bf_nm_conf_free(struct bf_nm_conf *conf)
{
    free(conf->interfaces);
    conf->interfaces = NULL;
}

// ---- Lists of devices ---------------------------------------------------------------------------

// A pattern with * and ? only.
static bool is_like(const char *pattern, size_t len, const char *name)
{
    size_t p = 0, star = len, mark = 0, n = 0;
    while (name[n]) {
        if (p < len && pattern[p] == '*') {
            star = p++;
            mark = n;
        } else if (p < len && (pattern[p] == '?' || pattern[p] == name[n])) {
            p++;
            n++;
        } else if (star < len) {
            p = star + 1;
            n = ++mark;
        } else {
            return false;
        }
    }
    while (p < len && pattern[p] == '*')
        p++;
    return p == len;
}

static bool begins(const char **word, size_t *len, const char *prefix)
{
    size_t n = strlen(prefix);
    if (*len < n || strncasecmp(*word, prefix, n) != 0)
        return false;
    *word += n;
    *len -= n;
    return true;
}

static bool word_matches(const char *word, size_t len, const struct bf_nm_device *d)
{
    char mac[BF_MAC_TEXT];
    if (len == 1 && *word == '*')
        return true;
    if (begins(&word, &len, "interface-name:")) {
        if (len && word[0] == '=')
            return d->name[0] && bf_word_is(word + 1, len - 1, d->name);
        return d->name[0] && is_like(word, len, d->name);
    }
    if (begins(&word, &len, "type:"))
        return bf_word_is(word, len, d->type);
    begins(&word, &len, "mac:");
    bf_net_copy(mac, sizeof mac, word, len);
    return (d->mac[0] && strcmp(mac, d->mac) == 0) ||
           (d->name[0] && bf_word_is(word, len, d->name));
}

static bool list_matches(const char *list, const struct bf_nm_device *d)
{
    const char *at = list, *word;
    size_t len, plain = 0, excepted = 0;
    bool hit = false;
    while (bf_keyfile_part(&at, list + strlen(list), ",;", &word, &len)) {
        bool except = begins(&word, &len, "except:");
        bool matches = word_matches(word, len, d);
        if (except && matches)
            return false;
        hit = hit || (!except && matches);
        plain += !except;
        excepted += except;
    }
    return hit || (excepted && !plain);
}

static bool is_in_interfaces(const struct bf_nm_conf *conf, const char *name)
{
    for (size_t i = 0; conf->interfaces && name[0] && i < conf->interfaces->count; i++)
        if (strcmp(conf->interfaces->known[i].name, name) == 0)
            return true;
    return false;
}

// The [device] section that says whether the device is managed, or NULL.
static const struct bf_nm_section *section_for(const struct bf_nm_conf *conf,
                                               const struct bf_nm_device *device)
{
    const struct bf_nm_section *found = NULL;
    for (size_t i = 0; i < conf->sections; i++) {
        const struct bf_nm_section *s = &conf->section[i];
        bool plain = strcmp(s->name, "device") == 0;
        if (!s->said || (s->matches && !list_matches(s->match, device)))
            continue;
        if (!found || strcmp(found->name, "device") == 0 || (!plain && s->file > found->file))
            found = plain && found ? found : s;
    }
    return found;
}

bool bf_nm_conf_leaves(const struct bf_nm_conf *conf, const struct bf_nm_device *device)
{
    if (list_matches(conf->unmanaged, device) || is_in_interfaces(conf, device->name))
        return true;
    const struct bf_nm_section *s = section_for(conf, device);
    return s && !s->managed;
}
