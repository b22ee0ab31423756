// SPDX-License-Identifier: Apache-2.0
// Who may come in: the certificate is looked up in the database, and whether the machine lives
// elsewhere; a verdict ends a connection that was let in, and an enrolment key is turned into a
// certificate.
#include <string.h>
#include <time.h>

#include "base/assert.h"
#include "base/fmt.h"
#include "base/log.h"
#include "replica/daemon/daemon.h"

// ---- Admission ---------------------------------------------------------------------------------

static enum bf_err not_known(const struct bf_tls_peer *peer, struct bf_fault *fault)
{
    return bf_fault_set(fault, BF_ERR_AUTH, BF_SIDE_CONFIG,
                        "make a new medium with bootferry media",
                        "this server does not know the certificate of %s", peer->machine);
}

enum bf_err bf_conn_admit(struct bf_db *db, const struct bf_tls_peer *peer, struct bf_fault *fault)
{
    struct bf_certificate certificate;
    struct bf_machine machine;
    BF_ASSERT(peer->has_certificate);
    enum bf_err err = bf_db_certificate_get(db, peer->fingerprint, &certificate);
    if (!err)
        err = bf_db_machine_get(db, peer->machine, &machine);
    if (err == BF_ERR_NOT_FOUND)
        return not_known(peer, fault);
    if (err) {
        *fault = *bf_db_fault(db);
        return err;
    }
    if (certificate.role != BF_ROLE_MACHINE || strcmp(certificate.machine, peer->machine) != 0)
        return not_known(peer, fault);
    if (certificate.revoked || machine.revoked)
        return bf_fault_set(fault, BF_ERR_AUTH, BF_SIDE_CONFIG,
                            machine.revoked ? "let it in with bootferry machine renew, and make a "
                                              "new medium"
                                            : "make a new medium with bootferry media",
                            "the certificate of %s was revoked", peer->machine);
    err = bf_db_fence_check(db, peer->machine);
    if (err)
        *fault = *bf_db_fault(db);
    return err;
}

// At most every ten minutes: a medium with on-failure=reboot would come back for ever.
void bf_conn_note_fenced(struct bf_conn *c, const struct bf_fault *fault)
{
    int fresh;
    BF_ASSERT(fault->code == BF_ERR_FENCED && c->peer.machine[0]);
    if (bf_db_fence_contact(c->db, c->peer.machine, time(NULL), &fresh))
        bf_log(BF_LOG_ERROR, "%s: its contact is not recorded: %s", c->peer.machine,
               bf_db_fault(c->db)->what);
    else if (fresh)
        bf_conn_event(c, BF_LOG_WARNING, "the old machine was started and refused, from %s: %s",
                      c->from, fault->what);
}

// Words for a session that was under way. The fence may be gone again, which changes nothing: the
// source comes back with its next start.
static enum bf_err fenced_since(const struct bf_conn *c, struct bf_fault *fault)
{
    if (bf_db_fence_check(c->db, c->peer.machine) == BF_ERR_FENCED) {
        *fault = *bf_db_fault(c->db);
        return BF_ERR_FENCED;
    }
    return bf_fault_set(fault, BF_ERR_FENCED, BF_SIDE_SOURCE,
                        "ask the replica server with bootferry status before it is started again",
                        "%s was taken over by a failover", c->peer.machine);
}

enum bf_err bf_conn_allowed(void *impl, struct bf_fault *fault)
{
    const struct bf_conn *c = impl;
    BF_ASSERT(c->verdict >= BF_VERDICT_NONE && c->verdict <= BF_VERDICT_STOPPING);
    switch ((enum bf_verdict)c->verdict) {
    case BF_VERDICT_NONE:
        return BF_OK;
    case BF_VERDICT_REVOKED:
        return bf_fault_set(fault, BF_ERR_AUTH, BF_SIDE_CONFIG,
                            "let it in with bootferry machine renew, and make a new medium",
                            "%s was revoked", c->peer.machine);
    case BF_VERDICT_FENCED:
        return fenced_since(c, fault);
    case BF_VERDICT_SUPERSEDED:
        return bf_fault_set(fault, BF_ERR_CLOSED, BF_SIDE_SOURCE,
                            "nothing if it has connected again by itself; if another machine "
                            "was started from the same medium, stop one and make it a medium of "
                            "its own",
                            "a newer connection of %s took over", c->peer.machine);
    case BF_VERDICT_CROWDED:
        return bf_fault_set(fault, BF_ERR_BUSY, BF_SIDE_SERVER, "connect again",
                            "too many connections that open no session");
    case BF_VERDICT_STOPPING:
        break;
    }
    return bf_fault_set(fault, BF_ERR_CLOSED, BF_SIDE_SERVER, "wait until it is started again",
                        "the server is being stopped");
}

