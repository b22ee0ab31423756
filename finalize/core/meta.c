// SPDX-License-Identifier: Apache-2.0
// File metadata that survives a replacement and comes back with an undo. Extended attributes are
// limited to 64 KiB of names and 64 KiB per value, which is what Linux allows. Change time and
// inode number cannot be kept.
#include "finalize/core/meta.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/fmt.h"
#include "finalize/core/fault.h"

#define XATTR_MAX 65536

static bool unsupported(int err)
{
    return err == ENOTSUP || err == EOPNOTSUPP || err == ENOSYS;
}

unsigned bf_flags_of(int fd)
{
    int flags = 0;
    BF_ASSERT(fd >= 0);
    return ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0 ? (unsigned)flags : 0;
}

enum bf_err bf_flags_set(int fd, unsigned mask, unsigned flags, struct bf_fault *fault)
{
    int now = 0;
    BF_ASSERT(fd >= 0 && (flags & ~mask) == 0);
    if (ioctl(fd, FS_IOC_GETFLAGS, &now) < 0)
        return BF_OK; // a file system without flags
    int wanted = (int)(((unsigned)now & ~mask) | flags);
    if (wanted == now || ioctl(fd, FS_IOC_SETFLAGS, &wanted) == 0 || unsupported(errno))
        return BF_OK;
    return bf_fault_errno(fault, errno);
}

static json_t *hex_of(const unsigned char *p, size_t n)
{
    char *s = malloc(2 * n + 1);
    if (!s)
        return NULL;
    bf_hex(s, p, n);
    json_t *j = json_stringn(s, 2 * n);
    free(s);
    return j;
}

// Decodes hex into `out`; the count, or -1.
static ssize_t hex_bytes(const char *s, unsigned char *out, size_t cap)
{
    BF_ASSERT(s && out);
    size_t n = strlen(s);
    if (n % 2 || n / 2 > cap)
        return -1;
    for (size_t i = 0; i < n; i += 2) {
        int byte = bf_hex_byte(s + i);
        if (byte < 0)
            return -1;
        out[i / 2] = (unsigned char)byte;
    }
    return (ssize_t)(n / 2);
}

enum bf_err bf_meta_label(struct bf_meta *m, const char *label, struct bf_fault *fault)
{
    // The kernel keeps it with its end mark.
    json_t *hex = hex_of((const unsigned char *)label, strlen(label) + 1);
    return json_object_set_new(m->xattrs, BF_XATTR_LABEL, hex) < 0 ? bf_fault_errno(fault, ENOMEM)
                                                                   : BF_OK;
}

static enum bf_err read_xattrs(int fd, json_t *out, struct bf_fault *fault)
{
    char *names = malloc(XATTR_MAX), *value = malloc(XATTR_MAX);
    ssize_t n = names && value ? flistxattr(fd, names, XATTR_MAX) : -1;
    enum bf_err err = n < 0 && !unsupported(errno) ? bf_fault_errno(fault, errno) : BF_OK;
    for (ssize_t at = 0; at < n; at += (ssize_t)strlen(names + at) + 1) {
        ssize_t len = fgetxattr(fd, names + at, value, XATTR_MAX);
        if (len < 0)
            err = bf_fault_errno(fault, errno);
        else if (json_object_set_new(out, names + at, hex_of((unsigned char *)value, (size_t)len)))
            err = bf_fault_errno(fault, ENOMEM);
    }
    free(names);
    free(value);
    return err;
}

enum bf_err bf_meta_read(int fd, struct bf_meta *m, struct bf_fault *fault)
{
    BF_ASSERT(fd >= 0);
    struct stat st;
    *m = (struct bf_meta){0};
    if (fstat(fd, &st) < 0)
        return bf_fault_errno(fault, errno);
    m->mode = st.st_mode & 07777;
    m->uid = st.st_uid;
    m->gid = st.st_gid;
    m->mtime = st.st_mtim;
    m->flags = bf_flags_of(fd) & BF_FLAGS_KEPT;
    m->xattrs = json_object();
    return m->xattrs ? read_xattrs(fd, m->xattrs, fault) : bf_fault_errno(fault, ENOMEM);
}

void bf_meta_free(struct bf_meta *m)
{
    json_decref(m->xattrs);
    m->xattrs = NULL;
}

