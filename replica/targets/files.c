// SPDX-License-Identifier: Apache-2.0
// The target `files:DIR`: a folder DIR/NAME with the machine's disks, and beside them what makes a
// machine of them elsewhere (files_text.h). It appears when it is whole: until then it is
// DIR/.NAME.JOB.part, where a killed attempt is continued. Nothing is started here.
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fmt.h"
#include "replica/points/image.h"
#include "replica/state/file.h"
#include "replica/state/reason.h"
#include "replica/state/step.h"
#include "replica/state/wait.h"
#include "replica/targets/files_text.h"
#include "replica/targets/qemu_images.h"

enum { VARIABLES_MAX = 64 << 20, OWNER_MAX = 2 * PATH_MAX };

#define OWNER_NAME ".bootferry-job" // whose it is: the state and the job's folder

struct folder {
    char parent[PATH_MAX], part[PATH_MAX], whole[PATH_MAX], owner[OWNER_MAX];
    bool raw;
};

// ---- The URI -----------------------------------------------------------------------------------

static enum bf_err parse(const struct bf_tgt *tgt, struct folder *f, struct bf_fault *fault)
{
    const char *path = tgt->uri + strlen("files:"), *query = strchrnul(path, '?');
    const char *job = strrchr(tgt->folder, '/'), *name = tgt->machine->name;
    const char *state = bf_state_path(tgt->state);
    char *whole = realpath(state, NULL);
    size_t len = (size_t)(query - path);

    f->raw = strcmp(query, "?format=qcow2") != 0;
    bf_snprintf(f->owner, sizeof f->owner, "%s/%s\n", whole ? whole : state, tgt->folder);
    free(whole);
    if (path[0] != '/' || len + strlen(name) + 64 >= PATH_MAX ||
        (*query && f->raw && strcmp(query, "?format=raw") != 0))
        return bf_fault_set(fault, BF_ERR_CONFIG, BF_SIDE_CONFIG,
                            "write files:/FOLDER, or files:/FOLDER?format=qcow2 (or raw)",
                            "%.120s does not name a folder by its whole path", tgt->uri);
    bf_snprintf(f->parent, sizeof f->parent, "%.*s", (int)len, path);
    bf_snprintf(f->whole, sizeof f->whole, "%s/%s", f->parent, name);
    bf_snprintf(f->part, sizeof f->part, "%s/.%s.%s.part", f->parent, name,
                job ? job + 1 : tgt->folder);
    return BF_OK;
}

static enum bf_err folder_fault(struct bf_fault *fault, const char *doing, const char *path)
{
    int number = errno;
    enum bf_err code = bf_reason_errno(number);

    return bf_fault_set(fault, code, code == BF_ERR_NO_SPACE ? BF_SIDE_SERVER : BF_SIDE_CONFIG,
                        bf_reason_todo(code, "name a folder that can be written to"),
                        "%.120s cannot be %s: %s", path, doing, strerror(number));
}

// ---- Whose folder it is ------------------------------------------------------------------------

enum owner { NOBODYS, OURS, ANOTHERS };

static enum owner owner_of(const struct folder *f, const char *folder)
{
    char path[PATH_MAX + 32];
    struct bf_fault ignored;
    uint8_t *text = NULL;
    struct stat st;
    size_t len;
    bool ours;

    if (lstat(folder, &st) != 0 && errno == ENOENT)
        return NOBODYS;
    bf_snprintf(path, sizeof path, "%s/%s", folder, OWNER_NAME);
    ours = bf_file_read(path, OWNER_MAX, &text, &len, &ignored) == BF_OK &&
           strcmp((const char *)text, f->owner) == 0;
    free(text);
    return ours ? OURS : ANOTHERS;
}

static enum bf_err taken(const struct folder *f, struct bf_fault *fault)
{
    return bf_fault_set(fault, BF_ERR_EXISTS, BF_SIDE_CONFIG,
                        "move it away, or name another folder", "there is a %.150s already",
                        f->whole);
}

static enum bf_err check(const struct bf_tgt *tgt, struct bf_fault *fault)
{
    struct folder f;
    enum bf_err err = parse(tgt, &f, fault);
    int dir;

    if (err)
        return err;
    if (owner_of(&f, f.whole) == ANOTHERS)
        return taken(&f, fault);
    dir = open(f.parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0 || access(f.parent, W_OK | X_OK) != 0)
        err = folder_fault(fault, "used", f.parent);
    if (!err && owner_of(&f, f.whole) == NOBODYS)
        err = bf_tgt_check_room(dir, f.parent, bf_tgt_allocated(tgt), fault);
    if (dir >= 0)
        close(dir);
    return err;
}

