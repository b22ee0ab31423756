// SPDX-License-Identifier: Apache-2.0
// What the target files: writes for a host of libvirt: the definition of a domain, and a script
// that puts into it what only that host knows: the folder, the network, whether there is KVM. The
// definition is that of the target libvirt (libvirt_xml.c), with whole disks and a terminal.
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/fmt.h"
#include "replica/targets/files_text.h"
#include "replica/targets/libvirt.h"

#define DEFAULT_NETWORK "network:default"

static bool has_network(const struct bf_tgt_nic *nic, uint32_t number)
{
    return nic->network[0] && (strcmp(nic->network, "user") != 0 || number < BF_LV_USER_NICS);
}

static void choose(struct bf_lv_choice *choice, const struct bf_tgt_machine *m, bool raw)
{
    *choice = (struct bf_lv_choice){
        .state = "", .folder = BF_FILES_FOLDER, .format = raw ? "raw" : "qcow2", .kvm = true};
    bf_snprintf(choice->uuid, sizeof choice->uuid, "%s", m->uuid);
    for (uint32_t i = 0; i < m->nics; i++)
        bf_snprintf(choice->network[i], sizeof choice->network[i], "%s",
                    has_network(&m->nic[i], i) ? m->nic[i].network : DEFAULT_NETWORK);
}

void bf_files_write_domain(struct bf_text *out, const struct bf_tgt_machine *m, bool raw)
{
    struct bf_tgt_machine *copy = malloc(sizeof *copy);
    struct bf_lv_choice choice;
    char *xml = NULL;

    if (copy) {
        *copy = *m;
        if (strcmp(m->disk_bus, "nvme") == 0) // libvirt has none; as for Proxmox VE
            bf_snprintf(copy->disk_bus, sizeof copy->disk_bus, "virtio-scsi");
        choose(&choice, copy, raw);
        xml = bf_lv_domain_xml(copy, &choice);
    }
    out->failed |= !xml;
    if (xml)
        bf_text_str(out, xml);
    free(xml);
    free(copy);
}

void bf_files_write_libvirt(struct bf_text *out, const struct bf_tgt_machine *m, bool raw)
{
    (void)raw;
    bf_files_head(out, m,
                  "On a host of libvirt: ./libvirt.sh [NETWORK]. LIBVIRT_DEFAULT_URI names another "
                  "one than virsh takes.");
    bf_text_str(
        out,
        "network=${1:-default} # of NICs for which the plan names none\n"
        "kind=kvm processor=host-passthrough\n"
        "virsh domcapabilities --virttype kvm >/dev/null 2>&1 || kind=qemu processor=maximum\n"
        "# QEMU is another user there, to whom libvirt gives the disks, but not their folder.\n"
        "[ \"$(id -u)\" != 0 ] || chmod go+x .\n"
        "quoted() {\n"
        "    printf '%s' \"$1\" | sed -e 's/&/\\&amp;/g; s/</\\&lt;/g; s/\"/\\&quot;/g' -e "
        "'s/[\\\\&|]/\\\\&/g'\n"
        "}\n"
        "sed -e \"s|^<domain type=\\\"kvm\\\"|<domain type=\\\"$kind\\\"|\" \\\n"
        "    -e \"s|<cpu mode=\\\"host-passthrough\\\"|<cpu mode=\\\"$processor\\\"|\" \\\n"
        "    -e \"s|<source file=\\\"" BF_FILES_FOLDER "/|<source file=\\\"$(quoted \"$PWD\")/|\" "
        "\\\n"
        "    -e \"s|<source network=\\\"default\\\"/>|<source network=\\\"$(quoted "
        "\"$network\")\\\"/>|\" domain.xml |\n"
        "    virsh define --validate /dev/stdin\n");
    if (m->autostart)
        bf_textf(out, "virsh autostart %s\n", m->name);
    bf_textf(out, "echo \"made; start it with: virsh start %s\"\n", m->name);
}
