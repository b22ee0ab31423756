// SPDX-License-Identifier: Apache-2.0
// The certificate authority: what it makes is looked at with OpenSSL directly, and what it is asked
// to sign is forged in every way that a request can be.
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "replica/state/file.h"
#include "replica/pki/ca.h"
#include "replica/pki/x509.h"
#include "tests/unit/test.h"

static struct bf_tempdir folder;
#define state folder.path
static struct bf_fault fault;

static struct bf_ca_addresses addresses_of(const char *list)
{
    struct bf_ca_addresses out;
    CHECK_EQ(bf_ca_addresses_parse(&out, list, &fault), BF_OK);
    return out;
}

// A new authority in a new folder; end_with takes both away.
static struct bf_ca *begin(const char *list)
{
    struct bf_ca *ca = NULL;
    struct bf_ca_addresses addresses = addresses_of(list);
    CHECK_EQ(bf_tempdir_make(&folder, &fault), BF_OK);
    CHECK_EQ(bf_ca_create(state, &addresses, &fault), BF_OK);
    CHECK_EQ(bf_ca_open(&ca, state, &fault), BF_OK);
    return ca;
}

static void end_with(struct bf_ca *ca)
{
    bf_ca_close(ca);
    bf_tempdir_remove(&folder);
}

static X509 *decode(const struct bf_ca_certificate *c)
{
    const uint8_t *at = c->der;
    X509 *x = d2i_X509(NULL, &at, c->len);
    CHECK(x && at == c->der + c->len);
    return x;
}

static int verifies(struct bf_ca *ca, const struct bf_ca_certificate *c, int purpose)
{
    struct bf_ca_certificate root;
    CHECK_EQ(bf_ca_root(ca, &root, &fault), BF_OK);
    X509 *trusted = decode(&root), *x = decode(c);
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    X509_STORE_add_cert(store, trusted);
    X509_STORE_CTX_init(context, store, x, NULL);
    X509_STORE_CTX_set_purpose(context, purpose);
    X509_VERIFY_PARAM_set_flags(X509_STORE_CTX_get0_param(context), X509_V_FLAG_X509_STRICT);
    int ok = X509_verify_cert(context) == 1;
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    X509_free(trusted);
    X509_free(x);
    return ok;
}

static mode_t mode_of(const char *name)
{
    char path[4200];
    struct stat st;
    snprintf(path, sizeof path, "%s/pki/%s", state, name);
    CHECK_EQ(stat(path, &st), 0);
    return st.st_mode & 0777;
}

static void test_addresses_are_parsed_strictly(void)
{
    static const char *const bad[] = {
        "",    ",",   "a,",        "-a",         "a-",  "a..b",  "10.0.0",    "1.2.3.4.5",
        "a b", "a/b", "host:7667", "[10.0.0.1]", "::g", "a_b.c", "256.1.1.1", "a,b,c,d,e,f,g,h,i"};
    struct bf_ca_addresses a;
    for (size_t i = 0; i < BF_COUNT(bad); i++)
        if (bf_ca_addresses_parse(&a, bad[i], &fault) == BF_OK)
            FAIL("\"%s\" was accepted", bad[i]);
    a = addresses_of("Replica.Example.org,10.0.0.5,[fd00:0::1],fd00::1,10.0.0.5");
    CHECK_EQ(a.count, 3);
    CHECK_STR(a.text[0], "replica.example.org");
    CHECK_STR(a.text[1], "10.0.0.5");
    CHECK_STR(a.text[2], "fd00::1");
}

static void test_server_certificate(void)
{
    struct bf_ca_certificate c;
    struct bf_ca_addresses a;
    char role[64];
    struct bf_ca *ca = begin("replica.example.org,10.0.0.5,fd00::1");
    CHECK_EQ(bf_ca_server(ca, &c, &fault), BF_OK);
    CHECK(verifies(ca, &c, X509_PURPOSE_SSL_SERVER));
    CHECK(!verifies(ca, &c, X509_PURPOSE_SSL_CLIENT));
    X509 *x = decode(&c);
    CHECK_EQ(X509_check_host(x, "replica.example.org", 0, 0, NULL), 1);
    CHECK_EQ(X509_check_ip_asc(x, "10.0.0.5", 0), 1);
    CHECK_EQ(X509_check_ip_asc(x, "fd00::1", 0), 1);
    CHECK_EQ(X509_check_ip_asc(x, "10.0.0.6", 0), 0);
    CHECK(bf_x509_role(x, role, sizeof role));
    CHECK_STR(role, "bootferry:server");
    X509_free(x);
    CHECK_EQ(bf_ca_addresses(ca, &a, &fault), BF_OK);
    CHECK_EQ(a.count, 3);
    CHECK_STR(a.text[0], "replica.example.org");
    CHECK_STR(a.text[2], "fd00::1");
    end_with(ca);
}

