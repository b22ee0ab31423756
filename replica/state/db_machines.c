// SPDX-License-Identifier: Apache-2.0
// The database's part about who may do what: machines, certificates, enrolment keys.
#include "replica/state/sql.h"

#include <string.h>

#include "base/assert.h"

// ---- Machines ----------------------------------------------------------------------------------

enum bf_err bf_db_machine_add(struct bf_db *db, const char *name, int64_t now)
{
    struct bf_query q;
    enum bf_err err;

    bf_query_begin(&q, db, "INSERT INTO machines (name, created) VALUES (?, ?)");
    bf_query_text(&q, name);
    bf_query_int(&q, now);
    err = bf_query_run(&q);
    if (err == BF_ERR_EXISTS)
        bf_fault_set(&db->fault, err, BF_SIDE_CONFIG, "choose another name",
                     "there is a machine %s already", name);
    return err;
}

static void machine_columns(struct bf_query *q, struct bf_machine *out)
{
    bf_column_text(q, out->name, sizeof out->name);
    out->created = bf_column_int(q);
    out->revoked = bf_column_int(q);
}

enum bf_err bf_db_machine_get(struct bf_db *db, const char *name, struct bf_machine *out)
{
    struct bf_query q;
    int found;

    bf_query_begin(&q, db, "SELECT name, created, revoked FROM machines WHERE name = ?");
    bf_query_text(&q, name);
    found = bf_query_row(&q);
    if (found)
        machine_columns(&q, out);
    return bf_query_end_found(&q, found, "machine");
}

enum bf_err bf_db_machine_list(struct bf_db *db, struct bf_machine **out, size_t *count)
{
    struct bf_rows rows = {.db = db, .size = sizeof **out};
    struct bf_machine *machine;
    struct bf_query q;

    bf_query_begin(&q, db, "SELECT name, created, revoked FROM machines ORDER BY name");
    while (bf_query_row(&q) && (machine = bf_rows_add(&rows)))
        machine_columns(&q, machine);
    return bf_rows_give(&rows, bf_query_end(&q), out, count);
}

static enum bf_err revoke_in(struct bf_db *db, const char *sql, const char *name, int64_t now)
{
    struct bf_query q;

    BF_ASSERT(bf_db_is_in_transaction(db)); // the machine and all that it has
    bf_query_begin(&q, db, sql);
    bf_query_int(&q, now);
    bf_query_text(&q, name);
    return bf_query_run(&q);
}

enum bf_err bf_db_machine_revoke(struct bf_db *db, const char *name, int64_t now)
{
    struct bf_machine machine;
    int own;
    enum bf_err err = bf_sql_enter(db, &own);

    BF_ASSERT(now != 0); // which would say "not revoked"
    if (err)
        return err;
    err = bf_db_machine_get(db, name, &machine);
    if (!err)
        err = revoke_in(db, "UPDATE machines SET revoked = ? WHERE name = ? AND revoked = 0", name,
                        now);
    if (!err)
        err = revoke_in(db, "UPDATE certificates SET revoked = ? WHERE machine = ? AND revoked = 0",
                        name, now);
    if (!err)
        err = revoke_in(db, "UPDATE enrolments SET revoked = ? WHERE machine = ? AND revoked = 0",
                        name, now);
    return bf_sql_leave(db, own, err);
}

enum bf_err bf_db_machine_renew(struct bf_db *db, const char *name)
{
    struct bf_query q;

    bf_query_begin(&q, db, "UPDATE machines SET revoked = 0 WHERE name = ?");
    bf_query_text(&q, name);
    return bf_query_run(&q);
}

// ---- Certificates ------------------------------------------------------------------------------

#define CERTIFICATE_COLUMNS                                                                        \
    "serial, fingerprint, machine, role, origin, created, not_after, revoked"

