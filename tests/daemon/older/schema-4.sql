-- SPDX-License-Identifier: Apache-2.0
-- The database of a replica server with schema version 4, made from schema-3.sql by what brings it up to date.
-- tests/daemon/older-state.sh says what was done. The certificates are left out, since their keys are not here.
PRAGMA journal_mode=WAL;
PRAGMA application_id=0x42664462;
PRAGMA user_version=4;
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO meta VALUES('inventory/web-1',
    '{"seen":"2026-11-30T08:28:17Z","firmware":"unknown","secure_boot":2,"processors":2,"memory":8589934592,' ||
    '"processor":"a processor","firmware_vendor":"","vendor":"","product":"","serial":"","uuid":"",' ||
    '"disks":[{"bytes":25165824,"block_size":512,"planned":true,"hibernated":false,"why":"","driver":"file",' ||
    '"model":"","serial":"","wwn":"","gpt":"00000000-0000-4000-8000-000000000001","path":"/tmp/older/a.raw"},' ||
    '{"bytes":8392704,"block_size":512,"planned":true,"hibernated":false,"why":"","driver":"file","model":"",' ||
    '"serial":"","wwn":"","gpt":"00000000-0000-4000-8000-000000000002","path":"/tmp/older/b.raw"}],' ||
    '"nics":[{"mac":"52:54:00:00:00:01","link":1,"driver":"linux","name":"eth0"}]}');
INSERT INTO meta VALUES('inventory/web-1@1',
    '{"seen":"2026-11-30T08:28:16Z","firmware":"unknown","secure_boot":2,"processors":2,"memory":8589934592,' ||
    '"processor":"a processor","firmware_vendor":"","vendor":"","product":"","serial":"","uuid":"",' ||
    '"disks":[{"bytes":25165824,"block_size":512,"planned":true,"hibernated":false,"why":"","driver":"file",' ||
    '"model":"","serial":"","wwn":"","gpt":"00000000-0000-4000-8000-000000000001","path":"/tmp/older/a.raw"},' ||
    '{"bytes":8392704,"block_size":512,"planned":true,"hibernated":false,"why":"","driver":"file","model":"",' ||
    '"serial":"","wwn":"","gpt":"00000000-0000-4000-8000-000000000002","path":"/tmp/older/b.raw"}],' ||
    '"nics":[{"mac":"52:54:00:00:00:01","link":1,"driver":"linux","name":"eth0"}]}');
CREATE TABLE machines ( name TEXT PRIMARY KEY, created INTEGER NOT NULL, revoked INTEGER NOT NULL DEFAULT 0);
INSERT INTO machines VALUES('web-1',1796027293,0);
CREATE TABLE certificates ( serial TEXT PRIMARY KEY, fingerprint BLOB NOT NULL UNIQUE, machine TEXT NOT NULL,
    role INTEGER NOT NULL, origin TEXT NOT NULL, created INTEGER NOT NULL, not_after INTEGER NOT NULL,
    revoked INTEGER NOT NULL DEFAULT 0);
CREATE TABLE enrolments ( hash BLOB PRIMARY KEY, machine TEXT NOT NULL REFERENCES machines(name),
    created INTEGER NOT NULL, not_before INTEGER NOT NULL, not_after INTEGER NOT NULL,
    revoked INTEGER NOT NULL DEFAULT 0, uses_max INTEGER NOT NULL, uses INTEGER NOT NULL DEFAULT 0);
CREATE TABLE disks ( machine TEXT NOT NULL REFERENCES machines(name), number INTEGER NOT NULL,
    bytes INTEGER NOT NULL, block_size INTEGER NOT NULL, chunk_size INTEGER NOT NULL, identity BLOB NOT NULL,
    layer INTEGER NOT NULL, created INTEGER NOT NULL, PRIMARY KEY (machine, number)) WITHOUT ROWID;
INSERT INTO disks VALUES('web-1',0,25165824,512,65536,
    X'000080010000000000020000010000000000000040800000000000000100000000000010002f746d702f6f6c6465722f612e726177',2,
    1796027296);
