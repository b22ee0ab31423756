// SPDX-License-Identifier: Apache-2.0
// The finalizer's tables with a row more in each: a network stack, a boot loader, an initramfs
// maker, a family, an architecture and a target of this file's own. It is linked without tables.c,
// and a system that is made of nothing else is adapted with no other line of the finalizer changed.
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>

#include "finalize/boot/cmdline.h"
#include "finalize/boot/esp.h"
#include "finalize/boot/lines.h"
#include "finalize/boot/loader.h"
#include "finalize/finalize.h"
#include "finalize/initramfs/maker.h"
#include "finalize/network/stack.h"
#include "finalize/target/plan_parse.h"
#include "finalize/target/targets.h"

#include "tests/unit/test.h"

// ---- The rows -----------------------------------------------------------------------------------

static const struct bf_stack_ops test_stack;
static const struct bf_loader_ops test_loader;

static bool stack_in_use(struct bf_fin *f)
{
    return bf_fin_root_exists(f->root, "/etc/testnet");
}

// Its file has an address, then perhaps a gateway.
static void stack_scan(struct bf_fin *f, struct bf_net *net)
{
    size_t len = 0, n;
    const char *at = bf_edits_get(&f->edits, "/etc/testnet", &len, NULL), *end = at + len, *w;
    struct bf_known *k = bf_net_add(net, &test_stack, "net0", "");
    if (bf_word_next(&at, end, &w, &n))
        bf_net_address(k, w, n);
    if (bf_word_next(&at, end, &w, &n))
        bf_net_copy(k->gateway4, sizeof k->gateway4, w, n);
}

static enum bf_err stack_adapt(struct bf_fin *f, const struct bf_link *link, struct bf_old *old)
{
    size_t len = 0;
    struct bf_text out = {0};
    if (!bf_nic_readdresses(link->nic))
        return BF_OK;
    const char *text = bf_edits_get(&f->edits, "/etc/testnet", &len, NULL);
    bf_old_add(old, text, strcspn(text, " \n"));
    bf_textf(&out, "%s/%u\n", link->nic->address[0].text, link->nic->address[0].prefix);
    enum bf_err err = bf_fin_set(f, "/etc/testnet", &out, "addresses as planned");
    bf_text_free(&out);
    return err;
}

static const struct bf_stack_ops test_stack = {
    .name = "testnet",
    .title = "Test Net",
    .in_use = stack_in_use,
    .scan = stack_scan,
    .adapt = stack_adapt,
};

static void loader_found(struct bf_fin *f, const char *esp)
{
    if (esp && bf_fin_root_exists(f->root, "/boot/efi/testboot.conf"))
        bf_system_add_loader(&f->system, test_loader.name, esp);
}

static enum bf_err loader_rewrite(struct bf_fin *f)
{
    static const char path[] = "/boot/efi/testboot.conf";
    const struct bf_cmdline at = {.path = path, .line = 1, .starts = true};
    size_t len;
    enum bf_err err;
    struct bf_text out = {0};
    const char *text = bf_fin_get(f, path, &len, &err);
    if (text)
        err = bf_cmdline_edit(f, &at, text, len - 1, &out);
    bf_text_str(&out, "\n");
    if (text && !err)
        err = bf_lines_set(f, path, &out);
    bf_text_free(&out);
    return err;
}

static enum bf_err loader_fallback(struct bf_fin *f, const char *efi)
{
    char name[32], dir[64], boot[64];
    bf_esp_name(f, "testboot", name, sizeof name);
    snprintf(dir, sizeof dir, "%s/testboot", efi);
    if (!bf_fin_root_exists(f->root, dir))
        return BF_ERR_NOT_FOUND;
    bf_esp_fallback(f, efi, boot, sizeof boot);
    return bf_esp_copy(f, dir, name, boot, f->system.architecture->fallback);
}

static const struct bf_loader_ops test_loader = {
    .name = "testboot",
    .title = "Test Boot",
    .found = loader_found,
    .rewrite = loader_rewrite,
    .fallback = loader_fallback,
};

static bool maker_in_use(struct bf_fin *f)
{
    return bf_fin_root_is_dir(f->root, "/etc/testinit");
}

static enum bf_err maker_keep(struct bf_fin *f, const struct bf_lasting *drivers)
{
    struct bf_text out = {0};
    bf_text_list(&out, drivers->name, drivers->count, ", ");
    enum bf_err err = bf_fin_set(f, "/etc/testinit/drivers", &out, "drivers of the target");
    bf_text_free(&out);
    return err;
}

static const struct bf_maker_ops test_maker = {
    .name = "testinit",
    .in_use = maker_in_use,
    .keep = maker_keep,
};

static bool is_testix(const char *id, const char *like)
{
    return strcmp(id, "testix") == 0;
}

static const struct bf_family test_family = {
    .name = "testix",
    .title = "Testix",
    .tried = true,
    .holds = is_testix,
};

static const struct bf_architecture test_architecture = {
    .name = "testcpu",
    .machine = 0x7777,
    .efi = "t7",
    .fallback = "BOOTT7.EFI",
};

