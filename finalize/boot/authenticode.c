// SPDX-License-Identifier: Apache-2.0
// See authenticode.h. What a name says of an authority is believed only as far as the certificate
// in the signature is the one that this authority really has, where that is known.
#include "finalize/boot/authenticode.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include "base/bytes.h"
#include "finalize/core/diff.h"

#define TABLE_MAX  ((uint32_t)1 << 20) // bytes of certificates
#define SECTION    ((size_t)64 << 10)  // bytes that are hashed at once
#define DEPTH_MAX  6
#define PKCS_TYPE  2 // WIN_CERT_TYPE_PKCS_SIGNED_DATA
#define SHA256_LEN 32

// Of the certificates that firmware trusts: SHA-256, where it was seen in a real signature or a
// real firmware's variables.
static const struct {
    const char *name;
    unsigned char print[SHA256_LEN];
    bool known;
} authorities[] = {
    {"Microsoft Corporation UEFI CA 2011",
     {0x48, 0xe9, 0x9b, 0x99, 0x1f, 0x57, 0xfc, 0x52, 0xf7, 0x61, 0x49,
      0x59, 0x9b, 0xff, 0x0a, 0x58, 0xc4, 0x71, 0x54, 0x22, 0x9b, 0x9f,
      0x8d, 0x60, 0x3a, 0xc4, 0x0d, 0x35, 0x00, 0x24, 0x85, 0x07},
     true},
    {"Microsoft UEFI CA 2023",
     {0xf6, 0x12, 0x4e, 0x34, 0x12, 0x5b, 0xee, 0x3f, 0xe6, 0xd7, 0x9a,
      0x57, 0x4e, 0xaa, 0x7b, 0x91, 0xc0, 0xe7, 0xbd, 0x9d, 0x92, 0x9c,
      0x1a, 0x32, 0x11, 0x78, 0xef, 0xd6, 0x11, 0xda, 0xd9, 0x01},
     true},
    {"Microsoft Windows Production PCA 2011",
     {0xe8, 0xe9, 0x5f, 0x07, 0x33, 0xa5, 0x5e, 0x8b, 0xad, 0x7b, 0xe0,
      0xa1, 0x41, 0x3e, 0xe2, 0x3c, 0x51, 0xfc, 0xea, 0x64, 0xb3, 0xc8,
      0xfa, 0x6a, 0x78, 0x69, 0x35, 0xfd, 0xdc, 0xc7, 0x19, 0x61},
     true},
    {"Microsoft Option ROM UEFI CA 2023", {0}, false},
    {"Windows UEFI CA 2023", {0}, false},
};

static void common_name(const X509_NAME *name, char *out, size_t size)
{
    unsigned char *utf8 = NULL;
    struct bf_text clean = {0};
    int at = name ? X509_NAME_get_index_by_NID(name, NID_commonName, -1) : -1;
    const ASN1_STRING *s = at >= 0 ? X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)) : NULL;
    int len = s ? ASN1_STRING_to_UTF8(&utf8, s) : -1;
    if (len > 0)
        bf_printable(&clean, (const char *)utf8, (size_t)len);
    snprintf(out, size, "%s", clean.len ? bf_text_get(&clean) : "?");
    bf_text_free(&clean);
    OPENSSL_free(utf8);
}

static bool issued_by(X509 *x, X509 *issuer)
{
    bool is =
        X509_check_issued(issuer, x) == X509_V_OK && X509_verify(x, X509_get0_pubkey(issuer)) == 1;
    ERR_clear_error();
    return is;
}

static bool has_print(const X509 *x, const unsigned char *print)
{
    unsigned char have[EVP_MAX_MD_SIZE];
    unsigned len;
    return X509_digest(x, EVP_sha256(), have, &len) && memcmp(have, print, SHA256_LEN) == 0;
}

