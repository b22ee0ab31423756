// SPDX-License-Identifier: Apache-2.0
// Working in the state as its owner, see owner.h; by effective ids, so that there is a way back.
#include "replica/state/owner.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// Only root changes who it is; a failure to do so shows itself when the files are opened.
static int foreign_owner(const char *state, struct stat *st)
{
    return getuid() == 0 && geteuid() == 0 && stat(state, st) == 0 && st->st_uid != 0;
}

void bf_owner_enter(const char *state)
{
    struct stat st;
    if (!foreign_owner(state, &st))
        return;
    if (setegid(st.st_gid) == 0 && seteuid(st.st_uid) < 0 && setegid(getgid()) < 0)
        return;
}

void bf_owner_leave(void)
{
    if (geteuid() == getuid())
        return;
    if (seteuid(getuid()) == 0 && setegid(getgid()) < 0)
        return;
}

enum bf_err bf_owner_prepare(const char *state, struct bf_fault *fault)
{
    const struct passwd *user = getuid() == 0 ? getpwnam(BF_OWNER_USER) : NULL;
    if (!user || strcmp(state, BF_OWNER_STATE) != 0)
        return BF_OK;
    if ((mkdir(state, 0700) < 0 && errno != EEXIST) || chown(state, user->pw_uid, user->pw_gid) < 0)
        return bf_fault_set(fault, BF_ERR_IO, BF_SIDE_SERVER, "check the path and the permissions",
                            "cannot give %s to the user " BF_OWNER_USER ": %s", state,
                            strerror(errno));
    return BF_OK;
}

enum bf_err bf_owner_become(const char *state, struct bf_fault *fault)
{
    struct stat st;
    if (!foreign_owner(state, &st))
        return BF_OK;
    if (setgroups(0, NULL) == 0 && setgid(st.st_gid) == 0 && setuid(st.st_uid) == 0)
        return BF_OK;
    return bf_fault_set(fault, BF_ERR_DENIED, BF_SIDE_SERVER,
                        "run it as the user who owns the state",
                        "cannot switch to the user who owns %s: %s", state, strerror(errno));
}
