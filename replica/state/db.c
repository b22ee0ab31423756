// SPDX-License-Identifier: Apache-2.0
// The database's file: schema, versions, settings. The schema is created in one
// transaction; application_id tells our file from another program's, user_version tells the schema.
#include "replica/state/sql.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/fmt.h"
#include "base/platform.h"
#include "replica/state/reason.h"
#include "replica/state/wait.h"
#include "replica/state/waits.h"

enum { APPLICATION_ID = 0x42664462, SCHEMA_VERSION = 4, BUSY_PAUSE_MS = 10 };

static const char schema[] =
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE machines ("
    "  name TEXT PRIMARY KEY, created INTEGER NOT NULL, revoked INTEGER NOT NULL DEFAULT 0);"
    "CREATE TABLE certificates ("
    "  serial TEXT PRIMARY KEY, fingerprint BLOB NOT NULL UNIQUE, machine TEXT NOT NULL,"
    "  role INTEGER NOT NULL, origin TEXT NOT NULL, created INTEGER NOT NULL,"
    "  not_after INTEGER NOT NULL, revoked INTEGER NOT NULL DEFAULT 0);"
    "CREATE TABLE enrolments ("
    "  hash BLOB PRIMARY KEY, machine TEXT NOT NULL REFERENCES machines(name),"
    "  created INTEGER NOT NULL, not_before INTEGER NOT NULL, not_after INTEGER NOT NULL,"
    "  revoked INTEGER NOT NULL DEFAULT 0, uses_max INTEGER NOT NULL,"
    "  uses INTEGER NOT NULL DEFAULT 0);"
    "CREATE TABLE disks ("
    "  machine TEXT NOT NULL REFERENCES machines(name), number INTEGER NOT NULL,"
    "  bytes INTEGER NOT NULL, block_size INTEGER NOT NULL, chunk_size INTEGER NOT NULL,"
    "  identity BLOB NOT NULL, layer INTEGER NOT NULL, created INTEGER NOT NULL,"
    "  PRIMARY KEY (machine, number)) WITHOUT ROWID;"
    "CREATE TABLE points ("
    "  machine TEXT NOT NULL REFERENCES machines(name), number INTEGER NOT NULL,"
    "  state INTEGER NOT NULL, time INTEGER NOT NULL, source_clock INTEGER NOT NULL,"
    "  root BLOB NOT NULL, session BLOB NOT NULL, boot BLOB NOT NULL,"
    "  objects INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (machine, number)) WITHOUT ROWID;"
    "CREATE TABLE point_disks ("
    "  machine TEXT NOT NULL, point INTEGER NOT NULL, disk INTEGER NOT NULL,"
    "  layer INTEGER NOT NULL, next_layer INTEGER NOT NULL, bytes INTEGER NOT NULL,"
    "  data_bytes INTEGER NOT NULL, root BLOB NOT NULL, identity BLOB NOT NULL,"
    "  PRIMARY KEY (machine, point, disk),"
    "  FOREIGN KEY (machine, point) REFERENCES points(machine, number),"
    "  FOREIGN KEY (machine, disk) REFERENCES disks(machine, number)) WITHOUT ROWID;"
    "CREATE TABLE objects ("
    "  machine TEXT NOT NULL, point INTEGER NOT NULL, number INTEGER NOT NULL,"
    "  state INTEGER NOT NULL, created INTEGER NOT NULL,"
    "  PRIMARY KEY (machine, point, number),"
    "  FOREIGN KEY (machine, point) REFERENCES points(machine, number)) WITHOUT ROWID;"
    "CREATE TABLE sessions ("
    "  id BLOB PRIMARY KEY, boot BLOB NOT NULL, machine TEXT NOT NULL REFERENCES machines(name),"
    "  started INTEGER NOT NULL, ended INTEGER NOT NULL, point INTEGER NOT NULL,"
    "  job INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE jobs ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT, machine TEXT NOT NULL, kind TEXT NOT NULL,"
    "  phase INTEGER NOT NULL, pending INTEGER NOT NULL, running INTEGER NOT NULL,"
    "  ready INTEGER NOT NULL, succeeded INTEGER NOT NULL, failed INTEGER NOT NULL,"
    "  step TEXT NOT NULL, bytes_total INTEGER NOT NULL, bytes_done INTEGER NOT NULL,"
    "  bytes_data INTEGER NOT NULL, bytes_wire INTEGER NOT NULL, point INTEGER NOT NULL,"
    "  detail TEXT NOT NULL);"
    "CREATE INDEX jobs_machine ON jobs(machine, id);"
    "CREATE TABLE events ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT, time INTEGER NOT NULL, machine TEXT NOT NULL,"
    "  job INTEGER NOT NULL, level INTEGER NOT NULL, text TEXT NOT NULL);"
    "CREATE INDEX events_machine ON events(machine, id);";

// Version 2. What a source could not read, by the session that read it; a point names its session.
static const char unreadable_table[] =
    "CREATE TABLE unreadable ("
    "  session BLOB NOT NULL, disk INTEGER NOT NULL, offset INTEGER NOT NULL,"
    "  bytes INTEGER NOT NULL, PRIMARY KEY (session, disk, offset)) WITHOUT ROWID;";

// Version 3. What a source found on its machine, and what became of it in the point.
static const char found_tables[] =
    "CREATE TABLE unseen ("
    "  session BLOB NOT NULL, ordinal INTEGER NOT NULL, kind INTEGER NOT NULL,"
    "  asked INTEGER NOT NULL, vendor INTEGER NOT NULL, device INTEGER NOT NULL,"
    "  class BLOB NOT NULL, slot TEXT NOT NULL, what TEXT NOT NULL, why TEXT NOT NULL,"
    "  PRIMARY KEY (session, ordinal)) WITHOUT ROWID;"
    "CREATE TABLE places ("
    "  session BLOB NOT NULL, disk INTEGER NOT NULL, ordinal INTEGER NOT NULL,"
    "  name TEXT NOT NULL, what TEXT NOT NULL, why TEXT NOT NULL, bytes INTEGER NOT NULL,"
    "  spans BLOB NOT NULL, unused INTEGER NOT NULL DEFAULT -1,"
    "  fresh INTEGER NOT NULL DEFAULT -1, PRIMARY KEY (session, disk, ordinal)) WITHOUT ROWID;"
    "ALTER TABLE point_disks ADD COLUMN unused_bytes INTEGER NOT NULL DEFAULT -1;"
    "ALTER TABLE point_disks ADD COLUMN new_bytes INTEGER NOT NULL DEFAULT -1;";

// Version 4. What failovers have beside their jobs, and machines that live elsewhere, by the
// failover that took each there.
static const char failover_tables[] =
    "CREATE TABLE failovers ("
    "  job INTEGER PRIMARY KEY REFERENCES jobs(id), machine TEXT NOT NULL REFERENCES "
    "machines(name),"
    "  mode INTEGER NOT NULL, over INTEGER NOT NULL, target TEXT NOT NULL,"
    "  object INTEGER NOT NULL, word TEXT NOT NULL, wish INTEGER NOT NULL,"
    "  discard INTEGER NOT NULL, place TEXT NOT NULL, ending TEXT NOT NULL,"
    "  until INTEGER NOT NULL, started INTEGER NOT NULL, patience INTEGER NOT NULL,"
    "  fresh INTEGER NOT NULL, wait INTEGER NOT NULL, evidence TEXT NOT NULL);"
    "CREATE INDEX failovers_machine ON failovers(machine, over);"
    "CREATE INDEX events_job ON events(job, id);"
    "CREATE TABLE fences ("
    "  machine TEXT NOT NULL REFERENCES machines(name), job INTEGER NOT NULL,"
    "  since INTEGER NOT NULL, place TEXT NOT NULL, unplanned INTEGER NOT NULL,"
    "  contacts INTEGER NOT NULL DEFAULT 0, contacted INTEGER NOT NULL DEFAULT 0,"
    "  PRIMARY KEY (machine, job)) WITHOUT ROWID;";

// What makes version n + 1 of version n.
static const char *const steps[SCHEMA_VERSION] = {schema, unreadable_table, found_tables,
                                                  failover_tables};

static enum bf_err pragma_int(struct bf_db *db, const char *sql, int64_t *out)
{
    struct bf_query q;

    bf_query_begin(&q, db, sql);
    *out = bf_query_row(&q) ? bf_column_int(&q) : 0;
    return bf_query_end(&q);
}

static enum bf_err climb(struct bf_db *db, int64_t from)
{
    char command[48];
    enum bf_err err = BF_OK;

    BF_ASSERT(bf_db_is_in_transaction(db)); // a schema is there in whole or not at all
    for (int64_t version = from; !err && version < SCHEMA_VERSION; version++)
        err = bf_sql_execute(db, steps[version]);
    bf_snprintf(command, sizeof command, "PRAGMA user_version=%d;", SCHEMA_VERSION);
    return err ? err : bf_sql_execute(db, command);
}

// Another program is writing: waits for it, as long as that makes sense.
static int on_busy(void *user, int times)
{
    struct bf_db *db = user;
    uint64_t now = bf_platform_now_us();

    if (times == 0)
        db->busy_us = now;
    if (bf_wait_is_cancelled() ||
        now >= (db->until_us ? db->until_us : db->busy_us + (uint64_t)BF_WAIT_DB_MS * 1000))
        return 0;
    bf_platform_idle(BUSY_PAUSE_MS * 1000);
    return 1;
}

void bf_db_wait_until(struct bf_db *db, uint64_t until_us)
{
    db->until_us = until_us;
}

// The settings of a connection. synchronous=FULL: a committed transaction survives a power loss.
static enum bf_err configure(struct bf_db *db)
{
    sqlite3_extended_result_codes(db->sqlite, 1);
    sqlite3_busy_handler(db->sqlite, on_busy, db);
    return bf_sql_execute(db, "PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
                              "PRAGMA trusted_schema=OFF; PRAGMA wal_autocheckpoint=256;");
}

// The fault names the file: it may be another than the operator thinks.
static void name_file(struct bf_db *db, const char *path)
{
    const struct bf_fault f = db->fault;

    BF_ASSERT(f.code);
    bf_fault_set(&db->fault, f.code, f.side, f.todo, "%s: %s", path, f.what);
}

void bf_db_for_session(struct bf_db *db)
{
    db->for_session = 1;
}

static enum bf_err connect_file(const char *path, int flags, struct bf_db **out,
                                struct bf_fault *fault)
{
    struct bf_db *db = calloc(1, sizeof *db);
    enum bf_err err;

    *out = NULL;
    if (!db)
        return bf_fault_set(fault, BF_ERR_NO_MEMORY, BF_SIDE_SERVER, "free some memory",
                            "no memory for the database");
    if (sqlite3_open_v2(path, &db->sqlite, flags, NULL) != SQLITE_OK)
        err = bf_sql_failed(db, path);
    else
        err = configure(db);
    if (err) {
        name_file(db, path);
        *fault = db->fault;
        bf_db_close(db);
        return err;
    }
    *out = db;
    return BF_OK;
}

static enum bf_err create_schema(struct bf_db *db)
{
    char application[48];
    enum bf_err err;

    bf_snprintf(application, sizeof application, "PRAGMA application_id=%d;", APPLICATION_ID);
    err = bf_sql_execute(db, "PRAGMA journal_mode=WAL;");
    if (!err)
        err = bf_db_begin(db);
    if (!err)
        err = climb(db, 0);
    if (!err)
        err = bf_sql_execute(db, application);
    return err ? err : bf_db_commit(db);
}

static enum bf_err create_fault(struct bf_fault *fault, const char *path, int number)
{
    enum bf_err code = bf_reason_errno(number);

    return bf_fault_set(fault, code, BF_SIDE_SERVER,
                        bf_reason_todo(code, "choose an empty folder that this user may write"),
                        "the database %s cannot be created: %s", path, strerror(number));
}

enum bf_err bf_db_create(const char *path, struct bf_fault *fault)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    struct bf_db *db;
    enum bf_err err;

    if (fd < 0)
        return create_fault(fault, path, errno);
    close(fd);
    err = connect_file(path, SQLITE_OPEN_READWRITE, &db, fault);
    if (err)
        return err;
    err = create_schema(db);
    if (err)
        *fault = db->fault;
    bf_db_close(db);
    return err;
}

