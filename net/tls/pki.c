// SPDX-License-Identifier: Apache-2.0
// What is read out of certificates, by mbedTLS's parser. Roles are URIs among the alternative names
// of the subject, so that no host name can be mistaken for one. docs/tls.md has the profile.
#include "net/tls/pki.h"

#include <string.h>

#include <mbedtls/oid.h>
#include <mbedtls/pk.h>

#include "base/assert.h"
#include "base/fmt.h"
#include "net/tls/mbedtls_port.h"
#include "net/tls/pki_crt.h"
#include "net/proto/proto.h"
#include "net/tls/tls.h"
#include "net/tls/utc.h"

// Tag of a URI in a GeneralName: context-specific, primitive, number 6.
enum { TAG_URI = MBEDTLS_ASN1_CONTEXT_SPECIFIC | MBEDTLS_X509_SAN_UNIFORM_RESOURCE_IDENTIFIER };

static const mbedtls_x509_sequence *names(const mbedtls_x509_crt *crt)
{
    return mbedtls_x509_crt_has_ext_type(crt, MBEDTLS_X509_EXT_SUBJECT_ALT_NAME)
               ? &crt->subject_alt_names
               : NULL;
}

// The URI that is the only role, or NULL; *roles gets how many there are.
static const mbedtls_x509_buf *only_role(const mbedtls_x509_crt *crt, uint32_t *roles)
{
    static const char prefix[] = "bootferry:";
    const mbedtls_x509_buf *found = NULL;
    *roles = 0;
    for (const mbedtls_x509_sequence *n = names(crt); n; n = n->next) {
        if (n->buf.tag != TAG_URI || n->buf.len < sizeof prefix - 1 ||
            memcmp(n->buf.p, prefix, sizeof prefix - 1) != 0)
            continue;
        found = &n->buf;
        ++*roles;
    }
    BF_ASSERT((found != NULL) == (*roles > 0));
    return *roles == 1 ? found : NULL;
}

int bf_pki_has_role(const mbedtls_x509_crt *crt, const char *role)
{
    uint32_t roles;
    const mbedtls_x509_buf *found = only_role(crt, &roles);
    return found && found->len == strlen(role) && memcmp(found->p, role, found->len) == 0;
}

int bf_pki_is_for(const mbedtls_x509_crt *crt, const char *oid, size_t oid_len)
{
    return mbedtls_x509_crt_has_ext_type(crt, MBEDTLS_X509_EXT_EXTENDED_KEY_USAGE) &&
           mbedtls_x509_crt_check_extended_key_usage(crt, oid, oid_len) == 0;
}

int64_t bf_pki_seconds(const mbedtls_x509_time *t)
{
    return bf_utc_seconds(t->year, (uint32_t)t->mon, (uint32_t)t->day, (uint32_t)t->hour,
                          (uint32_t)t->min, (uint32_t)t->sec);
}

// Exactly one certificate and nothing behind it.
static enum bf_err parse(mbedtls_x509_crt *crt, const uint8_t *der, size_t len)
{
    int r = mbedtls_x509_crt_parse_der(crt, der, len);
    if (r != 0)
        return bf_crypto_err(r);
    BF_ASSERT(crt->raw.len && crt->raw.len <= len);
    return crt->raw.len == len ? BF_OK : BF_ERR_CORRUPT;
}

static enum bf_err read_role(const mbedtls_x509_crt *crt, struct bf_pki_info *out)
{
    size_t prefix = sizeof BF_TLS_ROLE_MACHINE - 1;
    uint32_t roles;
    const mbedtls_x509_buf *role = only_role(crt, &roles);
    if (roles == 0)
        return BF_OK;
    if (!role)
        return BF_ERR_CORRUPT;
    out->is_server = (uint8_t)bf_pki_has_role(crt, BF_TLS_ROLE_SERVER);
    if (role->len <= prefix || memcmp(role->p, BF_TLS_ROLE_MACHINE, prefix) != 0)
        return BF_OK;
    size_t len = role->len - prefix;
    if (len >= sizeof out->machine || memchr(role->p + prefix, 0, len))
        return BF_ERR_CORRUPT;
    BF_ASSERT(!out->is_server); // a certificate has one role
    memcpy(out->machine, role->p + prefix, len);
    out->machine[len] = 0;
    return bf_machine_name_ok(out->machine) ? BF_OK : BF_ERR_CORRUPT;
}

