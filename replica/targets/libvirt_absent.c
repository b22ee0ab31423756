// SPDX-License-Identifier: Apache-2.0
// In place of the target libvirt in a program that was built without it (make LIBVIRT=no).
#include <stdlib.h>
#include <string.h>

#include "replica/targets/files_text.h"

static enum bf_err absent(const struct bf_tgt *tgt, struct bf_fault *fault)
{
    return bf_fault_set(fault, BF_ERR_UNSUPPORTED, BF_SIDE_SERVER,
                        "build it with libvirt's development files, or name another target",
                        "this bootferry was built without libvirt");
}

static enum bf_err no_power(const struct bf_tgt *tgt, enum bf_tgt_power *out,
                            struct bf_fault *fault)
{
    return absent(tgt, fault);
}

static enum bf_err no_picture(const struct bf_tgt *tgt, const char *path, struct bf_fault *fault)
{
    return absent(tgt, fault);
}

static enum bf_err no_written(const struct bf_tgt *tgt, uint64_t *bytes, struct bf_fault *fault)
{
    return absent(tgt, fault);
}

static enum bf_err no_agent(const struct bf_tgt *tgt, const char *command, char **answer,
                            struct bf_fault *fault)
{
    *answer = NULL;
    return absent(tgt, fault);
}

static enum bf_err no_stop(const struct bf_tgt *tgt, enum bf_tgt_stop how, struct bf_fault *fault)
{
    return absent(tgt, fault);
}

static enum bf_err no_commit(const struct bf_tgt *tgt, const char *to, struct bf_fault *fault)
{
    return absent(tgt, fault);
}

static char *no_description(const struct bf_tgt *tgt)
{
    return strdup("this bootferry was built without libvirt\n");
}

void bf_files_write_domain(struct bf_text *out, const struct bf_tgt_machine *m, bool raw)
{
}

void bf_files_write_libvirt(struct bf_text *out, const struct bf_tgt_machine *m, bool raw)
{
}

const struct bf_tgt_ops bf_tgt_libvirt = {
    .scheme = "libvirt",
    .usage = "libvirt:URI    (this bootferry was built without it)",
    .check = absent,
    .make = absent,
    .start = absent,
    .power = no_power,
    .picture = no_picture,
    .written = no_written,
    .agent = no_agent,
    .stop = no_stop,
    .commit = no_commit,
    .remove = absent,
    .describe = no_description,
};
