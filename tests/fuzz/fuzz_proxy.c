// SPDX-License-Identifier: Apache-2.0
// The head of a proxy's answer: any bytes, in pieces of any size, end the same way as in one; what
// is kept for the operator can be printed.
#include <string.h>

#include "base/bytes.h"
#include "net/http/proxy_answer.h"
#include "tests/fuzz_seed.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static const char *const seeds[] = {
        "HTTP/1.1 200 Connection established\r\n\r\nbytes",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 200 OK\nVia: x\n\n",
        "HTTP/1.1 407 No\r\nProxy-Authenticate: Digest\r\nproxy-authenticate:basic\r\n\r\n",
        "SSH-2.0-OpenSSH_9.2\r\n", "HTTP/1.1 502\r\n\r\n"};
    for (unsigned i = 0; i < BF_COUNT(seeds); i++)
        fuzz_seed(*argc, *argv, i, seeds[i], strlen(seeds[i]));
    return 0;
}

static void judge_text(const char *text, size_t size)
{
    size_t len = strnlen(text, size);
    if (len == size)
        __builtin_trap();
    for (size_t i = 0; i < len; i++)
        if (text[i] < 0x20 || text[i] > 0x7e)
            __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct bf_proxy_answer whole, pieces;
    size_t used, at = 0, step;
    enum bf_err err, other = BF_AGAIN;
    memset(&whole, 0, sizeof whole);
    memset(&pieces, 0, sizeof pieces);
    err = bf_proxy_answer_take(&whole, data, size, &used);
    for (size_t turn = 1; other == BF_AGAIN && at < size; turn++) {
        size_t len = 1 + turn % 7 < size - at ? 1 + turn % 7 : size - at;
        other = bf_proxy_answer_take(&pieces, data + at, len, &step);
        at += step;
    }
    if (err != other || used != at || whole.status != pieces.status ||
        strcmp(whole.challenge, pieces.challenge) != 0 || (err == BF_OK && whole.status < 200))
        __builtin_trap();
    judge_text(whole.reason, sizeof whole.reason);
    judge_text(whole.challenge, sizeof whole.challenge);
    return 0;
}
