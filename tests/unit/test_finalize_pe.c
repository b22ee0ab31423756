// SPDX-License-Identifier: Apache-2.0
// Programs of EFI firmware, made here: their headers and sections, also broken and hostile ones,
// how they are put together anew, who signed them, and the texts of SBAT and of shim's fallback
// loader.
#include "finalize/boot/pe_build.h"

#include "finalize/boot/authenticode.h"
#include "finalize/boot/sbat.h"
#include "finalize/boot/shim.h"
#include "tests/finalize_tree.h"
#include "tests/unit/test.h"

#define COFF     0x80
#define OPTIONAL (COFF + 24)
#define TABLE    (OPTIONAL + 240)
#define HEADERS  0x400
#define CERT     (OPTIONAL + 112 + 8 * 4) // the entry of the certificate table
#define ROOM     (64 << 10)

static unsigned char image[ROOM];
static size_t image_len;
static struct bf_pe pe;

struct section {
    const char *name;
    uint32_t address, memory, at, size;
};

static void put_section(size_t i, const struct section *s)
{
    unsigned char *e = image + TABLE + i * 40;
    memset(e, 0, 40);
    memcpy(e, s->name, strlen(s->name) < 8 ? strlen(s->name) : 8);
    bf_put_le32(e + 8, s->memory);
    bf_put_le32(e + 12, s->address);
    bf_put_le32(e + 16, s->size);
    bf_put_le32(e + 20, s->at);
    bf_put_le32(e + 36, 0x40000040);
}

// The usual ones, with bytes that tell where they are from.
static const struct section usual[] = {
    {".text", 0x1000, 0x1f0, 0x400, 0x200},
    {".data", 0x2000, 0x300, 0x600, 0x400},
    {".bss", 0x3000, 0x800, 0, 0},
    {".cmdline", 0x4000, 5, 0xa00, 0x200},
    {".initrd", 0x5000, 0x400, 0xc00, 0x400},
};

static void make(const struct section *s, size_t count, size_t len)
{
    memset(image, 0, sizeof image);
    memcpy(image, "MZ", 2);
    bf_put_le32(image + 0x3c, COFF);
    memcpy(image + COFF, "PE\0\0\x64\x86", 6);
    image[COFF + 6] = (unsigned char)count;
    image[COFF + 20] = 240;
    image[OPTIONAL] = 0x0b;
    image[OPTIONAL + 1] = 0x02;
    bf_put_le32(image + OPTIONAL + 8, 0x1000); // initialized data
    bf_put_le32(image + OPTIONAL + 32, 0x1000);
    bf_put_le32(image + OPTIONAL + 36, 0x200);
    bf_put_le32(image + OPTIONAL + 56, 0x6000);
    bf_put_le32(image + OPTIONAL + 60, HEADERS);
    bf_put_le32(image + OPTIONAL + 64, 0x12345); // a checksum, to be made anew
    bf_put_le32(image + OPTIONAL + 108, 16);
    for (size_t i = HEADERS; i < len; i++)
        image[i] = (unsigned char)(i * 7 + (i >> 8));
    for (size_t i = 0; i < count; i++)
        put_section(i, &s[i]);
    image_len = len;
}

static void make_usual(void)
{
    make(usual, BF_COUNT(usual), 0x1000);
}

static struct bf_blob blob(void)
{
    return (struct bf_blob){.fd = -1, .bytes = image, .size = image_len};
}

static enum bf_err read_pe(void)
{
    struct bf_blob b = blob();
    return bf_pe_read(&b, &pe);
}

// ---- Reading ------------------------------------------------------------------------------------

static void test_reads_what_is_there(void)
{
    make_usual();
    CHECK_EQ(read_pe(), BF_OK);
    CHECK_EQ(pe.machine, 0x8664);
    CHECK_EQ(pe.sections, 5);
    CHECK_EQ(pe.headers_size, HEADERS);
    CHECK_EQ(pe.certificates_entry, CERT);
    CHECK_EQ(pe.certificates_size, 0);
    for (size_t i = 0; i < pe.sections; i++) {
        CHECK_EQ(pe.section[i].address, usual[i].address);
        CHECK_EQ(pe.section[i].memory, usual[i].memory);
        CHECK_EQ(pe.section[i].at, usual[i].at);
        CHECK_EQ(pe.section[i].size, usual[i].size);
    }
    CHECK(bf_pe_find(&pe, ".cmdline") == &pe.section[3]);
    CHECK(!bf_pe_find(&pe, ".cmdlin") && !bf_pe_find(&pe, ".cmdlinex") && !bf_pe_find(&pe, ""));
    CHECK_EQ(bf_pe_count(&pe, ".data"), 1);
}

