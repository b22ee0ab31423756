// SPDX-License-Identifier: Apache-2.0
// Which interface a file of systemd-networkd means: its [Match] (systemd.network(5)). Each key is a
// list that later lines add to and an empty one empties; a "!" before it turns all its words round.
// What files tell is decided as networkd would; hardware, kernel and firmware are another in the
// new home and are taken to fit.
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/fmt.h"
#include "finalize/network/networkd.h"

enum key {
    KEY_NAME,
    KEY_MAC,
    KEY_PERMANENT_MAC,
    KEY_TYPE,
    KEY_KIND,
    KEY_DRIVER,
    KEY_WLAN,
    KEY_SSID,
    KEY_BSSID,
    KEY_PATH,
    KEY_PROPERTY,
    KEYS_OF_LINK, // below: conditions, of which the last one counts
    KEY_HOST = KEYS_OF_LINK,
    KEY_ARCHITECTURE,
    KEY_VIRTUALIZATION,
    KEY_FIRMWARE,
    KEY_KERNEL_COMMAND_LINE,
    KEY_KERNEL_VERSION,
    KEY_VERSION,
    KEY_CREDENTIAL,
    KEYS
};

static const char *const key_name[KEYS] = {
    [KEY_NAME] = "Name",
    [KEY_MAC] = "MACAddress",
    [KEY_PERMANENT_MAC] = "PermanentMACAddress",
    [KEY_TYPE] = "Type",
    [KEY_KIND] = "Kind",
    [KEY_DRIVER] = "Driver",
    [KEY_WLAN] = "WLANInterfaceType",
    [KEY_SSID] = "SSID",
    [KEY_BSSID] = "BSSID",
    [KEY_PATH] = "Path",
    [KEY_PROPERTY] = "Property",
    [KEY_HOST] = "Host",
    [KEY_ARCHITECTURE] = "Architecture",
    [KEY_VIRTUALIZATION] = "Virtualization",
    [KEY_FIRMWARE] = "Firmware",
    [KEY_KERNEL_COMMAND_LINE] = "KernelCommandLine",
    [KEY_KERNEL_VERSION] = "KernelVersion",
    [KEY_VERSION] = "Version",
    [KEY_CREDENTIAL] = "Credential",
};

static unsigned find_key(const char *name)
{
    unsigned k = 0;
    while (k < KEYS && strcmp(key_name[k], name) != 0)
        k++;
    return k;
}

bool bf_networkd_is_undecided_key(const char *key)
{
    unsigned k = find_key(key);
    return k < KEYS && k != KEY_NAME && k != KEY_MAC && k != KEY_PERMANENT_MAC && k != KEY_TYPE &&
           k != KEY_KIND && k != KEY_ARCHITECTURE;
}

bool bf_networkd_mac(const char *text, size_t len, char mac[BF_MAC_TEXT])
{
    unsigned value = 0, digits = 0, bytes = 0, most = memchr(text, '.', len) ? 4 : 2;
    unsigned char raw[8];
    char mark = most == 4 ? '.' : memchr(text, '-', len) ? '-' : ':';
    for (size_t i = 0; i <= len; i++) {
        int digit = i < len ? bf_hex_digit(text[i]) : -1;
        if (digit >= 0 && digits < most) {
            value = value * 16 + (unsigned)digit;
            digits++;
            continue;
        }
        if ((i < len && text[i] != mark) || digits == 0 || bytes >= 6)
            return false;
        if (most == 4)
            raw[bytes++] = (unsigned char)(value >> 8);
        raw[bytes++] = (unsigned char)value;
        value = digits = 0;
    }
    if (bytes != 6)
        return false;
    snprintf(mac, BF_MAC_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", raw[0], raw[1], raw[2], raw[3],
             raw[4], raw[5]);
    return true;
}

// ---- The lists ----------------------------------------------------------------------------------

// Takes out the words that stand before the place from which those of their key count.
static void drop_reset(struct bf_networkd_match *m, const size_t from[KEYS])
{
    size_t n = 0;
    for (size_t i = 0; i < m->words; i++)
        if (i >= from[m->word[i].key])
            m->word[n++] = m->word[i];
    m->words = n;
}

// What networkd does not take as a name or an address is left out of the list.
static bool is_valid(unsigned key, const char *word, size_t len)
{
    char mac[BF_MAC_TEXT];
    if (key == KEY_MAC || key == KEY_PERMANENT_MAC)
        return bf_networkd_mac(word, len, mac);
    if (key != KEY_NAME)
        return true;
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)word[i] >= 127 || strchr(":/%", word[i]))
            return false;
    return len < 128;
}

