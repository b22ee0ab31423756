// SPDX-License-Identifier: Apache-2.0
// bootferry media: issues the machine's identity or an enrolment key, records it, and has the
// medium made. When that fails, the new identity is revoked before anybody can have it.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/config.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "base/platform.h"
#include "replica/cli/cli.h"
#include "replica/cli/interrupt.h"
#include "replica/cli/out.h"
#include "replica/state/ask.h"
#include "replica/pki/kex.h"
#include "replica/media/media.h"
#include "replica/state/owner.h"
#include "replica/pki/ca.h"

enum { DAY = 24 * 60 * 60, ENROL_DAYS = 7, ENROL_DAYS_MAX = 366, ENROL_USES = 10 };

static const struct bf_cli_option options[] = {
    {"--iso", "FILE", 0, "an ISO image, for a CD drive or, written as is, a USB stick"},
    {"--efi", "FILE", 0, "the EFI program alone, for an EFI system partition"},
    {"--fat", "FILE", 0, "a FAT image with the program and an editable bootferry.conf"},
    {"--pxe", "DIR", 0, "a folder for a network boot server, with an enrolment key"},
    {"--conf", "FILE", 0, "the configuration alone, for bootferry-push"},
    {"--set", "KEY=VALUE", 1, "a setting of the boot program, one of the keys below"},
    {"--sign", "KEY CERT", 0, "sign for Secure Boot (PEM files)"},
    {"--image", "FILE", 0, "the boot image to use instead of the installed one"},
    {"--enrol-days", "N", 0, "with --pxe: how many days the enrolment key is valid (7)"},
    {"--enrol-uses", "N", 0, "with --pxe: how many times it can be used (10)"},
    {NULL, NULL, 0, NULL},
};

static const struct shape {
    const char *option;
    enum bf_medium_kind kind;
} shapes[] = {
    {"--iso", BF_MEDIUM_ISO}, {"--efi", BF_MEDIUM_EFI},   {"--fat", BF_MEDIUM_FAT},
    {"--pxe", BF_MEDIUM_PXE}, {"--conf", BF_MEDIUM_CONF},
};

// What one call works with; large, and holds secrets.
struct work {
    struct bf_medium medium;
    struct bf_ca *ca;
    struct bf_ca_addresses servers;
    struct bf_ca_certificate root;
    struct bf_ca_identity identity;
    uint8_t enrol_key[32], enrol_hash[32];
    uint64_t enrol_days, enrol_uses;
    char image[4096];
};

static int read_options(struct bf_cli *cli, struct work *w)
{
    int found = 0;
    for (size_t i = 0; i < BF_COUNT(shapes); i++) {
        const char *target = bf_cli_value(cli, shapes[i].option, 0);
        if (!target)
            continue;
        w->medium.kind = shapes[i].kind;
        w->medium.target = target;
        found++;
    }
    if (found != 1)
        return bf_cli_usage(cli, "give exactly one of --iso, --efi, --fat, --pxe and --conf");
    if (!w->medium.target[0])
        return bf_cli_usage(cli, "the target's name is empty");
    if (w->medium.kind != BF_MEDIUM_PXE &&
        (bf_cli_has(cli, "--enrol-days") || bf_cli_has(cli, "--enrol-uses")))
        return bf_cli_usage(cli, "--enrol-days and --enrol-uses belong to --pxe");
    if (!bf_cli_number(cli, "--enrol-days", 1, ENROL_DAYS_MAX, ENROL_DAYS, &w->enrol_days) ||
        !bf_cli_number(cli, "--enrol-uses", 1, 100000, ENROL_USES, &w->enrol_uses))
        return BF_CLI_USAGE;
    const char *value;
    for (int i = 0; (value = bf_cli_nth(cli, "--set", i)); i++) {
        if (w->medium.settings == BF_MEDIUM_SETTINGS)
            return bf_cli_usage(cli, "there are too many settings");
        w->medium.set[w->medium.settings++] = value;
    }
    w->medium.name = cli->argument[0];
    w->medium.sign_key = bf_cli_value(cli, "--sign", 0);
    w->medium.sign_cert = bf_cli_value(cli, "--sign", 1);
    w->medium.made = time(NULL);
    return BF_CLI_OK;
}

static enum bf_err find_image(struct bf_cli *cli, struct work *w, struct bf_fault *fault)
{
    w->medium.image = bf_cli_value(cli, "--image", 0);
    if (w->medium.image || w->medium.kind == BF_MEDIUM_CONF)
        return BF_OK;
    w->medium.image = w->image;
    return bf_medium_find_image(w->image, sizeof w->image, fault);
}

