// SPDX-License-Identifier: Apache-2.0
// What this host has for a machine under QEMU: programs, firmware, bridges, memory, an accelerator.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/fmt.h"
#include "finalize/host/accel.h"
#include "replica/qemu/vm_files.h"
#include "replica/state/file.h"
#include "replica/targets/qemu_place.h"

enum { MIB = 1 << 20, ROOM_MIN_MIB = 256, BRIDGE_CONF_MAX = 65536 };

#define BRIDGE_CONF "/etc/qemu/bridge.conf"

// ---- Firmware ----------------------------------------------------------------------------------

// With Secure Boot: code that runs in system management mode, and variables with Microsoft's keys.
// Without: code that knows nothing of it, so that an unsigned boot loader starts.
static const struct {
    bool secure;
    const char *code, *variables;
} firmware[] = {
    // Debian, Ubuntu
    {false, "/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"},
    {true, "/usr/share/OVMF/OVMF_CODE_4M.ms.fd", "/usr/share/OVMF/OVMF_VARS_4M.ms.fd"},
    {false, "/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd"},
    {true, "/usr/share/OVMF/OVMF_CODE.ms.fd", "/usr/share/OVMF/OVMF_VARS.ms.fd"},
    // Fedora, Red Hat
    {false, "/usr/share/edk2/ovmf/OVMF_CODE.fd", "/usr/share/edk2/ovmf/OVMF_VARS.fd"},
    {true, "/usr/share/edk2/ovmf/OVMF_CODE.secboot.fd",
     "/usr/share/edk2/ovmf/OVMF_VARS.secboot.fd"},
    // Arch
    {false, "/usr/share/edk2/x64/OVMF_CODE.4m.fd", "/usr/share/edk2/x64/OVMF_VARS.4m.fd"},
    // SUSE
    {false, "/usr/share/qemu/ovmf-x86_64-code.bin", "/usr/share/qemu/ovmf-x86_64-vars.bin"},
    {true, "/usr/share/qemu/ovmf-x86_64-smm-ms-code.bin",
     "/usr/share/qemu/ovmf-x86_64-smm-ms-vars.bin"},
};

enum bf_err bf_qemu_firmware(const struct bf_tgt_machine *m, const char **code,
                             const char **variables, struct bf_fault *fault)
{
    *code = *variables = NULL;
    for (size_t i = 0; m->uefi && i < BF_COUNT(firmware) && !*code; i++)
        if (firmware[i].secure == m->secure_boot && access(firmware[i].code, R_OK) == 0 &&
            access(firmware[i].variables, R_OK) == 0) {
            *code = firmware[i].code;
            *variables = firmware[i].variables;
        }
    if (!m->uefi || *code)
        return BF_OK;
    return bf_fault_set(fault, BF_ERR_NOT_FOUND, BF_SIDE_SERVER,
                        "install the package ovmf (edk2-ovmf on some distributions)",
                        "this host has no UEFI firmware %s Secure Boot for QEMU",
                        m->secure_boot ? "with" : "without");
}

// ---- The accelerator ---------------------------------------------------------------------------

enum bf_err bf_qemu_accelerator(const struct bf_tgt *tgt, bool *kvm, char *why, size_t size,
                                struct bf_fault *fault)
{
    struct bf_vm_files files;
    struct bf_fault ignored;
    struct bf_accel accel;
    char memory[PATH_MAX];
    struct bf_run run = {.memory = memory, .tmp = memory};
    enum bf_err err;

    bf_snprintf(memory, sizeof memory, "%s/run", bf_state_path(tgt->state));
    if (bf_vm_files_find(NULL, &files, &ignored) == BF_OK) {
        run.kernel = files.kernel;
        run.initramfs = files.initramfs;
    } else if (!getenv("QEMU_ACCEL")) { // nothing to try it with
        *kvm = false;
        bf_snprintf(why, size,
                    "tcg: whether KVM works is tried with the finalizer's VM, which is "
                    "not installed");
        return BF_OK;
    }
    err = bf_accel_choose(&run, &accel, fault);
    *kvm = !err && accel.kvm;
    if (!err)
        bf_snprintf(why, size, "%s: %s", accel.kvm ? "kvm" : "tcg", accel.why);
    return err;
}

// ---- The check before anything is made ---------------------------------------------------------

static bool is_in_path(const char *program)
{
    const char *path = getenv("PATH"), *end;
    char file[PATH_MAX];

    for (path = path ? path : "/usr/bin:/bin"; *path; path = *end ? end + 1 : end) {
        end = strchrnul(path, ':');
        bf_snprintf(file, sizeof file, "%.*s/%s", (int)(end - path), path, program);
        if (access(file, X_OK) == 0)
            return true;
    }
    return false;
}

static enum bf_err check_programs(struct bf_fault *fault)
{
    static const struct {
        const char *program, *package;
    } needed[] = {{"qemu-system-x86_64", "install the package qemu-system-x86"},
                  {"qemu-img", "install the package qemu-utils"},
                  {"qemu-storage-daemon", "install the package qemu-utils"}};

