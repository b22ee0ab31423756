// SPDX-License-Identifier: Apache-2.0
// Keys, requests and the judgement of the certificate that comes back, by mbedTLS. P-256 keys
// (SEC 1), PKCS#10 requests (RFC 2986) signed with ECDSA and SHA-256.
#include "net/tls/enrol.h"

#include <string.h>

#include <mbedtls/ecp.h>
#include <mbedtls/pk.h>
#include <mbedtls/x509_csr.h>

#include "base/assert.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "net/tls/mbedtls_port.h"
#include "net/tls/pki.h"
#include "net/proto/proto.h"

enum bf_err bf_enrol_new_key(struct bf_identity *identity)
{
    mbedtls_pk_context pk;
    uint8_t der[BF_ENROL_KEY_MAX];
    enum bf_err err = bf_crypto_start();
    if (err != BF_OK)
        return err;
    mbedtls_pk_init(&pk);
    int r = mbedtls_pk_setup(&pk, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY));
    if (r == 0)
        r = mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(pk), bf_crypto_random,
                                NULL);
    if (r == 0)
        r = mbedtls_pk_write_key_der(&pk, der, sizeof der); // at the end of the buffer
    if (r > 0) {
        BF_ASSERT((size_t)r <= sizeof der);
        identity->key_len = (size_t)r;
        memcpy(identity->key, der + sizeof der - (size_t)r, (size_t)r);
    }
    bf_wipe(der, sizeof der);
    mbedtls_pk_free(&pk);
    return r > 0 ? BF_OK : bf_crypto_err(r);
}

enum bf_err bf_enrol_request(const struct bf_identity *identity, const char *name,
                             uint8_t csr[BF_ENROL_CSR_MAX], size_t *len)
{
    mbedtls_pk_context pk;
    mbedtls_x509write_csr request;
    uint8_t der[BF_ENROL_CSR_MAX];
    char subject[BF_NAME_MAX + 4];
    enum bf_err err = bf_crypto_start();
    if (err != BF_OK)
        return err;
    if (!bf_machine_name_ok(name))
        return BF_ERR_RANGE; // nothing in a good name needs to be escaped
    bf_snprintf(subject, sizeof subject, "CN=%s", name);
    mbedtls_pk_init(&pk);
    mbedtls_x509write_csr_init(&request);
    int r = mbedtls_pk_parse_key(&pk, identity->key, identity->key_len, NULL, 0, bf_crypto_random,
                                 NULL);
    if (r == 0)
        r = mbedtls_x509write_csr_set_subject_name(&request, subject);
    mbedtls_x509write_csr_set_md_alg(&request, MBEDTLS_MD_SHA256);
    mbedtls_x509write_csr_set_key(&request, &pk);
    if (r == 0)
        r = mbedtls_x509write_csr_der(&request, der, sizeof der, bf_crypto_random, NULL);
    if (r > 0) {
        BF_ASSERT((size_t)r <= sizeof der);
        *len = (size_t)r;
        memcpy(csr, der + sizeof der - (size_t)r, (size_t)r);
    }
    mbedtls_x509write_csr_free(&request);
    mbedtls_pk_free(&pk);
    return r > 0 ? BF_OK : bf_crypto_err(r);
}

static enum bf_err refuse(struct bf_fault *fault, const char *what, const char *name)
{
    return bf_fault_set(fault, BF_ERR_AUTH, BF_SIDE_SERVER, "check the server's log",
                        "the certificate that the server gave to %s %s", name, what);
}

enum bf_err bf_enrol_accept(struct bf_identity *identity, const char *name, const uint8_t *root,
                            size_t root_len, const uint8_t *certificate, size_t certificate_len,
                            struct bf_fault *fault)
{
    struct bf_pki_info info;
    BF_ASSERT(identity->key_len && identity->key_len <= sizeof identity->key);
    if (certificate_len > sizeof identity->certificate ||
        bf_pki_read(certificate, certificate_len, &info) != BF_OK)
        return refuse(fault, "cannot be read", name);
    if (bf_pki_signed_by(certificate, certificate_len, root, root_len) != BF_OK)
        return refuse(fault, "is not signed by the pinned root", name);
    if (strcmp(info.machine, name) != 0 || info.is_ca)
        return refuse(fault, "has the wrong role", name);
    if (!info.client_auth)
        return refuse(fault, "is not for client authentication", name);
    if (bf_pki_key_fits(certificate, certificate_len, identity->key, identity->key_len) != BF_OK)
        return refuse(fault, "belongs to a different key", name);
    memcpy(identity->certificate, certificate, certificate_len);
    identity->certificate_len = certificate_len;
    return BF_OK;
}
