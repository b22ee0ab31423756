// SPDX-License-Identifier: Apache-2.0
// The private certificate authority, see pki.h. Keys stay in memory only as long as the object is
// open; the folder appears by one rename, and later only server.pem is ever replaced.
#include "replica/pki/ca.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fmt.h"
#include "base/mem.h"
#include "net/proto/proto.h"
#include "net/tls/tls.h"
#include "replica/state/file.h"
#include "replica/pki/x509.h"

enum { PEM_MAX = 65536, PATH_SIZE = 4096 };

struct bf_ca {
    char folder[PATH_SIZE];
    X509 *root, *server;
    EVP_PKEY *root_key, *server_key;
};

// ---- Addresses ---------------------------------------------------------------------------------

static int host_ok(const char *text)
{
    size_t label = 0, len = strlen(text);
    if (len == 0 || len > 253)
        return 0;
    for (const char *c = text; *c; c++) {
        if (*c == '.' && (label == 0 || c[-1] == '-'))
            return 0;
        if (*c != '.' && !isalnum((unsigned char)*c) && (*c != '-' || label == 0))
            return 0;
        label = *c == '.' ? 0 : label + 1;
        if (label > 63)
            return 0;
    }
    return label > 0 && text[len - 1] != '-';
}

// The one spelling of an address or a host name, so that equal ones compare equal.
static int normalize(char *text, size_t size)
{
    uint8_t ip[16];
    size_t len = strlen(text);
    if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
        memmove(text, text + 1, len - 2);
        text[len - 2] = 0;
        if (inet_pton(AF_INET6, text, ip) != 1)
            return 0;
    }
    if (inet_pton(AF_INET, text, ip) == 1)
        return 1;
    if (inet_pton(AF_INET6, text, ip) == 1)
        return inet_ntop(AF_INET6, ip, text, (socklen_t)size) != NULL;
    // Digits and dots alone can only be an address that is written wrongly.
    if (text[strspn(text, "0123456789.")] == 0)
        return 0;
    for (char *c = text; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    return host_ok(text);
}

static int has_address(const struct bf_ca_addresses *list, const char *text)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (strcmp(list->text[i], text) == 0)
            return 1;
    return 0;
}

static enum bf_err parse_one(struct bf_ca_addresses *out, const char *text, size_t len,
                             struct bf_fault *fault)
{
    char one[BF_CA_ADDRESS_MAX];
    bf_snprintf(one, sizeof one, "%.*s", (int)(len < sizeof one ? len : sizeof one), text);
    if (len >= sizeof one || !normalize(one, sizeof one))
        return bf_fault_set(fault, BF_ERR_CONFIG, BF_SIDE_CONFIG,
                            "give HOST-OR-IP[,HOST-OR-IP...] without a port, as in "
                            "10.0.0.5,replica.example.org",
                            "\"%.*s\" is neither a host name nor an IP address",
                            (int)(len < 64 ? len : 64), text);
    if (has_address(out, one))
        return BF_OK;
    if (out->count == BF_CONFIG_SERVERS)
        return bf_fault_set(fault, BF_ERR_LIMIT, BF_SIDE_CONFIG, "give fewer addresses",
                            "a server can have at most %d addresses", BF_CONFIG_SERVERS);
    memcpy(out->text[out->count++], one, strlen(one) + 1);
    return BF_OK;
}

enum bf_err bf_ca_addresses_parse(struct bf_ca_addresses *out, const char *list,
                                  struct bf_fault *fault)
{
    out->count = 0;
    for (const char *at = list;; at++) {
        size_t len = strcspn(at, ",");
        enum bf_err err = parse_one(out, at, len, fault);
        if (err)
            return err;
        at += len;
        if (!*at)
            return BF_OK;
    }
}

// ---- Files -------------------------------------------------------------------------------------

static enum bf_err crypto_fault(struct bf_fault *fault, const char *doing)
{
    return bf_fault_set(fault, BF_ERR_IO, BF_SIDE_SERVER, "check the server's OpenSSL",
                        "cannot %s: %s", doing, bf_openssl_reason());
}

static void path_of(char *out, const char *folder, const char *name)
{
    bf_snprintf(out, PATH_SIZE, "%s/%s", folder, name);
}

