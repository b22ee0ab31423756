-- SPDX-License-Identifier: Apache-2.0
-- The database of a replica server with schema version 1, as commit 1e50ea2 left it.
-- tests/daemon/older-state.sh says what was done. The certificates are left out, since their keys are not here.
PRAGMA journal_mode=WAL;
PRAGMA application_id=0x42664462;
PRAGMA user_version=1;
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO meta VALUES('inventory/web-1',
    '{"seen":"2026-11-30T08:27:41Z","firmware":"unknown","secure_boot":2,"processors":2,"memory":8589934592,' ||
    '"processor":"a processor","firmware_vendor":"","vendor":"","product":"","serial":"","uuid":"",' ||
    '"disks":[{"bytes":25165824,"block_size":512,"planned":true,"hibernated":false,"why":"","driver":"file",' ||
    '"model":"","serial":"","wwn":"","gpt":"00000000-0000-4000-8000-000000000001","path":"/tmp/older/a.raw"},' ||
    '{"bytes":8392704,"block_size":512,"planned":true,"hibernated":false,"why":"","driver":"file","model":"",' ||
    '"serial":"","wwn":"","gpt":"00000000-0000-4000-8000-000000000002","path":"/tmp/older/b.raw"}],' ||
    '"nics":[{"mac":"52:54:00:00:00:01","link":1,"driver":"linux","name":"eth0"}]}');
INSERT INTO meta VALUES('inventory/web-1@1',
    '{"seen":"2026-11-30T08:27:40Z","firmware":"unknown","secure_boot":2,"processors":2,"memory":8589934592,' ||
    '"processor":"a processor","firmware_vendor":"","vendor":"","product":"","serial":"","uuid":"",' ||
    '"disks":[{"bytes":25165824,"block_size":512,"planned":true,"hibernated":false,"why":"","driver":"file",' ||
    '"model":"","serial":"","wwn":"","gpt":"00000000-0000-4000-8000-000000000001","path":"/tmp/older/a.raw"},' ||
    '{"bytes":8392704,"block_size":512,"planned":true,"hibernated":false,"why":"","driver":"file","model":"",' ||
    '"serial":"","wwn":"","gpt":"00000000-0000-4000-8000-000000000002","path":"/tmp/older/b.raw"}],' ||
    '"nics":[{"mac":"52:54:00:00:00:01","link":1,"driver":"linux","name":"eth0"}]}');
CREATE TABLE machines ( name TEXT PRIMARY KEY, created INTEGER NOT NULL, revoked INTEGER NOT NULL DEFAULT 0);
INSERT INTO machines VALUES('web-1',1796027257,0);
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
    1796027260);
INSERT INTO disks VALUES('web-1',1,8392704,512,65536,
    X'001080000000000000020000010000000000000040800000000000000200000000000010002f746d702f6f6c6465722f622e726177',2,
    1796027260);
CREATE TABLE points ( machine TEXT NOT NULL REFERENCES machines(name), number INTEGER NOT NULL,
    state INTEGER NOT NULL, time INTEGER NOT NULL, source_clock INTEGER NOT NULL, root BLOB NOT NULL,
    session BLOB NOT NULL, boot BLOB NOT NULL, objects INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (machine,
    number)) WITHOUT ROWID;
INSERT INTO points VALUES('web-1',1,2,1796027261,1796027261,
    X'4110d4339150945011426b9a6181c8ecdd573aaad1ffa5ab714904cb327b890d',X'0cccb112494996526da2d1ae28ff1157',
    X'c055b307c56e7280b59e2ed2dcefb64d',0);
CREATE TABLE point_disks ( machine TEXT NOT NULL, point INTEGER NOT NULL, disk INTEGER NOT NULL,
    layer INTEGER NOT NULL, next_layer INTEGER NOT NULL, bytes INTEGER NOT NULL, data_bytes INTEGER NOT NULL,
    root BLOB NOT NULL, identity BLOB NOT NULL, PRIMARY KEY (machine, point, disk), FOREIGN KEY (machine,
    point) REFERENCES points(machine, number), FOREIGN KEY (machine, disk) REFERENCES disks(machine,
    number)) WITHOUT ROWID;