static void test_cut_at_every_byte(void)
{
    make_usual();
    for (image_len = 0; image_len < 0x1000; image_len++)
        CHECK_EQ(read_pe(), BF_ERR_CORRUPT);
    CHECK_EQ(read_pe(), BF_OK);
}

// One field of a good image becomes another value.
static void test_hostile_fields(void)
{
    static const struct {
        size_t at;
        unsigned size;
        uint32_t value;
        enum bf_err want;
    } row[] = {
        {0, 2, 0x4d5a, BF_ERR_CORRUPT},
        {0x3c, 4, 0, BF_ERR_CORRUPT},
        {0x3c, 4, 0xffffffff, BF_ERR_CORRUPT},
        {0x3c, 4, 0xfff, BF_ERR_CORRUPT},
        {COFF, 4, 0x4550 << 8, BF_ERR_CORRUPT},
        {COFF + 6, 2, 0, BF_ERR_CORRUPT},
        {COFF + 6, 2, 97, BF_ERR_CORRUPT},
        {COFF + 6, 2, 0xffff, BF_ERR_CORRUPT},
        {COFF + 12, 4, 0xffffffff, BF_OK}, // symbols are for debuggers
        {COFF + 16, 4, 0xffffffff, BF_OK},
        {COFF + 20, 2, 67, BF_ERR_CORRUPT},
        {COFF + 20, 2, 0xffff, BF_ERR_CORRUPT},
        {OPTIONAL, 2, 0x107, BF_ERR_CORRUPT},
        {OPTIONAL + 108, 4, 4, BF_OK}, // no room for certificates
        {OPTIONAL + 108, 4, 0xffffffff, BF_OK},
        {CERT, 4, 0xfffffff8, BF_OK},     // of no bytes
        {CERT + 4, 4, 0xffffffff, BF_OK}, // nowhere
        {TABLE + 8, 4, 0xfffff000, BF_ERR_CORRUPT},
        {TABLE + 8, 4, 0xffffefff, BF_OK},
        {TABLE + 12, 4, 0xffffff00, BF_ERR_CORRUPT},
        {TABLE + 16, 4, 0xc01, BF_ERR_CORRUPT},
        {TABLE + 16, 4, 0xc00, BF_OK},
        {TABLE + 16, 4, 0xffffffff, BF_ERR_CORRUPT},
        {TABLE + 20, 4, 0xffffffff, BF_ERR_CORRUPT},
        {TABLE + 20, 4, 0xe00, BF_OK},
        {TABLE + 20, 4, 0xe01, BF_ERR_CORRUPT},
        {TABLE + 20, 4, 0, BF_OK}, // nothing in the file
    };
    for (size_t i = 0; i < BF_COUNT(row); i++) {
        make_usual();
        for (unsigned n = 0; n < row[i].size; n++)
            image[row[i].at + n] = (unsigned char)(row[i].value >> (8 * n));
        if (read_pe() != row[i].want)
            FAIL("row %zu", i);
    }
}

static void test_ranges_of_certificates(void)
{
    static const struct {
        uint32_t at, size;
        enum bf_err want;
    } row[] = {
        {0xff8, 8, BF_OK},
        {0xff8, 9, BF_ERR_CORRUPT},
        {0x1000, 1, BF_ERR_CORRUPT},
        {0x1001, 0, BF_OK},
        {1, 0xfff, BF_OK},
        {1, 0xffffffff, BF_ERR_CORRUPT},
        {0xffffffff, 1, BF_ERR_CORRUPT},
    };
    for (size_t i = 0; i < BF_COUNT(row); i++) {
        make_usual();
        bf_put_le32(image + CERT, row[i].at);
        bf_put_le32(image + CERT + 4, row[i].size);
        CHECK_EQ(read_pe(), row[i].want);
    }
}