// Writes what is in the memory BIO; frees it, wiping.
static enum bf_err write_pem(BIO *bio, const char *folder, const char *name, mode_t mode,
                             struct bf_fault *fault)
{
    char path[PATH_SIZE], *text;
    long len = BIO_get_mem_data(bio, &text);
    path_of(path, folder, name);
    enum bf_err err = bf_file_replace(path, text, (size_t)len, mode, fault);
    bf_wipe(text, (size_t)len);
    BIO_free(bio);
    return err;
}

static enum bf_err write_key(EVP_PKEY *key, const char *folder, const char *name,
                             struct bf_fault *fault)
{
    BIO *bio = BIO_new(BIO_s_mem());
    if (!bio || PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) != 1) {
        BIO_free(bio);
        return crypto_fault(fault, "write a private key");
    }
    return write_pem(bio, folder, name, 0600, fault);
}

static enum bf_err write_certificate(X509 *x, const char *folder, const char *name,
                                     struct bf_fault *fault)
{
    BIO *bio = BIO_new(BIO_s_mem());
    if (!bio || PEM_write_bio_X509(bio, x) != 1) {
        BIO_free(bio);
        return crypto_fault(fault, "write a certificate");
    }
    return write_pem(bio, folder, name, 0644, fault);
}

// Reads NAME.pem into *x and NAME.key into *key, and checks that they belong together.
static enum bf_err read_pair(const char *folder, const char *name, X509 **x, EVP_PKEY **key,
                             struct bf_fault *fault)
{
    char path[PATH_SIZE], file[32];
    for (int i = 0; i < 2; i++) {
        uint8_t *text = NULL;
        size_t len;
        bf_snprintf(file, sizeof file, "%s.%s", name, i ? "key" : "pem");
        path_of(path, folder, file);
        enum bf_err err = bf_file_read(path, PEM_MAX, &text, &len, fault);
        if (err)
            return err;
        BIO *bio = BIO_new_mem_buf(text, (int)len);
        if (i == 0)
            *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
        else
            *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
        BIO_free(bio);
        bf_wipe(text, len);
        free(text);
    }
    if (*x && *key && bf_x509_is_p256(*key) && X509_check_private_key(*x, *key) == 1)
        return BF_OK;
    return bf_fault_set(fault, BF_ERR_CORRUPT, BF_SIDE_SERVER, "restore the state from a backup",
                        "%s/%s.pem and %s.key are damaged or do not belong together", folder, name,
                        name);
}

// ---- Making ------------------------------------------------------------------------------------

static X509 *make_root(EVP_PKEY *key)
{
    uint8_t tag[4];
    char hex[2 * sizeof tag + 1], name[32];
    if (RAND_bytes(tag, sizeof tag) != 1)
        return NULL;
    bf_hex(hex, tag, sizeof tag);
    bf_snprintf(name, sizeof name, "Bootferry root %s", hex);
    struct bf_x509_wish wish = {
        .common_name = name,
        .key = key,
        .usage = "critical,keyCertSign,cRLSign",
        .basic = "critical,CA:TRUE,pathlen:0",
    };
    return bf_x509_make(&wish);
}

static X509 *make_server(const struct bf_ca *ca, const struct bf_ca_addresses *addresses)
{
    struct bf_x509_wish wish = {
        .common_name = "Bootferry server",
        .role = BF_TLS_ROLE_SERVER,
        .addresses = addresses,
        .key = ca->server_key,
        .issuer = ca->root,
        .issuer_key = ca->root_key,
        .usage = "critical,digitalSignature",
        .extended = "serverAuth",
        .basic = "critical,CA:FALSE",
    };
    return bf_x509_make(&wish);
}

static X509 *make_machine(const struct bf_ca *ca, const char *name, EVP_PKEY *key)
{
    char role[sizeof BF_TLS_ROLE_MACHINE + BF_NAME_MAX];
    bf_snprintf(role, sizeof role, "%s%s", BF_TLS_ROLE_MACHINE, name);
    struct bf_x509_wish wish = {
        .common_name = name,
        .role = role,
        .key = key,
        .issuer = ca->root,
        .issuer_key = ca->root_key,
        .usage = "critical,digitalSignature",
        .extended = "clientAuth",
        .basic = "critical,CA:FALSE",
    };
    return bf_x509_make(&wish);
}

