// SPDX-License-Identifier: Apache-2.0
// The state directory: creation, opening, the daemon's lock. The lock is a POSIX lock of the open
// file (OFD), so asking about it does not take it, and it ends with the daemon whatever ended it.
#include "replica/state/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/fmt.h"
#include "replica/state/reason.h"

static const char default_path[] = "/var/lib/bootferry";
static const char *const folders[] = {"machines", "run"};
enum { FOLDERS = BF_COUNT(folders), SOCKET_NAME_MAX = 72 };

struct bf_state {
    char *path;
    int dir;
    int run;  // the folder of sockets; its number is part of their paths
    int lock; // -1: not the daemon
    struct bf_db *db;
};

const char *bf_state_default_path(const char *option)
{
    const char *environment = getenv("BOOTFERRY_STATE");

    if (option)
        return option;
    return environment && environment[0] ? environment : default_path;
}

static char *join(const char *folder, const char *name)
{
    size_t size = strlen(folder) + strlen(name) + 2;
    char *path = malloc(size);

    if (path)
        bf_snprintf(path, size, "%s/%s", folder, name);
    return path;
}

static enum bf_err no_memory(struct bf_fault *fault)
{
    return bf_fault_set(fault, BF_ERR_NO_MEMORY, BF_SIDE_SERVER, "free some memory",
                        "no memory to open the state");
}

static enum bf_err folder_fault(struct bf_fault *fault, const char *path)
{
    int number = errno;
    enum bf_err code = bf_reason_errno(number);

    return bf_fault_set(fault, code, code == BF_ERR_NO_SPACE ? BF_SIDE_SERVER : BF_SIDE_CONFIG,
                        bf_reason_todo(code, "name another folder with --state, or become the user "
                                             "who owns this one"),
                        "the state folder %s cannot be used: %s", path, strerror(number));
}

// ---- Creation ----------------------------------------------------------------------------------

static enum bf_err make_folders(const char *path, int *dir, struct bf_fault *fault)
{
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return folder_fault(fault, path);
    *dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*dir < 0 || fchmod(*dir, 0700) != 0)
        return folder_fault(fault, path);
    if (faccessat(*dir, "db.sqlite", F_OK, 0) == 0)
        return bf_fault_set(fault, BF_ERR_EXISTS, BF_SIDE_CONFIG,
                            "use it as it is, or name another folder with --state",
                            "there is a state in %s already", path);
    for (uint32_t i = 0; i < FOLDERS; i++)
        if (mkdirat(*dir, folders[i], 0700) != 0 && errno != EEXIST)
            return folder_fault(fault, path);
    return BF_OK;
}

// The database appears under its name when it is complete: a state exists or it does not.
static enum bf_err make_database(const char *path, int dir, struct bf_fault *fault)
{
    char *file = join(path, "db.sqlite.new");
    enum bf_err err;

    if (!file)
        return no_memory(fault);
    unlinkat(dir, "db.sqlite.new", 0);
    unlinkat(dir, "db.sqlite.new-wal", 0);
    unlinkat(dir, "db.sqlite.new-shm", 0);
    err = bf_db_create(file, fault);
    free(file);
    if (!err && (renameat(dir, "db.sqlite.new", dir, "db.sqlite") != 0 || fsync(dir) != 0))
        err = folder_fault(fault, path);
    return err;
}

enum bf_err bf_state_create(const char *path, struct bf_fault *fault)
{
    int dir = -1;
    enum bf_err err = make_folders(path, &dir, fault);

    if (!err)
        err = make_database(path, dir, fault);
    if (dir >= 0)
        close(dir);
    return err;
}

// ---- Opening -----------------------------------------------------------------------------------

static enum bf_err take_lock(struct bf_state *s, struct bf_fault *fault)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    BF_ASSERT(s->lock < 0 && !s->db); // the lock comes before anything is read
    s->lock = openat(s->dir, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (s->lock < 0)
        return folder_fault(fault, s->path);
    if (fcntl(s->lock, F_OFD_SETLK, &lock) == 0)
        return BF_OK;
    return bf_fault_set(fault, BF_ERR_BUSY, BF_SIDE_CONFIG,
                        "stop the other daemon first, or give this one another state",
                        "another bootferryd serves the state %s", s->path);
}

static enum bf_err open_folders(struct bf_state *s, struct bf_fault *fault)
{
    BF_ASSERT(s->dir < 0 && s->run < 0);
    s->dir = open(s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (s->dir < 0 && errno != ENOENT)
        return folder_fault(fault, s->path);
    if (s->dir < 0 || faccessat(s->dir, "db.sqlite", F_OK, 0) != 0)
        return bf_fault_set(fault, BF_ERR_NOT_FOUND, BF_SIDE_CONFIG,
                            "make one with bootferry init, or name it with --state",
                            "there is no state in %s", s->path);
    if (mkdirat(s->dir, "run", 0700) != 0 && errno != EEXIST)
        return folder_fault(fault, s->path);
    s->run = openat(s->dir, "run", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    return s->run >= 0 ? BF_OK : folder_fault(fault, s->path);
}

enum bf_err bf_state_open_db(const struct bf_state *state, struct bf_db **out,
                             struct bf_fault *fault)
{
    char *file = join(state->path, "db.sqlite");
    enum bf_err err = file ? bf_db_open(file, out, fault) : no_memory(fault);

    free(file);
    return err;
}

enum bf_err bf_state_open(const char *path, enum bf_state_mode mode, struct bf_state **out,
                          struct bf_fault *fault)
{
    struct bf_state *s = calloc(1, sizeof *s);
    enum bf_err err;

    *out = NULL;
    if (!s)
        return no_memory(fault);
    s->dir = s->run = s->lock = -1;
    s->path = strdup(path);
    err = s->path ? open_folders(s, fault) : no_memory(fault);
    if (!err && mode == BF_STATE_DAEMON)
        err = take_lock(s, fault);
    if (!err)
        err = bf_state_open_db(s, &s->db, fault);
    if (err) {
        bf_state_close(s);
        return err;
    }
    *out = s;
    return BF_OK;
}

void bf_state_close(struct bf_state *state)
{
    if (!state)
        return;
    bf_db_close(state->db);
    if (state->run >= 0)
        close(state->run);
    if (state->dir >= 0)
        close(state->dir);
    if (state->lock >= 0)
        close(state->lock);
    free(state->path);
    free(state);
}

const char *bf_state_path(const struct bf_state *state)
{
    return state->path;
}

int bf_state_dir(const struct bf_state *state)
{
    return state->dir;
}

struct bf_db *bf_state_db(const struct bf_state *state)
{
    return state->db;
}

enum bf_err bf_state_socket(const struct bf_state *state, const char *name,
                            char out[BF_SOCKET_PATH_MAX])
{
    BF_ASSERT(state->run >= 0); // part of the path
    if (strlen(name) > SOCKET_NAME_MAX || strchr(name, '/'))
        return BF_ERR_RANGE;
    bf_snprintf(out, BF_SOCKET_PATH_MAX, "/proc/self/fd/%d/%s", state->run, name);
    return BF_OK;
}

int bf_state_is_served(const struct bf_state *state)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd, served;

    if (state->lock >= 0)
        return 1;
    fd = openat(state->dir, "lock", O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return 0;
    served = fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
    close(fd);
    return served;
}