// GNU's linkers put names of more than eight characters among the strings.
static void test_long_names(void)
{
    static const char *const name[][2] = {
        {"/4", ".sbatlevel"}, {"/15", "0123456789abcdef"}, {"/9999999", ""},      {"/", "\x1c"},
        {"/31", "gh"},        {"12345678", "12345678"},    {"/4x", ".sbatlevel"},
    };
    for (size_t i = 0; i < BF_COUNT(name); i++) {
        struct section s = {name[i][0], 0x1000, 1, 0x400, 0x200};
        make(&s, 1, 0x800);
        bf_put_le32(image + COFF + 12, 0x600);
        bf_put_le32(image + COFF + 16, 2); // symbols of 18 bytes
        unsigned char *strings = image + 0x600 + 36;
        memcpy(strings,
               "\x1c\0\0\0.sbatlevel\0"
               "0123456789abcdefgh",
               34);
        CHECK_EQ(read_pe(), BF_OK);
        CHECK_STR(pe.section[0].name, name[i][1]);
    }
}

static void test_contents(void)
{
    static const struct {
        uint32_t memory, size;
        size_t cap, want; // SIZE_MAX: none
    } row[] = {
        {5, 0x200, 0x200, 5},
        {0, 0x200, 0x200, 0x200},
        {0x300, 0x200, 0x200, 0x200},
        {5, 0x200, 4, SIZE_MAX},
        {5, 0x200, 5, 5},
        {5, 0, 0, 0},
        {0, 0, 100, 0},
        {0, 0x200, 0x1ff, SIZE_MAX},
    };
    for (size_t i = 0; i < BF_COUNT(row); i++) {
        struct section s = {".x", 0x1000, row[i].memory, 0x400, row[i].size};
        size_t len = SIZE_MAX;
        make(&s, 1, 0x600);
        struct bf_blob b = blob();
        CHECK_EQ(read_pe(), BF_OK);
        char *content = bf_pe_content(&b, &pe.section[0], row[i].cap, &len);
        CHECK_EQ(len, row[i].want);
        CHECK_EQ(content != NULL, len != SIZE_MAX);
        if (content) {
            CHECK_MEM(content, image + 0x400, len);
            CHECK_EQ(content[len], 0);
        }
        free(content);
    }
}

static void test_machines(void)
{
    CHECK_EQ(bf_pe_machine("x64"), 0x8664);
    CHECK_EQ(bf_pe_machine("aa64"), 0xaa64);
    CHECK_EQ(bf_pe_machine("ia32"), 0x14c);
    CHECK_EQ(bf_pe_machine("X64"), 0);
    CHECK_EQ(bf_pe_machine(""), 0);
    CHECK_STR(bf_pe_machine_name(0x01c4), "32-bit ARM");
    CHECK_STR(bf_pe_machine_name(0x1234), "another architecture");
}

// ---- Putting together ---------------------------------------------------------------------------

static unsigned char built[2 * ROOM];
static size_t built_len;

// Into `built`, which then is `image`; its parsed form into `pe`.
static enum bf_err build(const struct bf_pe_change *change, size_t changes)
{
    static struct bf_pe_layout layout;
    struct bf_blob b = blob();
    enum bf_err err = bf_pe_build(&b, &pe, change, changes, &layout);
    built_len = 0;
    for (size_t i = 0; i < layout.parts && !err; i++) {
        const struct bf_part *p = &layout.part[i];
        CHECK(built_len + p->len <= sizeof built);
        CHECK(p->data || (p->from <= image_len && p->len <= image_len - p->from));
        memcpy(built + built_len, p->data ? p->data : image + p->from, (size_t)p->len);
        built_len += (size_t)p->len;
    }
    bf_pe_layout_free(&layout);
    return err;
}

// CheckSumMappedFile's sum: words with the carry around, then the file's size.
static uint32_t checksum_of(const unsigned char *p, size_t len)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < len; i += 2) {
        if (i == OPTIONAL + 64 || i == OPTIONAL + 66)
            continue;
        sum += p[i] | (i + 1 < len ? (uint32_t)p[i + 1] << 8 : 0);
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return sum + (uint32_t)len;
}

