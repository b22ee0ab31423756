// SPDX-License-Identifier: Apache-2.0
// Names of errors and sides, and the making of fault records. The names are an interface: scripts
// compare them, and docs/serial.md lists them.
#include "base/err.h"

#include <stdarg.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/fmt.h"

static const struct {
    enum bf_err err;
    const char *name;
} names[] = {
    {BF_OK, "ok"},
    {BF_AGAIN, "again"},
    {BF_ERR_TIMEOUT, "timeout"},
    {BF_ERR_NETWORK, "network"},
    {BF_ERR_CLOSED, "closed"},
    {BF_ERR_BUSY, "busy"},
    {BF_ERR_PROTOCOL, "protocol"},
    {BF_ERR_CORRUPT, "corrupt"},
    {BF_ERR_VERSION, "version"},
    {BF_ERR_CONFIG, "config"},
    {BF_ERR_AUTH, "auth"},
    {BF_ERR_DENIED, "denied"},
    {BF_ERR_NOT_FOUND, "not-found"},
    {BF_ERR_EXISTS, "exists"},
    {BF_ERR_MISMATCH, "mismatch"},
    {BF_ERR_CLOCK, "clock"},
    {BF_ERR_NO_SPACE, "no-space"},
    {BF_ERR_FENCED, "fenced"},
    {BF_ERR_IO, "io"},
    {BF_ERR_MEDIA, "media"},
    {BF_ERR_NO_MEMORY, "no-memory"},
    {BF_ERR_NO_ENTROPY, "no-entropy"},
    {BF_ERR_UNSUPPORTED, "unsupported"},
    {BF_ERR_RANGE, "range"},
    {BF_ERR_LIMIT, "limit"},
    {BF_ERR_CANCELLED, "cancelled"},
    {BF_ERR_CRASH, "crash"},
};

const char *bf_err_name(enum bf_err err)
{
    for (size_t i = 0; i < BF_COUNT(names); i++)
        if (names[i].err == err)
            return names[i].name;
    return "unknown";
}

const char *bf_side_name(enum bf_side side)
{
    static const char *const sides[] = {"none", "source", "network", "server", "config"};
    return (unsigned)side < BF_COUNT(sides) ? sides[side] : "unknown";
}

enum bf_err bf_fault_set(struct bf_fault *fault, enum bf_err code, enum bf_side side,
                         const char *todo, const char *what_format, ...)
{
    va_list args;
    va_start(args, what_format);
    fault->code = code;
    fault->side = side;
    bf_snprintf(fault->todo, sizeof fault->todo, "%s", todo);
    bf_vsnprintf(fault->what, sizeof fault->what, what_format, args);
    va_end(args);
    return code;
}

enum bf_err bf_fault_todo(struct bf_fault *fault, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    bf_vsnprintf(fault->todo, sizeof fault->todo, format, args);
    va_end(args);
    return fault->code;
}

int bf_err_is_transient(enum bf_err err)
{
    return err == BF_ERR_TIMEOUT || err == BF_ERR_NETWORK || err == BF_ERR_CLOSED ||
           err == BF_ERR_BUSY;
}