static enum bf_err describe(const mbedtls_x509_crt *crt, struct bf_pki_info *out)
{
    out->not_before = bf_pki_seconds(&crt->valid_from);
    out->not_after = bf_pki_seconds(&crt->valid_to);
    out->is_ca = mbedtls_x509_crt_get_ca_istrue(crt) == 1;
    out->server_auth = (uint8_t)bf_pki_is_for(crt, MBEDTLS_OID_SERVER_AUTH,
                                              MBEDTLS_OID_SIZE(MBEDTLS_OID_SERVER_AUTH));
    out->client_auth = (uint8_t)bf_pki_is_for(crt, MBEDTLS_OID_CLIENT_AUTH,
                                              MBEDTLS_OID_SIZE(MBEDTLS_OID_CLIENT_AUTH));
    if (mbedtls_x509_dn_gets(out->subject, sizeof out->subject, &crt->subject) < 0)
        bf_snprintf(out->subject, sizeof out->subject, "(subject too large to show)");
    return read_role(crt, out);
}

enum bf_err bf_pki_read(const uint8_t *der, size_t len, struct bf_pki_info *out)
{
    mbedtls_x509_crt crt;
    memset(out, 0, sizeof *out);
    enum bf_err err = bf_crypto_start();
    if (err != BF_OK)
        return err;
    mbedtls_x509_crt_init(&crt);
    err = parse(&crt, der, len);
    if (err == BF_OK)
        err = describe(&crt, out);
    mbedtls_x509_crt_free(&crt);
    return err;
}

enum bf_err bf_pki_key_fits(const uint8_t *certificate, size_t certificate_len, const uint8_t *key,
                            size_t key_len)
{
    mbedtls_x509_crt crt;
    mbedtls_pk_context pk;
    enum bf_err err = bf_crypto_start();
    if (err != BF_OK)
        return err;
    mbedtls_x509_crt_init(&crt);
    mbedtls_pk_init(&pk);
    err = parse(&crt, certificate, certificate_len);
    if (err == BF_OK)
        err =
            bf_crypto_err(mbedtls_pk_parse_key(&pk, key, key_len, NULL, 0, bf_crypto_random, NULL));
    if (err == BF_OK && mbedtls_pk_check_pair(&crt.pk, &pk, bf_crypto_random, NULL) != 0)
        err = BF_ERR_MISMATCH;
    mbedtls_pk_free(&pk);
    mbedtls_x509_crt_free(&crt);
    return err;
}

enum bf_err bf_pki_signed_by(const uint8_t *certificate, size_t certificate_len,
                             const uint8_t *root, size_t root_len)
{
    const uint32_t times = MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE;
    mbedtls_x509_crt crt, ca;
    uint32_t flags = UINT32_MAX;
    enum bf_err err = bf_crypto_start();
    if (err != BF_OK)
        return err;
    mbedtls_x509_crt_init(&crt);
    mbedtls_x509_crt_init(&ca);
    err = parse(&crt, certificate, certificate_len);
    if (err == BF_OK)
        err = parse(&ca, root, root_len);
    if (err == BF_OK) {
        int r = mbedtls_x509_crt_verify_with_profile(
            &crt, &ca, NULL, &mbedtls_x509_crt_profile_suiteb, NULL, &flags, NULL, NULL);
        BF_ASSERT(r || !flags);
        if (r != 0 && (r != MBEDTLS_ERR_X509_CERT_VERIFY_FAILED || (flags & ~times)))
            err = BF_ERR_AUTH;
    }
    mbedtls_x509_crt_free(&ca);
    mbedtls_x509_crt_free(&crt);
    return err;
}
