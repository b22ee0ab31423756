// SPDX-License-Identifier: Apache-2.0
// Certificates from anywhere: reading them, and judging one that a server gave.
#include <string.h>

#include "net/tls/enrol.h"
#include "net/tls/pki.h"
#include "net/proto/proto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct bf_identity identity;
    struct bf_pki_info info;
    struct bf_fault fault;
    if (identity.key_len == 0 && bf_enrol_new_key(&identity) != BF_OK)
        return 0;
    if (bf_pki_read(data, size, &info) == BF_OK) {
        if (info.machine[0] && (info.is_server || !bf_machine_name_ok(info.machine)))
            __builtin_trap();
        if (!memchr(info.subject, 0, sizeof info.subject))
            __builtin_trap();
    }
    bf_pki_signed_by(data, size, data, size);
    bf_pki_key_fits(data, size, identity.key, identity.key_len);
    if (bf_enrol_accept(&identity, "web1", data, size, data, size, &fault) == BF_OK)
        __builtin_trap(); // it cannot be for a key that was made just now
    return 0;
}
