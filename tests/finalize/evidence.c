// SPDX-License-Identifier: Apache-2.0
// Reads and judges the lines of evidence in a file, as the server does:
//
//     evidence WORD FILE HOST [MAC ADDRESS,ADDRESS... GATEWAY4|- GATEWAY6|-]...
//
// ADDRESS may be "dhcp" or "-" for none. Prints what was read and what is missing; the exit status
// is 0 when the machine runs as planned. With "console" in the place of HOST, what a serial console
// shows.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "replica/jobs/console.h"
#include "replica/jobs/evidence.h"

static char *read_file(const char *path, size_t *len)
{
    FILE *file = fopen(path, "r");
    char *text = malloc(1 << 24);
    *len = file && text ? fread(text, 1, 1 << 24, file) : 0;
    if (file)
        fclose(file);
    return text;
}

static void print(const struct bf_evidence *e)
{
    printf("boot-id %s\nhost %s\nroot %s\nroot-writable %s\n", e->boot_id, e->host, e->root,
           e->root_writable ? "yes" : "no");
    for (uint32_t i = 0; i < e->nics; i++)
        printf("nic %s %s\n", e->nic[i].mac, e->nic[i].addresses);
    for (uint32_t i = 0; i < e->gateways; i++)
        printf("gateway %s %s\n", e->gateway[i].address, e->gateway[i].answers ? "yes" : "no");
    for (uint32_t i = 0; i < e->units; i++)
        printf("failed-unit %s\n", e->unit[i]);
    printf("complete %s\n", e->complete ? "yes" : "no");
}

static void plan_nic(struct bf_tgt_nic *nic, char **arg)
{
    snprintf(nic->mac, sizeof nic->mac, "%s", arg[0]);
    for (char *one = strtok(arg[1], ","); one; one = strtok(NULL, ",")) {
        if (strcmp(one, "dhcp") == 0)
            nic->dhcp = true;
        else if (strcmp(one, "-") != 0 && nic->addresses < BF_TGT_ADDRESSES)
            snprintf(nic->address[nic->addresses++], sizeof nic->address[0], "%s", one);
    }
    snprintf(nic->gateway4, sizeof nic->gateway4, "%s", strcmp(arg[2], "-") ? arg[2] : "");
    snprintf(nic->gateway6, sizeof nic->gateway6, "%s", strcmp(arg[3], "-") ? arg[3] : "");
}

static int show_console(const char *text, size_t len)
{
    char tail[4096];
    struct bf_console_end end = bf_console_tail(text, len, 10, tail, sizeof tail);
    printf("state: %s\nline: %s\n%s", bf_console_text(end.state), end.line, tail);
    return 0;
}

int main(int argc, char **argv)
{
    static struct bf_evidence e;
    static struct bf_tgt_nic nic[8];
    static char missing[4096];
    size_t len;
    if (argc < 4)
        return 2;
    char *text = read_file(argv[2], &len);
    if (!text)
        return 2;
    if (strcmp(argv[3], "console") == 0)
        return show_console(text, len);
    struct bf_evidence_plan plan = {.nic = nic, .host = argv[3]};
    for (int i = 4; i + 3 < argc && plan.nics < BF_COUNT(nic); i += 4)
        plan_nic(&nic[plan.nics++], argv + i);
    bf_evidence_read(&e, argv[1], text, len);
    print(&e);
    bool good = bf_evidence_judge(&e, &plan, missing, sizeof missing);
    printf("missing: %s\n", missing);
    free(text);
    return !good;
}