// Every section of the old image but the changed ones is in the new one, byte for byte; no two meet
// in the file or in memory; the headers say what is there.
static void check_built(const unsigned char *old, const struct bf_pe *was, const char *changed)
{
    static struct bf_pe now;
    struct bf_blob b = {.fd = -1, .bytes = built, .size = built_len};
    uint32_t end = 0, last = 0;
    CHECK_EQ(bf_pe_read(&b, &now), BF_OK);
    CHECK_EQ(now.sections, was->sections);
    CHECK_EQ(now.certificates_size, 0);
    for (size_t i = 0; i < was->sections; i++) {
        const struct bf_pe_section *o = &was->section[i], *n = bf_pe_find(&now, o->name);
        CHECK(n);
        if (strcmp(o->name, changed) == 0)
            continue;
        CHECK_EQ(n->size, o->size);
        CHECK_EQ(n->memory, o->memory);
        CHECK_EQ(n->address, o->address);
        CHECK_MEM(built + n->at, old + o->at, o->size);
    }
    for (size_t i = 0; i < now.sections; i++) {
        const struct bf_pe_section *n = &now.section[i];
        CHECK(n->address >= end && n->address % now.section_alignment == 0);
        CHECK_EQ(n->at % now.file_alignment, 0);
        end = n->address + n->memory;
        for (size_t k = 0; k < i; k++)
            CHECK(n->at >= now.section[k].at + now.section[k].size ||
                  now.section[k].at >= n->at + n->size);
        last = n->at + n->size > last ? n->at + n->size : last;
    }
    CHECK(end <= now.image_size && now.image_size - end < now.section_alignment);
    CHECK(last <= built_len);
    CHECK_EQ(bf_le32(built + OPTIONAL + 64), checksum_of(built, built_len));
}

static void test_other_contents_of_every_length(void)
{
    static const uint32_t len[] = {0, 1, 4, 5, 0x1ff, 0x200, 0x201, 0xfff, 0x1000, 0x1001, 0x4000};
    static unsigned char data[0x4000];
    static struct bf_pe was;
    memset(data, 0xdd, sizeof data);
    for (size_t s = 0; s < BF_COUNT(usual); s++)
        for (size_t i = 0; i < BF_COUNT(len); i++) {
            make_usual();
            CHECK_EQ(read_pe(), BF_OK);
            was = pe;
            struct bf_pe_change c = {&pe.section[s], 0, data, len[i]};
            CHECK_EQ(build(&c, 1), BF_OK);
            check_built(image, &was, usual[s].name);
            struct bf_blob b = {.fd = -1, .bytes = built, .size = built_len};
            CHECK_EQ(bf_pe_read(&b, &pe), BF_OK);
            const struct bf_pe_section *now = bf_pe_find(&pe, usual[s].name);
            CHECK_EQ(now->memory, len[i]);
            CHECK_MEM(built + now->at, data, len[i]);
        }
}

static void test_appends_to_what_is_there(void)
{
    static struct bf_pe was;
    make_usual();
    CHECK_EQ(read_pe(), BF_OK);
    was = pe;
    struct bf_pe_change c[] = {{&pe.section[4], 0x3fd, "appended", 8},
                               {&pe.section[3], 0, "ro", 2}};
    CHECK_EQ(build(c, 2), BF_OK);
    was.section[3].name[0] = '/'; // two are changed: compare neither
    struct bf_blob b = {.fd = -1, .bytes = built, .size = built_len};
    CHECK_EQ(bf_pe_read(&b, &pe), BF_OK);
    const struct bf_pe_section *initrd = bf_pe_find(&pe, ".initrd");
    CHECK_EQ(initrd->memory, 0x405);
    CHECK_EQ(initrd->size, 0x600);
    CHECK_MEM(built + initrd->at, image + 0xc00, 0x3fd);
    CHECK_MEM(built + initrd->at + 0x3fd, "appended\0\0\0\0", 12);
    CHECK_MEM(built + bf_pe_find(&pe, ".cmdline")->at, "ro\0\0", 4);
    CHECK_EQ(bf_le32(built + OPTIONAL + 64), checksum_of(built, built_len));
    CHECK_EQ(bf_le32(built + OPTIONAL + 8), 0x1200); // .initrd has 0x200 more of the file
}

