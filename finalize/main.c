// SPDX-License-Identifier: Apache-2.0
// bootferry-finalize: adapts the Linux system below a directory (--root) or on disks, in a small VM
// (run). As process 1 it is that VM's init. Exit status: 0 done, 1 refused or failed, 2 wrong
// usage.
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "finalize/core/fault.h"
#include "finalize/finalize.h"
#include "finalize/host/accel.h"
#include "finalize/host/run.h"
#include "finalize/plan/compose.h"
#include "finalize/plan/present.h"
#include "finalize/target/plan_parse.h"
#include "finalize/vm/vm.h"

static const char usage[] =
    "usage: bootferry-finalize --root DIR MODE [--devices FILE] [--report FILE]\n"
    "       bootferry-finalize run --kernel FILE --initramfs FILE\n"
    "                          (--disk FORMAT:FILE [--backing FORMAT:FILE]...)... MODE\n"
    "                          [--deadline SECONDS] [--overlay MIB] [--report FILE]\n"
    "       bootferry-finalize accelerator --kernel FILE --initramfs FILE\n"
    "MODE is one of\n"
    "    [--plan FILE] [--mac MAC:ip:ADDR[,GW[,LEN[,DNS...]]]]... [--target KIND] [--dry-run]\n"
    "    --inspect\n"
    "    --make-plan [--target KIND]\n"
    "    --undo\n"
    "--mac gives the NIC of the source that has this MAC address a static address, as for\n"
    "virt-v2v; it may be repeated, stands beside --plan or instead of it, and alone needs\n"
    "--target. --make-plan prints a plan of what is there, to be edited. --plan FILE may stand\n"
    "beside --inspect, --make-plan and --undo, for the keys that open and choose file systems.\n"
    "FORMAT is raw or qcow2. The report goes to FILE (as JSON) and to FILE.txt; without --report "
    "it\n"
    "goes to standard output as text. accelerator says which accelerator QEMU uses on this host,\n"
    "tcg or kvm, and why.\n";

struct options {
    const char *root, *plan, *devices, *report, *kernel, *initramfs;
    struct bf_compose compose;
    const json_t *given; // the plan beside --make-plan
    enum bf_mode mode;
    bool make_plan;
    unsigned deadline, overlay;
    struct bf_run_file file[BF_RUN_DISKS * BF_RUN_CHAIN];
    struct bf_run_disk disk[BF_RUN_DISKS];
    size_t files, disks;
};

enum {
    OPT_ROOT = 1,
    OPT_PLAN,
    OPT_MAC,
    OPT_TARGET,
    OPT_DRY,
    OPT_INSPECT,
    OPT_MAKE_PLAN,
    OPT_UNDO,
    OPT_DEVICES,
    OPT_REPORT,
    OPT_KERNEL,
    OPT_INITRAMFS,
    OPT_DISK,
    OPT_BACKING,
    OPT_DEADLINE,
    OPT_OVERLAY,
    OPT_HELP
};

