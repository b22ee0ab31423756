// SPDX-License-Identifier: Apache-2.0
// The domain of a job. What is to be defined is written into the job's folder first, with the UUID
// that was drawn for it; so whatever was killed, the domain is found again, and none that somebody
// else has given the same name is ever touched.
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fmt.h"
#include "base/platform.h"
#include "replica/state/file.h"
#include "replica/targets/libvirt.h"

enum { RECORD_MOST = 4 << 20 };

static void record_path(const struct bf_lv *lv, char out[BF_LV_PATH_MAX + 32])
{
    bf_snprintf(out, BF_LV_PATH_MAX + 32, "%s/domain.xml", lv->folder);
}

// ---- The record --------------------------------------------------------------------------------

bool bf_lv_record_uuid(const struct bf_lv *lv, char out[BF_LV_UUID_MAX])
{
    char path[BF_LV_PATH_MAX + 32];
    struct bf_fault ignored;
    struct _xmlNode *root;
    uint8_t *text;
    size_t len;
    bool found;

    record_path(lv, path);
    if (bf_file_read(path, RECORD_MOST, &text, &len, &ignored) != BF_OK)
        return false;
    root = bf_lv_tree_read((char *)text, len);
    found = bf_lv_get_text(bf_lv_child(root, "uuid"), out, BF_LV_UUID_MAX) && strlen(out) == 36;
    bf_lv_tree_free(root);
    free(text);
    return found;
}

enum bf_err bf_lv_record_write(const struct bf_lv *lv, const char *xml, struct bf_fault *fault)
{
    char path[BF_LV_PATH_MAX + 32];

    record_path(lv, path);
    return bf_file_replace(path, xml, strlen(xml), 0600, fault);
}

void bf_lv_record_remove(const struct bf_lv *lv)
{
    char path[BF_LV_PATH_MAX + 32];

    record_path(lv, path);
    unlink(path);
}

// ---- Finding it --------------------------------------------------------------------------------

enum bf_err bf_lv_domain_find(const struct bf_lv *lv, virDomainPtr *out, struct bf_fault *fault)
{
    char uuid[BF_LV_UUID_MAX];

    *out = NULL;
    if (!bf_lv_record_uuid(lv, uuid))
        return BF_OK;
    *out = virDomainLookupByUUIDString(lv->conn, uuid);
    if (!*out && virGetLastErrorCode() != VIR_ERR_NO_DOMAIN)
        return bf_lv_fault(lv, fault, "the machine %s cannot be looked up", lv->tgt->machine->name);
    if (*out && strcmp(virDomainGetName(*out), lv->tgt->machine->name) != 0) {
        bf_fault_set(fault, BF_ERR_MISMATCH, BF_SIDE_SERVER,
                     "give it its old name again: virsh domrename",
                     "the machine %s was renamed to %.64s at the libvirt host",
                     lv->tgt->machine->name, virDomainGetName(*out));
        virDomainFree(*out);
        *out = NULL;
        return fault->code;
    }
    return BF_OK;
}

enum bf_err bf_lv_domain_get(const struct bf_lv *lv, virDomainPtr *out, struct bf_fault *fault)
{
    enum bf_err err = bf_lv_domain_find(lv, out, fault);

    if (!err && !*out)
        err = bf_fault_set(fault, BF_ERR_NOT_FOUND, BF_SIDE_SERVER,
                           "somebody may have removed it there; bootferry rollback ends the job",
                           "the libvirt host %s has no machine %s", lv->uri.connect,
                           lv->tgt->machine->name);
    return err;
}

// ---- What it is made of ------------------------------------------------------------------------

static enum bf_err draw_uuid(char out[BF_LV_UUID_MAX], struct bf_fault *fault)
{
    uint8_t b[16];
    char hex[33];

    if (bf_platform_entropy(b, sizeof b) != BF_OK)
        return bf_fault_set(fault, BF_ERR_NO_ENTROPY, BF_SIDE_SERVER, "see what getrandom(2) says",
                            "the server gives no random numbers");
    b[6] = (uint8_t)((b[6] & 0x0f) | 0x40); // RFC 9562, version 4
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
    bf_hex(hex, b, sizeof b);
    bf_snprintf(out, BF_LV_UUID_MAX, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16,
                hex + 20);
    return BF_OK;
}