// Brings an older schema up to date, in one transaction; another program may have been faster.
static enum bf_err upgrade(struct bf_db *db, int64_t *version)
{
    int own;
    enum bf_err err = bf_sql_enter(db, &own);

    if (err)
        return err;
    err = pragma_int(db, "PRAGMA user_version", version);
    if (!err && *version < SCHEMA_VERSION) {
        err = climb(db, *version);
        *version = SCHEMA_VERSION;
    }
    return bf_sql_leave(db, own, err);
}

static enum bf_err check_versions(struct bf_db *db)
{
    int64_t application, version;
    enum bf_err err = pragma_int(db, "PRAGMA application_id", &application);

    if (!err)
        err = pragma_int(db, "PRAGMA user_version", &version);
    if (err)
        return err;
    if (application != APPLICATION_ID)
        return bf_fault_set(&db->fault, BF_ERR_CORRUPT, BF_SIDE_CONFIG,
                            "name the folder that bootferry init made",
                            "db.sqlite is not a database of Bootferry");
    if (version > 0 && version < SCHEMA_VERSION)
        err = upgrade(db, &version);
    if (err)
        return err;
    if (version != SCHEMA_VERSION)
        return bf_fault_set(&db->fault, BF_ERR_VERSION, BF_SIDE_CONFIG,
                            "use the version of Bootferry that wrote this state",
                            "the state has schema version %d, this program knows version %d",
                            (int)version, SCHEMA_VERSION);
    return BF_OK;
}

