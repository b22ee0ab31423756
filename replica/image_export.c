// SPDX-License-Identifier: Apache-2.0
// Export of a disk into a file of its own, by qemu-img with the whole chain spelled out. The file
// is written under a temporary name beside the target, synced, and given its name in one step that
// fails when the name is taken.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fmt.h"
#include "replica/image.h"
#include "replica/process.h"
#include "replica/qsd.h"
#include "replica/reason.h"

enum { PART_SUFFIX_MAX = 32 };

struct exporting {
    bf_image_progress *progress;
    void *user;
    uint64_t total;
    const struct bf_state *state;
    uint16_t disk;
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

static enum bf_err file_fault(struct bf_fault *fault, const char *file)
{
    int number = errno;
    enum bf_err code = bf_reason_errno(number);

    return bf_fault_set(fault, code, code == BF_ERR_NO_SPACE ? BF_SIDE_SERVER : BF_SIDE_CONFIG,
                        code == BF_ERR_NO_SPACE ? no_room
                        : code == BF_ERR_EXISTS ? "remove it first, or name another file"
                                                : "name a file in a folder that you may write",
                        "%s cannot be written: %s", file, strerror(number));
}

static enum bf_err sync_path(const char *path, int flags, struct bf_fault *fault)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | flags);
    enum bf_err err = BF_OK;

    if (fd < 0 || fsync(fd) != 0)
        err = file_fault(fault, path);
    if (fd >= 0)
        close(fd);
    return err;
}

static enum bf_err sync_parent(const char *file, struct bf_fault *fault)
{
    const char *slash = strrchr(file, '/');
    char *folder = slash ? strndup(file, (size_t)(slash - file) + 1) : strdup(".");
    enum bf_err err = folder ? sync_path(folder, O_DIRECTORY, fault) : BF_OK;

    free(folder);
    return err;
}

// Names for programs: an absolute path, since one like "nbd:x" would mean something else to them.
static char *part_name(const char *file)
{
    char *here = file[0] == '/' ? NULL : realpath(".", NULL);
    size_t size = strlen(file) + (here ? strlen(here) : 0) + PART_SUFFIX_MAX;
    char *part = file[0] == '/' || here ? malloc(size) : NULL;

    if (part)
        bf_snprintf(part, size, "%s%s%s.part-%d", here ? here : "", here ? "/" : "", file,
                    (int)getpid());
    free(here);
    return part;
}

// qemu-img runs in the state's folder, so that the socket's name is short.
static enum bf_err convert(struct exporting *x, enum bf_image_format format, const char *part,
                           struct bf_fault *fault)
{
    const char *name = format == BF_IMAGE_RAW ? "raw" : "qcow2";
    char source[128], said[160];
    const char *argv[] = {"qemu-img", "convert", "-p", "-f", "raw", "-O", name, source, part, NULL};
    enum bf_err err;

    bf_snprintf(source, sizeof source, "nbd+unix:///disk-%u?socket=run/%s.nbd", x->disk, x->name);
    err = bf_process_run(argv, bf_state_dir(x->state), watch, x, said, sizeof said);
    if (err == BF_ERR_NOT_FOUND)
        return bf_fault_set(fault, err, BF_SIDE_SERVER, "install the package qemu-utils",
                            "qemu-img is not installed");
    if (err)
        err = bf_reason_text(said, err);
    if (err)
        return bf_fault_set(fault, err, BF_SIDE_SERVER,
                            err == BF_ERR_NO_SPACE
                                ? no_room
                                : "look at the permissions and the disk of the file's folder",
                            "the export failed: %s", said);
    return BF_OK;
}

static enum bf_err serve_and_convert(struct exporting *x, const struct bf_image_chain *chain,
                                     enum bf_image_format format, const char *part,
                                     struct bf_fault *fault)
{
    struct bf_qsd *qsd = NULL;
    enum bf_err err;

    bf_snprintf(x->name, sizeof x->name, "export-%d", (int)getpid());
    err = bf_qsd_start(x->state, x->name, &qsd, fault);
    if (!err)
        err = bf_qsd_add(qsd, x->disk, chain, 0, fault);
    if (!err)
        err = convert(x, format, part, fault);
    bf_qsd_stop(qsd);
    return err;
}

// Gives the file its name unless somebody has it already.
static enum bf_err publish(const char *part, const char *file, struct bf_fault *fault)
{
    enum bf_err err = sync_path(part, 0, fault);

    if (!err && renameat2(AT_FDCWD, part, AT_FDCWD, file, RENAME_NOREPLACE) != 0)
        err = file_fault(fault, file);
    return err ? err : sync_parent(file, fault);
}

// ---- Interruption ------------------------------------------------------------------------------

// Ctrl-C ends the program as ever, but not before the half-written file is gone.
static const int interrupts[] = {SIGINT, SIGTERM, SIGHUP};
enum { INTERRUPTS = sizeof interrupts / sizeof interrupts[0] };
static char *volatile half_written;

static void on_interrupt(int number)
{
    unlink(half_written);
    raise(number); // SA_RESETHAND: this time it is not ours
}

static void guard_begin(char *part, struct sigaction before[INTERRUPTS])
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
                              enum bf_image_format format, char *part, const char *file,
                              struct bf_fault *fault)
{
    struct sigaction before[INTERRUPTS];

    guard_begin(part, before);
    enum bf_err err = serve_and_convert(x, chain, format, part, fault);
    if (!err)
        err = publish(part, file, fault);
    if (err)
        unlink(part);
    guard_end(before);
    return err;
}

enum bf_err bf_image_export(struct bf_state *state, const struct bf_image_ref *ref, uint16_t disk,
                            enum bf_image_format format, const char *file,
                            bf_image_progress *progress, void *user, struct bf_fault *fault)
{
    struct exporting x = {.progress = progress, .user = user, .state = state, .disk = disk};
    struct bf_image_chain chain;
    char *part;
    enum bf_err err;

    if (faccessat(AT_FDCWD, file, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
        errno = EEXIST;
        return file_fault(fault, file);
    }
    err = bf_image_chain(state, ref, disk, &chain, fault);
    if (err)
        return err;
    x.total = chain.bytes;
    part = part_name(file);
    if (!part)
        err = bf_fault_set(fault, BF_ERR_NO_MEMORY, BF_SIDE_SERVER, "free some memory",
                           "no memory for an export");
    if (!err)
        err = write_file(&x, &chain, format, part, file, fault);
    if (!err && progress)
        progress(user, chain.bytes, chain.bytes);
    free(part);
    bf_image_chain_free(&chain);
    return err;
}