void bf_lv_choice_begin(const struct bf_lv *lv, struct bf_lv_names *names,
                        struct bf_lv_choice *choice)
{
    memset(choice, 0, sizeof *choice);
    bf_snprintf(names->console, sizeof names->console, "%s/" BF_TGT_CONSOLE, lv->folder);
    bf_snprintf(names->evidence, sizeof names->evidence, "%s/" BF_TGT_EVIDENCE, lv->folder);
    choice->state = lv->state;
    choice->folder = lv->folder;
    choice->console = names->console;
    choice->evidence = names->evidence;
    choice->kvm = lv->host.kvm;
    choice->descriptors = lv->uri.local && !lv->uri.session;
}

enum bf_err bf_lv_choose(const struct bf_lv *lv, struct bf_lv_choice *choice,
                         struct bf_fault *fault)
{
    const struct bf_tgt_machine *m = lv->tgt->machine;
    enum bf_err err = bf_lv_networks_choose(lv, choice, fault);

    if (err || bf_lv_record_uuid(lv, choice->uuid))
        return err;
    // A test has its source's UUID in SMBIOS only, since a host knows a UUID once.
    if (m->uuid[0] && !m->isolated)
        bf_snprintf(choice->uuid, sizeof choice->uuid, "%s", m->uuid);
    else
        err = draw_uuid(choice->uuid, fault);
    return err;
}

// ---- Starting
// ----------------------------------------------------------------------------------------

// One that somebody has started meanwhile is fine.
static enum bf_err create(const struct bf_lv *lv, virDomainPtr dom, bool paused,
                          struct bf_fault *fault)
{
    enum bf_err err = BF_OK;

    if (virDomainCreateWithFlags(dom, paused ? VIR_DOMAIN_START_PAUSED : 0) != 0)
        err = bf_lv_fault(lv, fault, "the machine %s cannot be started", lv->tgt->machine->name);
    return err && virDomainIsActive(dom) == 1 ? BF_OK : err;
}

enum bf_err bf_lv_domain_start(struct bf_lv *lv, virDomainPtr dom, bool paused,
                               struct bf_fault *fault)
{
    struct bf_lv_choice choice;
    struct bf_lv_names names;
    enum bf_err err = bf_lv_ask_host(lv, fault);

    if (err)
        return err;
    bf_lv_choice_begin(lv, &names, &choice);
    err = bf_lv_networks_choose(lv, &choice, fault);
    if (!err)
        err = bf_lv_networks_start(lv, &choice, fault);
    if (!err)
        err = bf_lv_logs_make(lv, fault);
    if (!err && choice.descriptors)
        err = bf_lv_descriptors_give(lv, dom, fault);
    if (!err)
        err = create(lv, dom, paused, fault);
    if (!err && access(names.console, R_OK) != 0)
        bf_lv_tell(lv->tgt, "libvirt has made the machine's console unreadable for bootferry; set "
                            "stdio_handler = \"logd\" in /etc/libvirt/qemu.conf.");
    return err;
}

// ---- The end -----------------------------------------------------------------------------------

// One that has ended by itself meanwhile is fine.
enum bf_err bf_lv_domain_pull(const struct bf_lv *lv, virDomainPtr dom, struct bf_fault *fault)
{
    enum bf_err err = BF_OK;

    if (virDomainIsActive(dom) != 1)
        return BF_OK;
    if (virDomainDestroy(dom) != 0)
        err =
            bf_lv_fault(lv, fault, "the machine %s cannot be switched off", lv->tgt->machine->name);
    return err && virDomainIsActive(dom) == 0 ? BF_OK : err;
}

enum bf_err bf_lv_domain_remove(const struct bf_lv *lv, struct bf_fault *fault)
{
    const unsigned flags = VIR_DOMAIN_UNDEFINE_MANAGED_SAVE | VIR_DOMAIN_UNDEFINE_NVRAM |
                           VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA |
                           VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA;
    const char *name = lv->tgt->machine->name;
    virDomainPtr dom;
    enum bf_err err = bf_lv_domain_find(lv, &dom, fault);

    if (err || !dom)
        return err;
    err = bf_lv_domain_pull(lv, dom, fault);
    if (!err && virDomainIsPersistent(dom) == 1 && virDomainUndefineFlags(dom, flags) != 0)
        err = bf_lv_fault(lv, fault, "the machine %s cannot be removed", name);
    virDomainFree(dom);
    return err;
}