static void test_no_change_is_the_same_image(void)
{
    make_usual();
    CHECK_EQ(read_pe(), BF_OK);
    bf_put_le32(image + OPTIONAL + 64, checksum_of(image, image_len));
    CHECK_EQ(build(NULL, 0), BF_OK);
    CHECK_EQ(built_len, image_len);
    CHECK_MEM(built, image, image_len);
    bf_put_le32(image + OPTIONAL + 64, 0); // one without a checksum gets none
    CHECK_EQ(build(NULL, 0), BF_OK);
    CHECK_EQ(bf_le32(built + OPTIONAL + 64), 0);
}

// Symbols behind the sections move with the file's end, and their number in the header, too.
static void test_symbols_move_along(void)
{
    static char data[0x900];
    make(usual, BF_COUNT(usual), 0x1000 + 100);
    bf_put_le32(image + COFF + 12, 0x1000);
    bf_put_le32(image + COFF + 16, 2);
    CHECK_EQ(read_pe(), BF_OK);
    struct bf_pe_change c = {&pe.section[1], 0, data, sizeof data};
    CHECK_EQ(build(&c, 1), BF_OK);
    uint32_t at = bf_le32(built + COFF + 12);
    CHECK_EQ(at, 0x1000 + 0x600);
    CHECK_EQ(built_len, at + 100);
    CHECK_MEM(built + at, image + 0x1000, 100);
}

static void test_a_signature_is_left_out(void)
{
    make(usual, BF_COUNT(usual), 0x1000 + 64);
    bf_put_le32(image + CERT, 0x1000);
    bf_put_le32(image + CERT + 4, 64);
    CHECK_EQ(read_pe(), BF_OK);
    CHECK_EQ(build(NULL, 0), BF_OK);
    CHECK_EQ(built_len, 0x1000);
    CHECK_EQ(bf_le64(built + CERT), 0);
}

static void test_images_that_are_laid_out_otherwise(void)
{
    static const struct {
        size_t at;
        uint32_t value;
    } row[] = {
        {OPTIONAL + 32, 0},       {OPTIONAL + 32, 0x100},  {OPTIONAL + 32, 0x1001},
        {OPTIONAL + 36, 0},       {OPTIONAL + 36, 0x2000}, {OPTIONAL + 36, 0x201},
        {OPTIONAL + 60, 0x100},   {OPTIONAL + 60, 0x1001}, {OPTIONAL + 60, 0xffffffff},
        {OPTIONAL + 60, 0x401},   {TABLE + 20, 0x200},     {TABLE + 16, 0x201},
        {TABLE + 40 + 20, 0x500}, {COFF + 12, 0x900},
    };
    for (size_t i = 0; i < BF_COUNT(row); i++) {
        make_usual();
        bf_put_le32(image + row[i].at, row[i].value);
        CHECK_EQ(read_pe(), BF_OK);
        if (build(NULL, 0) != BF_ERR_UNSUPPORTED)
            FAIL("row %zu", i);
    }
    make_usual(); // certificates that are not the last
    bf_put_le32(image + CERT, 0xc00);
    bf_put_le32(image + CERT + 4, 64);
    CHECK_EQ(read_pe(), BF_OK);
    CHECK_EQ(build(NULL, 0), BF_ERR_UNSUPPORTED);
}

// ---- SBAT ---------------------------------------------------------------------------------------

static void test_lines_of_sbat(void)
{
    static const char text[] = "sbat,1,SBAT Version,sbat,1,https://x\r\n"
                               "grub,5,Free Software Foundation,grub,2.12,https://y\n"
                               "\n,1\nnone\nx,\nx,y\nx,1y\nlast,007";
    static const struct bf_sbat_line want[] = {{"sbat", 1}, {"grub", 5}, {"last", 7}};
    struct bf_sbat_line line;
    size_t pos = 0, n = 0;
    for (; bf_sbat_next(text, sizeof text, &pos, &line); n++) {
        CHECK(n < BF_COUNT(want));
        CHECK_STR(line.component, want[n].component);
        CHECK_EQ(line.generation, want[n].generation);
    }
    CHECK_EQ(n, BF_COUNT(want));
    char name[200];
    for (size_t len = BF_SBAT_NAME - 2; len < BF_SBAT_NAME + 2; len++) {
        memset(name, 'c', len);
        memcpy(name + len, ",1", 3);
        pos = 0;
        CHECK_EQ(bf_sbat_next(name, len + 2, &pos, &line), len < BF_SBAT_NAME);
    }
}

