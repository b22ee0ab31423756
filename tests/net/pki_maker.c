// SPDX-License-Identifier: Apache-2.0
// Test certificates by OpenSSL, so that what mbedTLS judges comes from a second implementation.
#include "tests/net/pki_maker.h"

#include <openssl/ec.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DAY = 86400 };

static void extend(X509 *c, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer, c, NULL, NULL, 0);
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    if (!e) {
        fprintf(stderr, "pki_maker: bad extension %s\n", value);
        abort();
    }
    X509_add_ext(c, e, -1);
    X509_EXTENSION_free(e);
}

static X509 *begin(const char *subject, int64_t from, int64_t to, EVP_PKEY *key)
{
    static long serial = 1000;
    X509 *c = X509_new();
    X509_set_version(c, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(c), serial++);
    X509_gmtime_adj(X509_getm_notBefore(c), from);
    X509_gmtime_adj(X509_getm_notAfter(c), to);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(c), "CN", MBSTRING_UTF8,
                               (const unsigned char *)subject, -1, -1, 0);
    X509_set_pubkey(c, key);
    return c;
}

struct test_pair test_root(const char *subject)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *c = begin(subject, -2 * DAY, 3650 * DAY, key);
    X509_set_issuer_name(c, X509_get_subject_name(c));
    extend(c, c, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
    extend(c, c, NID_key_usage, "critical,keyCertSign,cRLSign");
    extend(c, c, NID_subject_key_identifier, "hash");
    X509_sign(c, key, EVP_sha256());
    return (struct test_pair){c, key};
}

struct test_pair test_issue(const struct test_pair *root, const struct test_profile *p)
{
    EVP_PKEY *key = p->key;
    if (key)
        EVP_PKEY_up_ref(key);
    else
        key = EVP_EC_gen("P-256");
    X509 *c = begin(p->subject, p->from, p->to, key);
    X509_set_issuer_name(c, X509_get_subject_name(root->certificate));
    extend(c, root->certificate, NID_basic_constraints, "critical,CA:FALSE");
    extend(c, root->certificate, NID_key_usage, "critical,digitalSignature");
    if (p->usage)
        extend(c, root->certificate, NID_ext_key_usage, p->usage);
    if (p->names)
        extend(c, root->certificate, NID_subject_alt_name, p->names);
    X509_sign(c, root->key, EVP_sha256());
    return (struct test_pair){c, key};
}

struct test_pair test_server(const struct test_pair *root)
{
    struct test_profile p = {
        "replica",    "URI:bootferry:server,DNS:server.test,IP:127.0.0.1,IP:::1",
        "serverAuth", -2 * DAY,
        365 * DAY,    NULL};
    return test_issue(root, &p);
}

struct test_pair test_machine(const struct test_pair *root, const char *name)
{
    char names[128];
    snprintf(names, sizeof names, "URI:bootferry:machine:%s", name);
    struct test_profile p = {name, names, "clientAuth", -2 * DAY, 365 * DAY, NULL};
    return test_issue(root, &p);
}

void test_pair_free(struct test_pair *pair)
{
    X509_free(pair->certificate);
    EVP_PKEY_free(pair->key);
    memset(pair, 0, sizeof *pair);
}

size_t test_certificate_der(const struct test_pair *pair, uint8_t *out, size_t size)
{
    int len = i2d_X509(pair->certificate, NULL);
    if (len <= 0 || (size_t)len > size)
        abort();
    return (size_t)i2d_X509(pair->certificate, &out);
}

size_t test_key_der(const struct test_pair *pair, uint8_t *out, size_t size)
{
    int len = i2d_PrivateKey(pair->key, NULL);
    if (len <= 0 || (size_t)len > size)
        abort();
    return (size_t)i2d_PrivateKey(pair->key, &out);
}
