// SPDX-License-Identifier: Apache-2.0
// What the readers of boot loaders are made of: versions and patterns, PE files that lie, GRUB's
// modules, boot code. What they make of whole trees is in tests/finalize/rehearse_loaders.sh.
#include "finalize/core/bootcode.h"
#include "finalize/rehearse/efi_program.h"
#include "finalize/rehearse/offer.h"
#include "finalize/rehearse/sections.h"
#include "finalize/rehearse/version.h"

#include "tests/finalize_tree.h"
#include "tests/unit/test.h"

static struct bf_fin fin;
static struct bf_walk walk;

static void set_up(void)
{
    if (tree_root.fd < 0)
        tree_make();
    bf_edits_free(&fin.edits);
    fin = (struct bf_fin){.root = &tree_root};
    static struct bf_devices none;
    fin.devices = &none;
    bf_budget_begin(&fin.budget, "test");
    bf_edits_init(&fin.edits, &tree_root);
    walk = (struct bf_walk){.f = &fin};
}

// ---- Versions and patterns ---------------------------------------------------------------------

// The examples of the specification, each older than the next.
static void test_versions(void)
{
    static const char *const rising[] = {
        "~1",    "",        "ab",         "abb",   "abc",     "0001",    "002",    "12",
        "122",   "122.9",   "123~rc1",    "123",   "123-a",   "123-a.1", "123-a1", "123-a1.1",
        "123-3", "123-3.1", "123^patch1", "123^1", "123.a-1", "123.1-1", "123a-1", "124"};
    for (size_t i = 0; i < BF_COUNT(rising); i++)
        for (size_t k = 0; k < BF_COUNT(rising); k++) {
            int r = bf_version_compare(rising[i], rising[k]);
            if ((i < k && r >= 0) || (i == k && r != 0) || (i > k && r <= 0))
                FAIL("\"%s\" and \"%s\": %d", rising[i], rising[k], r);
        }
    CHECK_EQ(bf_version_compare("01", "1"), 0);
    CHECK_EQ(bf_version_compare("123_aa2", "123aa2"), 0);
}

static void test_patterns(void)
{
    static const struct {
        const char *pattern, *name;
        bool fits;
    } cases[] = {
        {"", "", true},           {"*", "", true},        {"?", "", false},
        {"a*", "abc", true},      {"*c", "abcc", true},   {"a*b*c", "aXbbYc", true},
        {"a*b*c", "aXYc", false}, {"[a-c]x", "bx", true}, {"[a-c]x", "dx", false},
        {"[]x", "]", false},      {"[", "[", true},       {"a[-]b", "a-b", true},
        {"*****", "x", true},     {"x", "xy", false},     {"deb-*.conf", "deb-6.1.conf", true},
    };
    for (size_t i = 0; i < BF_COUNT(cases); i++)
        if (bf_pattern_fits(cases[i].pattern, cases[i].name) != cases[i].fits)
            FAIL("\"%s\" on \"%s\"", cases[i].pattern, cases[i].name);
    // Work in proportion to the lengths, not to the number of ways.
    char name[256];
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = 0;
    CHECK(!bf_pattern_fits("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", name));
}

// ---- PE files ----------------------------------------------------------------------------------

enum { PE_AT = 0x40, SECTIONS_AT = PE_AT + 24, FILE_SIZE = 1024 };

// A file with one section, which lies at `at` and is said to have `raw` bytes.
static void put_pe(const char *section, uint32_t at, uint32_t virtual_size, uint32_t raw,
                   const void *data, size_t len)
{
    unsigned char f[FILE_SIZE] = "MZ";
    bf_put_le32(f + 60, PE_AT);
    memcpy(f + PE_AT, "PE\0\0", 4);
    bf_put_le16(f + PE_AT + 4, 0x8664);
    bf_put_le16(f + PE_AT + 6, 1);
    memcpy(f + SECTIONS_AT, section, strlen(section));
    bf_put_le32(f + SECTIONS_AT + 8, virtual_size);
    bf_put_le32(f + SECTIONS_AT + 16, raw);
    bf_put_le32(f + SECTIONS_AT + 20, at);
    if (len)
        memcpy(f + 512, data, len);
    tree_put("x.efi", f, sizeof f);
}

