// SPDX-License-Identifier: Apache-2.0
// A QEMU that a guest has taken over: its greeting and its answers are any bytes.
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "replica/qemu/qmp.h"

enum { BYTES_MAX = 65536, COMMANDS = 4 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char greeting[] = "{\"QMP\": {}}\n{\"return\": {}, \"id\": 1}\n";
    struct bf_fault fault = {.code = BF_OK};
    struct bf_qmp *qmp;
    json_t *result;
    int pair[2];

    if (size < 1 || size > BYTES_MAX || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
        return 0;
    if ((data[0] & 1) && write(pair[1], greeting, sizeof greeting - 1) < 0)
        abort();
    if (size > 1 && write(pair[1], data + 1, size - 1) < 0)
        abort();
    shutdown(pair[1], SHUT_WR);
    enum bf_err err = bf_qmp_over(pair[0], "web-1", 10000, &qmp, &fault);
    if (err && (qmp || !fault.what[0]))
        abort();
    for (int i = 0; !err && i < COMMANDS; i++) {
        err = bf_qmp_execute(qmp, "query-jobs", NULL, &result, &fault);
        if (!err != (result != NULL))
            abort();
        json_decref(result);
    }
    bf_qmp_close(qmp);
    close(pair[1]);
    return 0;
}