// Microsoft's signatures come with their authority's certificate. Of one that is not known here the
// name is all that there is.
static bool is_authority(size_t i, const PKCS7 *p7, X509 *leaf)
{
    const STACK_OF(X509) *given = p7->d.sign->cert;
    char name[BF_SIGNER_NAME];
    for (int n = 0; authorities[i].known && leaf && n < sk_X509_num(given); n++) {
        X509 *x = sk_X509_value(given, n);
        common_name(X509_get_subject_name(x), name, sizeof name);
        if (strcmp(name, authorities[i].name) == 0)
            return has_print(x, authorities[i].print) && issued_by(leaf, x);
    }
    return leaf && !authorities[i].known;
}

static const char *authority_of(const char *issuer, const PKCS7 *p7, X509 *leaf)
{
    for (size_t i = 0; i < BF_COUNT(authorities); i++)
        if (strcmp(issuer, authorities[i].name) == 0 && is_authority(i, p7, leaf))
            return authorities[i].name;
    return NULL;
}

// SpcIndirectDataContent without the head of its sequence: what is signed.
static bool signed_content(const PKCS7 *p7, const unsigned char **at, long *len)
{
    int tag, class;
    const ASN1_TYPE *other = p7->d.sign->contents ? p7->d.sign->contents->d.other : NULL;
    if (!other || OBJ_obj2nid(p7->d.sign->contents->type) == NID_pkcs7_data ||
        other->type != V_ASN1_SEQUENCE)
        return false;
    *at = other->value.sequence->data;
    int head =
        ASN1_get_object(at, len, &tag, &class, (long)ASN1_STRING_length(other->value.sequence));
    return (head & 0x80) == 0 && tag == V_ASN1_SEQUENCE;
}

static bool is_genuine(PKCS7 *p7)
{
    const unsigned char *at;
    long len;
    if (!signed_content(p7, &at, &len))
        return false;
    // Not memory itself: OpenSSL 3.0 forgets the copy that it makes of such where it then fails.
    BIO *memory = BIO_new_mem_buf(at, (int)len), *content = BIO_new(BIO_f_buffer());
    content = BIO_push(content ? content : memory, content ? memory : NULL);
    bool ok =
        content && PKCS7_verify(p7, NULL, NULL, content, NULL, PKCS7_NOVERIFY | PKCS7_BINARY) == 1;
    BIO_free_all(content);
    ERR_clear_error();
    return ok;
}

static void name_signer(struct bf_authenticode *s)
{
    const PKCS7_SIGNER_INFO *info = sk_PKCS7_SIGNER_INFO_value(s->p7->d.sign->signer_info, 0);
    STACK_OF(X509) *signers = PKCS7_get0_signers(s->p7, NULL, 0);
    X509 *leaf = signers ? sk_X509_value(signers, 0) : NULL;
    common_name(leaf ? X509_get_subject_name(leaf) : NULL, s->signer, sizeof s->signer);
    common_name(info && info->issuer_and_serial ? info->issuer_and_serial->issuer : NULL, s->issuer,
                sizeof s->issuer);
    s->genuine = is_genuine(s->p7);
    s->authority = authority_of(s->issuer, s->p7, leaf);
    sk_X509_free(signers);
}

static bool add(const unsigned char *der, size_t len, struct bf_signatures *s)
{
    const unsigned char *at = der;
    PKCS7 *p7 = s->count < BF_SIGNATURES_MAX ? d2i_PKCS7(NULL, &at, (long)len) : NULL;
    ERR_clear_error();
    if (!p7 || !PKCS7_type_is_signed(p7) || !p7->d.sign) {
        PKCS7_free(p7);
        return false;
    }
    struct bf_authenticode *sig = &s->item[s->count++];
    *sig = (struct bf_authenticode){.p7 = p7};
    name_signer(sig);
    return true;
}