// ---- Enrolment ---------------------------------------------------------------------------------

static enum bf_err record_enrolled(struct bf_conn *c, const struct bf_ca_certificate *made)
{
    struct bf_certificate row = {.role = BF_ROLE_MACHINE, .origin = "enrolled"};
    BF_ASSERT(bf_db_is_in_transaction(c->db)); // in which the use of the key was counted
    bf_snprintf(row.serial, sizeof row.serial, "%s", made->serial);
    bf_snprintf(row.machine, sizeof row.machine, "%s", c->peer.machine);
    memcpy(row.fingerprint, made->fingerprint, sizeof row.fingerprint);
    row.created = time(NULL);
    row.not_after = made->not_after;
    return bf_db_certificate_add(c->db, &row);
}

// The peer learns that the key was not accepted; why, only the operator.
static enum bf_err refuse_enrolment(struct bf_conn *c, struct bf_fault *fault)
{
    if (bf_conn_may_log(c->daemon))
        bf_log(BF_LOG_WARNING, "%s: enrolment as %s refused: %s", c->from, c->peer.machine,
               bf_db_fault(c->db)->what);
    return bf_fault_set(fault, BF_ERR_DENIED, BF_SIDE_CONFIG,
                        "see bootferry machine show NAME, and make new files with bootferry media "
                        "NAME --pxe",
                        "the server did not accept the enrolment key");
}

// In a transaction: the use is counted and the certificate is known, or neither, and a machine that
// is revoked meanwhile has it revoked too.
static enum bf_err use_key(struct bf_conn *c, const struct bf_enrol *request,
                           struct bf_ca_certificate *made, struct bf_fault *fault)
{
    uint8_t hash[32];
    bf_ca_sha256(request->key, sizeof request->key, hash);
    if (bf_db_enrolment_use(c->db, hash, request->name, time(NULL)))
        return refuse_enrolment(c, fault);
    c->keeps_place = 1; // the key is one of ours
    if (bf_db_fence_check(c->db, request->name))
        return bf_conn_db_fault(c, fault); // and the use is not counted
    enum bf_err err =
        bf_ca_enrol(c->daemon->ca, request->name, request->csr, request->csr_len, made, fault);
    if (!err && (record_enrolled(c, made) || bf_db_commit(c->db)))
        err = bf_conn_db_fault(c, fault);
    return err;
}

enum bf_err bf_conn_enrol(void *impl, const struct bf_enrol *request, uint8_t *certificate,
                          uint32_t *certificate_len, struct bf_fault *fault)
{
    struct bf_conn *c = impl;
    struct bf_ca_certificate made;
    BF_ASSERT(!c->peer.has_certificate && !c->has_session);
    // Not an identity yet: has_certificate stays 0, the name is for the log.
    bf_snprintf(c->peer.machine, sizeof c->peer.machine, "%s", request->name);
    if (bf_db_begin(c->db))
        return bf_conn_db_fault(c, fault);
    enum bf_err err = use_key(c, request, &made, fault);
    bf_db_rollback(c->db);
    if (err == BF_ERR_FENCED)
        bf_conn_note_fenced(c, fault);
    if (err)
        return err;
    BF_ASSERT(!bf_db_is_in_transaction(c->db) && made.len <= sizeof made.der);
    memcpy(certificate, made.der, made.len);
    *certificate_len = made.len;
    bf_conn_event(c, BF_LOG_INFO, "enrolled from %s", c->from);
    return BF_OK;
}