static void test_pe_sections(void)
{
    struct bf_sections pe;
    set_up();
    put_pe(".osrel", 512, 5, 512, "hello", 5);
    CHECK(bf_sections_read(&walk, "/x.efi", &pe));
    CHECK_EQ(pe.machine, 0x8664);
    const struct bf_section *s = bf_sections_find(&pe, ".osrel");
    CHECK(s && s->at == 512 && s->len == 5);
    CHECK(!bf_sections_find(&pe, ".linux"));
    size_t len;
    char *text = bf_sections_bytes(&walk, "/x.efi", s->at, s->len, 3, &len);
    CHECK(text && len == 3);
    CHECK_STR(text, "hel");
    free(text);
}

static void test_pe_that_lies(void)
{
    struct bf_sections pe;
    set_up();
    put_pe(".linux", 512, 0, 513, NULL, 0); // one byte beyond the end
    CHECK(bf_sections_read(&walk, "/x.efi", &pe));
    CHECK_EQ(pe.sections, 0);
    set_up();
    put_pe(".linux", 0xffffffff, 0xffffffff, 0xffffffff, NULL, 0);
    CHECK(bf_sections_read(&walk, "/x.efi", &pe));
    CHECK_EQ(pe.sections, 0);
    set_up();
    tree_put("x.efi", "MZ", 2);
    CHECK(!bf_sections_read(&walk, "/x.efi", &pe));
    CHECK(!bf_sections_read(&walk, "/missing.efi", &pe));
}

// ---- Programs ----------------------------------------------------------------------------------

static void put_module(unsigned char *at, uint32_t type, uint32_t size, const char *text)
{
    bf_put_le32(at, type);
    bf_put_le32(at + 4, size);
    memcpy(at + 8, text, strlen(text));
}

static void test_grub_modules(void)
{
    struct bf_efi_program p;
    unsigned char mods[256] = "mimg";
    set_up();
    bf_put_le64(mods + 8, 24);
    bf_put_le64(mods + 16, 24 + 16 + 32 + 32);
    put_module(mods + 24, 0, 16, "ELF");
    put_module(mods + 40, 2, 32, "set prefix=(hd0)/x");
    put_module(mods + 72, 3, 32, "(,gpt2)/boot/grub");
    put_pe("mods", 512, 0, 256, mods, sizeof mods);
    bf_efi_recognise(&walk, "/x.efi", &p);
    CHECK_EQ(p.kind, BF_EFI_GRUB);
    CHECK(p.real && !p.beside && !p.first);
    CHECK_STR(p.prefix, "(,gpt2)/boot/grub");
    CHECK_STR(p.config, "set prefix=(hd0)/x");
    bf_efi_program_free(&p);

    set_up();
    bf_put_le32(mods + 24 + 4, 0); // a module without a size ends them
    put_pe("mods", 512, 0, 256, mods, sizeof mods);
    bf_efi_recognise(&walk, "/x.efi", &p);
    CHECK_STR(p.prefix, "");
    CHECK(!p.config);
    bf_efi_program_free(&p);

    set_up();
    bf_put_le32(mods + 24 + 4, 0xfffffff0);
    bf_put_le64(mods + 8, UINT64_MAX - 3);
    bf_put_le64(mods + 16, UINT64_MAX);
    put_pe("mods", 512, 0, 256, mods, sizeof mods);
    bf_efi_recognise(&walk, "/x.efi", &p);
    CHECK_EQ(p.kind, BF_EFI_GRUB);
    bf_efi_program_free(&p);
}

