// SPDX-License-Identifier: Apache-2.0
// Making and reading certificates (RFC 5280) with OpenSSL 3. Names are put together as structures,
// never as configuration text, so that no name can smuggle in another one.
#include "replica/pki/x509.h"

#include <arpa/inet.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <string.h>
#include <time.h>

#include "base/fmt.h"
#include "base/log.h"

enum {
    DAY = 24 * 60 * 60,
    DATED_BACK_DAYS = 2,
    LIFE_DAYS = 30 * 365,
    SERIAL_BYTES = 16,
};

EVP_PKEY *bf_x509_new_key(void)
{
    return EVP_EC_gen("P-256");
}

int bf_x509_is_p256(const EVP_PKEY *key)
{
    char group[32];
    size_t len;
    return EVP_PKEY_is_a(key, "EC") &&
           EVP_PKEY_get_group_name(key, group, sizeof group, &len) == 1 &&
           strcmp(group, SN_X9_62_prime256v1) == 0;
}

static int add_name(GENERAL_NAMES *names, int kind, ASN1_STRING *value)
{
    GENERAL_NAME *name = value ? GENERAL_NAME_new() : NULL;
    if (!name) {
        ASN1_STRING_free(value);
        return 0;
    }
    GENERAL_NAME_set0_value(name, kind, value);
    if (sk_GENERAL_NAME_push(names, name) > 0)
        return 1;
    GENERAL_NAME_free(name);
    return 0;
}

static int add_text(GENERAL_NAMES *names, int kind, int type, const void *bytes, size_t len)
{
    ASN1_STRING *value = ASN1_STRING_type_new(type);
    if (value && !ASN1_STRING_set(value, bytes, (int)len)) {
        ASN1_STRING_free(value);
        value = NULL;
    }
    return add_name(names, kind, value);
}

static int add_address(GENERAL_NAMES *names, const char *text)
{
    uint8_t ip[16];
    if (inet_pton(AF_INET, text, ip) == 1)
        return add_text(names, GEN_IPADD, V_ASN1_OCTET_STRING, ip, 4);
    if (inet_pton(AF_INET6, text, ip) == 1)
        return add_text(names, GEN_IPADD, V_ASN1_OCTET_STRING, ip, 16);
    return add_text(names, GEN_DNS, V_ASN1_IA5STRING, text, strlen(text));
}

static int add_names(X509 *x, const struct bf_x509_wish *wish)
{
    if (!wish->role)
        return 1;
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    int ok = names != NULL;
    for (uint32_t i = 0; ok && wish->addresses && i < wish->addresses->count; i++)
        ok = add_address(names, wish->addresses->text[i]);
    ok = ok && add_text(names, GEN_URI, V_ASN1_IA5STRING, wish->role, strlen(wish->role));
    ok = ok && X509_add1_ext_i2d(x, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) == 1;
    GENERAL_NAMES_free(names);
    return ok;
}

static int add_extension(X509 *x, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, x, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    int ok = extension && X509_add_ext(x, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return ok;
}

// A positive number that nobody can foresee, 16 bytes whatever the dice say.
static int set_serial(X509 *x)
{
    uint8_t bytes[SERIAL_BYTES];
    if (RAND_bytes(bytes, sizeof bytes) != 1)
        return 0;
    bytes[0] = (bytes[0] & 0x3f) | 0x40;
    BIGNUM *number = BN_bin2bn(bytes, sizeof bytes, NULL);
    int ok = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x)) != NULL;
    BN_free(number);
    return ok;
}

// A certificate does not outlive its issuer.
static int set_dates(X509 *x, const X509 *issuer)
{
    time_t now = time(NULL);
    return X509_time_adj_ex(X509_getm_notBefore(x), -DATED_BACK_DAYS, 0, &now) &&
           (issuer ? X509_set1_notAfter(x, X509_get0_notAfter(issuer)) == 1
                   : X509_time_adj_ex(X509_getm_notAfter(x), LIFE_DAYS, 0, &now) != NULL);
}

