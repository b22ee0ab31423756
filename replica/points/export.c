// SPDX-License-Identifier: Apache-2.0
// Export of a disk into a file of its own (export_file.h), by qemu-img with the whole chain spelled
// out. qemu-img gets the file as a descriptor and never sees a name of it.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/fmt.h"
#include "replica/points/export_file.h"
#include "replica/points/image.h"
#include "replica/qemu/process.h"
#include "replica/qemu/qsd.h"
#include "replica/state/reason.h"
#include "replica/state/wait.h"

struct exporting {
    bf_image_progress *progress;
    void *user;
    uint64_t total;
    const struct bf_state *state;
    uint16_t disk;
    struct bf_export_file file;
    char name[32]; // of the storage daemon
};

// qemu-img -p prints "    (12.34/100%)" over and over.
static void watch(void *user, const char *text)
{
    struct exporting *x = user;
    const char *at = strrchr(text, '(');
    unsigned whole, part;

    if (x->progress && at && sscanf(at, "(%3u.%2u/100%%)", &whole, &part) == 2 && whole <= 100)
        x->progress(x->user, x->total / 10000 * (whole * 100 + part), x->total);
}

static const char no_room[] = "make room in that file system, or name a file in another one";

static enum bf_err convert_fault(struct bf_qsd *qsd, enum bf_err err, const char *said,
                                 struct bf_fault *fault)
{
    if (err == BF_ERR_NOT_FOUND)
        return bf_fault_set(fault, err, BF_SIDE_SERVER, "install the package qemu-utils",
                            "qemu-img is not installed");
    if (err == BF_ERR_CANCELLED || bf_wait_is_cancelled()) // Ctrl-C ends the children, too
        return bf_fault_set(fault, BF_ERR_CANCELLED, BF_SIDE_NONE, "start it again",
                            "the export was interrupted");
    if (bf_qsd_check(qsd, "exporting", fault))
        return fault->code; // qemu-img waited for it, or lost it
    if (err == BF_ERR_TIMEOUT)
        return bf_fault_set(fault, err, BF_SIDE_SERVER,
                            "look at the disk of the file's folder and the server's system log, "
                            "then start it again",
                            "the export failed: qemu-img hung and was killed");
    err = bf_reason_text(said, err);
    return bf_fault_set(fault, err, BF_SIDE_SERVER,
                        err == BF_ERR_NO_SPACE
                            ? no_room
                            : "look at the permissions and the disk of the file's folder",
                        "the export failed: %s", said);
}

// qemu-img runs in the state's folder, so that the socket's name is short.
static enum bf_err convert(struct exporting *x, struct bf_qsd *qsd, enum bf_image_format format,
                           struct bf_fault *fault)
{
    const char *name = format == BF_IMAGE_RAW ? "raw" : "qcow2";
    char source[128], target[32], said[160];
    const char *argv[] = {"qemu-img", "convert", "-p",   "-f",   "raw",
                          "-O",       name,      source, target, NULL};
    const struct bf_process_run run = {.argv = argv,
                                       .dir = bf_state_dir(x->state),
                                       .keep = x->file.fd,
                                       .also = bf_qsd_pid(qsd),
                                       .also_name = "the storage daemon",
                                       .watch = watch,
                                       .user = x,
                                       .said = said,
                                       .size = sizeof said};
    enum bf_err err;

    BF_ASSERT(x->file.fd >= 0);
    bf_snprintf(target, sizeof target, "/proc/self/fd/%d", x->file.fd);
    bf_snprintf(source, sizeof source, "nbd+unix:///disk-%u?socket=run/%s.nbd", x->disk, x->name);
    err = bf_process_run_to_end(&run);
    return err ? convert_fault(qsd, err, said, fault) : BF_OK;
}

static enum bf_err serve_and_convert(struct exporting *x, const struct bf_image_chain *chain,
                                     enum bf_image_format format, struct bf_fault *fault)
{
    struct bf_qsd *qsd = NULL;
    enum bf_err err;

    bf_snprintf(x->name, sizeof x->name, "export-%d", (int)getpid());
    err = bf_qsd_start(x->state, x->name, BF_QSD_COMMAND, &qsd, fault);
    if (!err)
        err = bf_qsd_add(qsd, x->disk, chain, 0, fault);
    if (!err)
        err = convert(x, qsd, format, fault);
    bf_qsd_stop(qsd);
    return err;
}

// ---- Interruption ------------------------------------------------------------------------------

// Ctrl-C ends the program as ever, but not before the half-written file is gone.
static const int interrupts[] = {SIGINT, SIGTERM, SIGHUP};
enum { INTERRUPTS = BF_COUNT(interrupts) };
static const struct bf_export_file *volatile half_written;

static void on_interrupt(int number)
{
    bf_export_file_forget(half_written);
    raise(number); // SA_RESETHAND: this time it is not ours
}

static void guard_begin(const struct bf_export_file *part, struct sigaction before[INTERRUPTS])
{
    struct sigaction ours = {.sa_handler = on_interrupt, .sa_flags = SA_RESETHAND};

    half_written = part;
    for (int i = 0; i < INTERRUPTS; i++) {
        sigaction(interrupts[i], NULL, &before[i]);
        if (before[i].sa_handler == SIG_DFL)
            sigaction(interrupts[i], &ours, NULL);
    }
}

static void guard_end(const struct sigaction before[INTERRUPTS])
{
    for (int i = 0; i < INTERRUPTS; i++)
        sigaction(interrupts[i], &before[i], NULL);
}

static enum bf_err write_file(struct exporting *x, const struct bf_image_chain *chain,
                              enum bf_image_format format, const char *path, struct bf_fault *fault)
{
    struct sigaction before[INTERRUPTS];
    enum bf_err err;

    BF_ASSERT(chain->layers > 0);
    guard_begin(&x->file, before);
    err = serve_and_convert(x, chain, format, fault);
    if (!err)
        err = bf_export_file_publish(&x->file, path, fault);
    bf_export_file_abandon(&x->file);
    guard_end(before);
    return err;
}

enum bf_err bf_image_export_chain(struct bf_state *state, const struct bf_image_chain *chain,
                                  uint16_t disk, enum bf_image_format format, const char *file,
                                  bf_image_progress *progress, void *user, struct bf_fault *fault)
{
    struct exporting x = {.progress = progress, .user = user, .state = state, .disk = disk};
    enum bf_err err = bf_export_file_open(file, &x.file, fault);

    if (err)
        return err;
    x.total = chain->bytes;
    err = write_file(&x, chain, format, file, fault);
    if (!err && progress)
        progress(user, chain->bytes, chain->bytes);
    return err;
}

enum bf_err bf_image_export(struct bf_state *state, const struct bf_image_ref *ref, uint16_t disk,
                            enum bf_image_format format, const char *file,
                            bf_image_progress *progress, void *user, struct bf_fault *fault)
{
    struct bf_image_chain chain;
    enum bf_err err = bf_image_chain(state, ref, disk, &chain, fault);

    if (err)
        return err;
    err = bf_image_export_chain(state, &chain, disk, format, file, progress, user, fault);
    bf_image_chain_free(&chain);
    return err;
}