static enum bf_err fill_folder(struct bf_ca *ca, const struct bf_ca_addresses *addresses,
                               struct bf_fault *fault)
{
    enum bf_err err;
    ca->root_key = bf_x509_new_key();
    ca->server_key = bf_x509_new_key();
    if (ca->root_key && ca->server_key)
        ca->root = make_root(ca->root_key);
    if (ca->root)
        ca->server = make_server(ca, addresses);
    if (!ca->server)
        return crypto_fault(fault, "make the root of trust");
    if ((err = write_key(ca->root_key, ca->folder, "root.key", fault)) ||
        (err = write_key(ca->server_key, ca->folder, "server.key", fault)) ||
        (err = write_certificate(ca->root, ca->folder, "root.pem", fault)))
        return err;
    return write_certificate(ca->server, ca->folder, "server.pem", fault);
}

static void clear(struct bf_ca *ca)
{
    X509_free(ca->root);
    X509_free(ca->server);
    EVP_PKEY_free(ca->root_key);
    EVP_PKEY_free(ca->server_key);
}

static enum bf_err put_in_place(const char *from, const char *state, struct bf_fault *fault)
{
    char to[PATH_SIZE];
    path_of(to, state, "pki");
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
        return bf_dir_sync(state)
                   ? bf_fault_set(fault, BF_ERR_IO, BF_SIDE_SERVER, "check the disk of the server",
                                  "cannot flush %s", state)
                   : BF_OK;
    if (errno == EEXIST)
        return bf_fault_set(fault, BF_ERR_EXISTS, BF_SIDE_CONFIG, "use it, or choose another state",
                            "%s has a root of trust already", state);
    return bf_fault_set(fault, BF_ERR_IO, BF_SIDE_SERVER, "check the permissions of this folder",
                        "cannot create %s: %s", to, strerror(errno));
}

enum bf_err bf_ca_create(const char *state, const struct bf_ca_addresses *addresses,
                         struct bf_fault *fault)
{
    struct bf_ca ca = {0};
    path_of(ca.folder, state, "pki.new-XXXXXX");
    if (!mkdtemp(ca.folder))
        return bf_fault_set(fault, BF_ERR_IO, BF_SIDE_SERVER,
                            "check the permissions of this folder",
                            "cannot create a folder in %s: %s", state, strerror(errno));
    enum bf_err err = fill_folder(&ca, addresses, fault);
    if (!err)
        err = put_in_place(ca.folder, state, fault);
    if (err)
        bf_folder_remove(ca.folder);
    clear(&ca);
    return err;
}

// ---- Using -------------------------------------------------------------------------------------

enum bf_err bf_ca_open(struct bf_ca **out, const char *state, struct bf_fault *fault)
{
    struct bf_ca *ca = calloc(1, sizeof *ca);
    if (!ca)
        return bf_fault_set(fault, BF_ERR_NO_MEMORY, BF_SIDE_SERVER, "free some memory",
                            "no memory for the root of trust");
    path_of(ca->folder, state, "pki");
    enum bf_err err = BF_OK;
    if (access(ca->folder, F_OK) < 0)
        err = bf_fault_set(fault, BF_ERR_NOT_FOUND, BF_SIDE_CONFIG,
                           "run: bootferry init --address HOST-OR-IP[,...]",
                           "%s has no root of trust: it was never initialised", state);
    if (!err)
        err = read_pair(ca->folder, "root", &ca->root, &ca->root_key, fault);
    if (!err)
        err = read_pair(ca->folder, "server", &ca->server, &ca->server_key, fault);
    if (!err && X509_verify(ca->server, ca->root_key) != 1)
        err = bf_fault_set(fault, BF_ERR_CORRUPT, BF_SIDE_SERVER, "restore the state from a backup",
                           "%s/server.pem was not signed by the root", ca->folder);
    if (err) {
        bf_ca_close(ca);
        return err;
    }
    *out = ca;
    return BF_OK;
}

void bf_ca_close(struct bf_ca *ca)
{
    if (!ca)
        return;
    clear(ca);
    free(ca);
}

enum bf_err bf_ca_addresses(const struct bf_ca *ca, struct bf_ca_addresses *out,
                            struct bf_fault *fault)
{
    if (bf_x509_addresses(ca->server, out))
        return BF_OK;
    return bf_fault_set(fault, BF_ERR_CORRUPT, BF_SIDE_SERVER, "restore the state from a backup",
                        "%s/server.pem names no address", ca->folder);
}