static void certificate_columns(struct bf_query *q, struct bf_certificate *out)
{
    bf_column_text(q, out->serial, sizeof out->serial);
    bf_column_blob(q, out->fingerprint, sizeof out->fingerprint);
    bf_column_text(q, out->machine, sizeof out->machine);
    out->role = (enum bf_role)bf_column_int(q);
    bf_column_text(q, out->origin, sizeof out->origin);
    out->created = bf_column_int(q);
    out->not_after = bf_column_int(q);
    out->revoked = bf_column_int(q);
}

enum bf_err bf_db_certificate_add(struct bf_db *db, const struct bf_certificate *c)
{
    struct bf_query q;

    BF_ASSERT((c->role == BF_ROLE_SERVER) == (c->machine[0] == 0));
    bf_query_begin(&q, db,
                   "INSERT INTO certificates (" CERTIFICATE_COLUMNS ") "
                   "VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
    bf_query_text(&q, c->serial);
    bf_query_blob(&q, c->fingerprint, sizeof c->fingerprint);
    bf_query_text(&q, c->machine);
    bf_query_int(&q, c->role);
    bf_query_text(&q, c->origin);
    bf_query_int(&q, c->created);
    bf_query_int(&q, c->not_after);
    bf_query_int(&q, c->revoked);
    return bf_query_run(&q);
}

enum bf_err bf_db_certificate_get(struct bf_db *db, const uint8_t fingerprint[32],
                                  struct bf_certificate *out)
{
    struct bf_query q;
    int found;

    bf_query_begin(&q, db,
                   "SELECT " CERTIFICATE_COLUMNS " FROM certificates WHERE fingerprint = ?");
    bf_query_blob(&q, fingerprint, 32);
    found = bf_query_row(&q);
    if (found)
        certificate_columns(&q, out);
    return bf_query_end_found(&q, found, "certificate");
}

enum bf_err bf_db_certificate_list(struct bf_db *db, const char *machine,
                                   struct bf_certificate **out, size_t *count)
{
    struct bf_rows rows = {.db = db, .size = sizeof **out};
    struct bf_certificate *c;
    struct bf_query q;

    bf_query_begin(&q, db,
                   "SELECT " CERTIFICATE_COLUMNS " FROM certificates "
                   "WHERE ?1 IS NULL OR machine = ?1 ORDER BY created, serial");
    bf_query_text(&q, machine);
    while (bf_query_row(&q) && (c = bf_rows_add(&rows)))
        certificate_columns(&q, c);
    return bf_rows_give(&rows, bf_query_end(&q), out, count);
}

enum bf_err bf_db_certificate_revoke(struct bf_db *db, const char *serial, int64_t now)
{
    struct bf_query q;

    BF_ASSERT(now != 0);
    bf_query_begin(&q, db,
                   "UPDATE certificates SET revoked = "
                   "CASE revoked WHEN 0 THEN ? ELSE revoked END WHERE serial = ?");
    bf_query_int(&q, now);
    bf_query_text(&q, serial);
    return bf_query_change(&q, "certificate");
}

// ---- Enrolment keys ----------------------------------------------------------------------------

#define ENROLMENT_COLUMNS "hash, machine, created, not_before, not_after, revoked, uses_max, uses"

static void enrolment_columns(struct bf_query *q, struct bf_enrolment *out)
{
    bf_column_blob(q, out->hash, sizeof out->hash);
    bf_column_text(q, out->machine, sizeof out->machine);
    out->created = bf_column_int(q);
    out->not_before = bf_column_int(q);
    out->not_after = bf_column_int(q);
    out->revoked = bf_column_int(q);
    out->uses_max = (uint32_t)bf_column_int(q);
    out->uses = (uint32_t)bf_column_int(q);
}

enum bf_err bf_db_enrolment_add(struct bf_db *db, const struct bf_enrolment *e)
{
    struct bf_query q;

