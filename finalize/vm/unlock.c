// SPDX-License-Identifier: Apache-2.0
// See unlock.h. A key goes to cryptsetup over a pipe, as the bytes that a passphrase or a key file
// has.
#include "finalize/vm/unlock.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "finalize/archive/luks.h"
#include "finalize/vm/disks.h"
#include "finalize/vm/said.h"
#include "finalize/vm/tool.h"

// Exit statuses of cryptsetup(8).
#define WRONG_KEY 2
#define NO_MEMORY 3

// The most memory that libcryptsetup sets as the cost of a key slot (Argon2), and what the VM
// needs beside it for itself.
#define KDF_MAX_MIB 4096
#define OWN_MIB     320

static const struct bf_plan_key *key_for(const struct bf_plan *plan, const char *uuid)
{
    for (size_t k = 0; plan && k < plan->unlocks; k++)
        if (strcasecmp(plan->unlock[k].uuid, uuid) == 0)
            return &plan->unlock[k];
    return NULL;
}

static bool read_head(const char *node, struct bf_luks *luks)
{
    unsigned char *head = malloc(BF_LUKS_HEAD_MAX);
    int fd = head ? open(node, O_RDONLY | O_CLOEXEC) : -1;
    ssize_t len = fd < 0 ? -1 : pread(fd, head, BF_LUKS_HEAD_MAX, 0);
    bool ok = len > 0 && !bf_luks_read(head, (size_t)len, luks);
    if (fd >= 0)
        close(fd);
    free(head);
    return ok;
}

// What becomes of a key slot in the new home.
static void note_bound(const struct bf_luks *luks, const struct bf_luks_bound *bound,
                       const char *about, struct bf_fin_report *report)
{
    const char *otherwise = luks->free_slots ? "a passphrase will be asked for at the console"
                                             : "it cannot be opened, since no key slot takes a "
                                               "passphrase; add one on the source before the move "
                                               "(cryptsetup luksAddKey)";
    if (bound->to == BF_LUKS_TPM)
        bf_note(report, "warning", about,
                "key slot %u is bound to the TPM of the old machine (%s), which the new home does "
                "not have: at each start %s",
                bound->slot, bound->by, otherwise);
    else if (bound->to == BF_LUKS_NETWORK)
        bf_note(report, "warning", about,
                "key slot %u is opened by a server of the network (%s): where the new home does "
                "not reach it, %s",
                bound->slot, bound->by, otherwise);
    else if (bound->to == BF_LUKS_TOKEN)
        bf_note(report, "warning", about,
                "key slot %u is opened by a security token (%s): where the new home does not have "
                "it, %s",
                bound->slot, bound->by, otherwise);
    else if (bound->to == BF_LUKS_OTHER)
        bf_note(report, "warning", about,
                "key slot %u is opened by %s: where that does not work in the new home, %s",
                bound->slot, bound->by, otherwise);
}

// Whether this VM has the memory that deriving the key takes. If not, the report tells how much a
// VM needs for it, and the runner starts a larger one where its host has so much.
static enum bf_err check_memory(const struct bf_luks *luks, const char *uuid,
                                struct bf_fin_report *report)
{
    struct sysinfo info;
    uint64_t need = luks->kdf_kib / 1024 + (luks->kdf_kib % 1024 != 0);
    uint64_t have = sysinfo(&info) == 0 ? (uint64_t)info.totalram * info.mem_unit >> 20 : 0;
    if (need > KDF_MAX_MIB)
        return bf_refuse(report,
                         "the encrypted device UUID=%s is not opened: its header asks for %llu "
                         "MiB of memory to derive a key, and cryptsetup sets no more than %u MiB; "
                         "on the source, give the key slot a lower cost with cryptsetup "
                         "luksConvertKey --pbkdf-memory",
                         uuid, (unsigned long long)need, KDF_MAX_MIB);
    if (!need || need + OWN_MIB <= have)
        return BF_OK;
    // A kernel takes some of a machine's memory before it counts what there is.
    uint64_t machine = need + 2 * OWN_MIB;
    json_object_set_new(report->json, "memory", json_integer((json_int_t)machine));
    return bf_refuse(report,
                     "opening the encrypted device UUID=%s takes a VM of %llu MiB, since deriving "
                     "its key needs %llu MiB, and this host does not have so much memory "
                     "available; free some, or, on the source, lower what the key slot needs with "
                     "cryptsetup luksConvertKey --pbkdf-memory",
                     uuid, (unsigned long long)machine, (unsigned long long)need);
}

