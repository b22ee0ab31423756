// SPDX-License-Identifier: Apache-2.0
// Who signed an EFI program (Microsoft's "Windows Authenticode Portable Executable Signature
// Format"; UEFI specification 2.10, section 32.2). OpenSSL reads the certificates and proves the
// signatures.
#ifndef BF_FINALIZE_BOOT_AUTHENTICODE_H
#define BF_FINALIZE_BOOT_AUTHENTICODE_H

#include <openssl/pkcs7.h>
#include <openssl/x509.h>

#include "finalize/boot/pe.h"

#define BF_SIGNATURES_MAX 8
#define BF_SIGNER_NAME    96

// One signature.
struct bf_authenticode {
    char signer[BF_SIGNER_NAME]; // common name; "?" where there is none
    char issuer[BF_SIGNER_NAME]; // of its certificate
    const char *authority;       // one of those that firmware comes with; NULL: another
    bool genuine;                // the signer did sign what the signature says of the image
    PKCS7 *p7;                   // owned
};

struct bf_signatures {
    struct bf_authenticode item[BF_SIGNATURES_MAX];
    size_t count;
    bool damaged; // the certificate table has something that cannot be read
};

// Certificates that a shim trusts, from its section .vendor_cert.
struct bf_vendor {
    STACK_OF(X509) * certificates; // owned; NULL: none
};

// Reads the signatures of an image; freed with bf_signatures_free().
void bf_signatures_read(const struct bf_blob *b, const struct bf_pe *pe, struct bf_signatures *s);
void bf_signatures_free(struct bf_signatures *s);

// Whether the signature's digest is that of the image: false when it was changed afterwards. Goes
// over the whole image.
bool bf_signature_fits(const struct bf_blob *b, const struct bf_pe *pe,
                       const struct bf_authenticode *s);

// The certificates in a section .vendor_cert; freed with bf_vendor_free().
void bf_vendor_read(const char *section, size_t len, struct bf_vendor *v);
void bf_vendor_free(struct bf_vendor *v);
// Whether a signature leads to one of them.
bool bf_vendor_trusts(const struct bf_vendor *v, const struct bf_authenticode *s);
// The common name of the first, "" when there is none.
void bf_vendor_name(const struct bf_vendor *v, char *out, size_t size);

#endif
