// SPDX-License-Identifier: Apache-2.0
// The target's URI: "libvirt:" and a URI of libvirt (https://libvirt.org/uri.html), whose query may
// have parameters of ours as well. libvirt refuses parameters that it does not know, and so do we
// for values of ours that are none.
#include "replica/targets/libvirt.h"

#include <string.h>

#include "base/bytes.h"
#include "base/fmt.h"

static const char scheme[] = "libvirt:";

static enum bf_err refuse(struct bf_fault *fault, const char *what, const char *value)
{
    return bf_fault_set(fault, BF_ERR_CONFIG, BF_SIDE_CONFIG,
                        "see docs/libvirt.md; for example libvirt:qemu:///system?pool=default",
                        "%s \"%.80s\"", what, value);
}

static enum bf_err set_isolate(struct bf_lv_uri *out, const char *value, struct bf_fault *fault)
{
    if (strcmp(value, "user") == 0)
        out->isolate = BF_LV_ISOLATE_USER;
    else if (strcmp(value, "network") == 0)
        out->isolate = BF_LV_ISOLATE_NETWORK;
    else
        return refuse(fault, "isolate= is neither user nor network:", value);
    return BF_OK;
}

static enum bf_err set_accel(struct bf_lv_uri *out, const char *value, struct bf_fault *fault)
{
    if (strcmp(value, "kvm") == 0)
        out->accel = BF_LV_ACCEL_KVM;
    else if (strcmp(value, "tcg") == 0)
        out->accel = BF_LV_ACCEL_TCG;
    else
        return refuse(fault, "accel= is neither kvm nor tcg:", value);
    return BF_OK;
}

// Names of pools stand in paths of libvirt's configuration, so they have no slash.
static enum bf_err set_pool(struct bf_lv_uri *out, const char *value, struct bf_fault *fault)
{
    bool named = value[0] && strlen(value) < sizeof out->pool && !strchr(value, '/');

    for (const char *c = value; *c; c++)
        named &= *c > ' ' && *c < 0x7f;
    if (!named)
        return refuse(fault, "pool= is not the name of a storage pool:", value);
    bf_snprintf(out->pool, sizeof out->pool, "%s", value);
    return BF_OK;
}

static const struct {
    const char *name; // with its "="
    enum bf_err (*set)(struct bf_lv_uri *out, const char *value, struct bf_fault *fault);
} ours[] = {{"pool=", set_pool}, {"isolate=", set_isolate}, {"accel=", set_accel}};

static enum bf_err append(struct bf_lv_uri *out, const char *separator, const char *text,
                          struct bf_fault *fault)
{
    size_t len = strlen(out->connect);
    int wanted =
        bf_snprintf(out->connect + len, sizeof out->connect - len, "%s%s", separator, text);

    if (wanted < 0 || (size_t)wanted >= sizeof out->connect - len)
        return refuse(fault, "the URI is too long:", text);
    return BF_OK;
}

// One parameter: ours is taken, libvirt's is passed on.
static enum bf_err take(struct bf_lv_uri *out, const char *parameter, struct bf_fault *fault)
{
    for (size_t i = 0; i < BF_COUNT(ours); i++)
        if (strncmp(parameter, ours[i].name, strlen(ours[i].name)) == 0)
            return ours[i].set(out, parameter + strlen(ours[i].name), fault);
    return append(out, strchr(out->connect, '?') ? "&" : "?", parameter, fault);
}

static enum bf_err take_query(struct bf_lv_uri *out, char *query, struct bf_fault *fault)
{
    enum bf_err err = BF_OK;

    while (!err && query && *query) {
        char *end = strpbrk(query, "&;");

        if (end)
            *end++ = 0;
        if (*query)
            err = take(out, query, fault);
        query = end;
    }
    return err;
}

// The driver "qemu" alone makes the machines that a source's disks were adapted to; a daemon on
// this host is one that no host is named for, and that is not reached through a network.
static enum bf_err judge(struct bf_lv_uri *out, struct bf_fault *fault)
{
    const char *rest = strstr(out->connect, "://");
    size_t driver = rest ? (size_t)(rest - out->connect) : 0;
    const char *path;

    if (!rest || strncmp(out->connect, "qemu", 4) != 0 || (driver > 4 && out->connect[4] != '+'))
        return refuse(fault, "this is not a URI of libvirt's QEMU driver:", out->connect);
    path = strchr(rest + 3, '/');
    if (!path)
        return refuse(fault, "the URI has no path (/system or /session):", out->connect);
    out->local = path == rest + 3 && (driver == 4 || strncmp(out->connect, "qemu+unix:", 10) == 0);
    out->session = strncmp(path, "/session", 8) == 0;
    return BF_OK;
}

enum bf_err bf_lv_uri_parse(const char *uri, struct bf_lv_uri *out, struct bf_fault *fault)
{
    char text[1024];
    char *query;
    enum bf_err err;

    memset(out, 0, sizeof *out);
    if (strncmp(uri, scheme, sizeof scheme - 1) == 0)
        uri += sizeof scheme - 1;
    if (strlen(uri) >= sizeof text)
        return refuse(fault, "the URI is too long:", uri);
    for (const char *c = uri; *c; c++)
        if (*c <= ' ' || *c >= 0x7f)
            return refuse(fault, "the URI has characters that no URI has:", "");
    bf_snprintf(text, sizeof text, "%s", *uri && *uri != '?' ? uri : "qemu:///system");
    if (*uri == '?')
        bf_snprintf(text, sizeof text, "qemu:///system%s", uri);
    query = strchr(text, '?');
    if (query)
        *query++ = 0;
    err = append(out, "", text, fault);
    if (!err)
        err = judge(out, fault);
    if (!err)
        err = take_query(out, query, fault);
    return err;
}