    BF_ASSERT(e->uses <= e->uses_max && e->not_before <= e->not_after);
    bf_query_begin(&q, db,
                   "INSERT INTO enrolments (" ENROLMENT_COLUMNS ") "
                   "VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
    bf_query_blob(&q, e->hash, sizeof e->hash);
    bf_query_text(&q, e->machine);
    bf_query_int(&q, e->created);
    bf_query_int(&q, e->not_before);
    bf_query_int(&q, e->not_after);
    bf_query_int(&q, e->revoked);
    bf_query_int(&q, e->uses_max);
    bf_query_int(&q, e->uses);
    return bf_query_run(&q);
}

enum bf_err bf_db_enrolment_revoke(struct bf_db *db, const uint8_t hash[32], int64_t now)
{
    struct bf_query q;

    BF_ASSERT(now != 0);
    bf_query_begin(&q, db, "UPDATE enrolments SET revoked = ? WHERE hash = ? AND revoked = 0");
    bf_query_int(&q, now);
    bf_query_blob(&q, hash, 32);
    return bf_query_run(&q);
}

enum bf_err bf_db_enrolment_list(struct bf_db *db, const char *machine, struct bf_enrolment **out,
                                 size_t *count)
{
    struct bf_rows rows = {.db = db, .size = sizeof **out};
    struct bf_enrolment *e;
    struct bf_query q;

    bf_query_begin(&q, db,
                   "SELECT " ENROLMENT_COLUMNS " FROM enrolments "
                   "WHERE ?1 IS NULL OR machine = ?1 ORDER BY created, hash");
    bf_query_text(&q, machine);
    while (bf_query_row(&q) && (e = bf_rows_add(&rows)))
        enrolment_columns(&q, e);
    return bf_rows_give(&rows, bf_query_end(&q), out, count);
}

static enum bf_err enrolment_denied(struct bf_db *db, const char *machine, const char *why)
{
    return bf_fault_set(&db->fault, BF_ERR_DENIED, BF_SIDE_CONFIG,
                        "make a new medium for the machine: bootferry media NAME --pxe DIR",
                        "enrolment of %s was refused: %s", machine, why);
}

static enum bf_err enrolment_judge(struct bf_db *db, const struct bf_enrolment *e,
                                   const char *machine, int64_t now)
{
    struct bf_machine owner;
    enum bf_err err = bf_db_machine_get(db, e->machine, &owner);

    BF_ASSERT(bf_db_is_in_transaction(db)); // nobody uses or revokes it before it is counted
    if (err)
        return err;
    if (strcmp(e->machine, machine) != 0)
        return enrolment_denied(db, machine, "the key belongs to another machine");
    if (e->revoked || owner.revoked)
        return enrolment_denied(db, machine, "the key or the machine was revoked");
    if (now < e->not_before)
        return enrolment_denied(db, machine, "the key is not valid yet");
    if (now >= e->not_after)
        return enrolment_denied(db, machine, "the key has expired");
    if (e->uses >= e->uses_max)
        return enrolment_denied(db, machine, "the key has reached its limit of uses");
    return BF_OK;
}

enum bf_err bf_db_enrolment_use(struct bf_db *db, const uint8_t hash[32], const char *machine,
                                int64_t now)
{
    struct bf_enrolment e = {0};
    struct bf_query q;
    int own, found;
    enum bf_err err = bf_sql_enter(db, &own);

    if (err)
        return err;
    bf_query_begin(&q, db, "SELECT " ENROLMENT_COLUMNS " FROM enrolments WHERE hash = ?");
    bf_query_blob(&q, hash, 32);
    found = bf_query_row(&q);
    if (found)
        enrolment_columns(&q, &e);
    err = bf_query_end(&q);
    if (!err)
        err = found ? enrolment_judge(db, &e, machine, now)
                    : enrolment_denied(db, machine, "the key is unknown");
    if (!err) {
        bf_query_begin(&q, db, "UPDATE enrolments SET uses = uses + 1 WHERE hash = ?");
        bf_query_blob(&q, hash, 32);
        err = bf_query_change(&q, "enrolment key");
    }
    return bf_sql_leave(db, own, err);
}