// Adds the words of one line; `out` is where their texts go. An empty line empties the list, and of
// conditions the last one counts: `from` notes it.
static void add_words(struct bf_networkd_match *m, unsigned key, const char *value, char **out,
                      size_t *from)
{
    bool list = key < KEYS_OF_LINK && key != KEY_MAC && key != KEY_PERMANENT_MAC;
    bool negated = (list || key >= KEYS_OF_LINK) && value[0] == '!';
    const char *at = value + (negated ? 1 : 0), *end = at + strlen(at), *w;
    size_t len;
    if (!value[0] || key >= KEYS_OF_LINK)
        *from = m->words;
    while (bf_word_next(&at, end, &w, &len)) {
        const char *quote = list && key != KEY_NAME && len > 1 ? strchr("\"'", w[0]) : NULL;
        bool quoted = quote && w[len - 1] == *quote;
        bool invert = negated || (list && w[0] == '!');
        size_t skip = quoted || (invert && !negated) ? 1 : 0;
        if (!is_valid(key, w, len))
            continue;
        m->word[m->words++] = (struct bf_networkd_word){.key = key, .invert = invert, .text = *out};
        memcpy(*out, w + skip, len - skip - (quoted ? 1 : 0));
        *out += len - skip - (quoted ? 1 : 0);
        *(*out)++ = 0;
    }
}

static bool is_glob(const char *s)
{
    return strpbrk(s, "*?[") != NULL;
}

// ---- Conditions ---------------------------------------------------------------------------------

static bool is_host(struct bf_fin *f, const char *pattern)
{
    static const char *const file[] = {"/etc/hostname", "/etc/machine-id"};
    bool is = false;
    for (size_t i = 0; i < BF_COUNT(file) && !is; i++) {
        size_t len;
        char name[128];
        const char *now = bf_edits_get(&f->edits, file[i], &len, NULL);
        for (size_t n = 0; n < 2 && !is; n++) {
            // Also by the name that it had before this run.
            char *old = n ? bf_fin_root_read(f->root, file[i], BF_ROOT_TEXT_MAX, &len, NULL) : NULL;
            const char *text = n ? old : now;
            if (text) {
                snprintf(name, sizeof name, "%.*s", (int)strcspn(text, "\r\n"), text);
                is = fnmatch(pattern, name, 0) == 0;
            }
            free(old);
        }
    }
    return is;
}

static bool is_architecture(const struct bf_fin *f, const char *word)
{
    static const struct {
        const char *ours, *theirs;
    } other[] = {{"x86_64", "x86-64"}, {"i386", "x86"}, {"aarch64", "arm64"}};
    const char *name = f->system.architecture ? f->system.architecture->name : NULL;
    if (!name || strcmp(word, "native") == 0 || strcmp(name, "other") == 0)
        return true;
    for (size_t i = 0; i < BF_COUNT(other); i++)
        if (strcmp(name, other[i].ours) == 0)
            name = other[i].theirs;
    return strcmp(word, name) == 0;
}

static void decide_condition(struct bf_fin *f, struct bf_networkd_match *m,
                             const struct bf_networkd_word *w)
{
    const char *text = w->text + (w->text[0] == '|');
    if (w->text[0] == '|')
        m->undecided = true; // one of several is enough
    else if (w->key == KEY_HOST)
        m->off = m->off || is_host(f, text) == w->invert;
    else if (w->key == KEY_ARCHITECTURE)
        m->off = m->off || is_architecture(f, text) == w->invert;
    else if (w->key == KEY_VIRTUALIZATION && strcmp(text, "container") == 0)
        m->off = m->off || !w->invert;
    else
        m->undecided = true;
    if (w->key == KEY_FIRMWARE || (w->key == KEY_VIRTUALIZATION && strcmp(text, "container") != 0))
        m->by_hardware = true;
}

// Drivers of devices that are made, not plugged in.
static bool is_virtual_driver(const char *word)
{
    static const char *const driver[] = {"veth",    "tun",     "bridge", "bonding", "dummy",
                                         "macvlan", "macvtap", "ipvlan", "vxlan",   "wireguard"};
    for (size_t i = 0; i < BF_COUNT(driver); i++)
        if (strcmp(word, driver[i]) == 0)
            return true;
    return false;
}