static enum bf_err from_db(enum bf_err err, const struct bf_db *db, struct bf_fault *fault)
{
    if (err)
        *fault = *bf_db_fault(db);
    return err;
}

static enum bf_err issue_identity(struct bf_cli *cli, struct work *w, struct bf_fault *fault)
{
    const struct bf_ca_certificate *c = &w->identity.certificate;
    struct bf_certificate row = {.role = BF_ROLE_MACHINE, .origin = "media"};
    enum bf_err err = bf_ca_issue(w->ca, w->medium.name, &w->identity, fault);
    if (err)
        return err;
    memcpy(row.serial, c->serial, sizeof c->serial);
    memcpy(row.fingerprint, c->fingerprint, sizeof row.fingerprint);
    memcpy(row.machine, w->medium.name, strlen(w->medium.name) + 1);
    row.created = w->medium.made;
    row.not_after = c->not_after;
    w->medium.identity = &w->identity;
    return from_db(bf_db_certificate_add(cli->db, &row), cli->db, fault);
}

// Only the hash is kept: who reads the database cannot enrol.
static enum bf_err issue_enrolment(struct bf_cli *cli, struct work *w, struct bf_fault *fault)
{
    struct bf_enrolment row = {.created = w->medium.made, .not_before = w->medium.made};
    if (bf_platform_entropy(w->enrol_key, sizeof w->enrol_key))
        return bf_fault_set(fault, BF_ERR_NO_ENTROPY, BF_SIDE_SERVER, "try again",
                            "the system provides no random numbers");
    bf_ca_sha256(w->enrol_key, sizeof w->enrol_key, row.hash);
    memcpy(w->enrol_hash, row.hash, sizeof w->enrol_hash);
    memcpy(row.machine, w->medium.name, strlen(w->medium.name) + 1);
    row.not_after = row.not_before + (int64_t)w->enrol_days * DAY;
    row.uses_max = (uint32_t)w->enrol_uses;
    w->medium.enrol_key = w->enrol_key;
    return from_db(bf_db_enrolment_add(cli->db, &row), cli->db, fault);
}

static enum bf_err prepare(struct bf_cli *cli, struct work *w, struct bf_fault *fault)
{
    enum bf_err err;
    const char *state = bf_state_path(cli->state);
    if ((err = bf_ca_open(&w->ca, state, fault)) ||
        (err = bf_ca_addresses(w->ca, &w->servers, fault)) ||
        (err = bf_ca_root(w->ca, &w->root, fault)))
        return err;
    w->medium.servers = &w->servers;
    w->medium.root = &w->root;
    return w->medium.kind == BF_MEDIUM_PXE ? issue_enrolment(cli, w, fault)
                                           : issue_identity(cli, w, fault);
}

// The server that the machine will meet: the daemon of this state, if it runs; else this program's
// own abilities, which are those of the daemon that comes with it.
static int server_has_hybrid(struct bf_cli *cli)
{
    json_t *answer = NULL;
    if (bf_control_query(cli->state, BF_CONTROL_STATUS, &answer, NULL))
        return bf_kex_has_hybrid();
    int has = json_is_true(json_object_get(answer, "hybrid"));
    json_decref(answer);
    return has;
}

// True when one of the settings, which were checked before, is of this key and its value has words.
static int sets(const struct bf_medium *m, const char *key, const char *words)
{
    for (uint32_t i = 0; i < m->settings; i++) {
        const char *set = m->set[i] + strspn(m->set[i], " \t");
        if (strncmp(set, key, strlen(key)) == 0 && strstr(set, words))
            return 1;
    }
    return 0;
}

static void warn_of_kex(struct bf_cli *cli, const struct work *w)
{
    if (sets(&w->medium, "kex", "hybrid") && !server_has_hybrid(cli))
        printf("Warning: kex=hybrid allows nothing but " BF_KEX_HYBRID_NAME ", which this server\n"
               "does not have: %s will refuse to connect to it. Update bootferryd and start it\n"
               "again, or make the medium with kex=auto.\n",
               w->medium.name);
}

