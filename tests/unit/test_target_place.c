// SPDX-License-Identifier: Apache-2.0
// The files of a machine under QEMU: what is made, recorded, found again and removed, in a state
// with a disk of one layer.
#include "replica/targets/qemu_images.h"
#include "replica/targets/qemu_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "replica/points/layers.h"
#include "replica/state/file.h"
#include "tests/unit/test.h"

static char folder[64], path[160];
static struct bf_state *state;
static struct bf_tgt_machine m;
static struct bf_tgt tgt;
static struct bf_image_layer layer = {"machines/web-1/disk-0/layer-000001.qcow2"};
static struct bf_qemu_machine q;
static struct bf_fault fault;

static const char *at(const char *name)
{
    snprintf(path, sizeof path, "%s/state/%s", folder, name);
    return path;
}

static bool is_there(const char *name)
{
    return access(at(name), F_OK) == 0;
}

static void begin(void)
{
    setenv("QEMU_ACCEL", "tcg", 1);
    strcpy(folder, "/tmp/bootferry-place-XXXXXX");
    CHECK(mkdtemp(folder));
    CHECK_EQ(bf_state_create(at(""), &fault), BF_OK);
    CHECK_EQ(bf_state_open(at(""), BF_STATE_COMMAND, &state, &fault), BF_OK);
    CHECK_EQ(bf_layer_make_folder(state, "web-1", 0, &fault), BF_OK);
    CHECK_EQ(bf_layer_make(state, layer.path, 16 << 20, 0, NULL, &fault), BF_OK);
    CHECK(mkdir(at("jobs"), 0700) == 0 && mkdir(at("jobs/7"), 0700) == 0);
    memset(&m, 0, sizeof m);
    strcpy(m.name, "web-1");
    strcpy(m.type, "q35");
    strcpy(m.disk_bus, "virtio-blk");
    m.processors = 1;
    m.memory_mib = 64;
    m.disks = 1;
    m.disk[0].bytes = 16 << 20;
    m.disk[0].block_size = 512;
    m.disk[0].chain.layer = &layer;
    m.disk[0].chain.layers = 1;
    tgt = (struct bf_tgt){.state = state, .folder = "jobs/7", .uri = "qemu:", .machine = &m};
    CHECK_EQ(bf_qemu_open(&tgt, &q, &fault), BF_OK);
}

static void end(void)
{
    bf_qemu_shut(&q);
    bf_state_close(state);
    bf_folder_remove(folder);
}

// As another process finds it.
static void again(void)
{
    bf_qemu_shut(&q);
    CHECK_EQ(bf_qemu_open(&tgt, &q, &fault), BF_OK);
}

static void test_made_when_it_is_recorded(void)
{
    begin();
    CHECK(!q.made);
    CHECK_EQ(bf_qemu_make_images(&q, &fault), BF_OK);
    CHECK(is_there("jobs/7/overlay-0.qcow2"));
    again();
    CHECK(!q.made); // a killed one begins anew
    CHECK_EQ(bf_qemu_make_images(&q, &fault), BF_OK);
    CHECK_EQ(bf_qemu_record(&q, &fault), BF_OK);
    again();
    CHECK(q.made);
    CHECK(!bf_qemu_is_home(&q));
    CHECK_STR(q.place.home, "");
    bf_qemu_remove_files(&q);
    CHECK(!is_there("jobs/7/overlay-0.qcow2"));
    again();
    CHECK(!q.made);
    end();
}

static void test_growth(void)
{
    struct stat st;

    begin();
    CHECK_EQ(bf_qemu_growth(&q), 0); // of what is not there
    CHECK_EQ(bf_qemu_make_images(&q, &fault), BF_OK);
    CHECK_EQ(bf_qemu_growth(&q), 0);
    CHECK(stat(at("jobs/7/overlay-0.qcow2"), &st) == 0);
    CHECK(truncate(at("jobs/7/overlay-0.qcow2"), st.st_size + 131072) == 0);
    CHECK_EQ(bf_qemu_growth(&q), 131072);
    CHECK(bf_tgt_allocated(&tgt) > 0);
    CHECK(bf_tgt_allocated(&tgt) <= 16 << 20);
    end();
}

