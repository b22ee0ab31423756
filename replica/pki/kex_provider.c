// SPDX-License-Identifier: Apache-2.0
// A provider (provider(7)) that lives in this program and has what a TLS 1.3 server needs of a KEM
// group, and no more: the group itself (provider-base(7), TLS-GROUP), a key that holds a client's
// share (provider-keymgmt(7)), and encapsulation to it (provider-kem(7)). ML-KEM is ours, X25519 is
// OpenSSL's. What is wrong with a share is found while it is set, since TLS turns that into
// illegal_parameter (RFC 10024, 4.1).
#include "replica/pki/kex_provider.h"

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <openssl/rand.h>
#include <openssl/tls1.h>
#include <stdint.h>
#include <string.h>

#include "base/bytes.h"
#include "net/tls/mlkem.h"

#define GROUP    "X25519MLKEM768"
#define PROVIDER "bootferry"

enum {
    X25519 = 32,
    CLIENT_SHARE = BF_MLKEM_PUBLIC + X25519,
    SERVER_SHARE = BF_MLKEM_CIPHERTEXT + X25519,
    SECRET = BF_MLKEM_SECRET + X25519,
};

// A client's share; without one it is the group alone.
struct share {
    uint8_t bytes[CLIENT_SHARE];
    uint8_t is_set;
};

// ---- Keys --------------------------------------------------------------------------------------

static void *share_new(void *provider)
{
    return OPENSSL_zalloc(sizeof(struct share));
}

static void share_free(void *key)
{
    OPENSSL_free(key);
}

static int share_has(const void *key, int selection)
{
    const struct share *share = key;
    if (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY)
        return 0;
    return !(selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY) || share->is_set;
}

static const OSSL_PARAM *share_settable(void *provider)
{
    static const OSSL_PARAM params[] = {
        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, NULL, 0), OSSL_PARAM_END};
    return params;
}

static int share_set(void *key, const OSSL_PARAM params[])
{
    struct share *share = key;
    const OSSL_PARAM *p = OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY);
    if (!p)
        return 1;
    if (p->data_type != OSSL_PARAM_OCTET_STRING || p->data_size != CLIENT_SHARE ||
        !bf_mlkem_is_valid(p->data))
        return 0;
    memcpy(share->bytes, p->data, CLIENT_SHARE);
    share->is_set = 1;
    return 1;
}

static const OSSL_PARAM *share_gettable(void *provider)
{
    static const OSSL_PARAM params[] = {OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
                                        OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
                                        OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
                                        OSSL_PARAM_END};
    return params;
}

static int share_get(void *key, OSSL_PARAM params[])
{
    static const struct {
        const char *name;
        int value;
    } facts[] = {{OSSL_PKEY_PARAM_BITS, CLIENT_SHARE * 8},
                 {OSSL_PKEY_PARAM_SECURITY_BITS, 192},
                 {OSSL_PKEY_PARAM_MAX_SIZE, SERVER_SHARE}};
    for (size_t i = 0; i < BF_COUNT(facts); i++) {
        OSSL_PARAM *p = OSSL_PARAM_locate(params, facts[i].name);
        if (p && !OSSL_PARAM_set_int(p, facts[i].value))
            return 0;
    }
    return 1;
}

// TLS makes the group's "parameters", which are none, and sets the client's share on them.
static void *generate_begin(void *provider, int selection, const OSSL_PARAM params[])
{
    return selection & OSSL_KEYMGMT_SELECT_KEYPAIR ? NULL : share_new(provider);
}

static const OSSL_PARAM *generate_settable(void *key, void *provider)
{
    static const OSSL_PARAM params[] = {OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
                                        OSSL_PARAM_END};
    return params;
}

static int generate_set(void *key, const OSSL_PARAM params[])
{
    const OSSL_PARAM *p = OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_GROUP_NAME);
    return !p || (p->data_type == OSSL_PARAM_UTF8_STRING && strcmp(p->data, GROUP) == 0);
}

static void *generate(void *key, OSSL_CALLBACK *progress, void *arg)
{
    return share_new(NULL);
}

// ---- Encapsulation -----------------------------------------------------------------------------

static void *kem_new(void *provider)
{
    return OPENSSL_zalloc(sizeof(const struct share *));
}

static void kem_free(void *context)
{
    OPENSSL_free(context);
}

static int kem_begin(void *context, void *key, const OSSL_PARAM params[])
{
    const struct share **share = context;
    *share = key;
    return (*share)->is_set;
}

// Our X25519 share and the secret with the client's. 0 when that is all zeros (RFC 7748, 6.1),
// which OpenSSL sees to.
static int agree(const uint8_t theirs[X25519], uint8_t ours[X25519], uint8_t secret[X25519])
{
    size_t share_len = X25519, secret_len = X25519;
    EVP_PKEY *own = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
    EVP_PKEY *peer = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, theirs, X25519);
    EVP_PKEY_CTX *context = own ? EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL) : NULL;
    int done = context && peer && EVP_PKEY_get_raw_public_key(own, ours, &share_len) == 1 &&
               EVP_PKEY_derive_init(context) == 1 && EVP_PKEY_derive_set_peer(context, peer) == 1 &&
               EVP_PKEY_derive(context, secret, &secret_len) == 1 && secret_len == X25519;
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(peer);
    EVP_PKEY_free(own);
    return done;
}