static void report(const struct work *w)
{
    const struct bf_medium *m = &w->medium;
    char until[BF_TIME_TEXT];
    if (m->kind == BF_MEDIUM_PXE) {
        printf("Made %s/bootferry.efi and bootferry.ipxe for %s.\n"
               "It carries an enrolment key, valid until %s for %u use%s, and %s: the\n"
               "machine makes its own key when it starts.\n",
               m->target, m->name, bf_time_text(m->made + (int64_t)w->enrol_days * DAY, until),
               (unsigned)w->enrol_uses, bf_plural(w->enrol_uses),
               sets(m, "proxy", "@")
                   ? "the proxy's password, which\neverybody on the network of the "
                     "boot server can read, but no lasting key"
                   : "no lasting secret");
    } else {
        printf(
            "Made %s for %s (mode 0600).\n"
            "It carries the machine's private key: whoever has it can send recovery points in its\n"
            "name. bootferry machine revoke %s ends that.\n",
            m->target, m->name, m->name);
    }
    if (m->kind != BF_MEDIUM_CONF)
        printf("Next: boot %s from it, and watch with bootferry status %s --watch\n", m->name,
               m->name);
}

// Nobody has it, so nothing is lost when this fails.
static void take_back(struct bf_cli *cli, const struct work *w)
{
    if (w->medium.identity)
        bf_db_certificate_revoke(cli->db, w->identity.certificate.serial, w->medium.made);
    if (w->medium.enrol_key)
        bf_db_enrolment_revoke(cli->db, w->enrol_hash, w->medium.made);
}

static int make(struct bf_cli *cli, struct work *w)
{
    struct bf_fault fault;
    enum bf_err err = prepare(cli, w, &fault);
    if (!err) {
        bf_owner_leave();
        err = bf_medium_make(&w->medium, &fault);
        bf_owner_enter(bf_state_path(cli->state));
        if (err)
            take_back(cli, w);
    }
    if (err)
        return bf_cli_fail(&fault);
    report(w);
    bf_medium_warn_of_names(&w->medium);
    warn_of_kex(cli, w);
    return BF_CLI_OK;
}

static int run_with(struct bf_cli *cli, struct work *w)
{
    struct bf_machine machine;
    struct bf_fault fault;
    int status = read_options(cli, w);
    if (status)
        return status;
    if (bf_medium_check(&w->medium, &fault))
        return bf_cli_usage(cli, "%s; %s", fault.what, fault.todo);
    if (find_image(cli, w, &fault))
        return bf_cli_fail(&fault);
    status = bf_cli_open_machine(cli, w->medium.name, &machine);
    if (status)
        return status;
    if (machine.revoked) {
        bf_fault_set(&fault, BF_ERR_DENIED, BF_SIDE_CONFIG,
                     "bootferry machine renew lets it in again", "%s was revoked", machine.name);
        return bf_cli_fail(&fault);
    }
    bf_cli_interrupt_catch();
    return make(cli, w);
}

static int run(struct bf_cli *cli)
{
    struct work *w = calloc(1, sizeof *w);
    if (!w)
        return BF_CLI_FAILED;
    int status = run_with(cli, w);
    bf_ca_close(w->ca);
    bf_wipe(w, sizeof *w);
    free(w);
    return status;
}

// Whole words, indented, in lines that a terminal of 80 columns shows.
static void print_wrapped(const char *text)
{
    enum { INDENT = 6, WIDTH = 78 };
    while (*text) {
        size_t len = strlen(text), space = WIDTH - INDENT;
        while (len > WIDTH - INDENT && space > 0 && text[space] != ' ')
            space--;
        if (len > WIDTH - INDENT && space > 0)
            len = space;
        printf("%*s%.*s\n", INDENT, "", (int)len, text);
        text += len;
        text += strspn(text, " ");
    }
}

static void print_keys(void)
{
    uint32_t count;
    const struct bf_config_key *table = bf_config_table(&count);
    printf("\nKeys for --set:\n");
    for (uint32_t i = 0; i < count; i++)
        if (!table[i].trust) {
            printf("  %s=%s%s\n", table[i].name, table[i].form,
                   table[i].repeat ? "   (repeatable)" : "");
            print_wrapped(bf_config_help(i));
        }
}

const struct bf_cli_command bf_command_media = {
    .name = "media",
    .usage = "NAME (--iso FILE | --efi FILE | --fat FILE | --pxe DIR) [--set KEY=VALUE]... "
             "[--sign KEY CERT]",
    .summary = "Make a boot medium for a machine",
    .details =
        "ISO, FAT, EFI and --conf carry a key of the machine's own and are written with mode\n"
        "0600. A PXE folder carries an enrolment key instead, which is bound to the machine's\n"
        "name, a period and a number of uses. All media know every address that was given to\n"
        "init and try them in order, unless server= is set. An existing file is replaced. Each\n"
        "call issues a new identity; earlier media stay valid until the machine is revoked.",
    .min = 1,
    .max = 1,
    .options = options,
    .run = run,
    .more_help = print_keys,
};