static void summarize(struct bf_fin *f, struct bf_networkd_match *m)
{
    bool drivers = false, real = false, odd = false;
    for (size_t i = 0; i < m->words; i++) {
        const struct bf_networkd_word *w = &m->word[i];
        m->given = true;
        if (w->key >= KEYS_OF_LINK)
            decide_condition(f, m, w);
        else if (w->key == KEY_DRIVER || w->key == KEY_PATH || w->key == KEY_PROPERTY)
            m->undecided = m->by_hardware = true;
        drivers = drivers || (w->key == KEY_DRIVER && !w->invert);
        real = real || (w->key == KEY_DRIVER && !w->invert && !is_virtual_driver(w->text));
        if (w->key == KEY_NAME) {
            m->positives += !w->invert;
            odd = odd || w->invert || is_glob(w->text);
        }
    }
    m->is_hardware = !drivers || real;
    m->is_all_exact = m->positives > 0 && !odd;
}

void bf_networkd_match_load(struct bf_fin *f, struct bf_networkd_unit *unit)
{
    struct bf_networkd_match *m = &unit->match;
    const struct bf_networkd_line *line;
    size_t file = 0, at = 0, size = 0, from[KEYS] = {0};
    for (size_t i = 0; i < unit->files; i++)
        size += unit->file[i].len + 2;
    *m = (struct bf_networkd_match){.text = malloc(size),
                                    .word = calloc(size / 2 + 1, sizeof *m->word)};
    char *out = m->text;
    while (m->text && m->word && (line = bf_networkd_next(unit, &file, &at))) {
        unsigned key = find_key(line->key);
        if (line->kind == BF_NETWORKD_KEY && strcmp(line->section, "Match") == 0 && key < KEYS)
            add_words(m, key, line->value, &out, &from[key]);
    }
    drop_reset(m, from);
    struct bf_networkd_word *less = realloc(m->word, (m->words + 1) * sizeof *less);
    m->word = less ? less : m->word;
    summarize(f, m);
}

void bf_networkd_match_free(struct bf_networkd_match *match)
{
    free(match->word);
    free(match->text);
}

// ---- Fitting ------------------------------------------------------------------------------------

// What a key's words say of an interface.
struct verdict {
    bool listed, positive, hit, banned;
};

static const char *type_of(const struct bf_networkd_iface *iface)
{
    static const char *const named[] = {"bridge", "bond", "vlan", "vxlan", "wireguard", "macvlan"};
    if (!iface->kind) {
        if (strcmp(iface->name, "lo") == 0)
            return "loopback";
        return strncmp(iface->name, "wl", 2) == 0   ? "wlan"
               : strncmp(iface->name, "ww", 2) == 0 ? "wwan"
               : strncmp(iface->name, "ib", 2) == 0 ? "infiniband"
                                                    : "ether";
    }
    for (size_t i = 0; i < BF_COUNT(named); i++)
        if (strcmp(iface->kind, named[i]) == 0)
            return named[i];
    return strcmp(iface->kind, "dummy") == 0 || strcmp(iface->kind, "veth") == 0 ? "ether" : NULL;
}

// Whether the names are those of Wi-Fi, modems and tunnels, which a card that is known by its MAC
// address only is taken not to be.
static bool is_no_card(const char *glob)
{
    static const char *const begin[] = {"wl", "ww", "6rd-", "sit", "tun", "tap"};
    for (size_t i = 0; i < BF_COUNT(begin); i++)
        if (strncmp(glob, begin[i], strlen(begin[i])) == 0)
            return true;
    return false;
}

// Whether one word means the interface; `known` is false where only the running system tells.
static bool word_hits(const struct bf_networkd_word *w, const struct bf_networkd_iface *iface,
                      bool *known)
{
    char mac[BF_MAC_TEXT];
    const char *type = type_of(iface);
    *known = true;
    switch (w->key) {
    case KEY_NAME:
        *known = iface->name[0] || !is_glob(w->text) || is_no_card(w->text);
        return iface->name[0] && fnmatch(w->text, iface->name, 0) == 0;
    case KEY_MAC:
    case KEY_PERMANENT_MAC:
        return bf_networkd_mac(w->text, strlen(w->text), mac) && strcmp(mac, iface->mac) == 0;
    case KEY_TYPE:
        *known = type != NULL;
        return type && fnmatch(w->text, type, 0) == 0;
    case KEY_KIND:
        return iface->kind && fnmatch(w->text, iface->kind, 0) == 0;
    case KEY_WLAN:
    case KEY_SSID:
    case KEY_BSSID:
        *known = strncmp(iface->name, "wl", 2) != 0;
        return false;
    case KEY_PATH:
        *known = iface->kind != NULL;
        return false;
    case KEY_DRIVER:
        *known = !iface->kind && is_virtual_driver(w->text);
        return false;
    default:
        *known = false;
        return false;
    }
}