// ---- Making it ---------------------------------------------------------------------------------

static enum bf_err put(const struct folder *f, const char *name, const void *bytes, size_t len,
                       unsigned mode, struct bf_fault *fault)
{
    char path[PATH_MAX + 64];

    bf_snprintf(path, sizeof path, "%s/%s", f->part, name);
    return bf_file_replace(path, bytes, len, (mode_t)mode, fault);
}

static enum bf_err open_part(const struct folder *f, struct bf_fault *fault)
{
    if (mkdir(f->part, 0700) != 0 && errno != EEXIST)
        return folder_fault(fault, "made", f->part);
    return put(f, OWNER_NAME, f->owner, strlen(f->owner), 0600, fault);
}

struct exporting {
    const struct bf_tgt *tgt;
    uint64_t before, total;
};

static void exported(void *user, uint64_t done, uint64_t total)
{
    const struct exporting *x = user;

    (void)total;
    if (x->tgt->progress)
        x->tgt->progress(x->tgt->user, x->before + done, x->total);
}

// A disk has its name when it is complete, so one that is there is.
static enum bf_err export_disks(const struct bf_tgt *tgt, const struct folder *f,
                                struct bf_fault *fault)
{
    const struct bf_tgt_machine *m = tgt->machine;
    struct exporting x = {.tgt = tgt};
    char path[PATH_MAX + 64], name[32];
    enum bf_err err = BF_OK;

    for (uint32_t i = 0; i < m->disks; i++)
        x.total += m->disk[i].bytes;
    bf_wait_cancel_when_not(tgt->goes_on, tgt->user);
    for (uint32_t i = 0; !err && i < m->disks; i++) {
        bf_qemu_home_name(name, &m->disk[i], f->raw);
        bf_snprintf(path, sizeof path, "%s/%s", f->part, name);
        if (access(path, F_OK) != 0)
            err = bf_image_export_chain(tgt->state, &m->disk[i].chain, m->disk[i].number,
                                        f->raw ? BF_IMAGE_RAW : BF_IMAGE_QCOW2, path, exported, &x,
                                        fault);
        bf_step_done("file exported");
        x.before += m->disk[i].bytes;
    }
    bf_wait_cancel_when_not(NULL, NULL);
    return err;
}

// A host without such firmware can still make files for another.
static enum bf_err put_variables(const struct bf_tgt *tgt, const struct folder *f,
                                 struct bf_fault *fault)
{
    const char *code, *from = NULL;
    struct bf_fault ignored;
    uint8_t *bytes = NULL;
    size_t len = 0;
    enum bf_err err = BF_OK;

    if (bf_qemu_firmware(tgt->machine, &code, &from, &ignored) != BF_OK && tgt->tell)
        tgt->tell(tgt->user, "this host has no UEFI firmware: put a copy of OVMF's variables "
                             "beside the script start, as vars.fd");
    if (from)
        err = bf_file_read(from, VARIABLES_MAX, &bytes, &len, fault);
    if (!err && from)
        err = put(f, BF_QEMU_VARS, bytes, len, 0600, fault);
    free(bytes);
    return err;
}

static enum bf_err put_texts(const struct bf_tgt *tgt, const struct folder *f,
                             struct bf_fault *fault)
{
    struct bf_text text = {0};
    enum bf_err err = BF_OK;

    for (const struct bf_files_text *t = bf_files_texts; !err && t->name; t++) {
        bf_text_empty(&text);
        t->write(&text, tgt->machine, f->raw);
        if (bf_text_ok(&text) && text.len)
            err = put(f, t->name, bf_text_get(&text), text.len, t->mode, fault);
        else if (!bf_text_ok(&text))
            err = bf_fault_set(fault, BF_ERR_NO_MEMORY, BF_SIDE_SERVER, "free some memory",
                               "no memory to describe the machine");
    }
    bf_text_free(&text);
    return err;
}

static enum bf_err publish(const struct folder *f, struct bf_fault *fault)
{
    enum bf_err err = bf_dir_sync(f->part);

    if (!err && renameat2(AT_FDCWD, f->part, AT_FDCWD, f->whole, RENAME_NOREPLACE) != 0)
        return errno == EEXIST ? taken(f, fault) : folder_fault(fault, "made", f->whole);
    if (!err)
        err = bf_dir_sync(f->parent);
    return err ? folder_fault(fault, "synced", f->parent) : BF_OK;
}