    for (size_t i = 0; i < BF_COUNT(needed); i++)
        if (!is_in_path(needed[i].program))
            return bf_fault_set(fault, BF_ERR_NOT_FOUND, BF_SIDE_SERVER, needed[i].package,
                                "%s is not installed", needed[i].program);
    return BF_OK;
}

// The helper enters only bridges that this file allows. One that cannot be read, or that includes
// another, is left to the helper, which has more rights.
static bool is_allowed(const char *bridge)
{
    uint8_t *text = NULL;
    struct bf_fault ignored;
    struct bf_line line;
    bool allowed = false;
    size_t len, pos = 0, size, name = strlen(bridge);

    if (access(BRIDGE_CONF, R_OK) != 0)
        return errno != ENOENT;
    if (bf_file_read(BRIDGE_CONF, BRIDGE_CONF_MAX, &text, &len, &ignored))
        return true;
    while (bf_line_next((const char *)text, len, &pos, &line)) {
        const char *at = line.at, *end = line.at + line.len, *word;
        if (!bf_word_next(&at, end, &word, &size) || bf_word_is(word, size, "deny"))
            continue;
        if (bf_word_is(word, size, "include"))
            allowed = true;
        else if (bf_word_is(word, size, "allow") && bf_word_next(&at, end, &word, &size))
            allowed |=
                bf_word_is(word, size, "all") || (size == name && memcmp(word, bridge, name) == 0);
    }
    free(text);
    return allowed;
}

static enum bf_err check_bridge(const char *bridge, struct bf_fault *fault)
{
    static const char *const helpers[] = {"/usr/lib/qemu/qemu-bridge-helper",
                                          "/usr/libexec/qemu-bridge-helper"};
    char path[80];

    bf_snprintf(path, sizeof path, "/sys/class/net/%s/bridge", bridge);
    if (access(path, F_OK) != 0)
        return bf_fault_set(fault, BF_ERR_CONFIG, BF_SIDE_CONFIG,
                            "make it, or name another in the plan's machine.networks",
                            "this host has no bridge %s", bridge);
    if (!is_allowed(bridge)) {
        bf_fault_set(fault, BF_ERR_CONFIG, BF_SIDE_CONFIG, "",
                     "QEMU may not use the bridge %s: " BRIDGE_CONF " does not allow it", bridge);
        return bf_fault_todo(fault, "add this line to it: allow %s", bridge);
    }
    if (access(helpers[0], X_OK) == 0 || access(helpers[1], X_OK) == 0)
        return BF_OK;
    return bf_fault_set(fault, BF_ERR_NOT_FOUND, BF_SIDE_SERVER,
                        "install the package of QEMU that has it",
                        "qemu-bridge-helper is not installed");
}

static enum bf_err check_networks(const struct bf_tgt_machine *m, struct bf_fault *fault)
{
    enum bf_err err = BF_OK;

    for (uint32_t i = 0; !err && !m->isolated && i < m->nics; i++) {
        const char *to = m->nic[i].network;
        if (strncmp(to, "bridge:", 7) == 0)
            err = check_bridge(to + 7, fault);
        else if (strncmp(to, "network:", 8) == 0)
            err = bf_fault_set(fault, BF_ERR_CONFIG, BF_SIDE_CONFIG,
                               "name a bridge, user or none, or use the target libvirt:",
                               "plan: machine.networks: %.80s is one of libvirt, which the target "
                               "qemu: does not know",
                               to);
    }
    return err;
}

static enum bf_err check_memory(const struct bf_tgt_machine *m, struct bf_fault *fault)
{
    uint64_t pages = (uint64_t)sysconf(_SC_PHYS_PAGES), page = (uint64_t)sysconf(_SC_PAGESIZE);
    uint64_t here = pages * page / MIB;

    if (m->memory_mib < here)
        return BF_OK;
    return bf_fault_set(fault, BF_ERR_CONFIG, BF_SIDE_CONFIG,
                        "give it less with machine.memory in the plan",
                        "the machine is to have %llu MiB of memory; this host has %llu",
                        (unsigned long long)m->memory_mib, (unsigned long long)here);
}

static enum bf_err check_room(const struct bf_tgt *tgt, struct bf_fault *fault)
{
    struct statvfs fs;

    if (fstatvfs(bf_state_dir(tgt->state), &fs) != 0 ||
        (uint64_t)fs.f_bavail * fs.f_frsize >= (uint64_t)ROOM_MIN_MIB * MIB)
        return BF_OK;
    return bf_fault_set(fault, BF_ERR_NO_SPACE, BF_SIDE_SERVER,
                        "make room in the file system of the state",
                        "there are less than %d MiB for what the new machine writes", ROOM_MIN_MIB);
}

enum bf_err bf_qemu_check_host(const struct bf_tgt *tgt, struct bf_fault *fault)
{
    const char *code, *variables;
    enum bf_err err = check_programs(fault);

    if (!err)
        err = bf_qemu_firmware(tgt->machine, &code, &variables, fault);
    if (!err)
        err = check_networks(tgt->machine, fault);
    if (!err)
        err = check_memory(tgt->machine, fault);
    return err ? err : check_room(tgt, fault);
}