static void test_levels_refuse_old_generations(void)
{
    static const struct {
        const char *level, *text, *component; // NULL: it is not refused
    } row[] = {
        {"sbat,1,2024010900\nshim,4\ngrub,3\n", "sbat,1\ngrub,3\n", NULL},
        {"sbat,1,2024010900\nshim,4\ngrub,3\n", "sbat,1\ngrub,2\n", "grub"},
        {"sbat,1\ngrub,3\ngrub.debian,4\n", "grub,3\ngrub.debian,3\n", "grub.debian"},
        {"grub,3\n", "grub.debian,1\n", NULL},
        {"grub,3\n", "GRUB,1\n", NULL},
        {"grub,3\n", "", NULL},
        {"", "grub,1\n", NULL},
        {"grub,10\n", "grub,9\n", "grub"},
        {"grub,3\n", "grub,4294967297\n", NULL}, // no wrap to 1
        {"grub,3\n", "grub,3\ngrub,2\n", "grub"},
        {"grub,3\0grub,5\n", "grub,4\n", NULL},
    };
    for (size_t i = 0; i < BF_COUNT(row); i++) {
        struct bf_sbat_line line = {0};
        bool refused = bf_sbat_refuses(row[i].level, strlen(row[i].level), row[i].text,
                                       strlen(row[i].text), &line);
        CHECK_STR(refused ? line.component : "none", row[i].component ? row[i].component : "none");
    }
}

static void test_the_first_level_that_refuses(void)
{
    static const char *const row[][2] = {
        {"grub,1\n", "2022052400"},
        {"grub,2\n", "2022111500"},
        {"shim,1\ngrub,5\n", "2022111500"},
        {"grub,3\ngrub.debian,3\n", "2023012900"},
        {"shim,3\n", "2024010900"},
        {"grub,3\ngrub.debian,4\n", "2024040900"},
        {"grub,4\ngrub.peimage,1\n", "2024040900"},
        {"shim,4\ngrub,4\n", "2025021800"},
        {"grub,5\ngrub.proxmox,1\n", "2025051000"},
        {"shim,4\ngrub,5\ngrub.proxmox,2\n", "none"},
        {"systemd,1\n", "none"},
    };
    for (size_t i = 0; i < BF_COUNT(row); i++) {
        struct bf_sbat_line line;
        const char *date = bf_sbat_revoked(row[i][0], strlen(row[i][0]), &line);
        CHECK_STR(date ? date : "none", row[i][1]);
    }
}

static void test_a_shim_s_own_level(void)
{
    static const char section[] = "\0\0\0\0\x08\0\0\0\x11\0\0\0sbat,1,1\0sbat,1,2";
    size_t len = 0;
    const char *text = bf_sbat_own_level(section, sizeof section - 1, &len);
    CHECK(text && len == 8 && memcmp(text, "sbat,1,1", 8) == 0);
    for (size_t n = 0; n < 12; n++)
        CHECK(!bf_sbat_own_level(section, n, &len));
    CHECK(bf_sbat_own_level(section, 12, &len) && len == 0);
    CHECK(bf_sbat_own_level(section, 15, &len) && len == 3);
    char bad[sizeof section];
    memcpy(bad, section, sizeof bad);
    bf_put_le32(bad + 4, 0xffffffff);
    CHECK(!bf_sbat_own_level(bad, sizeof bad, &len));
    bf_put_le32(bad + 4, sizeof bad - 4);
    CHECK(bf_sbat_own_level(bad, sizeof bad, &len) && len == 0);
    bf_put_le32(bad + 4, sizeof bad - 3);
    CHECK(!bf_sbat_own_level(bad, sizeof bad, &len));
    memcpy(bad, section, sizeof bad);
    bad[0] = 1; // another version of the section
    CHECK(!bf_sbat_own_level(bad, sizeof bad, &len));
}

// ---- The fallback loader's files ----------------------------------------------------------------

