// SPDX-License-Identifier: Apache-2.0
// The database's part about disks, recovery points and what was finalized from them.
#include "replica/state/sql.h"

#include <string.h>

#include "base/assert.h"

// ---- Disk identities, encoded as on the wire ---------------------------------------------------

enum { IDENTITY_MAX = 1024 };

struct identity_blob {
    uint8_t bytes[IDENTITY_MAX];
    size_t len;
};

static void identity_bind(struct bf_query *q, struct identity_blob *blob,
                          const struct bf_disk_identity *identity)
{
    struct bf_writer w;

    bf_writer_init(&w, blob->bytes, sizeof blob->bytes);
    bf_identity_put(&w, identity);
    BF_ASSERT(bf_writer_ok(&w)); // the longest identity fits
    blob->len = bf_writer_len(&w);
    bf_query_blob(q, blob->bytes, blob->len);
}

static void identity_column(struct bf_query *q, struct bf_disk_identity *identity)
{
    struct bf_reader r;
    size_t len;
    const void *bytes = bf_column_span(q, &len);

    memset(identity, 0, sizeof *identity);
    if (q->failed)
        return;
    bf_reader_init(&r, bytes, len);
    bf_identity_get(&r, identity);
    if (!bf_reader_done(&r))
        q->failed = bf_fault_set(&q->db->fault, BF_ERR_CORRUPT, BF_SIDE_SERVER,
                                 "restore db.sqlite from a backup",
                                 "the attributes of a disk in the database are damaged");
}

// ---- Disks -------------------------------------------------------------------------------------

#define DISK_COLUMNS "machine, number, bytes, block_size, chunk_size, identity, layer, created"

static void disk_columns(struct bf_query *q, struct bf_replica_disk *out)
{
    bf_column_text(q, out->machine, sizeof out->machine);
    out->number = (uint16_t)bf_column_int(q);
    out->geometry.disk_bytes = (uint64_t)bf_column_int(q);
    out->geometry.block_size = (uint32_t)bf_column_int(q);
    out->geometry.chunk_size = (uint32_t)bf_column_int(q);
    identity_column(q, &out->identity);
    out->layer = (uint32_t)bf_column_int(q);
    out->created = bf_column_int(q);
}

static enum bf_err next_number(struct bf_db *db, const char *sql, const char *machine,
                               int64_t *number)
{
    struct bf_query q;

    BF_ASSERT(bf_db_is_in_transaction(db)); // nobody else takes the same number
    bf_query_begin(&q, db, sql);
    bf_query_text(&q, machine);
    *number = bf_query_row(&q) ? bf_column_int(&q) : 0;
    return bf_query_end(&q);
}

static enum bf_err disk_insert(struct bf_db *db, const struct bf_replica_disk *disk)
{
    struct identity_blob blob;
    struct bf_query q;

    BF_ASSERT(bf_db_is_in_transaction(db));
    bf_query_begin(&q, db, "INSERT INTO disks (" DISK_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
    bf_query_text(&q, disk->machine);
    bf_query_int(&q, disk->number);
    bf_query_int(&q, (int64_t)disk->geometry.disk_bytes);
    bf_query_int(&q, disk->geometry.block_size);
    bf_query_int(&q, disk->geometry.chunk_size);
    identity_bind(&q, &blob, &disk->identity);
    bf_query_int(&q, disk->layer);
    bf_query_int(&q, disk->created);
    return bf_query_run(&q);
}

enum bf_err bf_db_disk_add(struct bf_db *db, struct bf_replica_disk *disk)
{
    int64_t number = 0;
    int own;
    enum bf_err err = bf_geometry_check(&disk->geometry);

    if (err)
        return bf_fault_set(&db->fault, err, BF_SIDE_SOURCE,
                            "report this, with the disk's geometry",
                            "a disk of %s has an impossible geometry", disk->machine);
    err = bf_sql_enter(db, &own);
    if (err)
        return err;
    err = next_number(db, "SELECT coalesce(max(number) + 1, 0) FROM disks WHERE machine = ?",
                      disk->machine, &number);
    if (!err && number >= UINT16_MAX)
        err = bf_fault_set(&db->fault, BF_ERR_LIMIT, BF_SIDE_CONFIG,
                           "add it under a new name: bootferry machine add",
                           "%s has had as many disks as a replica can number", disk->machine);
    disk->number = (uint16_t)number;
    disk->layer = 0;
    if (!err)
        err = disk_insert(db, disk);
    return bf_sql_leave(db, own, err);
}

enum bf_err bf_db_disk_get(struct bf_db *db, const char *machine, uint16_t number,
                           struct bf_replica_disk *out)
{
    struct bf_query q;
    int found;