static int set_subject(X509 *x, const char *common_name, const X509 *issuer)
{
    X509_NAME *name = X509_get_subject_name(x);
    return X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
                                      (const unsigned char *)common_name, -1, -1, 0) == 1 &&
           X509_set_issuer_name(x, issuer ? X509_get_subject_name(issuer) : name) == 1;
}

X509 *bf_x509_make(const struct bf_x509_wish *wish)
{
    X509 *x = X509_new();
    X509 *issuer = wish->issuer ? wish->issuer : x;
    EVP_PKEY *signer = wish->issuer_key ? wish->issuer_key : wish->key;
    if (x && X509_set_version(x, X509_VERSION_3) && set_serial(x) && set_dates(x, wish->issuer) &&
        set_subject(x, wish->common_name, wish->issuer) && X509_set_pubkey(x, wish->key) &&
        add_extension(x, issuer, NID_basic_constraints, wish->basic) &&
        add_extension(x, issuer, NID_key_usage, wish->usage) &&
        (!wish->extended || add_extension(x, issuer, NID_ext_key_usage, wish->extended)) &&
        add_extension(x, issuer, NID_subject_key_identifier, "hash") &&
        add_extension(x, issuer, NID_authority_key_identifier, "keyid:always") &&
        add_names(x, wish) && X509_sign(x, signer, EVP_sha256()) > 0)
        return x;
    X509_free(x);
    return NULL;
}

int bf_x509_serial(const X509 *certificate, char out[BF_CA_SERIAL_MAX])
{
    uint8_t bytes[(BF_CA_SERIAL_MAX - 1) / 2];
    BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), NULL);
    int len = number && !BN_is_negative(number) ? BN_num_bytes(number) : 0;
    int ok = len > 0 && (size_t)len <= sizeof bytes && BN_bn2bin(number, bytes) == len;
    BN_free(number);
    if (ok)
        bf_hex(out, bytes, (size_t)len);
    return ok;
}

// Copies a name's text; 0 when it does not fit or has a NUL inside.
static int copy_text(const ASN1_STRING *text, char *out, size_t size)
{
    int len = ASN1_STRING_length(text);
    const unsigned char *bytes = ASN1_STRING_get0_data(text);
    if (len <= 0 || (size_t)len >= size || memchr(bytes, 0, (size_t)len))
        return 0;
    memcpy(out, bytes, (size_t)len);
    out[len] = 0;
    return 1;
}

int bf_x509_role(const X509 *certificate, char *out, size_t size)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    int found = 0;
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        int kind;
        char uri[BF_CA_ADDRESS_MAX];
        const ASN1_STRING *value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, i), &kind);
        if (kind != GEN_URI)
            continue;
        if (!copy_text(value, uri, sizeof uri) || strlen(uri) >= size)
            found = 2;
        else if (strncmp(uri, "bootferry:", 10) == 0 && ++found == 1)
            memcpy(out, uri, strlen(uri) + 1);
    }
    GENERAL_NAMES_free(names);
    return found == 1;
}

static int copy_address(const GENERAL_NAME *name, char *out, size_t size)
{
    int kind;
    const ASN1_STRING *value = GENERAL_NAME_get0_value(name, &kind);
    if (kind == GEN_DNS)
        return copy_text(value, out, size);
    int len = ASN1_STRING_length(value);
    if (kind != GEN_IPADD || (len != 4 && len != 16))
        return 0;
    return inet_ntop(len == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(value), out,
                     (socklen_t)size) != NULL;
}

int bf_x509_addresses(const X509 *certificate, struct bf_ca_addresses *out)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    out->count = 0;
    for (int i = 0; i < sk_GENERAL_NAME_num(names) && out->count < BF_CONFIG_SERVERS; i++)
        if (copy_address(sk_GENERAL_NAME_value(names, i), out->text[out->count],
                         sizeof out->text[0]))
            out->count++;
    GENERAL_NAMES_free(names);
    return out->count > 0;
}

const char *bf_openssl_reason(void)
{
    unsigned long code = ERR_get_error();
    const char *words = ERR_reason_error_string(code);
    char all[160];
    ERR_error_string_n(code, all, sizeof all);
    bf_log(BF_LOG_DEBUG, "OpenSSL: %s", all);
    ERR_clear_error();
    return words ? words : "OpenSSL gives no reason";
}