static void test_utf16_of_the_fallback_loader(void)
{
#define U(s) s, sizeof s - 1
    static const struct {
        const char *data;
        size_t len;
        const char *want;
    } row[] = {
        {U(""), ""},
        {U("a"), ""},
        {U("a\0b"), "a"},
        {U("\xff\xfe"
           "a\0"),
         "a"},
        {U("a\0\xff\xfe"), "a\xef\xbb\xbf"}, // a mark in the middle is a character
        {U("a\0\0\0b\0"), "a"},
        {U("\xe9\0\xac\x20"), "\xc3\xa9\xe2\x82\xac"},
        {U("\x3d\xd8\x00\xde"), "\xf0\x9f\x98\x80"},
        {U("\xff\xdb\xff\xdf"), "\xf4\x8f\xbf\xbf"},
        {U("\x3d\xd8"
           "a\0"),
         "?a"}, // halves of a character
        {U("\x00\xde"
           "a\0"),
         "?a"},
        {U("\x3d\xd8"), "?"},
        {U("\x3d\xd8\x00"), "?"},
        {U("\x3d\xd8\x3d\xd8\x00\xde"), "?\xf0\x9f\x98\x80"},
        {U("\xfe\xff"), "\xef\xbf\xbe"}, // the other order of bytes is not known to the loader
    };
    for (size_t i = 0; i < BF_COUNT(row); i++) {
        struct bf_text out = {0};
        bf_csv_decode(row[i].data, row[i].len, &out);
        CHECK_STR(out.len ? bf_text_get(&out) : "", row[i].want);
        bf_text_free(&out);
    }
}

// ---- Signatures ---------------------------------------------------------------------------------

static void test_tables_of_certificates(void)
{
    static const struct {
        const char *table;
        size_t size;
        bool damaged;
    } row[] = {
        {U("\x08\0\0\0\0\2\1\0"), false},        // of another type, and empty
        {U("\x10\0\0\0\0\2\2\0garbage!"), true}, // no PKCS #7
        {U("\x07\0\0\0\0\2\1\0"), true},         // shorter than its head
        {U("\x09\0\0\0\0\2\1\0"), true},         // longer than the table
        {U("\xff\xff\xff\xff\0\2\1\0"), true},
        {U("\x09\0\0\0\0\2\1\0x"), false}, // padding may be missing
        {U("\x09\0\0\0\0\2\1\0x\0\0\0\0\0\0\0\x07\0\0\0\0\2\1\0"), true},
        {U("\x08\0\0\0"), false},
    };
    for (size_t i = 0; i < BF_COUNT(row); i++) {
        struct bf_signatures s;
        make(usual, BF_COUNT(usual), 0x1000 + row[i].size);
        memcpy(image + 0x1000, row[i].table, row[i].size);
        bf_put_le32(image + CERT, 0x1000);
        bf_put_le32(image + CERT + 4, (uint32_t)row[i].size);
        struct bf_blob b = blob();
        CHECK_EQ(read_pe(), BF_OK);
        bf_signatures_read(&b, &pe, &s);
        CHECK_EQ(s.count, 0);
        if (s.damaged != row[i].damaged)
            FAIL("row %zu", i);
        bf_signatures_free(&s);
    }
}

static bool sign_image(void)
{
    char command[600], dir[200], link[64];
    tree_make();
    tree_put("image", image, image_len);
    snprintf(link, sizeof link, "/proc/self/fd/%d", tree_root.fd);
    ssize_t n = readlink(link, dir, sizeof dir - 1);
    CHECK(n > 0);
    dir[n] = 0;
    snprintf(command, sizeof command,
             "cd '%s' && { openssl req -x509 -newkey rsa:2048 -nodes -keyout k -out c -days 9 "
             "-subj '/CN=A test signer' && sbsign --key k --cert c --output signed image; } "
             ">/dev/null 2>&1",
             dir);
    if (system(command) != 0)
        return false;
    size_t len;
    char *text = bf_fin_root_read(&tree_root, "/signed", sizeof image, &len, NULL);
    CHECK(text);
    memcpy(image, text, len);
    image_len = len;
    free(text);
    return true;
}

static bool fits(void)
{
    struct bf_signatures s;
    struct bf_blob b = blob();
    CHECK_EQ(read_pe(), BF_OK);
    bf_signatures_read(&b, &pe, &s);
    bool is = s.count == 1 && s.item[0].genuine && bf_signature_fits(&b, &pe, &s.item[0]);
    bf_signatures_free(&s);
    return is;
}