static const char *const test_disk[] = {"testdisk", NULL};
static const char *const test_other[] = {"testlan", NULL};
static const struct bf_target test_target = {"testvirt", test_disk, test_other, NULL};

#define ROW(row) &row,

const struct bf_stack_ops *const bf_stacks[] = {BF_STACKS(ROW) ROW(test_stack) NULL};
const struct bf_loader_ops *const bf_loaders[] = {BF_LOADERS(ROW) ROW(test_loader) NULL};
const struct bf_maker_ops *const bf_makers[] = {BF_MAKERS(ROW) ROW(test_maker) NULL};
const struct bf_target *const bf_targets[] = {BF_TARGETS(ROW) ROW(test_target) NULL};
const struct bf_architecture *const bf_architectures[] = {BF_ARCHITECTURES(ROW)
                                                              ROW(test_architecture) NULL};
const struct bf_family *const bf_families[] = {BF_FAMILIES(ROW) ROW(test_family) NULL};

// ---- A system of these --------------------------------------------------------------------------

static struct bf_fin_root root;
static struct bf_fin_report report;
static struct bf_device disk = {.part = 1, .type = "ext4", .uuid = "1-2", .root = true};
static const struct bf_devices devices = {.item = &disk, .count = 1};

static void put(const char *path, const void *data, size_t len)
{
    char part[128];
    for (const char *c = path; (c = strchr(c, '/')); c++) {
        snprintf(part, sizeof part, "%.*s", (int)(c - path), path);
        mkdirat(root.fd, part, 0755);
    }
    int fd = openat(root.fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    CHECK(fd >= 0 && write(fd, data, len) == (ssize_t)len);
    close(fd);
}

static void put_text(const char *path, const char *text)
{
    put(path, text, strlen(text));
}

static void put_system(void)
{
    static const char program[20] = "\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\2\0ww";
    CHECK_EQ(symlinkat("usr/lib", root.fd, "lib"), 0);
    put("bin/sh", program, sizeof program);
    put_text("etc/os-release", "ID=testix\nVERSION_ID=\"7\"\n");
    put_text("etc/fstab", "/dev/sda1 / ext4 defaults 0 1\n");
    put_text("etc/hosts", "192.0.2.1 host\n");
    put_text("boot/vmlinuz-1", "");
    put_text("boot/initrd.img-1", "\x1f\x8b\1\2\3");
    put_text("usr/lib/modules/1/modules.dep", "kernel/testdisk.ko:\n");
    put_text("usr/lib/modules/1/kernel/testdisk.ko", "driver");
    put_text("boot/efi/EFI/vendor/unknown.efi", "");
}

static void put_rows(void)
{
    put_text("etc/testnet", "192.0.2.1\n");
    put_text("etc/testinit/drivers", "");
    put_text("boot/efi/testboot.conf", "root=/dev/sda1 ro\n");
    put_text("boot/efi/EFI/testboot/testboott7.efi", "loader");
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    return remove(path);
}

#define PLAN_OF(address, more)                                                                     \
    "{\"version\": 1, \"target\": {\"kind\": \"testvirt\"}, \"nics\": [{\"match\": {\"name\": "    \
    "\"net0\"}, \"addresses\": [\"" address "\"]" more "}]}"
#define PLAN              PLAN_OF("203.0.113.5/24", "")
#define PLAN_WITHOUT_NICS "{\"version\": 1, \"target\": {\"kind\": \"testvirt\"}}"

// Adapts a fresh system; `put_more` adds to it. What `look` checks is the report and the tree.
static void adapt(const char *plan_text, void (*put_more)(void), void (*look)(void))
{
    char dir[] = "/tmp/bootferry-rows.XXXXXX";
    struct bf_fault fault;
    static struct bf_plan plan;
    CHECK(mkdtemp(dir) && !bf_fin_root_attach(&root, dir, NULL));
    put_system();
    if (put_more)
        put_more();
    CHECK_EQ(bf_plan_parse(plan_text, strlen(plan_text), &plan, &fault), BF_OK);
    bf_fin_report_init(&report, "apply");
    bf_finalize(&root, BF_MODE_APPLY, &plan, &devices, &report);
    look();
    bf_fin_report_free(&report);
    bf_fin_root_close(&root);
    CHECK_EQ(nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static void check_file(const char *path, const char *expected)
{
    size_t len = 0;
    char got[256] = "(absent)", *text = bf_fin_root_read(&root, path, BF_ROOT_TEXT_MAX, &len, NULL);
    if (text)
        snprintf(got, sizeof got, "%s", text);
    free(text);
    CHECK_STR(got, expected);
}

static bool notes_say(const char *text)
{
    size_t i;
    const json_t *note;
    json_array_foreach(json_object_get(report.json, "notes"), i, note)
    {
        if (strstr(json_string_value(json_object_get(note, "text")), text))
            return true;
    }
    return false;
}

static const char *error_text(void)
{
    const char *error = json_string_value(json_object_get(report.json, "error"));
    return error ? error : "";
}

static const char *system_text(const char *object, const char *key)
{
    const json_t *system = json_object_get(report.json, "system");
    const json_t *o = object ? json_object_get(system, object) : system;
    const char *s = json_string_value(json_object_get(o, key));
    return s ? s : "";
}

// ---- The tests ----------------------------------------------------------------------------------

static void look_at_report(void)
{
    const json_t *system = json_object_get(report.json, "system");
    const json_t *stacks = json_object_get(json_object_get(system, "network"), "stacks");
    const json_t *loader = json_array_get(json_object_get(system, "boot_loaders"), 0);
    CHECK_STR(error_text(), "");
    CHECK_STR(system_text("os", "family"), "testix");
    CHECK_STR(system_text(NULL, "architecture"), "testcpu");
    CHECK_EQ(json_array_size(stacks), 1);
    CHECK_STR(json_string_value(json_array_get(stacks, 0)), "testnet");
    CHECK_STR(json_string_value(json_object_get(loader, "name")), "testboot");
    CHECK(!notes_say("not of the"));
}

static void test_inspection_knows_them(void)
{
    adapt(PLAN, put_rows, look_at_report);
}

static void look_at_tree(void)
{
    CHECK_STR(error_text(), "");
    check_file("/etc/testnet", "203.0.113.5/24\n");
    check_file("/etc/hosts", "203.0.113.5 host\n"); // by the address that the stack gave back
    check_file("/boot/efi/testboot.conf", "root=UUID=1-2 ro\n");
    check_file("/boot/efi/EFI/BOOT/BOOTT7.EFI", "loader");
    check_file("/etc/testinit/drivers", "testdisk");
    CHECK(notes_say("this kernel does not have: testlan"));
}

static void test_they_adapt(void)
{
    adapt(PLAN, put_rows, look_at_tree);
}

static void look_at_notes(void)
{
    CHECK_STR(error_text(), "");
    CHECK(notes_say("no shim, GRUB, systemd-boot or Test Boot found"));
    CHECK(notes_say(" nor testinit: "));
}

static void test_notes_name_them(void)
{
    adapt(PLAN_WITHOUT_NICS, NULL, look_at_notes);
}

// What the plan says of the addresses is as it is, and the plan leaves the rest out.
static void put_present(void)
{
    put_rows();
    put_text("etc/testnet", "192.0.2.1/24 192.0.2.254 as it was\n");
}

static void look_at_present(void)
{
    CHECK_STR(error_text(), "");
    check_file("/etc/testnet", "192.0.2.1/24 192.0.2.254 as it was\n");
    check_file("/etc/hosts", "192.0.2.1 host\n");
    CHECK(!notes_say("had the gateway"));
}

static void look_at_other_gateway(void)
{
    CHECK_STR(error_text(), "");
    check_file("/etc/testnet", "192.0.2.1/24\n");
}

static void test_what_is_as_planned_stays(void)
{
    adapt(PLAN_OF("192.0.2.1/24", ""), put_present, look_at_present);
    adapt(PLAN_OF("192.0.2.1/24", ", \"gateway\": \"192.0.2.254\""), put_present, look_at_present);
    adapt(PLAN_OF("192.0.2.1/24", ", \"gateway\": \"192.0.2.253\""), put_present,
          look_at_other_gateway);
    adapt(PLAN_OF("192.0.2.1/24", ", \"dns\": [\"192.0.2.53\"]"), put_present,
          look_at_other_gateway);
}

static void look_at_lost_gateway(void)
{
    CHECK_STR(error_text(), "");
    check_file("/etc/testnet", "203.0.113.5/24\n");
    CHECK(notes_say("had the gateway 192.0.2.254, and the plan has none for IPv4"));
}

static void test_a_lost_gateway_is_said(void)
{
    adapt(PLAN, put_present, look_at_lost_gateway);
}

static void look_at_refusal(void)
{
    CHECK(strstr(error_text(), "none of Test Net, "));
    CHECK(strstr(error_text(), " is in use here"));
}

static void test_a_refusal_names_the_stack(void)
{
    adapt(PLAN, NULL, look_at_refusal);
}

static void test_a_plan_is_told_the_targets(void)
{
    static const char text[] = "{\"version\": 1, \"target\": {\"kind\": \"x\"}}";
    static struct bf_plan plan;
    struct bf_fault fault;
    CHECK_EQ(bf_plan_parse(text, strlen(text), &plan, &fault), BF_ERR_CONFIG);
    CHECK(strstr(fault.what, "metal, generic, testvirt"));
}

static void put_another(void)
{
    put_text("etc/os-release", "ID=other\n");
}

static void look_at_warning(void)
{
    CHECK_STR(error_text(), "");
    CHECK_STR(system_text("os", "family"), "other");
    CHECK(notes_say("of no family that is known"));
}

static void test_an_unknown_family_is_a_warning(void)
{
    adapt(PLAN_WITHOUT_NICS, put_another, look_at_warning);
}

TEST_MAIN(TEST(test_inspection_knows_them), TEST(test_they_adapt), TEST(test_notes_name_them),
          TEST(test_what_is_as_planned_stays), TEST(test_a_lost_gateway_is_said),
          TEST(test_a_refusal_names_the_stack), TEST(test_a_plan_is_told_the_targets),
          TEST(test_an_unknown_family_is_a_warning))
