// SPDX-License-Identifier: Apache-2.0
// bootferry-push: the sender as a Linux program. It does what the boot program does, with files or
// block devices in place of firmware disks and sockets in place of lwIP, and writes the same lines
// to standard output (docs/serial.md); the log goes to standard error. Used for disks of machines
// that are off, and by the tests as a second machine.
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/config.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/platform.h"
#include "image/probe.h"
#include "image/usage/usage.h"
#include "linux/file_disk.h"
#include "linux/machine_linux.h"
#include "linux/socket_stream.h"
#include "migrate/announce.h"
#include "migrate/announce_assess.h"
#include "migrate/assess.h"
#include "migrate/disk_plan.h"
#include "migrate/sender.h"
#include "migrate/workers.h"
#include "net/connector.h"

enum {
    EXIT_USAGE = 2,
    FILE_MAX = 4 * 1024 * 1024, // of --conf, which may be a whole boot program
    REST_US = 200,              // between two turns without work
    QUIET_US = 20000,
    QUIET_REST_US = 2000,
    STOP_SECONDS = 10, // from Ctrl-C to the end, whatever hangs
};

struct push {
    struct bf_config config;
    struct bf_inventory inventory;
    struct bf_file_disk disk[BF_PROTO_DISKS_MAX];
    struct bf_source_disk *source[BF_PROTO_DISKS_MAX];
    const char *path[BF_PROTO_DISKS_MAX];
    uint16_t disks;
    uint32_t block_size;
    int in_use;
    struct bf_announcer announcer;
    struct bf_server_connector *connector;
    struct bf_workers workers;
    struct bf_sender *sender;
    struct bf_assess *assess; // instead of a sender, with action=assess
    struct bf_fault fault;
    uint64_t started_us;
};

static volatile sig_atomic_t stop_asked;

static void on_signal(int number)
{
    (void)number;
    stop_asked = 1;
    alarm(STOP_SECONDS); // it has nothing to clean up
}

// Lines count from the start of the program.
static uint64_t elapsed_us(const struct push *p)
{
    return bf_platform_now_us() - p->started_us;
}

static void to_stdout(void *user, const char *line)
{
    (void)user;
    printf("%s\n", line);
    fflush(stdout);
}

static void usage(FILE *to)
{
    fprintf(
        to,
        "usage: bootferry-push --conf FILE [--set KEY=VALUE]... --disk FILE_OR_DEVICE...\n"
        "\n"
        "  --conf FILE        the machine's medium, made by `bootferry media NAME --efi FILE`, or\n"
        "                     a text file like bootferry.conf with all the keys it needs\n"
        "  --set KEY=VALUE    change one of its keys, except those of identity and trust; give\n"
        "                     it after --conf\n"
        "  --disk PATH        a disk to send; disks are numbered in the order given.\n"
        "                     It is only read, never written\n"
        "  --block-size N     the block size of disks that are files (512)\n"
        "  --in-use           also accept devices that are mounted or otherwise in use\n"
        "  --verbose          log more\n"
        "  --help             show this text\n"
        "\n"
        "Exit status: 0 committed, 1 failed, 2 wrong usage. docs/serial.md describes the lines\n"
        "on standard output; the last one is the verdict.\n");
}

// ---- Options -----------------------------------------------------------------------------------

// The text within a boot program that `bootferry media --efi` made: the first section header in the
// file that has one.
static const char *find_section(const char *bytes, size_t size, size_t *len)
{
    const size_t magic = sizeof(BF_SECTION_MAGIC) - 1;
    const char *at = bytes, *text;
    while ((at = memmem(at, size - (size_t)(at - bytes), BF_SECTION_MAGIC, magic))) {
        if (bf_section_text(at, size - (size_t)(at - bytes), &text, len) == BF_OK)
            return text;
        at++;
    }
    return NULL;
}

