// SPDX-License-Identifier: Apache-2.0
// See reason.h. QEMU gives every error the class GenericError, so its text is all there is; the
// programs have no locale, so the end of a text is that of the C locale, as ours is.
#include "replica/state/reason.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/bytes.h"

static const struct {
    int number;
    enum bf_err code;
} reasons[] = {
    {ENOSPC, BF_ERR_NO_SPACE},  {EDQUOT, BF_ERR_NO_SPACE},  {EFBIG, BF_ERR_NO_SPACE},
    {ENOMEM, BF_ERR_NO_MEMORY}, {EACCES, BF_ERR_DENIED},    {EPERM, BF_ERR_DENIED},
    {EROFS, BF_ERR_DENIED},     {ENOENT, BF_ERR_NOT_FOUND}, {ENOTDIR, BF_ERR_NOT_FOUND},
    {EEXIST, BF_ERR_EXISTS},    {EAGAIN, BF_ERR_BUSY},      {ENOTCONN, BF_ERR_BUSY},
    {ECONNRESET, BF_ERR_BUSY},  {ESHUTDOWN, BF_ERR_BUSY},   {EPIPE, BF_ERR_BUSY},
    {EMFILE, BF_ERR_LIMIT},     {ENFILE, BF_ERR_LIMIT},     {ENAMETOOLONG, BF_ERR_LIMIT},
};

enum { REASONS = BF_COUNT(reasons) };

enum bf_err bf_reason_errno(int number)
{
    for (size_t i = 0; i < REASONS; i++)
        if (reasons[i].number == number)
            return reasons[i].code;
    return BF_ERR_IO;
}

static int ends_with(const char *text, size_t len, const char *end)
{
    size_t n = strlen(end);

    return len >= n + 2 && memcmp(text + len - n, end, n) == 0 &&
           memcmp(text + len - n - 2, ": ", 2) == 0;
}

enum bf_err bf_reason_text(const char *text, enum bf_err otherwise)
{
    size_t len = strlen(text);

    while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r' || text[len - 1] == '.'))
        len--;
    for (size_t i = 0; i < REASONS; i++)
        if (ends_with(text, len, strerror(reasons[i].number)))
            return reasons[i].code;
    return otherwise;
}

const char *bf_reason_todo(enum bf_err code, const char *otherwise)
{
    return code == BF_ERR_NO_SPACE ? "make room in the file system of the state and start again; "
                                     "nothing that was acknowledged is lost"
                                   : otherwise;
}

// QEMU's permissions, and where their locks are.
enum { PERM_READ = 0, PERM_WRITE = 1, PERM_RESIZE = 3, PERMS = 4, HELD = 100, UNSHARED = 200 };

static int is_locked(int fd, off_t first, off_t count)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = first, .l_len = count};

    BF_ASSERT(count > 0); // 0 would be everything behind first
    return fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

int bf_reason_held(int dir, const char *path, int writable)
{
    int fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK), held;

    if (fd < 0)
        return 0;
    held = is_locked(fd, HELD + PERM_WRITE, 1) || is_locked(fd, HELD + PERM_RESIZE, 1) ||
           is_locked(fd, UNSHARED + PERM_READ, writable ? PERMS : 1);
    close(fd);
    return held;
}
