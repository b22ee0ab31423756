// SPDX-License-Identifier: Apache-2.0
// See media_key.h. Parsed with OpenSSL 3, as sbsign does; the copy of the key is overwritten.
#include "replica/media/key.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "replica/state/reason.h"

enum { PEM_MOST = 64 << 10 };

struct pem {
    char text[PEM_MOST];
    int len;
};

static const char order[] = "name them as --sign KEY CERT, both as PEM files";

static enum bf_err pem_read(const char *path, struct pem *pem, struct bf_fault *fault)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    ssize_t n = fd >= 0 ? read(fd, pem->text, sizeof pem->text) : -1;
    int number = errno;

    if (fd >= 0)
        close(fd);
    if (n < 0)
        return bf_fault_set(fault, bf_reason_errno(number), BF_SIDE_CONFIG, order,
                            "cannot sign: %s cannot be read: %s", path, strerror(number));
    pem->len = (int)n;
    return BF_OK;
}

// Nobody is asked for a passphrase: sbsign could not ask, either.
static int no_passphrase(char *out, int size, int writing, void *user)
{
    (void)out, (void)size, (void)writing;
    *(int *)user = 1;
    return -1;
}

static EVP_PKEY *key_of(const struct pem *pem, int *encrypted)
{
    BIO *bio = BIO_new_mem_buf(pem->text, pem->len);
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, encrypted) : NULL;

    BIO_free(bio);
    ERR_clear_error();
    return key;
}

static X509 *cert_of(const struct pem *pem)
{
    BIO *bio = BIO_new_mem_buf(pem->text, pem->len);
    X509 *cert = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;

    BIO_free(bio);
    ERR_clear_error();
    return cert;
}

static enum bf_err no_key(const char *path, const struct pem *pem, int encrypted,
                          struct bf_fault *fault)
{
    X509 *cert = cert_of(pem);
    const char *what = encrypted ? "is protected by a passphrase"
                       : cert    ? "is a certificate, not a private key"
                                 : "holds no private key in PEM form";

    X509_free(cert);
    return bf_fault_set(fault, BF_ERR_CONFIG, BF_SIDE_CONFIG,
                        encrypted ? "name a copy without a passphrase that only you can read"
                                  : order,
                        "cannot sign: %s %s", path, what);
}

static enum bf_err no_cert(const char *path, const struct pem *pem, struct bf_fault *fault)
{
    int encrypted = 0;
    EVP_PKEY *key = key_of(pem, &encrypted);
    const char *what = key || encrypted ? "is a private key, not a certificate"
                                        : "holds no certificate in PEM form";

    EVP_PKEY_free(key);
    return bf_fault_set(fault, BF_ERR_CONFIG, BF_SIDE_CONFIG, order, "cannot sign: %s %s", path,
                        what);
}

static enum bf_err check_pair(const char *key_path, const struct pem *key_pem,
                              const char *cert_path, const struct pem *cert_pem,
                              struct bf_fault *fault)
{
    int encrypted = 0;
    EVP_PKEY *key = key_of(key_pem, &encrypted);
    X509 *cert = cert_of(cert_pem);
    enum bf_err err = BF_OK;

    if (!key)
        err = no_key(key_path, key_pem, encrypted, fault);
    else if (!cert)
        err = no_cert(cert_path, cert_pem, fault);
    else if (X509_check_private_key(cert, key) != 1)
        err = bf_fault_set(
            fault, BF_ERR_CONFIG, BF_SIDE_CONFIG, "name the certificate that was made for this key",
            "cannot sign: the key %s does not belong to the certificate %s", key_path, cert_path);
    ERR_clear_error();
    X509_free(cert);
    EVP_PKEY_free(key);
    return err;
}

enum bf_err bf_media_key_check(const char *key, const char *cert, struct bf_fault *fault)
{
    struct pem key_pem, cert_pem;
    enum bf_err err = pem_read(key, &key_pem, fault);

    if (!err)
        err = pem_read(cert, &cert_pem, fault);
    if (!err)
        err = check_pair(key, &key_pem, cert, &cert_pem, fault);
    bf_wipe(&key_pem, sizeof key_pem);
    bf_wipe(&cert_pem, sizeof cert_pem); // it may be the key
    return err;
}