static enum bf_err apply_xattrs(int fd, json_t *xattrs, struct bf_fault *fault)
{
    const char *name;
    json_t *hex;
    BF_ASSERT(json_is_object(xattrs)); // of a file, or of a journal that was checked
    unsigned char *value = malloc(XATTR_MAX);
    enum bf_err err = value ? BF_OK : bf_fault_errno(fault, ENOMEM);
    json_object_foreach(xattrs, name, hex)
    {
        ssize_t n = value ? hex_bytes(json_string_value(hex), value, XATTR_MAX) : -1;
        if (value && n < 0)
            err = bf_fault_errno(fault, EINVAL);
        else if (value && fsetxattr(fd, name, value, (size_t)n, 0) < 0 && !unsupported(errno))
            err = bf_fault_errno(fault, errno);
    }
    free(value);
    return err;
}

// An ACL that the file had not: its folder's default, given to every file that is made there.
static enum bf_err drop_default_acl(int fd, const json_t *xattrs, struct bf_fault *fault)
{
    static const char acl[] = "system.posix_acl_access";
    if (json_object_get(xattrs, acl) || fremovexattr(fd, acl) == 0 || errno == ENODATA ||
        unsupported(errno))
        return BF_OK;
    return bf_fault_errno(fault, errno);
}

static enum bf_err set_owner_and_mode(int fd, const struct bf_meta *m, struct bf_fault *fault)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return bf_fault_errno(fault, errno);
    if ((st.st_uid != m->uid || st.st_gid != m->gid) && fchown(fd, m->uid, m->gid) < 0)
        return bf_fault_errno(fault, errno);
    if ((st.st_mode & 07777) != m->mode && fchmod(fd, m->mode) < 0 && errno != EPERM)
        return bf_fault_errno(fault, errno);
    return BF_OK;
}

enum bf_err bf_meta_apply(int fd, const struct bf_meta *m, bool with_time, struct bf_fault *fault)
{
    BF_ASSERT(fd >= 0 && (m->mode & ~(mode_t)07777) == 0);
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, m->mtime};
    enum bf_err err = m->fresh ? BF_OK : drop_default_acl(fd, m->xattrs, fault);
    if (!err)
        err = set_owner_and_mode(fd, m, fault);
    if (!err)
        err = apply_xattrs(fd, m->xattrs, fault);
    if (!err && !m->fresh)
        err =
            bf_flags_set(fd, BF_FLAGS_KEPT & ~BF_FLAGS_LOCKED, m->flags & ~BF_FLAGS_LOCKED, fault);
    if (err)
        return err;
    return with_time && futimens(fd, times) < 0 ? bf_fault_errno(fault, errno) : BF_OK;
}

json_t *bf_meta_to_json(const struct bf_meta *m)
{
    BF_ASSERT(json_is_object(m->xattrs));
    return json_pack("{s:i,s:I,s:I,s:I,s:I,s:I,s:O}", "mode", (int)m->mode, "uid",
                     (json_int_t)m->uid, "gid", (json_int_t)m->gid, "mtime",
                     (json_int_t)m->mtime.tv_sec, "mtime_ns", (json_int_t)m->mtime.tv_nsec, "flags",
                     (json_int_t)m->flags, "xattrs", m->xattrs);
}

enum bf_err bf_meta_from_json(const json_t *j, struct bf_meta *m)
{
    json_int_t mode, uid, gid, sec, nsec, flags = 0; // an older journal has no flags
    json_t *xattrs, *value;
    const char *name;
    *m = (struct bf_meta){0};
    if (json_unpack((json_t *)j, "{s:I,s:I,s:I,s:I,s:I,s?I,s:o}", "mode", &mode, "uid", &uid, "gid",
                    &gid, "mtime", &sec, "mtime_ns", &nsec, "flags", &flags, "xattrs", &xattrs) ||
        !json_is_object(xattrs) || (flags & ~(json_int_t)BF_FLAGS_KEPT) || nsec < 0 ||
        nsec > 999999999 || mode < 0 || mode > 07777)
        return BF_ERR_CORRUPT;
    json_object_foreach(xattrs, name, value) if (!json_is_string(value)) return BF_ERR_CORRUPT;
    m->mode = (mode_t)mode;
    m->uid = (uid_t)uid;
    m->gid = (gid_t)gid;
    m->mtime = (struct timespec){.tv_sec = (time_t)sec, .tv_nsec = (long)nsec};
    m->flags = (unsigned)flags;
    m->xattrs = json_incref(xattrs);
    return BF_OK;
}
