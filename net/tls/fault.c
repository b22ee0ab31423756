// SPDX-License-Identifier: Apache-2.0
// The words for what went wrong with TLS. Several things can be wrong with a certificate at once;
// the one that says most comes first: an unknown root makes names, roles and times meaningless.
#include "net/tls/fault.h"

#include <mbedtls/ssl.h>
#include <mbedtls/x509.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/log.h"
#include "base/platform.h"
#include "net/tls/mbedtls_port.h"
#include "net/tls/utc.h"

static enum bf_err time_fault(struct bf_fault *fault, const struct bf_tls_verdict *j,
                              const char *host)
{
    char bound[32], now[32];
    BF_ASSERT(j->flags & (MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE));
    bf_utc_text(j->bound, bound);
    bf_utc_text(bf_platform_wall(), now);
    if (j->flags & MBEDTLS_X509_BADCERT_FUTURE)
        return bf_fault_set(fault, BF_ERR_CLOCK, BF_SIDE_SOURCE,
                            "set this machine's clock, or give the right time with time= in the "
                            "configuration",
                            "the certificate of %s is valid from %s, but the clock here says %s",
                            host, bound, now);
    return bf_fault_set(fault, BF_ERR_AUTH, BF_SIDE_CONFIG,
                        "if that time is wrong, set this machine's clock or time=; if it is right, "
                        "give the server a new certificate: `bootferry init --address` with one "
                        "more name",
                        "the certificate of %s expired on %s, and the clock here says %s", host,
                        bound, now);
}

enum bf_err bf_tls_verify_fault(struct bf_fault *fault, const struct bf_tls_verdict *j,
                                const char *host, const char *role)
{
    const uint32_t chain = MBEDTLS_X509_BADCERT_NOT_TRUSTED | MBEDTLS_X509_BADCERT_MISSING |
                           MBEDTLS_X509_BADCERT_BAD_MD | MBEDTLS_X509_BADCERT_BAD_PK |
                           MBEDTLS_X509_BADCERT_BAD_KEY;
    if (j->flags & chain)
        return bf_fault_set(fault, BF_ERR_AUTH, BF_SIDE_SERVER,
                            "check that server= is the right machine; if it was set up anew, make "
                            "new media with it",
                            "the certificate of %s is not signed by the root that this medium "
                            "trusts",
                            host);
    if (j->wrong_role)
        return bf_fault_set(fault, BF_ERR_AUTH, BF_SIDE_SERVER,
                            "find out who answers at this address: it may be another machine of "
                            "this installation, or an attack",
                            "the certificate of %s does not have the role %s", host, role);
    if (j->flags & MBEDTLS_X509_BADCERT_CN_MISMATCH)
        return bf_fault_set(
            fault, BF_ERR_AUTH, BF_SIDE_CONFIG,
            "use one of the names that `bootferry init --address` was given, or give "
            "it this one as well",
            "the server's certificate is not for %s", host);
    if (j->flags & (MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE))
        return time_fault(fault, j, host);
    bf_log(BF_LOG_DEBUG, "mbedTLS: certificate flags 0x%x", (unsigned)j->flags);
    return bf_fault_set(fault, BF_ERR_AUTH, BF_SIDE_SERVER,
                        "find out who answers at this address; `bootferry init --address` with one "
                        "more name gives the server a new certificate",
                        "the certificate of %s was not made for a replica server", host);
}