INSERT INTO disks VALUES('web-1',1,8392704,512,65536,
    X'001080000000000000020000010000000000000040800000000000000200000000000010002f746d702f6f6c6465722f622e726177',2,
    1796027296);
CREATE TABLE points ( machine TEXT NOT NULL REFERENCES machines(name), number INTEGER NOT NULL,
    state INTEGER NOT NULL, time INTEGER NOT NULL, source_clock INTEGER NOT NULL, root BLOB NOT NULL,
    session BLOB NOT NULL, boot BLOB NOT NULL, objects INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (machine,
    number)) WITHOUT ROWID;
INSERT INTO points VALUES('web-1',1,2,1796027296,1796027296,
    X'4110d4339150945011426b9a6181c8ecdd573aaad1ffa5ab714904cb327b890d',X'a0b5f66f22fe0ef8ef14b8de7f8de6c3',
    X'5dc37434f30d86f2cdfbd673e73bda9c',0);
CREATE TABLE point_disks ( machine TEXT NOT NULL, point INTEGER NOT NULL, disk INTEGER NOT NULL,
    layer INTEGER NOT NULL, next_layer INTEGER NOT NULL, bytes INTEGER NOT NULL, data_bytes INTEGER NOT NULL,
    root BLOB NOT NULL, identity BLOB NOT NULL, unused_bytes INTEGER NOT NULL DEFAULT -1,
    new_bytes INTEGER NOT NULL DEFAULT -1, PRIMARY KEY (machine, point, disk), FOREIGN KEY (machine,
    point) REFERENCES points(machine, number), FOREIGN KEY (machine, disk) REFERENCES disks(machine,
    number)) WITHOUT ROWID;
INSERT INTO point_disks VALUES('web-1',1,0,1,2,25165824,2883584,
    X'6d0f34dee37c9f0eb6206c59c1c0d8aebe56910dc715e9dc10d6a3db5c22d0e4',
    X'000080010000000000020000010000000000000040800000000000000100000000000010002f746d702f6f6c6465722f612e726177',0,
    2883584);
INSERT INTO point_disks VALUES('web-1',1,1,1,2,8392704,790528,
    X'853139e070707bf444faf03b59bd781d2e739a11e68f3005c26e15402f0211c2',
    X'001080000000000000020000010000000000000040800000000000000200000000000010002f746d702f6f6c6465722f622e726177',0,
    790528);
CREATE TABLE objects ( machine TEXT NOT NULL, point INTEGER NOT NULL, number INTEGER NOT NULL,
    state INTEGER NOT NULL, created INTEGER NOT NULL, PRIMARY KEY (machine, point, number), FOREIGN KEY (machine,
    point) REFERENCES points(machine, number)) WITHOUT ROWID;