enum bf_err bf_db_open(const char *path, struct bf_db **out, struct bf_fault *fault)
{
    struct bf_db *db;
    enum bf_err err = connect_file(path, SQLITE_OPEN_READWRITE, &db, fault);

    *out = NULL;
    if (err)
        return err;
    err = check_versions(db);
    if (err) {
        *fault = db->fault;
        bf_db_close(db);
        return err;
    }
    *out = db;
    return BF_OK;
}

void bf_db_close(struct bf_db *db)
{
    if (!db)
        return;
    BF_ASSERT(!db->sqlite || !sqlite3_next_stmt(db->sqlite, NULL)); // all queries were ended
    sqlite3_close(db->sqlite);
    free(db);
}

const struct bf_fault *bf_db_fault(const struct bf_db *db)
{
    return &db->fault;
}

enum bf_err bf_db_meta_set(struct bf_db *db, const char *key, const char *value)
{
    struct bf_query q;

    bf_query_begin(&q, db,
                   "INSERT INTO meta VALUES (?, ?) "
                   "ON CONFLICT (key) DO UPDATE SET value = excluded.value");
    bf_query_text(&q, key);
    bf_query_text(&q, value);
    return bf_query_run(&q);
}

enum bf_err bf_db_meta_remove(struct bf_db *db, const char *key)
{
    struct bf_query q;

    bf_query_begin(&q, db, "DELETE FROM meta WHERE key = ?");
    bf_query_text(&q, key);
    return bf_query_run(&q);
}

enum bf_err bf_db_meta_get(struct bf_db *db, const char *key, char *out, size_t size)
{
    struct bf_query q;
    int found;

    bf_query_begin(&q, db, "SELECT value FROM meta WHERE key = ?");
    bf_query_text(&q, key);
    found = bf_query_row(&q);
    if (found)
        bf_column_text(&q, out, size);
    return bf_query_end_found(&q, found, "setting");
}