static enum bf_err make(const struct bf_tgt *tgt, struct bf_fault *fault)
{
    struct folder f;
    enum bf_err err = parse(tgt, &f, fault);
    enum owner owner = err ? NOBODYS : owner_of(&f, f.whole);

    if (err || owner == OURS)
        return err;
    if (owner == ANOTHERS)
        return taken(&f, fault);
    err = open_part(&f, fault);
    if (!err)
        err = export_disks(tgt, &f, fault);
    if (!err)
        err = put_variables(tgt, &f, fault);
    if (!err)
        err = put_texts(tgt, &f, fault);
    bf_step_done("files complete");
    if (!err)
        err = publish(&f, fault);
    for (uint32_t i = 0; !err && tgt->tell && i < tgt->machine->notes; i++)
        tgt->tell(tgt->user, tgt->machine->note[i]);
    return err;
}

// ---- The rest ----------------------------------------------------------------------------------

static enum bf_err elsewhere(const char *doing, struct bf_fault *fault)
{
    return bf_fault_set(fault, BF_ERR_UNSUPPORTED, BF_SIDE_CONFIG,
                        "do that on the host that has the files now",
                        "a machine of files cannot be %s from here", doing);
}

static enum bf_err start(const struct bf_tgt *tgt, struct bf_fault *fault)
{
    (void)tgt;
    return elsewhere("started", fault);
}

static enum bf_err power(const struct bf_tgt *tgt, enum bf_tgt_power *out, struct bf_fault *fault)
{
    struct folder f;
    enum bf_err err = parse(tgt, &f, fault);

    *out = !err && owner_of(&f, f.whole) == OURS ? BF_TGT_OFF : BF_TGT_ABSENT;
    return err;
}

static enum bf_err picture(const struct bf_tgt *tgt, const char *path, struct bf_fault *fault)
{
    (void)tgt;
    (void)path;
    return elsewhere("seen", fault);
}

// What happens to files elsewhere is not known here.
static enum bf_err written(const struct bf_tgt *tgt, uint64_t *bytes, struct bf_fault *fault)
{
    (void)tgt;
    *bytes = 0;
    return elsewhere("asked what it has written", fault);
}

static enum bf_err agent(const struct bf_tgt *tgt, const char *command, char **answer,
                         struct bf_fault *fault)
{
    (void)tgt;
    (void)command;
    *answer = NULL;
    return elsewhere("asked", fault);
}

static enum bf_err stop(const struct bf_tgt *tgt, enum bf_tgt_stop how, struct bf_fault *fault)
{
    (void)tgt;
    (void)how;
    return elsewhere("stopped", fault);
}

// They need nothing of the replica from the beginning.
static enum bf_err commit(const struct bf_tgt *tgt, const char *to, struct bf_fault *fault)
{
    struct folder f;
    enum bf_err err = parse(tgt, &f, fault);

    if (!err && to)
        err = bf_fault_set(fault, BF_ERR_CONFIG, BF_SIDE_CONFIG, "leave out --to",
                           "the files are where the target says: %.140s", f.whole);
    return err;
}

static enum bf_err remove_files(const struct bf_tgt *tgt, struct bf_fault *fault)
{
    struct folder f;
    enum bf_err err = parse(tgt, &f, fault);

    if (!err && owner_of(&f, f.whole) == OURS)
        bf_folder_remove(f.whole);
    if (!err && owner_of(&f, f.part) != NOBODYS)
        bf_folder_remove(f.part);
    return err;
}

static char *describe(const struct bf_tgt *tgt)
{
    struct bf_text text = {0}, one = {0};
    struct bf_fault ignored;
    struct folder f;
    char *out = NULL;

    if (parse(tgt, &f, &ignored))
        return NULL;
    for (const struct bf_files_text *t = bf_files_texts; t->name; t++) {
        bf_text_empty(&one);
        t->write(&one, tgt->machine, f.raw);
        if (one.len)
            bf_textf(&text, "%s/%s:\n%s\n", f.whole, t->name, bf_text_get(&one));
        text.failed |= one.failed;
    }
    if (bf_text_ok(&text))
        out = strdup(bf_text_get(&text));
    bf_text_free(&text);
    bf_text_free(&one);
    return out;
}

const struct bf_tgt_ops bf_tgt_files = {
    .scheme = "files",
    .usage = "files:DIR      disks and a definition in DIR/NAME, for another host "
             "(files:DIR?format=qcow2)",
    .can = 0,
    .check = check,
    .make = make,
    .start = start,
    .power = power,
    .picture = picture,
    .written = written,
    .agent = agent,
    .stop = stop,
    .commit = commit,
    .remove = remove_files,
    .describe = describe,
};
