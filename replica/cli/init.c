// SPDX-License-Identifier: Apache-2.0
// bootferry init: the state, the root of trust, and the server's certificate. Run again it adds
// addresses and touches nothing else.
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/fmt.h"
#include "replica/cli/cli.h"
#include "replica/state/ask.h"
#include "replica/state/owner.h"
#include "replica/pki/ca.h"

static const struct bf_cli_option options[] = {
    {"--address", "HOST-OR-IP[,...]", 0, "how machines reach this server, best first"},
    {NULL, NULL, 0, NULL},
};

static void print_root(const struct bf_ca *ca)
{
    struct bf_ca_certificate root;
    struct bf_fault fault;
    char hex[65];
    if (bf_ca_root(ca, &root, &fault))
        return;
    bf_hex(hex, root.fingerprint, sizeof root.fingerprint);
    printf("  root         SHA-256 %s\n", hex);
}

static void print_addresses(const struct bf_ca_addresses *list)
{
    for (uint32_t i = 0; i < list->count; i++)
        printf("  %-12s %s\n", i ? "" : "addresses", list->text[i]);
}

static enum bf_err record_server(struct bf_cli *cli, const struct bf_ca *ca, struct bf_fault *fault)
{
    struct bf_ca_certificate server;
    struct bf_certificate row = {.role = BF_ROLE_SERVER, .origin = "init", .created = time(NULL)};
    enum bf_err err = bf_ca_server(ca, &server, fault);
    if (err)
        return err;
    memcpy(row.serial, server.serial, strlen(server.serial) + 1);
    memcpy(row.fingerprint, server.fingerprint, sizeof row.fingerprint);
    row.not_after = server.not_after;
    err = bf_db_certificate_add(cli->db, &row);
    if (err && err != BF_ERR_EXISTS) {
        *fault = *bf_db_fault(cli->db);
        return err;
    }
    return BF_OK;
}

static int add_addresses(struct bf_cli *cli, struct bf_ca *ca, const struct bf_ca_addresses *wanted)
{
    struct bf_ca_addresses all;
    struct bf_fault fault;
    uint32_t added;
    if (bf_ca_add_addresses(ca, wanted, &added, &fault) || bf_ca_addresses(ca, &all, &fault) ||
        record_server(cli, ca, &fault))
        return bf_cli_fail(&fault);
    if (added == 0) {
        printf("%s exists and has these addresses already; nothing was changed.\n",
               bf_state_path(cli->state));
    } else {
        printf("%s exists: its root was kept, %u address%s added.\n", bf_state_path(cli->state),
               added, added == 1 ? " was" : "es were");
        bf_control_nudge(cli->state, NULL);
    }
    print_root(ca);
    print_addresses(&all);
    if (added)
        printf("Media made earlier know only the earlier addresses.\n");
    return BF_CLI_OK;
}

// The state may have been left without its root by an init that was interrupted.
static int run(struct bf_cli *cli)
{
    struct bf_ca_addresses wanted;
    struct bf_fault fault;
    struct bf_ca *ca = NULL;
    const char *list = bf_cli_value(cli, "--address", 0);
    const char *path = bf_state_default_path(cli->state_option);
    if (!list)
        return bf_cli_usage(cli, "--address is missing");
    if (bf_ca_addresses_parse(&wanted, list, &fault))
        return bf_cli_usage(cli, "%s; %s", fault.what, fault.todo);
    if (bf_owner_prepare(path, &fault))
        return bf_cli_fail(&fault);
    bf_owner_enter(path);
    enum bf_err err = bf_state_create(path, &fault);
    if (err && err != BF_ERR_EXISTS)
        return bf_cli_fail(&fault);
    int status = bf_cli_open(cli);
    if (status)
        return status;
    err = bf_ca_create(path, &wanted, &fault);
    if (err && err != BF_ERR_EXISTS)
        return bf_cli_fail(&fault);
    int existed = err == BF_ERR_EXISTS;
    if (bf_ca_open(&ca, path, &fault))
        return bf_cli_fail(&fault);
    if (existed) {
        status = add_addresses(cli, ca, &wanted);
    } else if (record_server(cli, ca, &fault)) {
        status = bf_cli_fail(&fault);
    } else {
        printf("%s is ready. Start bootferryd, then: bootferry machine add NAME\n", path);
        print_root(ca);
        print_addresses(&wanted);
    }
    bf_ca_close(ca);
    return status;
}

const struct bf_cli_command bf_command_init = {
    .name = "init",
    .usage = "--address HOST-OR-IP[,...]",
    .summary = "Make the server's state, its root of trust and its certificate",
    .details =
        "The certificate names all these addresses, and media carry them in this order. When\n"
        "run again with further addresses, init adds them; the root is never replaced.",
    .options = options,
    .run = run,
};
