// SPDX-License-Identifier: Apache-2.0
// The values of the configuration that say which disks, and how the program runs and ends.
#include <string.h>

#include "base/config_rules.h"
#include "base/fmt.h"
#include "base/platform.h"
#include "base/selector.h"

enum { LIMIT_LEAST = 16384 };
#define LIMIT_MOST ((uint64_t)1 << 40)

struct choice {
    const char *word;
    uint8_t value;
};
static const struct choice ends[] = {
    {"poweroff", BF_END_POWEROFF}, {"reboot", BF_END_REBOOT}, {"exit", BF_END_EXIT}, {NULL, 0}};
static const struct choice failures[] = {
    {"poweroff", BF_FAILURE_POWEROFF}, {"reboot", BF_FAILURE_REBOOT}, {NULL, 0}};
static const struct choice actions[] = {
    {"copy", BF_ACTION_COPY}, {"assess", BF_ACTION_ASSESS}, {NULL, 0}};
static const struct choice fences[] = {{"on", BF_FENCE_ON}, {"off", BF_FENCE_OFF}, {NULL, 0}};
static const struct choice drivers[] = {
    {"auto", BF_DRIVER_AUTO}, {"firmware", BF_DRIVER_FIRMWARE}, {NULL, 0}};
static const struct choice serials[] = {
    {"lines", BF_SERIAL_LINES}, {"console", BF_SERIAL_CONSOLE}, {"off", BF_SERIAL_OFF}, {NULL, 0}};
static const struct choice compressions[] = {
    {"auto", 0}, {"off", 1}, {"lz4", 2}, {"zstd", 3}, {NULL, 0}};
static const struct choice read_errors[] = {
    {"stop", BF_READ_ERROR_STOP}, {"map", BF_READ_ERROR_MAP}, {NULL, 0}};
static const struct choice unseens[] = {
    {"auto", BF_UNSEEN_AUTO}, {"stop", BF_UNSEEN_STOP}, {"warn", BF_UNSEEN_WARN}, {NULL, 0}};
static const struct choice kexes[] = {{"auto", BF_KEX_AUTO}, {"hybrid", BF_KEX_HYBRID}, {NULL, 0}};
static const struct choice copies[] = {{"used", 0}, {"all", 1}, {NULL, 0}};

static const struct choice *choose(const struct choice *list, struct bf_config_value v)
{
    for (; list->word; list++)
        if (bf_value_is(v, list->word))
            return list;
    return NULL;
}

static void show_choice(const struct choice *list, uint8_t value, char *out, size_t size)
{
    while (list->word && list->value != value)
        list++;
    bf_snprintf(out, size, "%s", list->word ? list->word : "");
}

enum bf_err bf_set_action(struct bf_config *c, struct bf_config_value v, char *reason, size_t size)
{
    const struct choice *found = choose(actions, v);
    if (!found)
        return bf_config_refuse(reason, size, "must be copy or assess");
    c->action = (enum bf_action)found->value;
    return BF_OK;
}

void bf_show_action(const struct bf_config *c, char *out, size_t size)
{
    show_choice(actions, (uint8_t)c->action, out, size);
}

enum bf_err bf_set_end(struct bf_config *c, struct bf_config_value v, char *reason, size_t size)
{
    const struct choice *found = choose(ends, v);
    if (!found)
        return bf_config_refuse(reason, size, "must be poweroff, reboot or exit");
    c->end = (enum bf_end)found->value;
    return BF_OK;
}

void bf_show_end(const struct bf_config *c, char *out, size_t size)
{
    show_choice(ends, (uint8_t)c->end, out, size);
}

enum bf_err bf_set_failure(struct bf_config *c, struct bf_config_value v, char *reason, size_t size)
{
    const struct choice *found = choose(failures, v);
    struct bf_config_value rest = v, word;
    uint64_t seconds = 0;
    if (!found && (!bf_value_split(&rest, ':', &word) || !bf_value_is(word, "wait") ||
                   !bf_value_number(rest, 86400, &seconds)))
        return bf_config_refuse(reason, size,
                                "must be wait:SECONDS (at most 86400), poweroff or reboot");
    c->on_failure = found ? (enum bf_failure)found->value : BF_FAILURE_WAIT;
    c->failure_wait = (uint32_t)seconds;
    return BF_OK;
}

void bf_show_failure(const struct bf_config *c, char *out, size_t size)
{
    if (c->on_failure == BF_FAILURE_WAIT)
        bf_snprintf(out, size, "wait:%u", c->failure_wait);
    else
        show_choice(failures, (uint8_t)c->on_failure, out, size);
}

enum bf_err bf_set_fence(struct bf_config *c, struct bf_config_value v, char *reason, size_t size)
{
    const struct choice *found = choose(fences, v);
    if (!found)
        return bf_config_refuse(reason, size, "must be on or off");
    c->fence = (enum bf_fence_policy)found->value;
    return BF_OK;
}

void bf_show_fence(const struct bf_config *c, char *out, size_t size)
{
    show_choice(fences, (uint8_t)c->fence, out, size);
}

