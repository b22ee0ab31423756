// SPDX-License-Identifier: Apache-2.0
// Programs that make images, see child.h; started as all children are (process.h). Output of the
// child goes to an unnamed file, of which the last line becomes the reason of a failure.
#include "replica/media/child.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fmt.h"
#include "replica/qemu/process.h"
#include "replica/state/reason.h"

// The last line that is not empty, without its newline.
static void last_line(int fd, char *out, size_t size)
{
    char text[1024];
    off_t end = lseek(fd, 0, SEEK_END);
    off_t start = end > (off_t)sizeof text - 1 ? end - (off_t)sizeof text + 1 : 0;
    ssize_t got = pread(fd, text, sizeof text - 1, start);
    size_t len = got > 0 ? (size_t)got : 0;
    while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r' || text[len - 1] == ' '))
        len--;
    text[len] = 0;
    const char *line = strrchr(text, '\n');
    bf_snprintf(out, size, "%s", line ? line + 1 : text);
}

static enum bf_err judge(const char *const argv[], enum bf_err err, int output, const char *doing,
                         struct bf_fault *fault)
{
    char line[128];
    if (!err)
        return BF_OK;
    if (err == BF_ERR_CANCELLED)
        return bf_fault_set(fault, err, BF_SIDE_NONE, "start it again",
                            "cannot %s: it was interrupted", doing);
    if (err == BF_ERR_TIMEOUT)
        return bf_fault_set(fault, err, BF_SIDE_SERVER, "look at the server's system log",
                            "cannot %s: %s hung and was killed", doing, argv[0]);
    last_line(output, line, sizeof line);
    return bf_fault_set(fault, bf_reason_text(line, BF_ERR_IO), BF_SIDE_SERVER, "see its message",
                        "cannot %s: %s failed: %s", doing, argv[0], line);
}

enum bf_err bf_child_run(const char *const argv[], const int *keep, const char *package,
                         const char *doing, struct bf_fault *fault)
{
    pid_t pid;
    int output = memfd_create("child", MFD_CLOEXEC);
    if (output < 0)
        return bf_fault_set(fault, BF_ERR_NO_MEMORY, BF_SIDE_SERVER, "free some memory",
                            "cannot %s: %s", doing, strerror(errno));
    struct bf_process_config config = {
        .argv = argv, .dir = -1, .keep = -1, .keep_more = keep, .output = output};
    enum bf_err err = bf_process_start(&config, &pid);
    if (err == BF_ERR_NOT_FOUND) {
        char todo[128];
        bf_snprintf(todo, sizeof todo, "install the package %s", package);
        err = bf_fault_set(fault, BF_ERR_NOT_FOUND, BF_SIDE_SERVER, todo,
                           "cannot %s: the program %s is not installed", doing, argv[0]);
    } else if (err) {
        err = bf_fault_set(fault, err, BF_SIDE_SERVER, "try again", "cannot start %s", argv[0]);
    } else {
        err = judge(argv, bf_process_await(pid, argv[0]), output, doing, fault);
    }
    close(output);
    return err;
}
