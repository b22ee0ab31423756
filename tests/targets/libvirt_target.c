// SPDX-License-Identifier: Apache-2.0
// Calls the target libvirt once, with a machine that the arguments describe, as a job's runner
// would: one process for each call. It can be made to die at any call that changes something at the
// libvirt host, before or behind it, which is how a job is killed.
//
//     libvirt_target STATE FOLDER URI OPERATION [KEY=VALUE...]
//
// OPERATION: check, make, start, power, picture, written, ask, pull, commit, remove, describe.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libvirt/libvirt.h>

#include "base/bytes.h"
#include "replica/targets/target.h"

static struct bf_tgt_machine machine = {.name = "web",
                                        .processors = 1,
                                        .memory_mib = 64,
                                        .type = "q35",
                                        .disk_bus = "virtio-blk",
                                        .nic_model = "virtio-net"};
static const char *to, *picture;
static long die_before, die_behind, calls; // 1: the first call that changes something
static pid_t stall;     // the daemon, which is stopped behind the first such call
static long turns = -1; // of goes_on that are allowed

// ---- Dying -------------------------------------------------------------------------------------

static void before(void)
{
    if (++calls == die_before)
        kill(getpid(), SIGKILL);
}

static void behind(void)
{
    if (calls == die_behind)
        kill(getpid(), SIGKILL);
    if (calls == 1 && stall)
        kill(stall, SIGSTOP);
}

#define WRAP(type, name, parameters, arguments)                                                    \
    type __real_##name parameters;                                                                 \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters                                                                  \
    {                                                                                              \
        type result;                                                                               \
        before();                                                                                  \
        result = __real_##name arguments;                                                          \
        behind();                                                                                  \
        return result;                                                                             \
    }

WRAP(virDomainPtr, virDomainDefineXMLFlags, (virConnectPtr c, const char *xml, unsigned flags),
     (c, xml, flags))
WRAP(int, virDomainCreateWithFlags, (virDomainPtr dom, unsigned flags), (dom, flags))
WRAP(int, virDomainBlockCopy,
     (virDomainPtr dom, const char *disk, const char *xml, virTypedParameterPtr p, int n,
      unsigned flags),
     (dom, disk, xml, p, n, flags))
WRAP(int, virDomainBlockJobAbort, (virDomainPtr dom, const char *disk, unsigned flags),
     (dom, disk, flags))
WRAP(int, virDomainDestroy, (virDomainPtr dom), (dom))
WRAP(int, virDomainUndefineFlags, (virDomainPtr dom, unsigned flags), (dom, flags))
WRAP(int, virDomainSetAutostart, (virDomainPtr dom, int autostart), (dom, autostart))
WRAP(virNetworkPtr, virNetworkCreateXML, (virConnectPtr c, const char *xml), (c, xml))
WRAP(int, virNetworkDestroy, (virNetworkPtr net), (net))
WRAP(virStorageVolPtr, virStorageVolCreateXML,
     (virStoragePoolPtr pool, const char *xml, unsigned flags), (pool, xml, flags))

static bool goes_on(void *user)
{
    return turns < 0 || turns-- > 0;
}

static void tell(void *user, const char *sentence)
{
    printf("tell %s\n", sentence);
}

static void progress(void *user, uint64_t done, uint64_t total)
{
    printf("progress %llu of %llu\n", (unsigned long long)done, (unsigned long long)total);
}

// ---- The machine -------------------------------------------------------------------------------

#define TEXT(field) (machine.field), sizeof(machine.field)

static const struct {
    const char *key;
    char *out;
    size_t size;
} texts[] = {{"name", TEXT(name)},           {"type", TEXT(type)},     {"bus", TEXT(disk_bus)},
             {"nic-model", TEXT(nic_model)}, {"vendor", TEXT(vendor)}, {"product", TEXT(product)},
             {"serial", TEXT(serial)},       {"uuid", TEXT(uuid)}};

static const struct {
    const char *key;
    bool *out;
} flags[] = {{"uefi", &machine.uefi},
             {"secure-boot", &machine.secure_boot},
             {"autostart", &machine.autostart},
             {"isolated", &machine.isolated}};

// disk=BYTES,LAYER[,LAYER...]: layers topmost first.
static void add_disk(char *value)
{
    struct bf_tgt_disk *d = &machine.disk[machine.disks];
    char *layer = strchr(value, ',');

    d->number = (uint16_t)machine.disks++;
    d->bytes = d->chain.bytes = strtoull(value, NULL, 10);
    d->block_size = d->chain.block_size = 512;
    snprintf(d->serial, sizeof d->serial, "SERIAL-%u", d->number);
    while (layer) {
        char *next;

        *layer++ = 0;
        next = strchr(layer, ',');
        d->chain.layer = reallocarray(d->chain.layer, d->chain.layers + 1, sizeof *d->chain.layer);
        snprintf(d->chain.layer[d->chain.layers++].path, sizeof d->chain.layer->path, "%.*s",
                 next ? (int)(next - layer) : 127, layer);
        layer = next;
    }
}

// nic=MAC,NETWORK,GATEWAY4,GATEWAY6, each may be empty; dhcp for a gateway.
static void add_nic(char *value)
{
    struct bf_tgt_nic *n = &machine.nic[machine.nics++];
    char *field[4] = {NULL};

    for (size_t i = 0; i < BF_COUNT(field); i++)
        field[i] = strsep(&value, ",");
    snprintf(n->mac, sizeof n->mac, "%s", field[0]);
    snprintf(n->network, sizeof n->network, "%s", field[1] ? field[1] : "");
    n->dhcp = field[2] && strcmp(field[2], "dhcp") == 0;
    snprintf(n->gateway4, sizeof n->gateway4, "%s", field[2] && !n->dhcp ? field[2] : "");
    snprintf(n->gateway6, sizeof n->gateway6, "%s", field[3] ? field[3] : "");
}