// Whatever its form it is the medium: --set, which counts as bootferry.conf, changes its keys.
static int load_file(struct push *p, const char *path)
{
    static char bytes[FILE_MAX + 1];
    char reason[256];
    uint32_t line = 0;
    FILE *f = fopen(path, "re");
    size_t size = f ? fread(bytes, 1, sizeof bytes, f) : 0, len = 0;
    const char *text = find_section(bytes, size, &len);
    if (!text) {
        text = bytes;
        len = size;
    }
    if (!f || ferror(f) || size > FILE_MAX || len > BF_CONFIG_TEXT_MAX)
        bf_fault_set(&p->fault, BF_ERR_CONFIG, BF_SIDE_CONFIG, "check the path", "%s: %s", path,
                     !f ? strerror(errno) : "cannot be read, or is too long");
    else if (bf_config_parse(&p->config, text, len, BF_ORIGIN_SECTION, &line, reason,
                             sizeof reason))
        bf_fault_set(&p->fault, BF_ERR_CONFIG, BF_SIDE_CONFIG, "correct the file",
                     "%s, line %u: %s", path, line, reason);
    bf_wipe(bytes, sizeof bytes);
    if (f)
        fclose(f);
    return p->fault.code == BF_OK;
}

static int set_key(struct push *p, const char *setting)
{
    char key[64], reason[256];
    const char *value = strchr(setting, '=');
    if (!bf_config_has(&p->config, BF_ORIGIN_SECTION)) {
        bf_fault_set(&p->fault, BF_ERR_CONFIG, BF_SIDE_CONFIG, "write --conf FILE first",
                     "--set %s has no --conf before it", setting);
        return 0;
    }
    if (!value || (size_t)(value - setting) >= sizeof key) {
        bf_fault_set(&p->fault, BF_ERR_CONFIG, BF_SIDE_CONFIG, "write KEY=VALUE",
                     "--set without a key and a value");
        return 0;
    }
    memcpy(key, setting, (size_t)(value - setting));
    key[value - setting] = 0;
    if (bf_config_set(&p->config, key, value + 1, BF_ORIGIN_FILE, reason, sizeof reason) == BF_OK)
        return 1;
    bf_fault_set(&p->fault, BF_ERR_CONFIG, BF_SIDE_CONFIG, "correct the option", "--set %s: %s",
                 key, reason);
    return 0;
}

// -1: go on, else the exit status.
static int one_option(struct push *p, int option)
{
    char *end;
    switch (option) {
    case 'c':
        return load_file(p, optarg) ? -1 : EXIT_FAILURE;
    case 's':
        return set_key(p, optarg) ? -1 : EXIT_FAILURE;
    case 'd':
        if (p->disks == BF_PROTO_DISKS_MAX)
            return EXIT_USAGE;
        p->path[p->disks++] = optarg;
        return -1;
    case 'b':
        p->block_size = (uint32_t)strtoul(optarg, &end, 10);
        return *end || !p->block_size ? EXIT_USAGE : -1;
    case 'u':
        p->in_use = 1;
        return -1;
    case 'v':
        bf_log_set_level(BF_LOG_DEBUG);
        return -1;
    case 'h':
        usage(stdout);
        return EXIT_SUCCESS;
    default:
        return EXIT_USAGE;
    }
}

static int parse_options(struct push *p, int argc, char **argv)
{
    static const struct option options[] = {
        {"conf", required_argument, NULL, 'c'}, {"set", required_argument, NULL, 's'},
        {"disk", required_argument, NULL, 'd'}, {"block-size", required_argument, NULL, 'b'},
        {"in-use", no_argument, NULL, 'u'},     {"verbose", no_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},       {NULL, 0, NULL, 0},
    };
    int option, status;
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1)
        if ((status = one_option(p, option)) >= 0)
            return status;
    return optind < argc || !p->disks ? EXIT_USAGE : -1;
}

// ---- Preparing ---------------------------------------------------------------------------------