enum bf_err bf_set_serial(struct bf_config *c, struct bf_config_value v, char *reason, size_t size)
{
    const struct choice *found = choose(serials, v);
    if (!found)
        return bf_config_refuse(reason, size, "must be lines, console or off");
    c->serial = (enum bf_serial)found->value;
    return BF_OK;
}

void bf_show_serial(const struct bf_config *c, char *out, size_t size)
{
    show_choice(serials, (uint8_t)c->serial, out, size);
}

enum bf_err bf_set_compress(struct bf_config *c, struct bf_config_value v, char *reason,
                            size_t size)
{
    const struct choice *found = choose(compressions, v);
    if (!found)
        return bf_config_refuse(reason, size, "must be auto, off, lz4 or zstd");
    c->compression = found->value;
    return BF_OK;
}

void bf_show_compress(const struct bf_config *c, char *out, size_t size)
{
    show_choice(compressions, c->compression, out, size);
}

static enum bf_err add_copy(struct bf_config *c, uint8_t all, struct bf_config_value where,
                            char *reason, size_t size)
{
    struct bf_place_selector place;
    struct bf_config_copy *copy = &c->copy[c->copies];
    char why[112];
    if (c->copies == BF_CONFIG_COPIES)
        return bf_config_refuse(reason, size, "names more than %d places", BF_CONFIG_COPIES);
    if (where.len >= sizeof copy->where)
        return bf_config_refuse(reason, size, "is longer than %u characters",
                                (uint32_t)sizeof copy->where - 1);
    memcpy(copy->where, where.at, where.len);
    copy->where[where.len] = 0;
    if (bf_place_selector_parse(copy->where, &place, why, sizeof why))
        return bf_config_refuse(reason, size, "names no place: %s", why);
    copy->all = all;
    c->copies++;
    return BF_OK;
}

enum bf_err bf_set_copy(struct bf_config *c, struct bf_config_value v, char *reason, size_t size)
{
    struct bf_config_value what = {NULL, 0}, where = v;
    const struct choice *found = bf_value_split(&where, '@', &what) ? choose(copies, what) : NULL;
    if (!found)
        return bf_config_refuse(reason, size, "must be used or all, or one of them and @PLACE");
    if (where.at)
        return add_copy(c, found->value, where, reason, size);
    if (c->copy_given)
        return bf_config_refuse(reason, size, "is given twice");
    c->copy_all = found->value;
    c->copy_given = 1;
    return BF_OK;
}

void bf_show_copy(const struct bf_config *c, char *out, size_t size)
{
    show_choice(copies, c->copy_all, out, size);
    for (uint32_t i = 0; i < c->copies; i++) {
        size_t at = strlen(out);
        bf_snprintf(out + at, size - at, "; %s@%s", c->copy[i].all ? "all" : "used",
                    c->copy[i].where);
    }
}

enum bf_err bf_set_on_read_error(struct bf_config *c, struct bf_config_value v, char *reason,
                                 size_t size)
{
    const struct choice *found = choose(read_errors, v);
    if (!found)
        return bf_config_refuse(reason, size, "must be stop or map");
    c->on_read_error = (enum bf_read_error)found->value;
    return BF_OK;
}

void bf_show_on_read_error(const struct bf_config *c, char *out, size_t size)
{
    show_choice(read_errors, (uint8_t)c->on_read_error, out, size);
}

enum bf_err bf_set_unseen(struct bf_config *c, struct bf_config_value v, char *reason, size_t size)
{
    const struct choice *found = choose(unseens, v);
    if (!found)
        return bf_config_refuse(reason, size, "must be auto, stop or warn");
    c->unseen = (enum bf_unseen_policy)found->value;
    return BF_OK;
}

void bf_show_unseen(const struct bf_config *c, char *out, size_t size)
{
    show_choice(unseens, (uint8_t)c->unseen, out, size);
}

static const char multiples[] = "KMG"; // each 1024 times the one before

enum bf_err bf_set_limit(struct bf_config *c, struct bf_config_value v, char *reason, size_t size)
{
    const char *suffix =
        v.len ? memchr(multiples, v.at[v.len - 1] & ~0x20, sizeof multiples - 1) : NULL;
    uint32_t shift = suffix ? 10 * ((uint32_t)(suffix - multiples) + 1) : 0;
    uint64_t number;
    v.len -= suffix != NULL;
    if (!bf_value_number(v, LIMIT_MOST >> shift, &number) ||
        (number && number << shift < LIMIT_LEAST))
        return bf_config_refuse(reason, size,
                                "must be bytes per second, like 50M, from 16K to 1024G, or 0");
    c->limit = number << shift;
    return BF_OK;
}

void bf_show_limit(const struct bf_config *c, char *out, size_t size)
{
    uint32_t n = 0;
    while (c->limit && n < sizeof multiples - 1 && c->limit % ((uint64_t)1024 << 10 * n) == 0)
        n++;
    bf_snprintf(out, size, "%llu%.1s", (unsigned long long)(c->limit >> 10 * n),
                n ? &multiples[n - 1] : "");
}