static void take(char *key)
{
    char *value = strchr(key, '=');

    if (!value)
        return;
    *value++ = 0;
    for (size_t i = 0; i < BF_COUNT(texts); i++)
        if (strcmp(key, texts[i].key) == 0)
            snprintf(texts[i].out, texts[i].size, "%s", value);
    for (size_t i = 0; i < BF_COUNT(flags); i++)
        if (strcmp(key, flags[i].key) == 0)
            *flags[i].out = strcmp(value, "yes") == 0;
    if (strcmp(key, "disk") == 0)
        add_disk(value);
    else if (strcmp(key, "nic") == 0)
        add_nic(value);
    else if (strcmp(key, "block-size") == 0)
        machine.disk[0].block_size = (uint32_t)atol(value);
    else if (strcmp(key, "memory") == 0)
        machine.memory_mib = strtoull(value, NULL, 10);
    else if (strcmp(key, "to") == 0)
        to = value;
    else if (strcmp(key, "picture") == 0)
        picture = value;
    else if (strcmp(key, "turns") == 0)
        turns = atol(value);
    else if (strcmp(key, "die-before") == 0)
        die_before = atol(value);
    else if (strcmp(key, "die-behind") == 0)
        die_behind = atol(value);
    else if (strcmp(key, "stall") == 0)
        stall = (pid_t)atol(value);
}

// ---- The call ----------------------------------------------------------------------------------

static enum bf_err show_power(const struct bf_tgt *tgt, struct bf_fault *fault)
{
    static const char *const names[] = {"absent", "off", "on", "crashed"};
    enum bf_tgt_power power = BF_TGT_ABSENT;
    enum bf_err err = bf_tgt_libvirt.power(tgt, &power, fault);

    if (!err)
        puts(names[power]);
    return err;
}

static enum bf_err show_written(const struct bf_tgt *tgt, struct bf_fault *fault)
{
    uint64_t bytes;
    enum bf_err err = bf_tgt_libvirt.written(tgt, &bytes, fault);

    if (!err)
        printf("%llu\n", (unsigned long long)bytes);
    return err;
}

static enum bf_err show_agent(const struct bf_tgt *tgt, struct bf_fault *fault)
{
    char *answer;
    enum bf_err err =
        bf_tgt_libvirt.agent(tgt, "{\"execute\":\"guest-get-host-name\"}", &answer, fault);

    if (!err)
        puts(answer);
    free(answer);
    return err;
}

static enum bf_err show_description(const struct bf_tgt *tgt)
{
    char *text = bf_tgt_libvirt.describe(tgt);

    if (text)
        fputs(text, stdout);
    free(text);
    return text ? BF_OK : BF_ERR_NO_MEMORY;
}

static enum bf_err call(const struct bf_tgt *tgt, const char *what, struct bf_fault *fault)
{
    const struct bf_tgt_ops *ops = &bf_tgt_libvirt;
    const struct {
        const char *name;
        enum bf_err (*run)(const struct bf_tgt *tgt, struct bf_fault *fault);
    } simple[] = {{"check", ops->check},   {"make", ops->make},   {"start", ops->start},
                  {"remove", ops->remove}, {"power", show_power}, {"written", show_written}};

    for (size_t i = 0; i < BF_COUNT(simple); i++)
        if (strcmp(what, simple[i].name) == 0)
            return simple[i].run(tgt, fault);
    if (strcmp(what, "picture") == 0)
        return ops->picture(tgt, picture, fault);
    if (strcmp(what, "agent") == 0)
        return show_agent(tgt, fault);
    if (strcmp(what, "ask") == 0 || strcmp(what, "pull") == 0)
        return ops->stop(tgt, what[0] == 'a' ? BF_TGT_ASK : BF_TGT_PULL, fault);
    if (strcmp(what, "commit") == 0)
        return ops->commit(tgt, to, fault);
    if (strcmp(what, "describe") == 0)
        return show_description(tgt);
    return bf_fault_set(fault, BF_ERR_RANGE, BF_SIDE_NONE, "", "no such operation: %s", what);
}

int main(int argc, char **argv)
{
    struct bf_tgt tgt = {
        .machine = &machine, .goes_on = goes_on, .tell = tell, .progress = progress};
    struct bf_fault fault = {.code = BF_OK};
    enum bf_err err;

    if (argc < 5)
        return 2;
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int i = 5; i < argc; i++)
        take(argv[i]);
    tgt.folder = argv[2];
    tgt.uri = argv[3];
    err = bf_state_open(argv[1], BF_STATE_COMMAND, &tgt.state, &fault);
    if (err == BF_ERR_NOT_FOUND && bf_state_create(argv[1], &fault) == BF_OK)
        err = bf_state_open(argv[1], BF_STATE_COMMAND, &tgt.state, &fault);
    if (!err)
        err = call(&tgt, argv[4], &fault);
    if (err)
        fprintf(stderr, "%s (%s): %s\n%s\n", bf_err_name(err), bf_side_name(fault.side), fault.what,
                fault.todo);
    bf_state_close(tgt.state);
    for (uint32_t i = 0; i < machine.disks; i++)
        bf_image_chain_free(&machine.disk[i].chain);
    return err ? 1 : 0;
}
