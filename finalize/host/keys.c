// SPDX-License-Identifier: Apache-2.0
// See keys.h.
#include "finalize/host/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/config.h"
#include "finalize/core/fault.h"

#define ENCODED (BF_KEY_MAX / 3 * 4 + 8)

static enum bf_err fail(struct bf_fault *fault, const struct bf_plan_key *key, const char *why)
{
    return bf_fault_set(fault, BF_ERR_CONFIG, BF_SIDE_CONFIG, "correct key_file in the plan",
                        "the key file of UUID=%s, %.80s: %s", key->uuid, key->key_file, why);
}

// A whole key file: LUKS takes every byte, a line end too.
static json_t *read_key(const struct bf_plan_key *key, struct bf_fault *fault)
{
    unsigned char bytes[BF_KEY_MAX + 1];
    char text[ENCODED];
    struct stat st;
    json_t *out = NULL;
    int fd = open(key->key_file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t n = fd < 0 ? -1 : read(fd, bytes, sizeof bytes);
    if (n < 0)
        fail(fault, key, strerror(errno));
    else if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        fail(fault, key, "is not a file");
    else if (n == 0 || n > BF_KEY_MAX)
        fail(fault, key, n ? "has more than 8192 bytes" : "is empty");
    else if (bf_base64_encode(bytes, (size_t)n, text, sizeof text))
        out = json_string(text);
    if (fd >= 0)
        close(fd);
    explicit_bzero(bytes, sizeof bytes);
    explicit_bzero(text, sizeof text);
    return out;
}

json_t *bf_run_keys(const struct bf_plan *plan, enum bf_err *err, struct bf_fault *fault)
{
    json_t *list = NULL;
    *err = BF_OK;
    for (size_t i = 0; i < plan->unlocks && !*err; i++) {
        const struct bf_plan_key *key = &plan->unlock[i];
        json_t *one = key->key_file[0] ? read_key(key, fault) : json_null();
        if (!list)
            list = json_array();
        if (!one)
            *err = BF_ERR_CONFIG;
        else
            json_array_append_new(list, one);
    }
    if (*err) {
        bf_run_keys_wipe(list);
        return NULL;
    }
    return list;
}

void bf_run_keys_wipe(json_t *keys)
{
    size_t i;
    json_t *key;
    json_array_foreach(keys, i, key)
    {
        if (json_is_string(key)) // jansson keeps the text in one piece, which is ours
            explicit_bzero((char *)json_string_value(key), json_string_length(key));
    }
    json_decref(keys);
}