static int kem_encapsulate(void *context, unsigned char *out, size_t *out_len,
                           unsigned char *secret, size_t *secret_len)
{
    const struct share *share = *(const struct share **)context;
    uint8_t coin[BF_MLKEM_COIN];
    int room = !out || (*out_len >= SERVER_SHARE && *secret_len >= SECRET);
    *out_len = SERVER_SHARE;
    *secret_len = SECRET;
    if (!out || !room)
        return room;
    int done =
        RAND_priv_bytes(coin, sizeof coin) == 1 &&
        bf_mlkem_encapsulate(share->bytes, coin, out, secret) &&
        agree(share->bytes + BF_MLKEM_PUBLIC, out + BF_MLKEM_CIPHERTEXT, secret + BF_MLKEM_SECRET);
    OPENSSL_cleanse(coin, sizeof coin);
    return done;
}

// ---- The provider ------------------------------------------------------------------------------

#define ENTRY(id, function)                                                                        \
    {                                                                                              \
        id, (void (*)(void))(function)                                                             \
    }
#define END                                                                                        \
    {                                                                                              \
        0, NULL                                                                                    \
    }

static const OSSL_DISPATCH keys[] = {
    ENTRY(OSSL_FUNC_KEYMGMT_NEW, share_new),
    ENTRY(OSSL_FUNC_KEYMGMT_FREE, share_free),
    ENTRY(OSSL_FUNC_KEYMGMT_HAS, share_has),
    ENTRY(OSSL_FUNC_KEYMGMT_SET_PARAMS, share_set),
    ENTRY(OSSL_FUNC_KEYMGMT_SETTABLE_PARAMS, share_settable),
    ENTRY(OSSL_FUNC_KEYMGMT_GET_PARAMS, share_get),
    ENTRY(OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, share_gettable),
    ENTRY(OSSL_FUNC_KEYMGMT_GEN_INIT, generate_begin),
    ENTRY(OSSL_FUNC_KEYMGMT_GEN_SET_PARAMS, generate_set),
    ENTRY(OSSL_FUNC_KEYMGMT_GEN_SETTABLE_PARAMS, generate_settable),
    ENTRY(OSSL_FUNC_KEYMGMT_GEN, generate),
    ENTRY(OSSL_FUNC_KEYMGMT_GEN_CLEANUP, share_free),
    END,
};

static const OSSL_DISPATCH kem[] = {
    ENTRY(OSSL_FUNC_KEM_NEWCTX, kem_new),
    ENTRY(OSSL_FUNC_KEM_FREECTX, kem_free),
    ENTRY(OSSL_FUNC_KEM_ENCAPSULATE_INIT, kem_begin),
    ENTRY(OSSL_FUNC_KEM_ENCAPSULATE, kem_encapsulate),
    END,
};

static const OSSL_ALGORITHM *operations(void *provider, int operation, int *no_cache)
{
    static const OSSL_ALGORITHM keymgmts[] = {{GROUP, "provider=" PROVIDER, keys, NULL},
                                              {NULL, NULL, NULL, NULL}};
    static const OSSL_ALGORITHM kems[] = {{GROUP, "provider=" PROVIDER, kem, NULL},
                                          {NULL, NULL, NULL, NULL}};
    *no_cache = 0;
    return operation == OSSL_OP_KEYMGMT ? keymgmts : operation == OSSL_OP_KEM ? kems : NULL;
}

static int capabilities(void *provider, const char *capability, OSSL_CALLBACK *callback, void *arg)
{
    static unsigned id = 0x11ec, bits = 192, is_kem = 1;
    static int tls_least = TLS1_3_VERSION, tls_most = 0, no_dtls = -1;
    static char name[] = GROUP;
    static const OSSL_PARAM group[] = {
        OSSL_PARAM_utf8_string(OSSL_CAPABILITY_TLS_GROUP_NAME, name, sizeof name),
        OSSL_PARAM_utf8_string(OSSL_CAPABILITY_TLS_GROUP_NAME_INTERNAL, name, sizeof name),
        OSSL_PARAM_utf8_string(OSSL_CAPABILITY_TLS_GROUP_ALG, name, sizeof name),
        OSSL_PARAM_uint(OSSL_CAPABILITY_TLS_GROUP_ID, &id),
        OSSL_PARAM_uint(OSSL_CAPABILITY_TLS_GROUP_SECURITY_BITS, &bits),
        OSSL_PARAM_int(OSSL_CAPABILITY_TLS_GROUP_MIN_TLS, &tls_least),
        OSSL_PARAM_int(OSSL_CAPABILITY_TLS_GROUP_MAX_TLS, &tls_most),
        OSSL_PARAM_int(OSSL_CAPABILITY_TLS_GROUP_MIN_DTLS, &no_dtls),
        OSSL_PARAM_int(OSSL_CAPABILITY_TLS_GROUP_MAX_DTLS, &no_dtls),
        OSSL_PARAM_uint(OSSL_CAPABILITY_TLS_GROUP_IS_KEM, &is_kem),
        OSSL_PARAM_END,
    };
    return OPENSSL_strcasecmp(capability, "TLS-GROUP") == 0 ? callback(group, arg) : 0;
}

static int provider_init(const OSSL_CORE_HANDLE *core, const OSSL_DISPATCH *in,
                         const OSSL_DISPATCH **out, void **context)
{
    static const OSSL_DISPATCH functions[] = {
        ENTRY(OSSL_FUNC_PROVIDER_QUERY_OPERATION, operations),
        ENTRY(OSSL_FUNC_PROVIDER_GET_CAPABILITIES, capabilities),
        END,
    };
    *out = functions;
    *context = (void *)core;
    return 1;
}

int bf_kex_provider_load(void)
{
    static OSSL_PROVIDER *loaded;
    // The system's own choice of providers, or OpenSSL's default one, stays in place beside it.
    if (!loaded && OSSL_PROVIDER_add_builtin(NULL, PROVIDER, provider_init) == 1)
        loaded = OSSL_PROVIDER_try_load(NULL, PROVIDER, 1);
    return loaded != NULL;
}