static enum bf_err open_with(const struct bf_plan_key *key, const struct bf_luks *luks,
                             const char *node, const char *uuid, struct bf_fin_report *report)
{
    char name[80], said[160];
    snprintf(name, sizeof name, "luks-%.64s", uuid);
    const char *const argv[] = {"/sbin/cryptsetup", "open", "--type", "luks", "--key-file", "-",
                                "--batch-mode",     node,   name,     NULL};
    struct bf_tool tool = {
        .argv = argv, .input = key->key, .input_len = key->key_len, .out_max = 4096};
    int status = bf_vm_tool(&tool);
    bf_said_first(tool.out ? tool.out : "", said, sizeof said);
    free(tool.out);
    if (status == 0)
        return BF_OK;
    if (status == WRONG_KEY)
        return bf_refuse(report,
                         "the plan's key for the encrypted device UUID=%s does not open it; "
                         "correct it in \"unlock\"",
                         uuid);
    if (status == NO_MEMORY || status == BF_TOOL_KILLED)
        return bf_refuse(report,
                         "the encrypted device UUID=%s cannot be opened here: its key needs %llu "
                         "MiB of memory; on the source, cryptsetup luksConvertKey --pbkdf-memory "
                         "lowers that",
                         uuid, (unsigned long long)luks->kdf_kib / 1024);
    return bf_refuse(report, "the encrypted device UUID=%s cannot be opened: %s", uuid, said);
}

enum bf_err bf_vm_unlock(const struct bf_device *dev, const struct bf_plan *plan,
                         struct bf_fin_report *report)
{
    char node[80], about[80];
    struct bf_luks luks = {.version = 0};
    const struct bf_plan_key *key = key_for(plan, dev->uuid);
    bf_vm_node(dev, node, sizeof node);
    snprintf(about, sizeof about, "UUID=%.64s", dev->uuid);
    if (!read_head(node, &luks))
        bf_note(report, "warning", about, "the header of this encrypted device cannot be read");
    if (luks.second)
        bf_note(report, "warning", about,
                "the first copy of this device's LUKS header is damaged or out of date, so the "
                "second one counts; cryptsetup writes the first one anew when it opens the device: "
                "keep a copy of the header (cryptsetup luksHeaderBackup)");
    for (size_t i = 0; i < luks.bounds; i++)
        note_bound(&luks, &luks.bound[i], about, report);
    if (!key) {
        bf_note(report, "skipped", about, "%s is encrypted, and the plan has no key for it",
                dev->name);
        return BF_OK;
    }
    enum bf_err err = check_memory(&luks, dev->uuid, report);
    return err ? err : open_with(key, &luks, node, dev->uuid, report);
}

const struct bf_device *bf_vm_opened(const struct bf_devices *devices, const struct bf_device *dev)
{
    char name[96];
    snprintf(name, sizeof name, "/dev/mapper/luks-%.64s", dev->uuid);
    for (size_t i = 0; i < devices->count; i++)
        if (strcmp(devices->item[i].name, name) == 0)
            return &devices->item[i];
    return NULL;
}

void bf_vm_note_unused_keys(const struct bf_devices *devices, const struct bf_plan *plan,
                            struct bf_fin_report *report)
{
    for (size_t k = 0; plan && k < plan->unlocks; k++) {
        bool found = false;
        for (size_t i = 0; i < devices->count; i++)
            found = found || (strcmp(devices->item[i].type, "crypto_LUKS") == 0 &&
                              strcasecmp(devices->item[i].uuid, plan->unlock[k].uuid) == 0);
        if (!found)
            bf_note(report, "warning", "unlock", "no encrypted device of these disks has UUID=%s",
                    plan->unlock[k].uuid);
    }
}