// WIN_CERTIFICATE structures: length, revision, type, data; each begins at a multiple of 8.
void bf_signatures_read(const struct bf_blob *b, const struct bf_pe *pe, struct bf_signatures *s)
{
    *s = (struct bf_signatures){0};
    uint32_t size = pe->certificates_size;
    unsigned char *table = size && size <= TABLE_MAX ? malloc(size) : NULL;
    s->damaged = size > 0 && (!table || !bf_blob_read(b, pe->certificates, table, size));
    for (uint32_t at = 0; table && !s->damaged && size - at >= 8;) {
        uint32_t len = bf_le32(table + at);
        if (len < 8 || len > size - at) {
            s->damaged = true;
        } else {
            if (bf_le16(table + at + 6) == PKCS_TYPE && !add(table + at + 8, len - 8, s))
                s->damaged = true;
            at = size - at < len + (-len & 7) ? size : at + len + (-len & 7);
        }
    }
    free(table);
}

void bf_signatures_free(struct bf_signatures *s)
{
    for (size_t i = 0; i < s->count; i++)
        PKCS7_free(s->item[i].p7);
    *s = (struct bf_signatures){0};
}

// ---- The image's digest ------------------------------------------------------------------------

static bool hash_range(const struct bf_blob *b, EVP_MD_CTX *md, uint64_t at, uint64_t end)
{
    unsigned char *buf = malloc(SECTION);
    bool ok = buf && at <= end;
    while (ok && at < end) {
        size_t n = end - at < SECTION ? (size_t)(end - at) : SECTION;
        ok = bf_blob_read(b, at, buf, n) && EVP_DigestUpdate(md, buf, n);
        at += n;
    }
    free(buf);
    return ok;
}

// All of the headers but the checksum, and the entry that names the certificates.
static bool hash_headers(const struct bf_blob *b, const struct bf_pe *pe, EVP_MD_CTX *md)
{
    uint64_t checksum = (uint64_t)pe->optional + 64, entry = pe->certificates_entry;
    return entry && hash_range(b, md, 0, checksum) && hash_range(b, md, checksum + 4, entry) &&
           hash_range(b, md, entry + 8, pe->headers_size);
}

static int by_place(const void *a, const void *b)
{
    uint32_t x = ((const struct bf_pe_section *)a)->at, y = ((const struct bf_pe_section *)b)->at;
    return (x > y) - (x < y);
}

// Then the sections in the order of the file, and what follows them up to the certificates. Their
// sizes are added up, not their places: a gap shifts the rest, as it does in the firmware.
static bool hash_image(const struct bf_blob *b, const struct bf_pe *pe, EVP_MD_CTX *md)
{
    struct bf_pe_section sorted[BF_PE_SECTIONS_MAX];
    uint64_t sum = pe->headers_size;
    memcpy(sorted, pe->section, pe->sections * sizeof sorted[0]);
    qsort(sorted, pe->sections, sizeof sorted[0], by_place);
    if (!hash_headers(b, pe, md))
        return false;
    for (size_t i = 0; i < pe->sections; i++) {
        if (!hash_range(b, md, sorted[i].at, (uint64_t)sorted[i].at + sorted[i].size))
            return false;
        sum += sorted[i].size;
    }
    uint64_t end = b->size - pe->certificates_size;
    return sum >= end || hash_range(b, md, sum, end);
}