    bf_query_begin(&q, db, "SELECT " DISK_COLUMNS " FROM disks WHERE machine = ? AND number = ?");
    bf_query_text(&q, machine);
    bf_query_int(&q, number);
    found = bf_query_row(&q);
    if (found)
        disk_columns(&q, out);
    return bf_query_end_found(&q, found, "disk");
}

enum bf_err bf_db_disk_list(struct bf_db *db, const char *machine, struct bf_replica_disk **out,
                            size_t *count)
{
    struct bf_rows rows = {.db = db, .size = sizeof **out};
    struct bf_replica_disk *disk;
    struct bf_query q;

    bf_query_begin(&q, db,
                   "SELECT " DISK_COLUMNS " FROM disks "
                   "WHERE ?1 IS NULL OR machine = ?1 ORDER BY machine, number");
    bf_query_text(&q, machine);
    while (bf_query_row(&q) && (disk = bf_rows_add(&rows)))
        disk_columns(&q, disk);
    return bf_rows_give(&rows, bf_query_end(&q), out, count);
}

enum bf_err bf_db_disk_identity(struct bf_db *db, const char *machine, uint16_t number,
                                const struct bf_disk_identity *identity)
{
    struct identity_blob blob;
    struct bf_query q;

    bf_query_begin(&q, db, "UPDATE disks SET identity = ? WHERE machine = ? AND number = ?");
    identity_bind(&q, &blob, identity);
    bf_query_text(&q, machine);
    bf_query_int(&q, number);
    return bf_query_change(&q, "disk");
}

enum bf_err bf_db_disk_layer(struct bf_db *db, const char *machine, uint16_t number, uint32_t layer)
{
    struct bf_query q;

    bf_query_begin(&q, db, "UPDATE disks SET layer = ? WHERE machine = ? AND number = ?");
    bf_query_int(&q, layer);
    bf_query_text(&q, machine);
    bf_query_int(&q, number);
    return bf_query_change(&q, "disk");
}

static enum bf_err set_size(struct bf_db *db, const char *machine, uint16_t number, uint64_t bytes)
{
    struct bf_query q;

    BF_ASSERT(bf_db_is_in_transaction(db)); // size and identity change together
    bf_query_begin(&q, db, "UPDATE disks SET bytes = ? WHERE machine = ? AND number = ?");
    bf_query_int(&q, (int64_t)bytes);
    bf_query_text(&q, machine);
    bf_query_int(&q, number);
    return bf_query_change(&q, "disk");
}

enum bf_err bf_db_disk_resize(struct bf_db *db, const char *machine, uint16_t number,
                              uint64_t bytes)
{
    struct bf_replica_disk disk;
    int own;
    enum bf_err err = bf_sql_enter(db, &own);

    if (err)
        return err;
    err = bf_db_disk_get(db, machine, number, &disk);
    disk.identity.bytes = bytes;
    disk.identity.block_size = disk.geometry.block_size;
    if (!err)
        err = set_size(db, machine, number, bytes);
    if (!err)
        err = bf_db_disk_identity(db, machine, number, &disk.identity);
    return bf_sql_leave(db, own, err);
}

// ---- Points ------------------------------------------------------------------------------------

#define POINT_COLUMNS "machine, number, state, time, source_clock, root, session, boot"
#define POINT_DISK_COLUMNS                                                                         \
    "disk, layer, next_layer, bytes, data_bytes, root, identity, unused_bytes, new_bytes"

static enum bf_err point_insert(struct bf_db *db, const struct bf_point *p)
{
    struct bf_query q;

