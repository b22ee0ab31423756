// SPDX-License-Identifier: Apache-2.0
// The remembered accelerator, see memory.h. The file has four lines: the kernel's id of this
// start, when /dev/kvm was made (a module that is loaded again may do better), kvm or tcg, and why.
// It is believed only when it is a plain file of ours in a folder of ours.
#include "finalize/host/memory.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME     "bootferry-accelerator"
#define TEXT_MAX 512
#define OTHERS   (S_IWGRP | S_IWOTH)
#define FOLDER   (O_RDONLY | O_DIRECTORY | O_CLOEXEC)
#define THE_FILE (O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)

static int open_ours(const char *path)
{
    struct stat st;
    int fd = path && *path ? open(path, FOLDER) : -1;
    if (fd >= 0 && (fstat(fd, &st) < 0 || st.st_uid != geteuid() || (st.st_mode & OTHERS))) {
        close(fd);
        return -1;
    }
    return fd;
}

static int open_folder(const char *folder)
{
    int fd = open_ours(getenv("XDG_RUNTIME_DIR"));
    if (fd < 0 && geteuid() == 0)
        fd = open_ours("/run");
    return fd < 0 ? open_ours(folder) : fd;
}

static bool read_small(int fd, char *text, size_t size)
{
    ssize_t len = read(fd, text, size - 1);
    text[len > 0 ? len : 0] = 0;
    return len > 0;
}

// Two lines that change when the host or its KVM starts anew.
static bool make_key(char *key, size_t size)
{
    char id[64];
    struct stat st;
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    bool ok = fd >= 0 && read_small(fd, id, sizeof id) && stat("/dev/kvm", &st) == 0;
    if (fd >= 0)
        close(fd);
    if (!ok)
        return false;
    id[strcspn(id, "\n")] = 0;
    snprintf(key, size, "%s\n%lld.%09lld\n", id, (long long)st.st_ctim.tv_sec,
             (long long)st.st_ctim.tv_nsec);
    return true;
}

static bool read_memory(int folder, char *text, size_t size)
{
    struct stat st;
    int fd = openat(folder, NAME, O_RDONLY | THE_FILE);
    bool ok = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
              !(st.st_mode & OTHERS) && read_small(fd, text, size);
    if (fd >= 0)
        close(fd);
    return ok;
}

bool bf_accel_recall(const char *folder, struct bf_accel *accel)
{
    char key[128], text[TEXT_MAX];
    int fd = open_folder(folder);
    bool ok = fd >= 0 && make_key(key, sizeof key) && read_memory(fd, text, sizeof text) &&
              strncmp(text, key, strlen(key)) == 0;
    if (fd >= 0)
        close(fd);
    const char *line = ok ? text + strlen(key) : "", *why = line + 4;
    bool kvm = strncmp(line, "kvm\n", 4) == 0;
    if (!kvm && strncmp(line, "tcg\n", 4) != 0)
        return false;
    accel->kvm = kvm;
    snprintf(accel->why, sizeof accel->why, "%.*s (found earlier)", (int)strcspn(why, "\n"), why);
    return true;
}

void bf_accel_remember(const char *folder, const struct bf_accel *accel)
{
    char key[128], text[TEXT_MAX], name[64];
    int dir = open_folder(folder), fd = -1;
    if (dir >= 0 && make_key(key, sizeof key)) {
        snprintf(name, sizeof name, "." NAME ".%d", (int)gettid());
        unlinkat(dir, name, 0); // of a process that was killed
        fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | THE_FILE, 0600);
    }
    if (fd >= 0) {
        int len =
            snprintf(text, sizeof text, "%s%s\n%s\n", key, accel->kvm ? "kvm" : "tcg", accel->why);
        bool ok = write(fd, text, (size_t)len) == len;
        if (close(fd) < 0 || !ok || renameat(dir, name, dir, NAME) < 0)
            unlinkat(dir, name, 0);
    }
    if (dir >= 0)
        close(dir);
}