static void test_a_home_of_its_own(void)
{
    begin();
    CHECK_EQ(bf_qemu_make_images(&q, &fault), BF_OK);
    CHECK_EQ(bf_qemu_choose_home(&q, NULL, &fault), BF_OK);
    CHECK_STR(q.place.home, "machines/web-1/home-7");
    again();
    CHECK(q.home >= 0); // recorded
    CHECK(!bf_qemu_is_home(&q));
    CHECK_EQ(bf_qemu_choose_home(&q, NULL, &fault), BF_OK); // the same one
    CHECK_EQ(bf_qemu_choose_home(&q, folder, &fault), BF_ERR_EXISTS);
    CHECK(strstr(fault.what, "home-7"));
    CHECK_EQ(bf_qemu_make_empty(&q, 0, &fault), BF_OK);
    CHECK(is_there("machines/web-1/home-7/disk-0.qcow2"));
    CHECK_EQ(bf_qemu_leave_home(&q, &fault), BF_OK);
    CHECK(!is_there("machines/web-1/home-7"));
    again();
    CHECK(q.made);
    CHECK_STR(q.place.home, "");
    end();
}

static void test_a_home_elsewhere(void)
{
    char home[128];

    begin();
    CHECK_EQ(bf_qemu_make_images(&q, &fault), BF_OK);
    CHECK_EQ(bf_qemu_choose_home(&q, "/nowhere/at/all", &fault), BF_ERR_NOT_FOUND);
    snprintf(home, sizeof home, "%s/web-1", folder);
    CHECK(mkdir(home, 0700) == 0);
    CHECK_EQ(bf_qemu_choose_home(&q, folder, &fault), BF_ERR_EXISTS); // somebody else's
    CHECK_STR(q.place.home, "");
    CHECK(access(home, F_OK) == 0);
    CHECK(rmdir(home) == 0);
    CHECK_EQ(bf_qemu_choose_home(&q, folder, &fault), BF_OK);
    CHECK_STR(q.place.home, home);
    again();
    CHECK_STR(q.place.home, home);
    end();
}

static void test_all_at_home(void)
{
    uint8_t *script;
    size_t len;

    begin();
    CHECK_EQ(bf_qemu_make_images(&q, &fault), BF_OK);
    CHECK_EQ(bf_qemu_choose_home(&q, NULL, &fault), BF_OK);
    CHECK_EQ(bf_qemu_convert(&q, &fault), BF_OK);
    q.place.disk[0] = true;
    CHECK_EQ(bf_qemu_record(&q, &fault), BF_OK);
    again();
    CHECK(bf_qemu_is_home(&q));
    CHECK_EQ(bf_file_read(at("jobs/7/start"), 65536, &script, &len, &fault), BF_OK);
    CHECK(strstr((char *)script, "exec ../../machines/web-1/home-7/start\n"));
    free(script);
    CHECK_EQ(bf_file_read(at("machines/web-1/home-7/start"), 65536, &script, &len, &fault), BF_OK);
    CHECK(strstr((char *)script, "\"filename\":\"disk-0.qcow2\""));
    CHECK(!strstr((char *)script, "layer-"));
    free(script);
    bf_folder_remove(at("machines/web-1/home-7")); // by hand
    bf_qemu_shut(&q);
    CHECK_EQ(bf_qemu_open(&tgt, &q, &fault), BF_ERR_NOT_FOUND);
    CHECK(strstr(fault.what, "home-7"));
    end();
}

static void test_a_record_that_was_broken(void)
{
    static const char broken[] = "#!/bin/sh\n# bootferry home: x\n# bootferry at home: 17\n";

    begin();
    CHECK_EQ(bf_file_replace(at("jobs/7/start"), broken, sizeof broken - 1, 0700, &fault), BF_OK);
    bf_qemu_shut(&q);
    CHECK_EQ(bf_qemu_open(&tgt, &q, &fault), BF_ERR_CORRUPT);
    CHECK(strstr(fault.what, "start"));
    end();
}

static void test_names_that_no_script_can_have(void)
{
    begin();
    strcpy(q.place.home, "/srv/a\nrm -rf x");
    CHECK_EQ(bf_qemu_record(&q, &fault), BF_ERR_CONFIG);
    CHECK(!is_there("jobs/7/start"));
    end();
}