enum bf_err bf_set_workers(struct bf_config *c, struct bf_config_value v, char *reason, size_t size)
{
    uint64_t number = BF_CONFIG_WORKERS_AUTO;
    if (!bf_value_is(v, "auto") && !bf_value_number(v, BF_WORKERS_MAX, &number))
        return bf_config_refuse(reason, size, "must be auto, or a number from 0 to %u",
                                (uint32_t)BF_WORKERS_MAX);
    c->workers = (uint8_t)number;
    return BF_OK;
}

void bf_show_workers(const struct bf_config *c, char *out, size_t size)
{
    if (c->workers == BF_CONFIG_WORKERS_AUTO)
        bf_snprintf(out, size, "auto");
    else
        bf_snprintf(out, size, "%u", c->workers);
}

enum bf_err bf_set_connections(struct bf_config *c, struct bf_config_value v, char *reason,
                               size_t size)
{
    uint64_t number;
    if (!bf_value_number(v, BF_CONFIG_CONNECTIONS, &number) || number == 0)
        return bf_config_refuse(reason, size, "must be a number from 1 to %d",
                                BF_CONFIG_CONNECTIONS);
    c->connections = (uint8_t)number;
    return BF_OK;
}

void bf_show_connections(const struct bf_config *c, char *out, size_t size)
{
    bf_snprintf(out, size, "%u", (unsigned)c->connections);
}

enum bf_err bf_set_kex(struct bf_config *c, struct bf_config_value v, char *reason, size_t size)
{
    const struct choice *found = choose(kexes, v);
    if (!found)
        return bf_config_refuse(reason, size, "must be auto or hybrid");
    c->kex = (enum bf_kex)found->value;
    return BF_OK;
}

void bf_show_kex(const struct bf_config *c, char *out, size_t size)
{
    show_choice(kexes, (uint8_t)c->kex, out, size);
}

enum bf_err bf_set_retry(struct bf_config *c, struct bf_config_value v, char *reason, size_t size)
{
    uint64_t seconds;
    if (!bf_value_number(v, 31536000, &seconds))
        return bf_config_refuse(reason, size, "must be seconds, at most a year");
    c->retry_seconds = (uint32_t)seconds;
    return BF_OK;
}

void bf_show_retry(const struct bf_config *c, char *out, size_t size)
{
    bf_snprintf(out, size, "%u", c->retry_seconds);
}

enum bf_err bf_set_disk(struct bf_config *c, struct bf_config_value v, char *reason, size_t size)
{
    char text[sizeof c->disk[0]], why[96];
    if (v.len >= sizeof text)
        return bf_config_refuse(reason, size, "is longer than %u characters",
                                (uint32_t)sizeof text - 1);
    if (c->disks == BF_CONFIG_DISKS)
        return bf_config_refuse(reason, size, "is given more than %d times", BF_CONFIG_DISKS);
    memcpy(text, v.at, v.len);
    text[v.len] = 0;
    if (bf_selector_syntax(text, why, sizeof why) != BF_OK)
        return bf_config_refuse(reason, size, "is not a selector: %s", why);
    for (uint32_t i = 0; i < c->disks; i++)
        if (strcmp(c->disk[i], text) == 0)
            return bf_config_refuse(reason, size, "names the same disk twice");
    memcpy(c->disk[c->disks++], text, v.len + 1);
    return BF_OK;
}

void bf_show_disk(const struct bf_config *c, char *out, size_t size)
{
    size_t at = 0;
    bf_snprintf(out, size, "%s", "");
    for (uint32_t i = 0; i < c->disks && at < size; i++)
        at += (size_t)bf_snprintf(out + at, size - at, "%s%s", i ? "; " : "", c->disk[i]);
}

enum bf_err bf_set_driver(struct bf_config *c, struct bf_config_value v, char *reason, size_t size)
{
    const struct choice *found = choose(drivers, v);
    if (!found)
        return bf_config_refuse(reason, size, "must be auto or firmware");
    c->driver = (enum bf_driver)found->value;
    return BF_OK;
}

void bf_show_driver(const struct bf_config *c, char *out, size_t size)
{
    show_choice(drivers, (uint8_t)c->driver, out, size);
}

// Four hexadecimal digits at most.
static int parse_hex16(const char *text, size_t len, uint64_t *out)
{
    *out = 0;
    for (size_t i = 0; i < len; i++) {
        int digit = bf_hex_digit(text[i]);
        if (digit < 0)
            return 0;
        *out = *out << 4 | (uint64_t)digit;
    }
    return len >= 1 && len <= 4;
}

enum bf_err bf_set_debug_exit(struct bf_config *c, struct bf_config_value v, char *reason,
                              size_t size)
{
    uint64_t port;
    int prefixed = v.len > 2 && v.at[0] == '0' && (v.at[1] | 32) == 'x';
    if (prefixed ? !parse_hex16(v.at + 2, v.len - 2, &port) : !bf_value_number(v, 65535, &port))
        return bf_config_refuse(reason, size, "must be a port number, like 0xf4");
    c->debug_exit = (uint16_t)port;
    return BF_OK;
}

void bf_show_debug_exit(const struct bf_config *c, char *out, size_t size)
{
    bf_snprintf(out, size, "0x%x", c->debug_exit);
}