static void test_machine_certificate(void)
{
    static struct bf_ca_identity id, other;
    char role[128];
    struct bf_ca *ca = begin("10.0.0.5");
    CHECK_EQ(bf_ca_issue(ca, "web-1", &id, &fault), BF_OK);
    CHECK_EQ(bf_ca_issue(ca, "web-1", &other, &fault), BF_OK);
    CHECK(strcmp(id.certificate.serial, other.certificate.serial) != 0);
    CHECK(verifies(ca, &id.certificate, X509_PURPOSE_SSL_CLIENT));
    CHECK(!verifies(ca, &id.certificate, X509_PURPOSE_SSL_SERVER));
    X509 *x = decode(&id.certificate);
    CHECK(bf_x509_role(x, role, sizeof role));
    CHECK_STR(role, "bootferry:machine:web-1");
    const uint8_t *at = id.key;
    EVP_PKEY *key = d2i_AutoPrivateKey(NULL, &at, id.key_len);
    CHECK(key && X509_check_private_key(x, key) == 1);
    EVP_PKEY_free(key);
    X509_free(x);
    int64_t now = time(NULL), two_days = 2 * 24 * 60 * 60;
    CHECK(id.certificate.not_before <= now - two_days);
    CHECK(id.certificate.not_before >= now - two_days - 60);
    CHECK(id.certificate.not_after > now + (int64_t)20 * 365 * 24 * 60 * 60);
    CHECK_EQ(bf_ca_issue(ca, "Web 1", &id, &fault), BF_ERR_CONFIG);
    end_with(ca);
}

static void test_keys_are_private(void)
{
    struct bf_ca *ca = begin("10.0.0.5");
    CHECK_EQ(mode_of("root.key"), 0600);
    CHECK_EQ(mode_of("server.key"), 0600);
    CHECK_EQ(mode_of("."), 0700);
    end_with(ca);
}

static void test_root_is_never_replaced(void)
{
    struct bf_ca_certificate before, after;
    struct bf_ca *ca = begin("10.0.0.5");
    struct bf_ca_addresses more = addresses_of("10.0.0.6");
    CHECK_EQ(bf_ca_root(ca, &before, &fault), BF_OK);
    CHECK_EQ(bf_ca_create(state, &more, &fault), BF_ERR_EXISTS);
    bf_ca_close(ca);
    CHECK_EQ(bf_ca_open(&ca, state, &fault), BF_OK);
    CHECK_EQ(bf_ca_root(ca, &after, &fault), BF_OK);
    CHECK_EQ(before.len, after.len);
    CHECK_MEM(after.der, before.der, before.len);
    end_with(ca);
}

static void test_addresses_are_added(void)
{
    struct bf_ca_addresses more = addresses_of("10.0.0.5,b.example"), all;
    struct bf_ca_certificate before, after;
    uint32_t added;
    struct bf_ca *ca = begin("a.example,10.0.0.5");
    CHECK_EQ(bf_ca_server(ca, &before, &fault), BF_OK);
    CHECK_EQ(bf_ca_add_addresses(ca, &more, &added, &fault), BF_OK);
    CHECK_EQ(added, 1);
    CHECK_EQ(bf_ca_server(ca, &after, &fault), BF_OK);
    CHECK(strcmp(before.serial, after.serial) != 0);
    bf_ca_close(ca);
    CHECK_EQ(bf_ca_open(&ca, state, &fault), BF_OK);
    CHECK_EQ(bf_ca_addresses(ca, &all, &fault), BF_OK);
    CHECK_EQ(all.count, 3);
    CHECK_STR(all.text[0], "a.example");
    CHECK_STR(all.text[2], "b.example");
    CHECK_EQ(bf_ca_server(ca, &after, &fault), BF_OK);
    CHECK(verifies(ca, &after, X509_PURPOSE_SSL_SERVER));
    CHECK_EQ(bf_ca_add_addresses(ca, &more, &added, &fault), BF_OK);
    CHECK_EQ(added, 0);
    end_with(ca);
}

static void test_foreign_key_is_noticed(void)
{
    char from[4200], to[4200];
    struct bf_ca *ca = begin("10.0.0.5");
    bf_ca_close(ca);
    snprintf(from, sizeof from, "%s/pki/root.key", state);
    snprintf(to, sizeof to, "%s/pki/server.key", state);
    CHECK_EQ(rename(from, to), 0);
    CHECK(bf_ca_open(&ca, state, &fault) != BF_OK);
    end_with(NULL);
}

// ---- Requests ----------------------------------------------------------------------------------