static enum bf_err open_disk(struct push *p, uint16_t i, struct bf_disk_facts *facts)
{
    struct bf_inventory_disk *d = &p->inventory.disk[i];
    BF_ASSERT(i == p->inventory.disks && i < p->disks); // a disk's number is its place
    enum bf_err err =
        bf_file_disk_open(&p->disk[i], p->path[i], p->block_size, p->in_use, &p->fault);
    if (err)
        return err;
    p->source[i] = &p->disk[i].source;
    if (bf_disk_probe(p->source[i], facts) == BF_OK)
        d->hibernated = facts->hibernated;
    d->identity = p->source[i]->identity;
    d->planned = d->named = 1;
    snprintf(d->driver, sizeof d->driver, "%s", p->source[i]->ops->driver);
    p->inventory.disks++;
    return BF_OK;
}

static int on_look(void *user, const struct bf_usage_look *look)
{
    struct push *p = user;
    struct bf_looking looking;
    bf_looking_set(&looking, look);
    bf_announce_looking(&p->announcer, elapsed_us(p), &looking);
    return stop_asked;
}

static enum bf_err open_disks(struct push *p)
{
    const struct bf_usage_watch watch = {on_look, p};
    struct bf_disk_facts *facts = bf_alloc(sizeof *facts);
    enum bf_err err = facts ? BF_OK : BF_ERR_NO_MEMORY;
    for (uint16_t i = 0; !err && i < p->disks; i++)
        err = open_disk(p, i, facts);
    bf_free(facts);
    if (!err)
        bf_disk_plan_hibernation(&p->inventory, p->source, &watch);
    if (!err && stop_asked)
        err = bf_fault_set(&p->fault, BF_ERR_CANCELLED, BF_SIDE_SOURCE, "start it again",
                           "it was cancelled");
    return err;
}

// A turn within one of the sender's.
static void meanwhile(void *user)
{
    struct push *p = user;
    bf_announce_progress(&p->announcer, elapsed_us(p), bf_sender_progress(p->sender));
    if (stop_asked)
        bf_sender_cancel(p->sender);
}

static struct bf_assess *new_assess(struct push *p, const struct bf_sender_config *sender)
{
    struct bf_assess_config config = {.connector = sender->connector,
                                      .inventory = &p->inventory,
                                      .disks = p->source,
                                      .config = &p->config,
                                      .processors = p->workers.count + 1,
                                      .clock = bf_platform_wall,
                                      .program = sender->program,
                                      .looking = on_look,
                                      .user = p};
    memcpy(config.boot, sender->boot, sizeof config.boot);
    p->config.copy_all |= (uint8_t)sender->copy_all;
    return bf_assess_new(&config);
}

static enum bf_err prepare(struct push *p)
{
    struct bf_sender_config config = {.inventory = &p->inventory,
                                      .disks = p->source,
                                      .compression = p->config.compression,
                                      // The map of a file system in use is not to be trusted.
                                      .copy_all = p->config.copy_all || p->in_use,
                                      .copy_all_why = p->in_use ? "the disk is in use" : NULL,
                                      .places = p->in_use ? NULL : &p->config,
                                      .map_errors = p->config.on_read_error == BF_READ_ERROR_MAP,
                                      .limit = p->config.limit,
                                      .workers = &p->workers,
                                      .retry_us = (uint64_t)p->config.retry_seconds * 1000000,
                                      .clock = bf_platform_wall,
                                      .meanwhile = meanwhile,
                                      .user = p,
                                      .program = "bootferry-push " BF_VERSION};
    char reason[256];
    enum bf_err err;
    if (bf_config_check(&p->config, reason, sizeof reason))
        return bf_fault_set(&p->fault, BF_ERR_CONFIG, BF_SIDE_CONFIG, "complete the file", "%s",
                            reason);
    bf_machine_linux(&p->inventory);
    err = open_disks(p);
    if (err)
        return err;
    bf_workers_start(&p->workers, p->config.workers);
    p->announcer.workers = p->workers.count;
    bf_announce_inventory(&p->announcer, p->config.name, &p->inventory);
    if (bf_platform_entropy(config.boot, sizeof config.boot))
        return bf_fault_set(&p->fault, BF_ERR_NO_ENTROPY, BF_SIDE_SOURCE, "check the kernel's log",
                            "the kernel provides no random numbers");
    p->connector = bf_server_connector_new(&p->config, bf_socket_dialer(p->config.connections));
    if (p->connector) {
        config.connector = bf_server_connector(p->connector);
        if (p->config.action == BF_ACTION_ASSESS)
            p->assess = new_assess(p, &config);
        else
            p->sender = bf_sender_new(&config, bf_platform_now_us());
    }
    return p->sender || p->assess
               ? BF_OK
               : bf_fault_set(&p->fault, BF_ERR_NO_MEMORY, BF_SIDE_SOURCE,
                              "give the machine more memory", "there is not enough memory");
}