// Alerts that say something about our certificate or about what we can speak; the host's name comes
// in front of the words.
static const struct {
    uint8_t alert;
    enum bf_err code;
    enum bf_side side;
    const char *what, *todo;
} alerts[] = {
    {MBEDTLS_SSL_ALERT_MSG_CERT_REVOKED, BF_ERR_AUTH, BF_SIDE_CONFIG,
     "says that this machine's certificate was revoked",
     "if that was not intended: `bootferry machine renew` at the server, then make new media"},
    {MBEDTLS_SSL_ALERT_MSG_CERT_EXPIRED, BF_ERR_AUTH, BF_SIDE_CONFIG,
     "finds this machine's certificate expired or not yet valid",
     "compare the server's clock with the certificate, or make new media"},
    {MBEDTLS_SSL_ALERT_MSG_UNKNOWN_CA, BF_ERR_AUTH, BF_SIDE_CONFIG,
     "does not know who signed this machine's certificate",
     "make new media on this server; these were made on another one"},
    {MBEDTLS_SSL_ALERT_MSG_CERT_REQUIRED, BF_ERR_AUTH, BF_SIDE_CONFIG,
     "asks for a certificate, and this machine has none",
     "use media with certificate= and key=, or an enrolment key"},
    {MBEDTLS_SSL_ALERT_MSG_ACCESS_DENIED, BF_ERR_DENIED, BF_SIDE_CONFIG,
     "knows this machine but does not let it in",
     "look at the machine with `bootferry machine "
     "show`"},
    {MBEDTLS_SSL_ALERT_MSG_BAD_CERT, BF_ERR_AUTH, BF_SIDE_CONFIG,
     "refused this machine's certificate", "make new media on this server"},
    {MBEDTLS_SSL_ALERT_MSG_UNSUPPORTED_CERT, BF_ERR_AUTH, BF_SIDE_CONFIG,
     "cannot use this machine's certificate", "make new media on this server"},
    {MBEDTLS_SSL_ALERT_MSG_CERT_UNKNOWN, BF_ERR_AUTH, BF_SIDE_CONFIG,
     "refused this machine's certificate", "make new media on this server"},
    {MBEDTLS_SSL_ALERT_MSG_DECRYPT_ERROR, BF_ERR_AUTH, BF_SIDE_CONFIG,
     "could not verify that the private key belongs to this machine's certificate",
     "make new media on this server"},
    {MBEDTLS_SSL_ALERT_MSG_PROTOCOL_VERSION, BF_ERR_PROTOCOL, BF_SIDE_SERVER,
     "does not speak TLS 1.3", "check that server= names a bootferryd and its port"},
    {MBEDTLS_SSL_ALERT_MSG_HANDSHAKE_FAILURE, BF_ERR_PROTOCOL, BF_SIDE_SERVER,
     "has no TLS 1.3 suite in common with this program",
     "check that server= names a bootferryd and its port"},
    {MBEDTLS_SSL_ALERT_MSG_INTERNAL_ERROR, BF_ERR_NETWORK, BF_SIDE_SERVER,
     "reports an internal error during TLS", "check the server's log"},
};

enum bf_err bf_tls_alert_fault(struct bf_fault *fault, uint8_t alert, const char *host)
{
    for (uint32_t i = 0; i < BF_COUNT(alerts); i++)
        if (alerts[i].alert == alert)
            return bf_fault_set(fault, alerts[i].code, alerts[i].side, alerts[i].todo, "%s %s",
                                host, alerts[i].what);
    bf_log(BF_LOG_DEBUG, "TLS: alert %u", (unsigned)alert);
    return bf_fault_set(fault, BF_ERR_PROTOCOL, BF_SIDE_SERVER, "check the server's log",
                        "%s ended TLS for a reason unknown to this program", host);
}

enum bf_err bf_tls_hybrid_fault(struct bf_fault *fault, const char *host)
{
    return bf_fault_set(fault, BF_ERR_AUTH, BF_SIDE_SERVER,
                        "update the server, or set kex=auto, but then whoever records the traffic "
                        "now may decrypt it once there are quantum computers",
                        "%s has no hybrid key exchange (X25519MLKEM768), and kex=hybrid allows no "
                        "other",
                        host);
}

enum bf_err bf_tls_code_fault(struct bf_fault *fault, int code, int opening, const char *host)
{
    enum bf_err err = bf_crypto_err(code);
    BF_ASSERT(code);
    if (err == BF_ERR_NO_MEMORY)
        return bf_fault_set(fault, err, BF_SIDE_SOURCE, "give the machine more memory",
                            "no memory for TLS");
    if (err == BF_ERR_NO_ENTROPY)
        return bf_fault_set(fault, err, BF_SIDE_SOURCE,
                            "use a machine whose firmware or processor has a random number "
                            "generator",
                            "there are no random numbers for TLS");
    switch (code) {
    case MBEDTLS_ERR_SSL_CONN_EOF:
        if (opening)
            return bf_fault_set(fault, BF_ERR_NETWORK, BF_SIDE_SERVER,
                                "see whether the server is up, and check its log",
                                "%s closed the connection during the TLS handshake", host);
        return bf_fault_set(fault, BF_ERR_NETWORK, BF_SIDE_NETWORK,
                            "see whether the server and the network to it are up",
                            "the connection to %s was cut", host);
    case MBEDTLS_ERR_SSL_BAD_PROTOCOL_VERSION:
        return bf_tls_alert_fault(fault, MBEDTLS_SSL_ALERT_MSG_PROTOCOL_VERSION, host);
    case MBEDTLS_ERR_SSL_INVALID_MAC:
        return bf_fault_set(fault, BF_ERR_CORRUPT, BF_SIDE_NETWORK,
                            "look for faulty network hardware on the path",
                            "a record from %s was altered in transit", host);
    default:
        bf_log(BF_LOG_DEBUG, "mbedTLS: error -0x%x", (unsigned)-code);
        return bf_fault_set(fault, BF_ERR_PROTOCOL, BF_SIDE_SERVER,
                            "check that server= names a bootferryd and its port",
                            "what answers at %s does not speak TLS 1.3 as it should", host);
    }
}