static bool digest_is(const struct bf_blob *b, const struct bf_pe *pe, const X509_SIG *info)
{
    const X509_ALGOR *algorithm;
    const ASN1_OCTET_STRING *want;
    const ASN1_OBJECT *oid;
    unsigned char have[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    X509_SIG_get0(info, &algorithm, &want);
    X509_ALGOR_get0(&oid, NULL, NULL, algorithm);
    const EVP_MD *type = EVP_get_digestbyobj(oid);
    EVP_MD_CTX *md = type ? EVP_MD_CTX_new() : NULL;
    bool ok = md && EVP_DigestInit_ex(md, type, NULL) && hash_image(b, pe, md) &&
              EVP_DigestFinal_ex(md, have, &len) && ASN1_STRING_length(want) == (int)len &&
              memcmp(ASN1_STRING_get0_data(want), have, len) == 0;
    EVP_MD_CTX_free(md);
    return ok;
}

bool bf_signature_fits(const struct bf_blob *b, const struct bf_pe *pe,
                       const struct bf_authenticode *s)
{
    const unsigned char *at, *first;
    long len, first_len;
    int tag, class;
    if (!signed_content(s->p7, &at, &len))
        return false;
    const unsigned char *end = at + len;
    first = at;
    if (ASN1_get_object(&first, &first_len, &tag, &class, len) & 0x80)
        return false;
    first += first_len; // what kind of data; the digest follows
    X509_SIG *info = first < end ? d2i_X509_SIG(NULL, &first, end - first) : NULL;
    bool fits = info && digest_is(b, pe, info);
    X509_SIG_free(info);
    ERR_clear_error();
    return fits;
}

// ---- What a shim trusts ------------------------------------------------------------------------

static void add_certificate(struct bf_vendor *v, const unsigned char *der, size_t len)
{
    X509 *x = d2i_X509(NULL, &der, (long)len);
    if (x && !v->certificates)
        v->certificates = sk_X509_new_null();
    if (x && (!v->certificates || !sk_X509_push(v->certificates, x)))
        X509_free(x);
    ERR_clear_error();
}

// EFI_SIGNATURE_LISTs (UEFI 2.10, section 32.4.1): type, three sizes, then signatures that begin
// with their owner.
static void read_lists(struct bf_vendor *v, const unsigned char *at, size_t len)
{
    static const unsigned char x509[16] = {0xa1, 0x59, 0xc0, 0xa5, 0xe4, 0x94, 0xa7, 0x4a,
                                           0x87, 0xb5, 0xab, 0x15, 0x5c, 0x2b, 0xf0, 0x72};
    while (len >= 28) {
        size_t size = bf_le32(at + 16), header = bf_le32(at + 20), each = bf_le32(at + 24);
        if (size < 28 || size > len || header > size - 28 || each < 17)
            return;
        for (size_t i = 28 + header; size - i >= each; i += each)
            if (memcmp(at, x509, sizeof x509) == 0)
                add_certificate(v, at + i + 16, each - 16);
        at += size;
        len -= size;
    }
}

// Two sizes and two offsets: what is trusted, and what is not any more.
void bf_vendor_read(const char *section, size_t len, struct bf_vendor *v)
{
    const unsigned char *s = (const unsigned char *)section;
    *v = (struct bf_vendor){0};
    if (len < 16)
        return;
    size_t size = bf_le32(s), at = bf_le32(s + 8);
    if (size < 4 || at > len || size > len - at)
        return;
    if (s[at] == 0x30)
        add_certificate(v, s + at, size);
    else
        read_lists(v, s + at, size);
}

void bf_vendor_free(struct bf_vendor *v)
{
    sk_X509_pop_free(v->certificates, X509_free);
    *v = (struct bf_vendor){0};
}

void bf_vendor_name(const struct bf_vendor *v, char *out, size_t size)
{
    out[0] = 0;
    if (sk_X509_num(v->certificates) > 0)
        common_name(X509_get_subject_name(sk_X509_value(v->certificates, 0)), out, size);
}

static X509 *issuer_among(STACK_OF(X509) * given, X509 *x)
{
    for (int i = 0; i < sk_X509_num(given); i++)
        if (sk_X509_value(given, i) != x && issued_by(x, sk_X509_value(given, i)))
            return sk_X509_value(given, i);
    return NULL;
}

static bool leads_to(const struct bf_vendor *v, X509 *x)
{
    for (int i = 0; i < sk_X509_num(v->certificates); i++) {
        X509 *trusted = sk_X509_value(v->certificates, i);
        if (X509_cmp(x, trusted) == 0 || issued_by(x, trusted))
            return true;
    }
    return false;
}

bool bf_vendor_trusts(const struct bf_vendor *v, const struct bf_authenticode *s)
{
    STACK_OF(X509) *signers = PKCS7_get0_signers(s->p7, NULL, 0);
    X509 *x = signers ? sk_X509_value(signers, 0) : NULL;
    sk_X509_free(signers);
    for (int depth = 0; s->genuine && x && depth < DEPTH_MAX; depth++) {
        if (leads_to(v, x))
            return true;
        x = issuer_among(s->p7->d.sign->cert, x);
    }
    return false;
}