// ---- Running -----------------------------------------------------------------------------------

static void run_assess(struct push *p)
{
    struct bf_assess_announcer told = {0};
    enum bf_err err;
    int idle = 0;
    BF_ASSERT(p->assess && p->connector && !p->fault.code);
    while ((err = bf_assess_step(p->assess, bf_platform_now_us(), &idle)) == BF_AGAIN) {
        bf_announce_assess(&p->announcer, &told, elapsed_us(p), bf_assess_view(p->assess));
        if (stop_asked)
            bf_assess_cancel(p->assess);
        if (idle)
            bf_platform_idle(REST_US);
    }
    bf_announce_assess(&p->announcer, &told, elapsed_us(p), bf_assess_view(p->assess));
    if (err)
        p->fault = *bf_assess_fault(p->assess);
    BF_ASSERT(!err == !p->fault.code);
}

static void run(struct push *p)
{
    uint64_t now = bf_platform_now_us(), busy = now;
    enum bf_err err;
    int idle = 0;
    BF_ASSERT(p->sender && p->connector && !p->fault.code);
    while ((err = bf_sender_step(p->sender, now, &idle)) == BF_AGAIN) {
        bf_announce_progress(&p->announcer, elapsed_us(p), bf_sender_progress(p->sender));
        if (stop_asked)
            bf_sender_cancel(p->sender);
        stop_asked = 0;
        if (!idle)
            busy = now;
        else
            bf_platform_idle(now - busy > QUIET_US ? QUIET_REST_US : REST_US);
        now = bf_platform_now_us();
    }
    bf_announce_progress(&p->announcer, elapsed_us(p), bf_sender_progress(p->sender));
    if (err)
        p->fault = *bf_sender_fault(p->sender);
    BF_ASSERT(!err == !p->fault.code); // of which the verdict and the exit status are made
}

static void release(struct push *p)
{
    bf_sender_free(p->sender);
    bf_assess_free(p->assess);
    bf_workers_stop(&p->workers);
    bf_server_connector_free(p->connector);
    for (uint16_t i = 0; i < p->disks; i++)
        bf_source_close(p->source[i]);
    bf_wipe(&p->config, sizeof p->config);
}

static void tell_verdict(struct push *p)
{
    if (p->fault.code)
        fprintf(stderr, "bootferry-push: %s; %s\n", p->fault.what, p->fault.todo);
    bf_announce_verdict(&p->announcer, elapsed_us(p),
                        p->sender ? bf_sender_progress(p->sender) : NULL, &p->fault);
}

int main(int argc, char **argv)
{
    static struct push p;
    struct sigaction action = {.sa_handler = on_signal};
    int status;
    p.started_us = bf_platform_now_us();
    p.announcer.line = to_stdout;
    bf_config_defaults(&p.config);
    status = parse_options(&p, argc, argv);
    if (status == EXIT_USAGE)
        usage(stderr);
    if (status == EXIT_SUCCESS || status == EXIT_USAGE)
        return status;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
    if (status < 0 && prepare(&p) == BF_OK)
        (p.assess ? run_assess : run)(&p);
    tell_verdict(&p);
    release(&p);
    return p.fault.code ? EXIT_FAILURE : EXIT_SUCCESS;
}