CREATE TABLE sessions ( id BLOB PRIMARY KEY, boot BLOB NOT NULL, machine TEXT NOT NULL REFERENCES machines(name),
    started INTEGER NOT NULL, ended INTEGER NOT NULL, point INTEGER NOT NULL, job INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO sessions VALUES(X'09b49fb8fdbd50bee50c63a40c6c46d9',X'566ba0d4f8ff6de69b5c3d9551a3e3d1','web-1',
    1796027297,0,0,2);
INSERT INTO sessions VALUES(X'a0b5f66f22fe0ef8ef14b8de7f8de6c3',X'5dc37434f30d86f2cdfbd673e73bda9c','web-1',
    1796027296,1796027297,1,1);
CREATE TABLE jobs ( id INTEGER PRIMARY KEY AUTOINCREMENT, machine TEXT NOT NULL, kind TEXT NOT NULL,
    phase INTEGER NOT NULL, pending INTEGER NOT NULL, running INTEGER NOT NULL, ready INTEGER NOT NULL,
    succeeded INTEGER NOT NULL, failed INTEGER NOT NULL, step TEXT NOT NULL, bytes_total INTEGER NOT NULL,
    bytes_done INTEGER NOT NULL, bytes_data INTEGER NOT NULL, bytes_wire INTEGER NOT NULL, point INTEGER NOT NULL,
    detail TEXT NOT NULL);
INSERT INTO jobs VALUES(1,'web-1','replication',4,0,1796027296,0,1796027297,0,'sealed',33558528,33558528,0,3676140,1,
    'made web-1@1');
INSERT INTO jobs VALUES(2,'web-1','replication',2,0,1796027297,0,0,0,'receiving',33558528,0,0,0,0,'');
CREATE TABLE events ( id INTEGER PRIMARY KEY AUTOINCREMENT, time INTEGER NOT NULL, machine TEXT NOT NULL,
    job INTEGER NOT NULL, level INTEGER NOT NULL, text TEXT NOT NULL);
INSERT INTO events VALUES(1,1796027296,'web-1',1,2,
    'session begins from 127.0.0.1:45592 by bootferry-push 0.1, 2 disks');
INSERT INTO events VALUES(2,1796027297,'web-1',1,2,'recovery point web-1@1 is sealed');
INSERT INTO events VALUES(3,1796027297,'web-1',2,2,
    'session begins from 127.0.0.1:45598 by bootferry-push 0.1, 2 disks');
CREATE TABLE unreadable ( session BLOB NOT NULL, disk INTEGER NOT NULL, offset INTEGER NOT NULL,
    bytes INTEGER NOT NULL, PRIMARY KEY (session, disk, offset)) WITHOUT ROWID;
-- The one row that no run left: disks of that run were files, which can be read.
INSERT INTO unreadable VALUES(X'a0b5f66f22fe0ef8ef14b8de7f8de6c3',1,6291456,4096);
CREATE TABLE unseen ( session BLOB NOT NULL, ordinal INTEGER NOT NULL, kind INTEGER NOT NULL,
    asked INTEGER NOT NULL, vendor INTEGER NOT NULL, device INTEGER NOT NULL, class BLOB NOT NULL,
    slot TEXT NOT NULL, what TEXT NOT NULL, why TEXT NOT NULL, PRIMARY KEY (session, ordinal)) WITHOUT ROWID;
CREATE TABLE places ( session BLOB NOT NULL, disk INTEGER NOT NULL, ordinal INTEGER NOT NULL, name TEXT NOT NULL,
    what TEXT NOT NULL, why TEXT NOT NULL, bytes INTEGER NOT NULL, spans BLOB NOT NULL,
    unused INTEGER NOT NULL DEFAULT -1, fresh INTEGER NOT NULL DEFAULT -1, PRIMARY KEY (session, disk,
    ordinal)) WITHOUT ROWID;
CREATE TABLE failovers ( job INTEGER PRIMARY KEY REFERENCES jobs(id), machine TEXT NOT NULL REFERENCES machines(name),
    mode INTEGER NOT NULL, over INTEGER NOT NULL, target TEXT NOT NULL, object INTEGER NOT NULL, word TEXT NOT NULL,
    wish INTEGER NOT NULL, discard INTEGER NOT NULL, place TEXT NOT NULL, ending TEXT NOT NULL,
    until INTEGER NOT NULL, started INTEGER NOT NULL, patience INTEGER NOT NULL, fresh INTEGER NOT NULL,
    wait INTEGER NOT NULL, evidence TEXT NOT NULL);
CREATE INDEX failovers_machine ON failovers(machine, over);
CREATE INDEX events_job ON events(job, id);
CREATE TABLE fences ( machine TEXT NOT NULL REFERENCES machines(name), job INTEGER NOT NULL,
    since INTEGER NOT NULL, place TEXT NOT NULL, unplanned INTEGER NOT NULL, contacts INTEGER NOT NULL DEFAULT 0,
    contacted INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (machine, job)) WITHOUT ROWID;
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('jobs',2);
INSERT INTO sqlite_sequence VALUES('events',3);
CREATE INDEX jobs_machine ON jobs(machine, id);
CREATE INDEX events_machine ON events(machine, id);
COMMIT;
