// SPDX-License-Identifier: Apache-2.0
// See evidence_script.h. The assembler takes the body from the source; finalize/sources.mk makes
// this file depend on it. Nothing that a guest says goes into the script: all values are the
// plan's, whose parser lets no quote through.
#include "finalize/system/evidence_script.h"

#include <arpa/inet.h>
#include <string.h>

#include "finalize/system/steps.h"

__asm__(".pushsection .rodata\n.balign 16\nbf_evidence_body:\n"
        ".incbin \"finalize/system/evidence.sh\"\nbf_evidence_body_end:\n"
        ".byte 0\n.popsection\n");
// The labels are this file's own.
extern const char bf_evidence_body[], bf_evidence_body_end[];

// An address in both forms that the script may see it in: as everybody writes it, and with all
// digits, which is what /proc has of IPv6.
static void add_address(struct bf_text *out, const char *ip)
{
    unsigned char raw[16];
    bf_textf(out, "%s%s=", out->len ? " " : "", ip);
    if (!strchr(ip, ':') || inet_pton(AF_INET6, ip, raw) != 1) {
        bf_text_str(out, ip);
        return;
    }
    for (size_t i = 0; i < sizeof raw; i += 2)
        bf_textf(out, "%s%02x%02x", i ? ":" : "", raw[i], raw[i + 1]);
}

struct wanted {
    struct bf_text planned, gateways, dhcp;
};

static void add_nic(struct wanted *w, const struct bf_plan_nic *nic)
{
    for (size_t i = 0; i < nic->addresses; i++)
        add_address(&w->planned, nic->address[i].text);
    if (nic->gateway4[0])
        add_address(&w->gateways, nic->gateway4);
    if (nic->gateway6[0])
        add_address(&w->gateways, nic->gateway6);
    if (nic->dhcp && bf_nic_mac(nic)[0])
        bf_textf(&w->dhcp, "%s%s", w->dhcp.len ? " " : "", bf_nic_mac(nic));
}

void bf_evidence_script(const struct bf_fin *f, const char *gone, const char *folders,
                        struct bf_text *out)
{
    const struct bf_plan *plan = f->plan;
    struct wanted w = {{0}, {0}, {0}};
    for (size_t i = 0; i < plan->nics; i++)
        add_nic(&w, &plan->nic[i]);
    bf_textf(out, "#!/bin/sh\ntoken=%s\nplanned='%s'\ngateways='%s'\ndhcp='%s'\n",
             plan->evidence_word, bf_text_get(&w.planned), bf_text_get(&w.gateways),
             bf_text_get(&w.dhcp));
    bf_textf(out, "console=/dev/%s\nreport_to='%s'\nca='%s'\ngone='%s'\nfolders='%s'\n",
             bf_serial_port(f), plan->evidence_to, plan->evidence_ca, gone, folders);
    bf_text_add(out, bf_evidence_body, (size_t)(bf_evidence_body_end - bf_evidence_body));
    out->failed = out->failed || w.planned.failed || w.gateways.failed || w.dhcp.failed;
    bf_text_free(&w.planned);
    bf_text_free(&w.gateways);
    bf_text_free(&w.dhcp);
}