// Signed by another program: every byte counts but the checksum and the place of the signature.
static void test_a_signature_is_of_its_image(void)
{
    static const struct {
        size_t at;
        bool fits;
    } row[] = {
        {2, false},
        {0x70, false},
        {COFF + 8, false},
        {OPTIONAL + 64, true},
        {OPTIONAL + 67, true},
        {OPTIONAL + 68, false},
        {0x3ff, false},
        {0x400, false},
        {0x5ff, false},
        {0xa03, false},
        {0xa05, false},
        {0xfff, false},
    };
    make_usual();
    if (!sign_image())
        SKIP("sbsign or openssl is not installed");
    struct bf_signatures s;
    struct bf_blob b = blob();
    CHECK_EQ(read_pe(), BF_OK);
    bf_signatures_read(&b, &pe, &s);
    CHECK_EQ(s.count, 1);
    CHECK(!s.damaged && !s.item[0].authority);
    CHECK_STR(s.item[0].signer, "A test signer");
    CHECK_STR(s.item[0].issuer, "A test signer");
    bf_signatures_free(&s);
    CHECK(fits());
    for (size_t i = 0; i < BF_COUNT(row); i++) {
        image[row[i].at] ^= 1;
        if (fits() != row[i].fits)
            FAIL("byte 0x%zx", row[i].at);
        image[row[i].at] ^= 1;
    }
    CHECK(fits());
    CHECK_EQ(build(NULL, 0), BF_OK); // and without it the image is whole, too
    struct bf_blob again = {.fd = -1, .bytes = built, .size = built_len};
    CHECK_EQ(bf_pe_read(&again, &pe), BF_OK);
    CHECK_EQ(pe.certificates_size, 0);
}

// What a shim trusts is read from a section that may say anything.
static void test_hostile_certificates_of_a_vendor(void)
{
    static const struct {
        const char *section;
        size_t len;
    } row[] = {
        {U("")},
        {U("\4\0\0\0\0\0\0\0\x10\0\0\0\0\0\0\0")},
        {U("\4\0\0\0\0\0\0\0\xff\xff\xff\xff\0\0\0\0")},
        {U("\xff\xff\xff\xff\0\0\0\0\x10\0\0\0\0\0\0\0")},
        {U("\4\0\0\0\0\0\0\0\x10\0\0\0\0\0\0\0\x30\x82\xff\xff")},
        {U("\x1c\0\0\0\0\0\0\0\x10\0\0\0\0\0\0\0"
           "0123456789abcdef\x1c\0\0\0\0\0\0\0\x11\0\0\0")},
        {U("\x1c\0\0\0\0\0\0\0\x10\0\0\0\0\0\0\0"
           "1123456789abcdef\x1c\0\0\0\xff\xff\xff\xff\x11\0\0\0")},
        {U("\x1c\0\0\0\0\0\0\0\x10\0\0\0\0\0\0\0"
           "1123456789abcdef\xff\xff\xff\xff\0\0\0\0\0\0\0\0")},
    };
    for (size_t i = 0; i < BF_COUNT(row); i++) {
        struct bf_vendor v;
        char name[64] = "x";
        bf_vendor_read(row[i].section, row[i].len, &v);
        bf_vendor_name(&v, name, sizeof name);
        CHECK_STR(name, "");
        bf_vendor_free(&v);
    }
}

TEST_MAIN(TEST(test_reads_what_is_there), TEST(test_cut_at_every_byte), TEST(test_hostile_fields),
          TEST(test_ranges_of_certificates), TEST(test_long_names), TEST(test_contents),
          TEST(test_machines), TEST(test_other_contents_of_every_length),
          TEST(test_appends_to_what_is_there), TEST(test_no_change_is_the_same_image),
          TEST(test_symbols_move_along), TEST(test_a_signature_is_left_out),
          TEST(test_images_that_are_laid_out_otherwise), TEST(test_lines_of_sbat),
          TEST(test_levels_refuse_old_generations), TEST(test_the_first_level_that_refuses),
          TEST(test_a_shim_s_own_level), TEST(test_utf16_of_the_fallback_loader),
          TEST(test_tables_of_certificates), TEST(test_a_signature_is_of_its_image),
          TEST(test_hostile_certificates_of_a_vendor))