static const struct option long_options[] = {
    {"root", required_argument, NULL, OPT_ROOT},
    {"plan", required_argument, NULL, OPT_PLAN},
    {"mac", required_argument, NULL, OPT_MAC},
    {"target", required_argument, NULL, OPT_TARGET},
    {"dry-run", no_argument, NULL, OPT_DRY},
    {"inspect", no_argument, NULL, OPT_INSPECT},
    {"make-plan", no_argument, NULL, OPT_MAKE_PLAN},
    {"undo", no_argument, NULL, OPT_UNDO},
    {"devices", required_argument, NULL, OPT_DEVICES},
    {"report", required_argument, NULL, OPT_REPORT},
    {"kernel", required_argument, NULL, OPT_KERNEL},
    {"initramfs", required_argument, NULL, OPT_INITRAMFS},
    {"disk", required_argument, NULL, OPT_DISK},
    {"backing", required_argument, NULL, OPT_BACKING},
    {"deadline", required_argument, NULL, OPT_DEADLINE},
    {"overlay", required_argument, NULL, OPT_OVERLAY},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

// FORMAT:FILE; a disk begins a chain, a backing file continues it.
static bool add_file(struct options *o, const char *arg, bool backing)
{
    struct bf_run_file *file = &o->file[o->files];
    if (strncmp(arg, "raw:", 4) == 0)
        *file = (struct bf_run_file){arg + 4, BF_RUN_RAW};
    else if (strncmp(arg, "qcow2:", 6) == 0)
        *file = (struct bf_run_file){arg + 6, BF_RUN_QCOW2};
    else
        return false;
    if (backing ? o->disks == 0 : o->disks == BF_RUN_DISKS)
        return false;
    if (!backing)
        o->disk[o->disks++].chain = file;
    struct bf_run_disk *disk = &o->disk[o->disks - 1];
    if (disk->files == BF_RUN_CHAIN)
        return false;
    disk->files++;
    o->files++;
    return true;
}

static bool add_mac(struct options *o, const char *arg)
{
    if (o->compose.macs == BF_COMPOSE_MACS)
        return false;
    o->compose.mac[o->compose.macs++] = arg;
    return true;
}

// Where the value of an option that is kept as it is goes; NULL for others.
static const char **kept(struct options *o, int opt)
{
    switch (opt) {
    case OPT_ROOT:
        return &o->root;
    case OPT_PLAN:
        return &o->plan;
    case OPT_TARGET:
        return &o->compose.target;
    case OPT_DEVICES:
        return &o->devices;
    case OPT_REPORT:
        return &o->report;
    case OPT_KERNEL:
        return &o->kernel;
    case OPT_INITRAMFS:
        return &o->initramfs;
    default:
        return NULL;
    }
}

static bool take(struct options *o, int opt, const char *arg)
{
    const char **text = kept(o, opt);
    if (text)
        *text = arg;
    switch (opt) {
    case OPT_MAC:
        return add_mac(o, arg);
    case OPT_DRY:
        o->mode = BF_MODE_DRY_RUN;
        return true;
    case OPT_INSPECT:
    case OPT_MAKE_PLAN:
        o->mode = BF_MODE_INSPECT;
        o->make_plan = opt == OPT_MAKE_PLAN;
        return true;
    case OPT_UNDO:
        o->mode = BF_MODE_UNDO;
        return true;
    case OPT_DISK:
    case OPT_BACKING:
        return add_file(o, arg, opt == OPT_BACKING);
    case OPT_DEADLINE:
        o->deadline = (unsigned)strtoul(arg, NULL, 10);
        return o->deadline > 0;
    case OPT_OVERLAY:
        o->overlay = (unsigned)strtoul(arg, NULL, 10);
        return o->overlay > 0;
    default:
        return text != NULL;
    }
}

static char *read_file(const char *path, size_t cap, size_t *len)
{
    struct bf_fault fault;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        bf_fault_errno(&fault, errno);
    char *data = fd < 0 ? NULL : bf_read_fd(fd, cap, len, &fault);
    if (!data)
        fprintf(stderr, "bootferry-finalize: %s: %s\n", path, fault.what);
    if (fd >= 0)
        close(fd);
    return data;
}

// Prints what is there as a plan, and on standard error what it does not say.
static int print_plan(const struct options *o, const json_t *report)
{
    const char *given =
        json_string_value(json_object_get(json_object_get(o->given, "target"), "kind"));
    const char *target = given ? given : o->compose.target ? o->compose.target : "generic";
    struct bf_text notes = {0};
    json_t *plan = bf_present_plan(report, NULL, target, o->given, &notes);
    bool ok = plan && json_dumpf(plan, stdout, JSON_INDENT(2)) == 0 && putchar('\n') != EOF;
    fputs(bf_text_get(&notes), stderr);
    bf_text_free(&notes);
    json_decref(plan);
    return ok ? 0 : 1;
}

// Saves or prints the report. The exit status.
static int finish(const struct options *o, const char *json, size_t len, bool ok)
{
    struct bf_text text = {0};
    struct bf_fault fault;
    json_t *report = json_loadb(json, len, 0, NULL);
    if (o->report && bf_fin_report_save(json, len, o->report, &fault)) {
        fprintf(stderr, "bootferry-finalize: %s: %s\n", o->report, fault.what);
        ok = false;
    }
    if (o->make_plan && ok) {
        ok = print_plan(o, report) == 0;
    } else if (!o->report) {
        bf_fin_report_text(report, &text);
        fputs(bf_text_get(&text), stdout);
    } else if (!ok && json_object_get(report, "error")) {
        fprintf(stderr, "bootferry-finalize: %s\n",
                json_string_value(json_object_get(report, "error")));
    }
    bf_text_free(&text);
    json_decref(report);
    return ok ? 0 : 1;
}

// After a failure the standard error has the reason.
static enum bf_err load_devices(const char *path, struct bf_devices *devices)
{
    size_t len;
    char *text = read_file(path, BF_ROOT_TEXT_MAX, &len);
    json_t *list = text ? json_loadb(text, len, 0, NULL) : NULL;
    enum bf_err err = list ? bf_devices_parse(list, devices) : BF_ERR_CONFIG;
    if (text && err)
        fprintf(stderr, "bootferry-finalize: %s: not a list of devices\n", path);
    json_decref(list);
    free(text);
    return err;
}

// The core on a directory of this machine.
static int on_root(const struct options *o, const char *plan_text, size_t plan_len)
{
    static struct bf_plan plan;
    struct bf_fault fault;
    struct bf_fin_root root;
    struct bf_fin_report report;
    struct bf_devices devices = {0};
    if (plan_text && bf_plan_parse(plan_text, plan_len, &plan, &fault)) {
        fprintf(stderr, "bootferry-finalize: %s\n", fault.what);
        return 1;
    }
    if (o->devices && load_devices(o->devices, &devices))
        return 1;
    if (bf_fin_root_attach(&root, o->root, &fault)) {
        fprintf(stderr, "bootferry-finalize: %s: %s\n", o->root, fault.what);
        bf_devices_free(&devices);
        return 1;
    }
    bf_fin_report_init(&report, bf_mode_name(o->mode));
    bool keys_only = o->mode == BF_MODE_INSPECT || o->mode == BF_MODE_UNDO;
    bool ok =
        !bf_finalize(&root, o->mode, plan_text && !keys_only ? &plan : NULL, &devices, &report);
    char *json = json_dumps(report.json, JSON_INDENT(1));
    int status = json ? finish(o, json, strlen(json), ok) : 1;
    free(json);
    bf_fin_report_free(&report);
    bf_fin_root_close(&root);
    bf_devices_free(&devices);
    return status;
}

static int in_vm(const struct options *o, const char *plan, size_t plan_len)
{
    char *report = NULL;
    size_t len = 0;
    struct bf_run run = {
        .kernel = o->kernel,
        .initramfs = o->initramfs,
        .disk = o->disk,
        .disks = o->disks,
        .mode = bf_mode_name(o->mode),
        .plan = plan,
        .plan_len = plan_len,
        .deadline = o->deadline,
        .overlay_mib = o->overlay,
    };
    bool ok = bf_run_finalizer(&run, &report, &len) == BF_RUN_OK;
    int status = report ? finish(o, report, len, ok) : 1;
    free(report);
    return status;
}

static int name_accelerator(const struct options *o)
{
    struct bf_run run = {.kernel = o->kernel, .initramfs = o->initramfs};
    struct bf_accel accel;
    struct bf_fault fault;
    if (bf_accel_choose(&run, &accel, &fault)) {
        fprintf(stderr, "bootferry-finalize: %s\n", fault.what);
        return 1;
    }
    printf("%s: %s\n", accel.kvm ? "kvm" : "tcg", accel.why);
    return 0;
}

enum command { ON_ROOT, IN_VM, NAME_ACCELERATOR };

static enum command command_of(const char *word)
{
    if (word && strcmp(word, "run") == 0)
        return IN_VM;
    return word && strcmp(word, "accelerator") == 0 ? NAME_ACCELERATOR : ON_ROOT;
}

static bool complete(const struct options *o, enum command command)
{
    bool needs_plan = o->mode == BF_MODE_APPLY || o->mode == BF_MODE_DRY_RUN;
    bool has_plan = o->plan || o->compose.macs;
    if (command == NAME_ACCELERATOR)
        return o->kernel && o->initramfs && !o->disks && !o->root && !has_plan;
    // An inspection and an undo take a plan for its keys.
    bool for_keys = !needs_plan && o->plan && !o->compose.macs;
    if ((needs_plan != has_plan && !for_keys) ||
        (o->compose.target && !needs_plan && !o->make_plan))
        return false;
    return command == IN_VM ? o->kernel && o->initramfs && o->disks && !o->root
                            : o->root && !o->disks;
}

// The plan of all that was given. After a failure the standard error has the reason.
static enum bf_err load_plan(struct options *o, char **plan, size_t *len)
{
    struct bf_fault fault;
    struct bf_compose *c = &o->compose;
    char *file = o->plan ? read_file(o->plan, BF_PLAN_MAX, &c->file_len) : NULL;
    if (o->plan && !file)
        return BF_ERR_IO;
    bool inspects = file && o->mode == BF_MODE_INSPECT;
    if (file && !inspects && !c->macs &&
        !c->target) { // whoever runs it checks it, and reports that
        *plan = file;
        *len = c->file_len;
        return BF_OK;
    }
    c->file = file;
    enum bf_err err = inspects          ? bf_compose_inspection(c, plan, len, &fault)
                      : file || c->macs ? bf_compose(c, plan, len, &fault)
                      : c->target       ? bf_compose_target(c->target, &fault)
                                        : BF_OK;
    if (err)
        fprintf(stderr, "bootferry-finalize: %s (%s)\n", fault.what, fault.todo);
    free(file);
    return err;
}

int main(int argc, char **argv)
{
    static struct options o = {.mode = BF_MODE_APPLY};
    if (getpid() == 1)
        return bf_vm_main();
    enum command command = command_of(argv[1]);
    optind = command == ON_ROOT ? 1 : 2;
    for (int opt; (opt = getopt_long(argc, argv, "", long_options, NULL)) != -1;) {
        if (opt == OPT_HELP) {
            fputs(usage, stdout);
            return 0;
        }
        if (opt == '?' || !take(&o, opt, optarg)) {
            fputs(usage, stderr);
            return 2;
        }
    }
    if (optind != argc || !complete(&o, command)) {
        fputs(usage, stderr);
        return 2;
    }
    if (command == NAME_ACCELERATOR)
        return name_accelerator(&o);
    size_t len = 0;
    char *plan = NULL;
    if (load_plan(&o, &plan, &len))
        return 1;
    json_t *given = o.make_plan && plan ? json_loadb(plan, len, 0, NULL) : NULL;
    o.given = given;
    int status = command == IN_VM ? in_vm(&o, plan, len) : on_root(&o, plan, len);
    json_decref(given);
    if (plan) // it may hold passphrases
        explicit_bzero(plan, len);
    free(plan);
    return status;
}