static void test_room(void)
{
    int dir;

    begin();
    dir = open(folder, O_RDONLY | O_DIRECTORY);
    CHECK_EQ(bf_tgt_check_room(dir, folder, 4096, &fault), BF_OK);
    CHECK_EQ(bf_tgt_check_room(dir, folder, UINT64_MAX / 2, &fault), BF_ERR_NO_SPACE);
    CHECK(strstr(fault.what, folder));
    close(dir);
    end();
}

// A process that holds the pid file as QEMU does.
static pid_t hold_pid_file(void)
{
    int ready[2];
    char c;
    pid_t pid;

    CHECK(pipe(ready) == 0);
    pid = fork();
    if (pid == 0) {
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        int fd = open(at("jobs/7/qemu.pid"), O_RDWR | O_CREAT, 0600);
        if (fd < 0 || fcntl(fd, F_SETLK, &lock) != 0 || write(ready[1], "x", 1) != 1)
            _exit(1);
        pause();
        _exit(0);
    }
    close(ready[1]);
    CHECK(read(ready[0], &c, 1) == 1);
    close(ready[0]);
    return pid;
}

static void test_a_process_is_known_by_its_lock(void)
{
    struct bf_qmp *qmp;
    int where;
    pid_t pid;

    begin();
    CHECK_EQ(bf_qemu_pid(&q, &where), 0);
    CHECK(!bf_qemu_left_ungone(&q));
    CHECK_EQ(bf_qemu_connect(&q, &qmp, &fault), BF_ERR_NOT_FOUND);
    CHECK_EQ(bf_qemu_kill(&q, &fault), BF_OK); // there is none
    pid = hold_pid_file();
    CHECK_EQ(bf_qemu_pid(&q, &where), pid);
    CHECK_EQ(where, q.folder);
    CHECK_EQ(bf_qemu_connect(&q, &qmp, &fault), BF_ERR_NOT_FOUND); // it has no socket
    CHECK_EQ(bf_qemu_kill(&q, &fault), BF_OK);
    CHECK_EQ(bf_qemu_pid(&q, &where), 0);
    CHECK(bf_qemu_left_ungone(&q)); // that one did not tidy up
    waitpid(pid, NULL, WNOHANG);
    end();
}

// QEMU's last words are the reason.
static void test_a_start_that_fails(void)
{
    static const char script[] = "#!/bin/sh\necho 'warning: one' >&2\n"
                                 "echo '2026-11-30T21:05:30Z qemu-system-x86_64: disk: No space "
                                 "left on device' >&2\nexit 1\n";

    begin();
    CHECK_EQ(bf_qemu_make_images(&q, &fault), BF_OK);
    CHECK_EQ(bf_file_replace(at("jobs/7/start"), script, sizeof script - 1, 0700, &fault), BF_OK);
    again();
    CHECK_EQ(bf_qemu_launch(&q, &fault), BF_ERR_NO_SPACE);
    CHECK_STR(fault.what, "QEMU of web-1 did not start: disk: No space left on device");
    CHECK(is_there("jobs/7/qemu.log"));
    end();
}

static void test_firmware(void)
{
    const char *code, *variables;

    memset(&m, 0, sizeof m);
    CHECK_EQ(bf_qemu_firmware(&m, &code, &variables, &fault), BF_OK);
    CHECK(!code); // SeaBIOS is QEMU's own
    m.uefi = true;
    if (bf_qemu_firmware(&m, &code, &variables, &fault))
        SKIP("no OVMF");
    CHECK(!strstr(code, ".ms.") && !strstr(code, "secboot"));
    m.secure_boot = true;
    CHECK_EQ(bf_qemu_firmware(&m, &code, &variables, &fault), BF_OK);
    CHECK(strstr(variables, "ms") || strstr(variables, "secboot"));
}

TEST_MAIN(TEST(test_made_when_it_is_recorded), TEST(test_growth), TEST(test_a_home_of_its_own),
          TEST(test_a_home_elsewhere), TEST(test_all_at_home), TEST(test_a_record_that_was_broken),
          TEST(test_names_that_no_script_can_have), TEST(test_room),
          TEST(test_a_process_is_known_by_its_lock), TEST(test_a_start_that_fails),
          TEST(test_firmware))