enum bf_err bf_ca_add_addresses(struct bf_ca *ca, const struct bf_ca_addresses *more,
                                uint32_t *added, struct bf_fault *fault)
{
    struct bf_ca_addresses all;
    *added = 0;
    enum bf_err err = bf_ca_addresses(ca, &all, fault);
    for (uint32_t i = 0; !err && i < more->count; i++) {
        uint32_t before = all.count;
        err = parse_one(&all, more->text[i], strlen(more->text[i]), fault);
        *added += all.count - before;
    }
    if (err || *added == 0)
        return err;
    X509 *server = make_server(ca, &all);
    if (!server)
        return crypto_fault(fault, "make the server's certificate");
    err = write_certificate(server, ca->folder, "server.pem", fault);
    X509_free(err ? server : ca->server);
    if (!err)
        ca->server = server;
    return err;
}

void bf_ca_sha256(const void *bytes, size_t len, uint8_t out[32])
{
    SHA256(bytes, len, out);
}

static int64_t seconds_of(const ASN1_TIME *t)
{
    struct tm tm;
    return ASN1_TIME_to_tm(t, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

static enum bf_err describe(const X509 *x, struct bf_ca_certificate *out, struct bf_fault *fault)
{
    uint8_t *at = out->der;
    int len = x ? i2d_X509(x, NULL) : -1;
    if (len <= 0 || len > BF_CA_DER_MAX || i2d_X509(x, &at) != len ||
        !bf_x509_serial(x, out->serial))
        return crypto_fault(fault, "make a certificate");
    out->len = (uint32_t)len;
    bf_ca_sha256(out->der, out->len, out->fingerprint);
    out->not_before = seconds_of(X509_get0_notBefore(x));
    out->not_after = seconds_of(X509_get0_notAfter(x));
    return BF_OK;
}

enum bf_err bf_ca_root(const struct bf_ca *ca, struct bf_ca_certificate *out,
                       struct bf_fault *fault)
{
    return describe(ca->root, out, fault);
}

enum bf_err bf_ca_server(const struct bf_ca *ca, struct bf_ca_certificate *out,
                         struct bf_fault *fault)
{
    return describe(ca->server, out, fault);
}

static enum bf_err name_check(const char *name, struct bf_fault *fault)
{
    if (bf_machine_name_ok(name))
        return BF_OK;
    return bf_fault_set(fault, BF_ERR_CONFIG, BF_SIDE_CONFIG,
                        "use lower-case letters, digits, '-' and '.', at most 63",
                        "\"%.64s\" cannot be a machine's name", name);
}

enum bf_err bf_ca_issue(struct bf_ca *ca, const char *name, struct bf_ca_identity *out,
                        struct bf_fault *fault)
{
    enum bf_err err = name_check(name, fault);
    if (err)
        return err;
    EVP_PKEY *key = bf_x509_new_key();
    X509 *x = key ? make_machine(ca, name, key) : NULL;
    err = describe(x, &out->certificate, fault);
    if (!err) {
        uint8_t *at = out->key;
        int len = i2d_PrivateKey(key, NULL);
        if (len <= 0 || (size_t)len > sizeof out->key || i2d_PrivateKey(key, &at) != len)
            err = crypto_fault(fault, "write the machine's key");
        out->key_len = (uint32_t)len;
    }
    X509_free(x);
    EVP_PKEY_free(key);
    return err;
}

// The key of a request that its owner signed, or NULL.
static EVP_PKEY *key_of_request(const uint8_t *csr, size_t len)
{
    const uint8_t *at = csr;
    if (len == 0 || len > BF_CA_CSR_MAX)
        return NULL;
    X509_REQ *request = d2i_X509_REQ(NULL, &at, (long)len);
    EVP_PKEY *key = request && at == csr + len ? X509_REQ_get_pubkey(request) : NULL;
    if (key && (!bf_x509_is_p256(key) || X509_REQ_verify(request, key) != 1)) {
        EVP_PKEY_free(key);
        key = NULL;
    }
    X509_REQ_free(request);
    ERR_clear_error();
    return key;
}

enum bf_err bf_ca_enrol(struct bf_ca *ca, const char *name, const uint8_t *csr, size_t csr_len,
                        struct bf_ca_certificate *out, struct bf_fault *fault)
{
    enum bf_err err = name_check(name, fault);
    if (err)
        return err;
    EVP_PKEY *key = key_of_request(csr, csr_len);
    if (!key)
        return bf_fault_set(fault, BF_ERR_PROTOCOL, BF_SIDE_SOURCE,
                            "boot the machine from a medium made by this server",
                            "the certificate request is not self-signed with a P-256 key");
    X509 *x = make_machine(ca, name, key);
    err = describe(x, out, fault);
    X509_free(x);
    EVP_PKEY_free(key);
    return err;
}