static bool judge(const struct bf_networkd_match *m, const struct bf_networkd_iface *iface)
{
    struct verdict of[KEYS_OF_LINK] = {{0}};
    for (size_t i = 0; i < m->words; i++) {
        const struct bf_networkd_word *w = &m->word[i];
        bool known;
        if (w->key >= KEYS_OF_LINK)
            continue;
        struct verdict *v = &of[w->key];
        bool hit = word_hits(w, iface, &known);
        v->listed = true;
        v->positive = v->positive || !w->invert;
        v->hit = v->hit || (!w->invert && (hit || !known));
        v->banned = v->banned || (w->invert && hit);
    }
    for (size_t k = 0; k < KEYS_OF_LINK; k++)
        if (of[k].listed && (of[k].banned || (of[k].positive && !of[k].hit)))
            return false;
    return true;
}

static bool is_exact(const struct bf_networkd_match *m, const struct bf_networkd_iface *iface)
{
    char mac[BF_MAC_TEXT];
    bool same = m->is_all_exact;
    for (size_t i = 0; i < m->words && same && iface->name[0]; i++)
        same = m->word[i].key != KEY_NAME || strcmp(m->word[i].text, iface->name) == 0;
    bf_networkd_only_mac(m, mac);
    return (same && iface->name[0]) || (mac[0] && strcmp(mac, iface->mac) == 0);
}

enum bf_networkd_fit bf_networkd_fits(struct bf_fin *f, const struct bf_networkd_unit *unit,
                                      const struct bf_networkd_iface *iface)
{
    const struct bf_networkd_match *m = &unit->match;
    // Many names against many words are work, too: about as much as so many bytes for each.
    if (bf_budget_take(f->root->budget, unit->file[0].path, m->words * 16))
        return BF_NETWORKD_NO;
    if (!m->given || m->off || !judge(m, iface))
        return BF_NETWORKD_NO;
    return is_exact(m, iface) ? BF_NETWORKD_EXACT : BF_NETWORKD_PATTERN;
}

const struct bf_networkd_unit *bf_networkd_first(struct bf_fin *f,
                                                 const struct bf_networkd_units *u,
                                                 const struct bf_networkd_iface *iface,
                                                 enum bf_networkd_fit *fit)
{
    enum bf_networkd_fit own = BF_NETWORKD_NO;
    for (size_t i = 0; i < u->count; i++)
        if ((own = bf_networkd_fits(f, &u->at[i], iface)) != BF_NETWORKD_NO) {
            if (fit)
                *fit = own;
            return &u->at[i];
        }
    if (fit)
        *fit = own;
    return NULL;
}

const char *bf_networkd_next_name(const struct bf_networkd_match *match, size_t *at)
{
    while (*at < match->words) {
        const struct bf_networkd_word *w = &match->word[(*at)++];
        if (w->key == KEY_NAME && !w->invert && !is_glob(w->text) && strlen(w->text) < BF_IFNAME)
            return w->text;
    }
    return NULL;
}

bool bf_networkd_next_mac(const struct bf_networkd_match *match, size_t *at, char mac[BF_MAC_TEXT])
{
    while (*at < match->words) {
        const struct bf_networkd_word *w = &match->word[(*at)++];
        if (w->key == KEY_MAC || w->key == KEY_PERMANENT_MAC)
            return bf_networkd_mac(w->text, strlen(w->text), mac);
    }
    return false;
}

void bf_networkd_only_mac(const struct bf_networkd_match *match, char mac[BF_MAC_TEXT])
{
    char next[BF_MAC_TEXT];
    size_t at = 0;
    mac[0] = 0;
    while (bf_networkd_next_mac(match, &at, next)) {
        bool other = mac[0] && strcmp(mac, next) != 0;
        memcpy(mac, other ? "" : next, other ? 1 : BF_MAC_TEXT);
        if (other)
            return;
    }
}