static void test_programs_by_name(void)
{
    CHECK_EQ(bf_efi_by_name("shimx64.efi"), BF_EFI_SHIM);
    CHECK_EQ(bf_efi_by_name("GRUBAA64.EFI"), BF_EFI_GRUB);
    CHECK_EQ(bf_efi_by_name("systemd-bootx64.efi"), BF_EFI_SYSTEMD_BOOT);
    CHECK_EQ(bf_efi_by_name("grub.cfg"), BF_EFI_UNKNOWN);
    CHECK_EQ(bf_efi_by_name("BOOTX64.EFI"), BF_EFI_UNKNOWN);
}

// ---- Paths -------------------------------------------------------------------------------------

static void test_fat_paths(void)
{
    char out[BF_START_PATH];
    set_up();
    tree_put("efi/EFI/Boot/bootx64.efi", "x", 1);
    CHECK(bf_offer_fat(&walk, "/efi", "\\EFI\\BOOT\\BOOTX64.EFI", out, sizeof out));
    CHECK_STR(out, "/efi/EFI/Boot/bootx64.efi");
    CHECK(!bf_offer_fat(&walk, "/efi", "EFI/Linux/x.efi", out, sizeof out));
    CHECK_STR(out, "/efi/EFI/Linux/x.efi");
    CHECK(bf_offer_fat(&walk, "/", "/efi//./EFI/boot/BOOTx64.efi", out, sizeof out));
    CHECK_STR(out, "/efi/EFI/Boot/bootx64.efi");
    CHECK(!bf_offer_fat(&walk, "/efi", "", out, sizeof out));
    CHECK(
        !bf_offer_fat(&walk, "/efi", "1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17", out, sizeof out));
}

// ---- Boot code ---------------------------------------------------------------------------------

static unsigned char sectors[BF_BOOTCODE_BYTES];

static void code(size_t at, const char *text)
{
    memset(sectors, 0, sizeof sectors);
    sectors[510] = 0x55;
    sectors[511] = 0xaa;
    memcpy(sectors + at, text, strlen(text));
}

static void grub_code(unsigned char jump, uint64_t next)
{
    code(0x180, "GRUB ");
    memcpy(sectors + 0x186, "Geom", 4);
    sectors[0] = 0xeb;
    sectors[1] = jump;
    bf_put_le64(sectors + 0x5c, next);
}

static const char *seen(void)
{
    return bf_bootcode(sectors, sizeof sectors);
}

static void test_boot_code(void)
{
    code(0, "");
    CHECK_STR(seen(), "none");
    code(446, "only a partition table");
    CHECK_STR(seen(), "none");
    code(100, "Missing operating system");
    CHECK_STR(seen(), "active");
    sectors[510] = 0;
    CHECK_STR(seen(), "none");
    code(100, "Operating system load error.");
    CHECK_STR(seen(), "syslinux");
    code(6, "LILO");
    CHECK_STR(seen(), "lilo");
    code(100, "something");
    CHECK_STR(seen(), "other");
    CHECK_STR(bf_bootcode(sectors, 511), "none");
}

static void test_boot_code_of_grub(void)
{
    grub_code(0x48, 0);
    CHECK_STR(seen(), "grub-legacy");
    grub_code(0x63, 1);
    CHECK_STR(seen(), "grub-incomplete");
    sectors[512 + 7] = 1;
    CHECK_STR(seen(), "grub");
    grub_code(0x63, 2048); // in a partition for it
    CHECK_STR(seen(), "grub");
    grub_code(0x63, UINT64_MAX);
    CHECK_STR(seen(), "grub");
    grub_code(0x63, 62);
    CHECK_STR(seen(), "grub-incomplete");
}

TEST_MAIN(TEST(test_versions), TEST(test_patterns), TEST(test_pe_sections), TEST(test_pe_that_lies),
          TEST(test_grub_modules), TEST(test_programs_by_name), TEST(test_fat_paths),
          TEST(test_boot_code), TEST(test_boot_code_of_grub))
