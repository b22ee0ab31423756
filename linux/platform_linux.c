// SPDX-License-Identifier: Apache-2.0
// The platform of hosted programs: monotonic and wall clock, getrandom, aligned memory, the log on
// standard error with systemd's priority prefix where a journal reads it (sd-daemon(3)), and a
// short sleep. Programs that wait on descriptors do so themselves and do not call idle.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/platform.h"

static int64_t wall_offset;

uint64_t bf_platform_now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

int64_t bf_platform_wall(void)
{
    return (int64_t)time(NULL) + wall_offset;
}

void bf_platform_set_wall(int64_t unix_seconds)
{
    wall_offset = unix_seconds - (int64_t)time(NULL);
}

enum bf_err bf_platform_entropy(void *out, size_t len)
{
    unsigned char *at = out;
    while (len > 0) {
        ssize_t got = getrandom(at, len, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return BF_ERR_NO_ENTROPY;
        at += got;
        len -= (size_t)got;
    }
    return BF_OK;
}

void *bf_platform_alloc(size_t size, size_t align)
{
    void *memory = NULL;
    BF_ASSERT(!align || bf_is_power_of_two(align)); // or posix_memalign(3) has none
    if (align < sizeof(void *))
        align = sizeof(void *);
    return posix_memalign(&memory, align, size) == 0 ? memory : NULL;
}

void bf_platform_free(void *memory)
{
    free(memory);
}

void bf_platform_log(enum bf_log_level level, const char *line)
{
    static const char *const journal[] = {"<3>", "<4>", "<6>", "<7>"};
    static const char *const words[] = {"error: ", "warning: ", "", "debug: "};
    BF_ASSERT(level >= BF_LOG_ERROR && level <= BF_LOG_DEBUG);
    const char *prefix = getenv("JOURNAL_STREAM") ? journal[level] : words[level];
    fprintf(stderr, "%s%s\n", prefix, line);
}

void bf_platform_idle(uint32_t max_us)
{
    struct timespec t = {max_us / 1000000, (max_us % 1000000) * 1000};
    nanosleep(&t, NULL);
}