    BF_ASSERT(bf_db_is_in_transaction(db) && p->state == BF_POINT_SEALING);
    bf_query_begin(&q, db,
                   "INSERT INTO points (" POINT_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
    bf_query_text(&q, p->machine);
    bf_query_int(&q, p->number);
    bf_query_int(&q, p->state);
    bf_query_int(&q, p->time);
    bf_query_int(&q, p->source_clock);
    bf_query_blob(&q, p->root.bytes, sizeof p->root.bytes);
    bf_query_blob(&q, p->session, sizeof p->session);
    bf_query_blob(&q, p->boot, sizeof p->boot);
    return bf_query_run(&q);
}

static enum bf_err point_disk_insert(struct bf_db *db, const struct bf_point *p,
                                     const struct bf_point_disk *d)
{
    struct identity_blob blob;
    struct bf_query q;

    BF_ASSERT(bf_db_is_in_transaction(db));
    BF_ASSERT(d->layer > 0 && d->layer < d->next_layer); // what comes after lies over it
    bf_query_begin(&q, db,
                   "INSERT INTO point_disks (machine, point, " POINT_DISK_COLUMNS ") "
                   "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    bf_query_text(&q, p->machine);
    bf_query_int(&q, p->number);
    bf_query_int(&q, d->disk);
    bf_query_int(&q, d->layer);
    bf_query_int(&q, d->next_layer);
    bf_query_int(&q, (int64_t)d->bytes);
    bf_query_int(&q, (int64_t)d->data_bytes);
    bf_query_blob(&q, d->root.bytes, sizeof d->root.bytes);
    identity_bind(&q, &blob, &d->identity);
    bf_query_int(&q, d->unused_bytes);
    bf_query_int(&q, d->new_bytes);
    return bf_query_run(&q);
}

enum bf_err bf_db_point_add(struct bf_db *db, struct bf_point *point)
{
    int64_t number = 0;
    int own;
    enum bf_err err = bf_sql_enter(db, &own);

    BF_ASSERT(point->disks > 0 && point->disks <= BF_PROTO_DISKS_MAX);
    if (err)
        return err;
    err = next_number(db, "SELECT coalesce(max(number), 0) + 1 FROM points WHERE machine = ?",
                      point->machine, &number);
    point->number = (uint32_t)number;
    point->state = BF_POINT_SEALING;
    if (!err)
        err = point_insert(db, point);
    for (uint16_t i = 0; !err && i < point->disks; i++) {
        BF_ASSERT(i == 0 || point->disk[i - 1].disk < point->disk[i].disk);
        err = point_disk_insert(db, point, &point->disk[i]);
    }
    return bf_sql_leave(db, own, err);
}

enum bf_err bf_db_point_sealed(struct bf_db *db, const char *machine, uint32_t number)
{
    struct bf_query q;
    int own;
    enum bf_err err = bf_sql_enter(db, &own);

    if (err)
        return err;
    bf_query_begin(&q, db,
                   "UPDATE disks SET layer = d.next_layer FROM point_disks AS d "
                   "WHERE d.machine = disks.machine AND d.disk = disks.number "
                   "AND d.machine = ? AND d.point = ? AND d.layer = disks.layer");
    bf_query_text(&q, machine);
    bf_query_int(&q, number);
    err = bf_query_run(&q);
    if (!err) {
        bf_query_begin(&q, db, "UPDATE points SET state = ? WHERE machine = ? AND number = ?");
        bf_query_int(&q, BF_POINT_SEALED);
        bf_query_text(&q, machine);
        bf_query_int(&q, number);
        err = bf_query_change(&q, "point");
    }
    return bf_sql_leave(db, own, err);
}

static void point_columns(struct bf_query *q, struct bf_point *out)
{
    bf_column_text(q, out->machine, sizeof out->machine);
    out->number = (uint32_t)bf_column_int(q);
    out->state = (enum bf_point_state)bf_column_int(q);
    out->time = bf_column_int(q);
    out->source_clock = bf_column_int(q);
    bf_column_blob(q, out->root.bytes, sizeof out->root.bytes);
    bf_column_blob(q, out->session, sizeof out->session);
    bf_column_blob(q, out->boot, sizeof out->boot);
}

static void point_disk_columns(struct bf_query *q, struct bf_point_disk *out)
{
    out->disk = (uint16_t)bf_column_int(q);
    out->layer = (uint32_t)bf_column_int(q);
    out->next_layer = (uint32_t)bf_column_int(q);
    out->bytes = (uint64_t)bf_column_int(q);
    out->data_bytes = (uint64_t)bf_column_int(q);
    bf_column_blob(q, out->root.bytes, sizeof out->root.bytes);
    identity_column(q, &out->identity);
    out->unused_bytes = bf_column_int(q);
    out->new_bytes = bf_column_int(q);
}

static enum bf_err point_disks(struct bf_db *db, struct bf_point *point)
{
    struct bf_query q;

    point->disks = 0;
    bf_query_begin(&q, db,
                   "SELECT " POINT_DISK_COLUMNS " FROM point_disks "
                   "WHERE machine = ? AND point = ? ORDER BY disk");
    bf_query_text(&q, point->machine);
    bf_query_int(&q, point->number);
    while (point->disks < BF_PROTO_DISKS_MAX && bf_query_row(&q))
        point_disk_columns(&q, &point->disk[point->disks++]);
    return bf_query_end(&q);
}

// Takes the query's row, if any, as the point and adds its disks.
static enum bf_err point_take(struct bf_query *q, struct bf_point *out)
{
    struct bf_db *db = q->db;
    int found = bf_query_row(q);
    enum bf_err err;

    memset(out, 0, sizeof *out);
    if (found)
        point_columns(q, out);
    err = bf_query_end_found(q, found, "recovery point");
    return err ? err : point_disks(db, out);
}

enum bf_err bf_db_point_get(struct bf_db *db, const char *machine, uint32_t number,
                            struct bf_point *out)
{
    struct bf_query q;

    bf_query_begin(&q, db,
                   "SELECT " POINT_COLUMNS " FROM points WHERE machine = ? AND state = ? "
                   "AND (?3 = 0 OR number = ?3) ORDER BY number DESC LIMIT 1");
    bf_query_text(&q, machine);
    bf_query_int(&q, BF_POINT_SEALED);
    bf_query_int(&q, number);
    return point_take(&q, out);
}

enum bf_err bf_db_point_list(struct bf_db *db, const char *machine, enum bf_point_state state,
                             struct bf_point **out, size_t *count)
{
    struct bf_rows rows = {.db = db, .size = sizeof **out};
    struct bf_point *point;
    struct bf_query q;
    enum bf_err err;

    bf_query_begin(&q, db,
                   "SELECT " POINT_COLUMNS " FROM points WHERE state = ?1 "
                   "AND (?2 IS NULL OR machine = ?2) ORDER BY machine, number");
    bf_query_int(&q, state);
    bf_query_text(&q, machine);
    while (bf_query_row(&q) && (point = bf_rows_add(&rows)))
        point_columns(&q, point);
    err = bf_query_end(&q);
    for (size_t i = 0; !err && i < rows.count; i++)
        err = point_disks(db, &((struct bf_point *)rows.items)[i]);
    return bf_rows_give(&rows, err, out, count);
}

enum bf_err bf_db_point_of_session(struct bf_db *db, const char *machine, const uint8_t session[16],
                                   const uint8_t boot[16], struct bf_point *out)
{
    struct bf_query q;

    bf_query_begin(&q, db,
                   "SELECT " POINT_COLUMNS " FROM points WHERE machine = ? AND state = ? "
                   "AND session = ? AND boot = ? ORDER BY number DESC LIMIT 1");
    bf_query_text(&q, machine);
    bf_query_int(&q, BF_POINT_SEALED);
    bf_query_blob(&q, session, 16);
    bf_query_blob(&q, boot, 16);
    return point_take(&q, out);
}

enum bf_err bf_db_disk_layers(struct bf_db *db, const char *machine, uint16_t number,
                              uint32_t **out, size_t *count)
{
    struct bf_rows rows = {.db = db, .size = sizeof **out};
    uint32_t *layer;
    struct bf_query q;

    bf_query_begin(&q, db,
                   "SELECT DISTINCT layer FROM point_disks "
                   "WHERE machine = ? AND disk = ? ORDER BY layer");
    bf_query_text(&q, machine);
    bf_query_int(&q, number);
    while (bf_query_row(&q) && (layer = bf_rows_add(&rows)))
        *layer = (uint32_t)bf_column_int(&q);
    return bf_rows_give(&rows, bf_query_end(&q), out, count);
}

// ---- Finalized objects -------------------------------------------------------------------------

static enum bf_err object_number(struct bf_db *db, struct bf_object *object)
{
    struct bf_query q;
    int found;

    BF_ASSERT(bf_db_is_in_transaction(db)); // the number and its row, or neither
    bf_query_begin(&q, db,
                   "UPDATE points SET objects = objects + 1 "
                   "WHERE machine = ? AND number = ? AND state = ? RETURNING objects");
    bf_query_text(&q, object->machine);
    bf_query_int(&q, object->point);
    bf_query_int(&q, BF_POINT_SEALED);
    found = bf_query_row(&q);
    if (found)
        object->number = (uint32_t)bf_column_int(&q);
    while (bf_query_row(&q))
        ;
    return bf_query_end_found(&q, found, "recovery point");
}

enum bf_err bf_db_object_add(struct bf_db *db, struct bf_object *object)
{
    struct bf_query q;
    int own;
    enum bf_err err = bf_sql_enter(db, &own);

    if (err)
        return err;
    object->state = BF_OBJECT_MAKING;
    err = object_number(db, object);
    if (!err) {
        bf_query_begin(&q, db, "INSERT INTO objects VALUES (?, ?, ?, ?, ?)");
        bf_query_text(&q, object->machine);
        bf_query_int(&q, object->point);
        bf_query_int(&q, object->number);
        bf_query_int(&q, object->state);
        bf_query_int(&q, object->created);
        err = bf_query_run(&q);
    }
    return bf_sql_leave(db, own, err);
}

static void object_key(struct bf_query *q, const char *machine, uint32_t point, uint32_t number)
{
    bf_query_text(q, machine);
    bf_query_int(q, point);
    bf_query_int(q, number);
}

enum bf_err bf_db_object_ready(struct bf_db *db, const char *machine, uint32_t point,
                               uint32_t number)
{
    struct bf_query q;

    bf_query_begin(&q, db,
                   "UPDATE objects SET state = 2 "
                   "WHERE machine = ? AND point = ? AND number = ?");
    object_key(&q, machine, point, number);
    return bf_query_change(&q, "finalized object");
}

static void object_columns(struct bf_query *q, struct bf_object *out)
{
    bf_column_text(q, out->machine, sizeof out->machine);
    out->point = (uint32_t)bf_column_int(q);
    out->number = (uint32_t)bf_column_int(q);
    out->state = (enum bf_object_state)bf_column_int(q);
    out->created = bf_column_int(q);
}

enum bf_err bf_db_object_get(struct bf_db *db, const char *machine, uint32_t point, uint32_t number,
                             struct bf_object *out)
{
    struct bf_query q;
    int found;

    bf_query_begin(&q, db,
                   "SELECT machine, point, number, state, created FROM objects "
                   "WHERE machine = ? AND point = ? AND number = ?");
    object_key(&q, machine, point, number);
    found = bf_query_row(&q);
    if (found)
        object_columns(&q, out);
    return bf_query_end_found(&q, found, "finalized object");
}

enum bf_err bf_db_object_list(struct bf_db *db, const char *machine, uint32_t point,
                              struct bf_object **out, size_t *count)
{
    struct bf_rows rows = {.db = db, .size = sizeof **out};
    struct bf_object *object;
    struct bf_query q;

    bf_query_begin(&q, db,
                   "SELECT machine, point, number, state, created FROM objects "
                   "WHERE (?1 IS NULL OR machine = ?1) AND (?2 = 0 OR point = ?2) "
                   "ORDER BY machine, point, number");
    bf_query_text(&q, machine);
    bf_query_int(&q, point);
    while (bf_query_row(&q) && (object = bf_rows_add(&rows)))
        object_columns(&q, object);
    return bf_rows_give(&rows, bf_query_end(&q), out, count);
}

enum bf_err bf_db_object_remove(struct bf_db *db, const char *machine, uint32_t point,
                                uint32_t number)
{
    struct bf_query q;

    bf_query_begin(&q, db, "DELETE FROM objects WHERE machine = ? AND point = ? AND number = ?");
    object_key(&q, machine, point, number);
    return bf_query_change(&q, "finalized object");
}