INSERT INTO point_disks VALUES('web-1',1,0,1,2,25165824,2883584,
    X'6d0f34dee37c9f0eb6206c59c1c0d8aebe56910dc715e9dc10d6a3db5c22d0e4',
    X'000080010000000000020000010000000000000040800000000000000100000000000010002f746d702f6f6c6465722f612e726177');
INSERT INTO point_disks VALUES('web-1',1,1,1,2,8392704,790528,
    X'853139e070707bf444faf03b59bd781d2e739a11e68f3005c26e15402f0211c2',
    X'001080000000000000020000010000000000000040800000000000000200000000000010002f746d702f6f6c6465722f622e726177');
CREATE TABLE objects ( machine TEXT NOT NULL, point INTEGER NOT NULL, number INTEGER NOT NULL,
    state INTEGER NOT NULL, created INTEGER NOT NULL, PRIMARY KEY (machine, point, number), FOREIGN KEY (machine,
    point) REFERENCES points(machine, number)) WITHOUT ROWID;
CREATE TABLE sessions ( id BLOB PRIMARY KEY, boot BLOB NOT NULL, machine TEXT NOT NULL REFERENCES machines(name),
    started INTEGER NOT NULL, ended INTEGER NOT NULL, point INTEGER NOT NULL, job INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO sessions VALUES(X'0cccb112494996526da2d1ae28ff1157',X'c055b307c56e7280b59e2ed2dcefb64d','web-1',
    1796027260,1796027261,1,1);
INSERT INTO sessions VALUES(X'22878d52f80fcb4ca3fc51d1bc6971f1',X'1d66f170577810ec0ee3c49365b65cae','web-1',
    1796027261,0,0,2);
CREATE TABLE jobs ( id INTEGER PRIMARY KEY AUTOINCREMENT, machine TEXT NOT NULL, kind TEXT NOT NULL,
    phase INTEGER NOT NULL, pending INTEGER NOT NULL, running INTEGER NOT NULL, ready INTEGER NOT NULL,
    succeeded INTEGER NOT NULL, failed INTEGER NOT NULL, step TEXT NOT NULL, bytes_total INTEGER NOT NULL,
    bytes_done INTEGER NOT NULL, bytes_data INTEGER NOT NULL, bytes_wire INTEGER NOT NULL, point INTEGER NOT NULL,
    detail TEXT NOT NULL);
INSERT INTO jobs VALUES(1,'web-1','replication',4,0,1796027260,0,1796027261,0,'sealed',33558528,33558528,0,3676140,1,
    'made web-1@1');
INSERT INTO jobs VALUES(2,'web-1','replication',2,0,1796027261,0,0,0,'receiving',33558528,0,0,0,0,'');
CREATE TABLE events ( id INTEGER PRIMARY KEY AUTOINCREMENT, time INTEGER NOT NULL, machine TEXT NOT NULL,
    job INTEGER NOT NULL, level INTEGER NOT NULL, text TEXT NOT NULL);
INSERT INTO events VALUES(1,1796027260,'web-1',1,2,
    'session begins from 127.0.0.1:36046 by bootferry-push 0.1, 2 disks');
INSERT INTO events VALUES(2,1796027261,'web-1',1,2,'recovery point web-1@1 is sealed');
INSERT INTO events VALUES(3,1796027261,'web-1',2,2,
    'session begins from 127.0.0.1:36052 by bootferry-push 0.1, 2 disks');
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('jobs',2);
INSERT INTO sqlite_sequence VALUES('events',3);
CREATE INDEX jobs_machine ON jobs(machine, id);
CREATE INDEX events_machine ON events(machine, id);
COMMIT;
