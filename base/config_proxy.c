// SPDX-License-Identifier: Apache-2.0
// proxy=: a URL with what a proxy needs (RFC 3986): http://[user:password@]host:port, where user
// and password may have any byte as %XX. The password is shown nowhere.
#include <string.h>

#include "base/config_rules.h"
#include "base/fmt.h"
#include "base/mem.h"

// Undoes percent-encoding. 0: malformed, too long, or with a control character, which could not be
// part of Basic authentication (RFC 7617, 2).
static int decode(struct bf_config_value v, char out[BF_CONFIG_PROXY_WORD])
{
    size_t at = 0;
    for (size_t i = 0; i < v.len; i++) {
        int c = (uint8_t)v.at[i];
        if (c == '%') {
            c = v.len - i > 2 ? bf_hex_byte(v.at + i + 1) : -1;
            if (c < 0)
                return 0;
            i += 2;
        }
        if (c < 0x20 || c == 0x7f || at + 1 >= BF_CONFIG_PROXY_WORD)
            return 0;
        out[at++] = (char)c;
    }
    out[at] = 0;
    return 1;
}

// USER or USER:PASSWORD. A colon in the user's name would be taken for the one behind it.
static int read_user(struct bf_config_value v, struct bf_config_proxy *out)
{
    struct bf_config_value user = v, password = {v.at, 0};
    const char *colon = v.len ? memchr(v.at, ':', v.len) : NULL;
    if (colon) {
        user.len = (size_t)(colon - v.at);
        password = (struct bf_config_value){colon + 1, v.len - user.len - 1};
    }
    out->has_user = 1;
    return user.len && decode(user, out->user) && !strchr(out->user, ':') &&
           decode(password, out->password);
}

static enum bf_err read_url(struct bf_config_value v, struct bf_config_proxy *out, char *reason,
                            size_t size)
{
    static const char scheme[] = "http://";
    struct bf_config_server place;
    if (v.len < sizeof scheme || memcmp(v.at, scheme, sizeof scheme - 1) != 0)
        return bf_config_refuse(reason, size, "must begin with http://");
    v.at += sizeof scheme - 1;
    v.len -= sizeof scheme - 1;
    if (v.at[v.len - 1] == '/')
        v.len--;
    size_t at = v.len; // the last '@' ends the user: others should have been encoded
    while (at > 0 && v.at[at - 1] != '@')
        at--;
    if (at && !read_user((struct bf_config_value){v.at, at - 1}, out))
        return bf_config_refuse(reason, size,
                                "has a user or password that cannot be used; encode special "
                                "characters as %%XX");
    if (!bf_value_place((struct bf_config_value){v.at + at, v.len - at}, 0, &place) || !place.port)
        return bf_config_refuse(reason, size, "must end with HOST:PORT or [IPV6]:PORT");
    memcpy(out->host, place.host, sizeof out->host);
    out->port = place.port;
    return BF_OK;
}

enum bf_err bf_set_proxy(struct bf_config *c, struct bf_config_value v, char *reason, size_t size)
{
    struct bf_config_proxy proxy = {0};
    enum bf_err err = read_url(v, &proxy, reason, size);
    if (err == BF_OK)
        c->proxy = proxy;
    bf_wipe(&proxy, sizeof proxy);
    return err;
}

void bf_show_proxy(const struct bf_config *c, char *out, size_t size)
{
    const struct bf_config_proxy *p = &c->proxy;
    char place[sizeof p->host + sizeof "[]:65535"];
    bf_snprintf(out, size, "%s", "");
    if (!p->port)
        return;
    bf_place_text(place, sizeof place, p->host, p->port);
    bf_snprintf(out, size, "http://%s%s", p->has_user ? "(set)@" : "", place);
}