static size_t request_for(EVP_PKEY *key, EVP_PKEY *signer, const char *name, uint8_t *out)
{
    X509_REQ *r = X509_REQ_new();
    X509_NAME_add_entry_by_NID(X509_REQ_get_subject_name(r), NID_commonName, MBSTRING_UTF8,
                               (const unsigned char *)name, -1, -1, 0);
    X509_REQ_set_pubkey(r, key);
    CHECK(X509_REQ_sign(r, signer, EVP_sha256()) > 0);
    int len = i2d_X509_REQ(r, &out);
    X509_REQ_free(r);
    CHECK(len > 0);
    return (size_t)len;
}

static void test_request_gives_only_its_key(void)
{
    static struct bf_ca_certificate c;
    uint8_t csr[4096];
    char role[128], name[64];
    struct bf_ca *ca = begin("10.0.0.5");
    EVP_PKEY *key = EVP_EC_gen("P-256");
    size_t len = request_for(key, key, "root-of-evil", csr);
    CHECK_EQ(bf_ca_enrol(ca, "db-1", csr, len, &c, &fault), BF_OK);
    CHECK(verifies(ca, &c, X509_PURPOSE_SSL_CLIENT));
    X509 *x = decode(&c);
    CHECK(bf_x509_role(x, role, sizeof role));
    CHECK_STR(role, "bootferry:machine:db-1");
    X509_NAME_get_text_by_NID(X509_get_subject_name(x), NID_commonName, name, sizeof name);
    CHECK_STR(name, "db-1");
    CHECK_EQ(EVP_PKEY_eq(X509_get0_pubkey(x), key), 1);
    CHECK_EQ(X509_check_ca(x), 0);
    X509_free(x);
    EVP_PKEY_free(key);
    end_with(ca);
}

static void test_requests_that_are_refused(void)
{
    static struct bf_ca_certificate c;
    uint8_t csr[4096];
    struct bf_ca *ca = begin("10.0.0.5");
    EVP_PKEY *good = EVP_EC_gen("P-256"), *other = EVP_EC_gen("P-256");
    EVP_PKEY *wide = EVP_EC_gen("P-384"), *rsa = EVP_RSA_gen(2048);
    size_t len = request_for(wide, wide, "db-1", csr);
    CHECK_EQ(bf_ca_enrol(ca, "db-1", csr, len, &c, &fault), BF_ERR_PROTOCOL);
    len = request_for(rsa, rsa, "db-1", csr);
    CHECK_EQ(bf_ca_enrol(ca, "db-1", csr, len, &c, &fault), BF_ERR_PROTOCOL);
    len = request_for(good, other, "db-1", csr); // somebody else's public key
    CHECK_EQ(bf_ca_enrol(ca, "db-1", csr, len, &c, &fault), BF_ERR_PROTOCOL);
    len = request_for(good, good, "db-1", csr);
    csr[len] = 0; // bytes behind it
    CHECK_EQ(bf_ca_enrol(ca, "db-1", csr, len + 1, &c, &fault), BF_ERR_PROTOCOL);
    CHECK_EQ(bf_ca_enrol(ca, "db-1", csr, len - 1, &c, &fault), BF_ERR_PROTOCOL);
    CHECK_EQ(bf_ca_enrol(ca, "db-1", csr, 0, &c, &fault), BF_ERR_PROTOCOL);
    CHECK_EQ(bf_ca_enrol(ca, "../db", csr, len, &c, &fault), BF_ERR_CONFIG);
    CHECK_EQ(bf_ca_enrol(ca, "db-1", csr, len, &c, &fault), BF_OK);
    csr[40] ^= 1; // within what was signed
    CHECK_EQ(bf_ca_enrol(ca, "db-1", csr, len, &c, &fault), BF_ERR_PROTOCOL);
    EVP_PKEY_free(good);
    EVP_PKEY_free(other);
    EVP_PKEY_free(wide);
    EVP_PKEY_free(rsa);
    end_with(ca);
}

static void test_openssl_in_words(void)
{
    BIO *bio = BIO_new_mem_buf("no PEM", -1);
    CHECK(!PEM_read_bio_X509(bio, NULL, NULL, NULL));
    BIO_free(bio);
    CHECK_STR(bf_openssl_reason(), "no start line"); // and no error:0480006C:PEM routines::
    CHECK_STR(bf_openssl_reason(), "OpenSSL gives no reason");
}

TEST_MAIN(TEST(test_openssl_in_words), TEST(test_addresses_are_parsed_strictly),
          TEST(test_server_certificate), TEST(test_machine_certificate),
          TEST(test_keys_are_private), TEST(test_root_is_never_replaced),
          TEST(test_addresses_are_added), TEST(test_foreign_key_is_noticed),
          TEST(test_request_gives_only_its_key), TEST(test_requests_that_are_refused))
