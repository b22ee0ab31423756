// SPDX-License-Identifier: Apache-2.0
// The server's groups, see kex.h. The client's order decides, and ours puts the hybrid group first.
#include "replica/pki/kex.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stddef.h>

#include "replica/pki/kex_provider.h"

static SSL_CTX *with_groups(const char *groups)
{
    SSL_CTX *c = SSL_CTX_new(TLS_server_method());
    if (c && SSL_CTX_set1_groups_list(c, groups) == 1)
        return c;
    SSL_CTX_free(c);
    return NULL;
}

SSL_CTX *bf_kex_context(int *hybrid)
{
    *hybrid = 1;
    // OpenSSL 3.5 has the group, and reads the slash as: what stands before it is worth a second
    // round trip with a client that knows it and sent another share.
    SSL_CTX *c = with_groups(BF_KEX_HYBRID_NAME "/X25519:P-256:P-384");
    if (!c && bf_kex_provider_load())
        c = with_groups(BF_KEX_HYBRID_NAME ":X25519:P-256:P-384");
    if (!c) {
        *hybrid = 0;
        c = with_groups("X25519:P-256:P-384");
    }
    if (c)
        ERR_clear_error();
    return c;
}

int bf_kex_has_hybrid(void)
{
    int hybrid;
    SSL_CTX_free(bf_kex_context(&hybrid));
    return hybrid;
}
