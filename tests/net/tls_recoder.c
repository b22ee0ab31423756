// SPDX-License-Identifier: Apache-2.0
// See tests/net/tls_recoder.h. RFC 8446, 5.2 (records), 5.3 (nonces) and 7.3 (traffic keys), for
// TLS_AES_128_GCM_SHA256 alone.
#include "tests/net/tls_recoder.h"

#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"

enum { HEADER = 5, TAG = 16, ENCRYPTED = 23, HANDSHAKE = 22, FINISHED = 20 };

// ---- Keys --------------------------------------------------------------------------------------

static void expand(const uint8_t *secret, const char *label, uint8_t *out, size_t len)
{
    uint8_t info[64], hash[EVP_MAX_MD_SIZE];
    unsigned n = 0, hashed;
    info[n++] = 0;
    info[n++] = (uint8_t)len;
    info[n++] = (uint8_t)(6 + strlen(label));
    memcpy(info + n, "tls13 ", 6);
    memcpy(info + n + 6, label, strlen(label));
    n += 6 + (unsigned)strlen(label);
    info[n++] = 0;
    info[n++] = 1; // the counter of HKDF-Expand; one block is enough
    HMAC(EVP_sha256(), secret, RECODER_SECRET, info, n, hash, &hashed);
    memcpy(out, hash, len);
}

// "SERVER_HANDSHAKE_TRAFFIC_SECRET <random> <secret>"
static void on_secret(const SSL *ssl, const char *line)
{
    static const char *const names[] = {"SERVER_HANDSHAKE_TRAFFIC_SECRET ",
                                        "SERVER_TRAFFIC_SECRET_0 "};
    struct tls_recoder *r = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    for (int i = 0; i < 2; i++) {
        const char *hex = strrchr(line, ' ');
        if (strncmp(line, names[i], strlen(names[i])) != 0 || !hex)
            continue;
        for (int k = 0; k < RECODER_SECRET; k++)
            sscanf(hex + 1 + 2 * k, "%2hhx", &r->secret[i][k]);
        r->has_secret[i] = 1;
    }
}

void tls_recoder_init(struct tls_recoder *r, struct tls_peer *peer)
{
    SSL_CTX_set_app_data(peer->ctx, r);
    SSL_CTX_set_keylog_callback(peer->ctx, on_secret);
    SSL_CTX_set_ciphersuites(peer->ctx, "TLS_AES_128_GCM_SHA256");
    SSL_CTX_set_num_tickets(peer->ctx, 1);
}

static struct recoder_keys *keys_now(struct tls_recoder *r)
{
    struct recoder_keys *k = &r->keys[r->stage];
    if (!k->known && r->has_secret[r->stage]) {
        expand(r->secret[r->stage], "key", k->key, sizeof k->key);
        expand(r->secret[r->stage], "iv", k->iv, sizeof k->iv);
        k->known = 1;
    }
    return k->known ? k : NULL;
}

// ---- Records -----------------------------------------------------------------------------------

static void nonce_of(const struct recoder_keys *k, uint64_t number, uint8_t nonce[12])
{
    memcpy(nonce, k->iv, 12);
    for (int i = 0; i < 8; i++)
        nonce[11 - i] ^= (uint8_t)(number >> 8 * i);
}

static int crypt(const struct recoder_keys *k, int encrypt, uint64_t number, const uint8_t *header,
                 const uint8_t *in, size_t len, uint8_t *out, uint8_t *tag)
{
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    uint8_t nonce[12];
    int n, good;
    nonce_of(k, number, nonce);
    EVP_CipherInit_ex(c, EVP_aes_128_gcm(), NULL, k->key, nonce, encrypt);
    EVP_CipherUpdate(c, NULL, &n, header, HEADER);
    EVP_CipherUpdate(c, out, &n, in, (int)len);
    if (!encrypt)
        EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_SET_TAG, TAG, tag);
    good = EVP_CipherFinal_ex(c, out + n, &n);
    if (encrypt)
        EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, TAG, tag);
    EVP_CIPHER_CTX_free(c);
    return good > 0;
}

static void put_header(uint8_t *out, uint8_t type, size_t len)
{
    const uint8_t header[HEADER] = {type, 3, 3};
    memcpy(out, header, HEADER);
    bf_put_be16(out + 3, (uint16_t)len);
}

static size_t seal(struct recoder_keys *k, uint8_t type, uint8_t *plain, size_t len, uint8_t *out)
{
    plain[len++] = type;
    put_header(out, ENCRYPTED, len + TAG);
    crypt(k, 1, k->out++, out, plain, len, out + HEADER, out + HEADER + len);
    return HEADER + len + TAG;
}

// What is in a record. 0: it cannot be opened.
static int open_record(struct recoder_keys *k, const uint8_t *record, size_t len, uint8_t *type,
                       uint8_t *plain, size_t *plain_len)
{
    uint8_t tag[TAG];
    size_t n = len < HEADER + TAG + 1 ? 0 : len - HEADER - TAG;
    if (!n)
        return 0;
    memcpy(tag, record + len - TAG, TAG);
    if (!crypt(k, 0, k->in++, record, record + HEADER, n, plain, tag))
        return 0;
    while (n > 1 && !plain[n - 1])
        n--;
    *type = plain[n - 1];
    *plain_len = n - 1;
    return 1;
}

// The server's Finished is the last message under the first keys.
static int ends_handshake(const uint8_t *plain, size_t len)
{
    for (size_t at = 0, n; len - at >= 4; at += n) {
        n = 4 + (size_t)bf_be(plain + at + 1, 3);
        if (plain[at] == FINISHED)
            return 1;
        if (n > len - at)
            return 0;
    }
    return 0;
}

static size_t recode(struct tls_recoder *r, const uint8_t *record, size_t len, uint8_t *out)
{
    uint8_t plain[RECODER_PLAIN], type = record[0];
    struct recoder_keys *k = type == ENCRYPTED ? keys_now(r) : NULL;
    size_t n = len - HEADER, at = 0;
    int last = 0, times;
    if (type == ENCRYPTED && (!k || !open_record(k, record, len, &type, plain, &n)))
        return 0;
    if (!k)
        memcpy(plain, record + HEADER, n);
    last = k && !r->stage && type == HANDSHAKE && ends_handshake(plain, n);
    times = r->change(r->user, r->records++, &type, plain, &n);
    for (int i = 0; i < times; i++) {
        if (k) {
            at += seal(k, type, plain, n, out + at);
            continue;
        }
        put_header(out + at, type, n);
        memcpy(out + at + HEADER, plain, n);
        at += HEADER + n;
    }
    r->stage |= last;
    return at;
}

size_t tls_recoder_move(struct tls_recoder *r, const uint8_t *bytes, size_t len, uint8_t *out,
                        size_t *out_len, size_t out_size)
{
    size_t at = 0;
    while (len - at >= HEADER) {
        size_t n = HEADER + (size_t)bf_be16(bytes + at + 3);
        if (n > len - at || n > RECODER_PLAIN - 512 || out_size - *out_len < 3 * RECODER_PLAIN)
            break;
        *out_len += recode(r, bytes + at, n, out + *out_len);
        at += n;
    }
    return at;
}
