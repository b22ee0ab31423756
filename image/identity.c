// SPDX-License-Identifier: Apache-2.0
// Disk identity: the rule of matching of image/identity.h, and what selectors mean for a disk.
#include "image/identity.h"

#include <string.h>

#include "base/bytes.h"
#include "base/fmt.h"
#include "base/selector.h"

// ---- The rule ----------------------------------------------------------------------------------

static enum bf_identity_match answer(enum bf_identity_match match, char *reason, size_t size,
                                     const char *sentence)
{
    if (reason)
        bf_snprintf(reason, size, "%s", sentence);
    return match;
}

static int differ(const char *a, const char *b)
{
    return a[0] && b[0] && strcmp(a, b) != 0;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 32) : c;
}

static int contains_ignoring_case(const char *text, const char *part)
{
    for (; *text; text++) {
        size_t n = 0;
        while (part[n] && lower(text[n]) == part[n])
            n++;
        if (!part[n])
            return 1;
    }
    return 0;
}

// U-Boot's root node, and those of its virtio and sandbox devices (include/efi_loader.h), as text
// and as the bytes that a firmware without EFI_DEVICE_PATH_TO_TEXT is shown by.
int bf_path_is_numbers(const char *path)
{
    static const char *const nodes[] = {
        "e61d73b9-a384-4acc-aeab-82e828f3628b", "b9731de684a3cc4aaeab82e828f3628b",
        "63293792-adf5-9325-b99f-4e0e455c1b1e", "92372963f5ad2593b99f4e0e455c1b1e",
        "bbe4e671-5773-4ea1-9aab-3a7dbf40c482", "71e6e4bb7357a14e9aab3a7dbf40c482",
    };
    for (size_t i = 0; i < BF_COUNT(nodes); i++)
        if (contains_ignoring_case(path, nodes[i]))
            return 1;
    return 0;
}

// Both sides name a place.
static int have_paths(const struct bf_disk_identity *a, const struct bf_disk_identity *b)
{
    return a->path[0] && b->path[0] && !bf_path_is_numbers(a->path) && !bf_path_is_numbers(b->path);
}

static enum bf_identity_match by_serial(const struct bf_disk_identity *a,
                                        const struct bf_disk_identity *b, char *reason, size_t size)
{
    if (strcmp(a->serial, b->serial) != 0)
        return answer(BF_ID_DIFFERENT, reason, size, "the serial numbers differ");
    if (differ(a->model, b->model))
        return answer(BF_ID_DIFFERENT, reason, size,
                      "the serial numbers are equal, but the models differ");
    return answer(BF_ID_SAME, reason, size, "the serial numbers are equal");
}

static enum bf_identity_match by_gpt(const struct bf_disk_identity *a,
                                     const struct bf_disk_identity *b, char *reason, size_t size)
{
    if (memcmp(a->gpt_guid, b->gpt_guid, sizeof a->gpt_guid) != 0)
        return answer(BF_ID_DIFFERENT, reason, size, "the GPT disk GUIDs differ");
    if (have_paths(a, b) && differ(a->path, b->path))
        return answer(BF_ID_SAME_MOVED, reason, size,
                      "the GPT disk GUIDs are equal, but the device paths differ");
    return answer(BF_ID_SAME, reason, size, "the GPT disk GUIDs are equal");
}

enum bf_identity_match bf_identity_compare(const struct bf_disk_identity *a,
                                           const struct bf_disk_identity *b, char *reason,
                                           size_t reason_size)
{
    if (a->bytes != b->bytes)
        return answer(BF_ID_DIFFERENT, reason, reason_size, "the sizes differ");
    if (a->block_size != b->block_size)
        return answer(BF_ID_DIFFERENT, reason, reason_size, "the block sizes differ");
    if (a->wwn[0] && b->wwn[0]) {
        if (strcmp(a->wwn, b->wwn) == 0)
            return answer(BF_ID_SAME, reason, reason_size, "the WWNs are equal");
        return answer(BF_ID_DIFFERENT, reason, reason_size, "the WWNs differ");
    }
    if (a->serial[0] && b->serial[0])
        return by_serial(a, b, reason, reason_size);
    if (a->has_gpt && b->has_gpt)
        return by_gpt(a, b, reason, reason_size);
    if (!have_paths(a, b))
        return answer(BF_ID_DIFFERENT, reason, reason_size,
                      "no attribute in common, and the paths name no place");
    if (strcmp(a->path, b->path) == 0)
        return answer(BF_ID_SAME, reason, reason_size, "the device paths are equal");
    return answer(BF_ID_DIFFERENT, reason, reason_size,
                  "no common attribute matches, and the device paths differ");
}

// ---- Selectors ---------------------------------------------------------------------------------

static int same_ignoring_case(const char *a, const char *b)
{
    while (*a && lower(*a) == lower(*b)) {
        a++;
        b++;
    }
    return *a == *b;
}

static int is_gpt(const char *text, const struct bf_disk_identity *disk)
{
    uint8_t guid[16];
    return disk->has_gpt && bf_guid_parse(text, guid) == BF_OK &&
           memcmp(guid, disk->gpt_guid, sizeof guid) == 0;
}

static int is_serial(const char *text, const struct bf_disk_identity *disk)
{
    return disk->serial[0] && strcmp(text, disk->serial) == 0;
}

static int is_wwn(const char *text, const struct bf_disk_identity *disk)
{
    return disk->wwn[0] && same_ignoring_case(text, disk->wwn);
}

static int term_fits(const struct bf_selector_term *term, const struct bf_disk_identity *disk)
{
    switch (term->kind) {
    case BF_SELECT_ANY:
        return is_serial(term->value, disk) || is_wwn(term->value, disk) ||
               is_gpt(term->value, disk);
    case BF_SELECT_SERIAL:
        return is_serial(term->value, disk);
    case BF_SELECT_WWN:
        return is_wwn(term->value, disk);
    case BF_SELECT_GPT:
        return is_gpt(term->value, disk);
    case BF_SELECT_PATH:
        return disk->path[0] && !bf_path_is_numbers(disk->path) &&
               strcmp(term->value, disk->path) == 0;
    case BF_SELECT_SIZE:
        return term->bytes == disk->bytes;
    }
    return 0;
}

enum bf_err bf_selector_check(const char *selector, char *reason, size_t reason_size)
{
    struct bf_selector_term term;
    const char *at = selector;
    uint8_t guid[16];
    enum bf_err err = bf_selector_syntax(selector, reason, reason_size);
    while (err == BF_OK && bf_selector_next(&at, &term, reason, reason_size) == BF_OK)
        if (term.kind == BF_SELECT_GPT && bf_guid_parse(term.value, guid) != BF_OK) {
            bf_snprintf(reason, reason_size, "gpt: takes a GUID of 36 characters");
            err = BF_ERR_CONFIG;
        }
    return err;
}

int bf_selector_fits(const char *selector, const struct bf_disk_identity *disk)
{
    struct bf_selector_term term;
    char reason[96];
    const char *at = selector;
    if (bf_selector_check(selector, reason, sizeof reason) != BF_OK)
        return 0;
    while (bf_selector_next(&at, &term, reason, sizeof reason) == BF_OK)
        if (!term_fits(&term, disk))
            return 0;
    return 1;
}

// ---- GUIDs -------------------------------------------------------------------------------------

// Position in the text of each byte: the first three fields are little-endian (UEFI 2.10, A).
static const uint8_t guid_at[16] = {6, 4, 2, 0, 11, 9, 16, 14, 19, 21, 24, 26, 28, 30, 32, 34};

void bf_guid_text(char out[37], const uint8_t guid[16])
{
    memset(out, '-', 36);
    for (size_t i = 0; i < 16; i++) {
        char hex[3];
        bf_hex(hex, guid + i, 1);
        memcpy(out + guid_at[i], hex, 2);
    }
    out[36] = 0;
}

enum bf_err bf_guid_parse(const char *text, uint8_t guid[16])
{
    memset(guid, 0, 16);
    if (strlen(text) != 36 || text[8] != '-' || text[13] != '-' || text[18] != '-' ||
        text[23] != '-')
        return BF_ERR_CONFIG;
    for (size_t i = 0; i < 16; i++) {
        int byte = bf_hex_byte(text + guid_at[i]);
        if (byte < 0)
            return BF_ERR_CONFIG;
        guid[i] = (uint8_t)byte;
    }
    return BF_OK;
}

// ---- On the wire and on the screen -------------------------------------------------------------

void bf_identity_put(struct bf_writer *w, const struct bf_disk_identity *identity)
{
    bf_put_u64(w, identity->bytes);
    bf_put_u32(w, identity->block_size);
    bf_put_u8(w, identity->has_gpt);
    bf_put_bytes(w, identity->gpt_guid, sizeof identity->gpt_guid);
    bf_put_string(w, identity->wwn);
    bf_put_string(w, identity->serial);
    bf_put_string(w, identity->model);
    bf_put_string(w, identity->path);
}

void bf_identity_get(struct bf_reader *r, struct bf_disk_identity *identity)
{
    memset(identity, 0, sizeof *identity);
    identity->bytes = bf_get_u64(r);
    identity->block_size = bf_get_u32(r);
    identity->has_gpt = bf_get_u8(r);
    bf_get_bytes(r, identity->gpt_guid, sizeof identity->gpt_guid);
    bf_get_string(r, identity->wwn, sizeof identity->wwn);
    bf_get_string(r, identity->serial, sizeof identity->serial);
    bf_get_string(r, identity->model, sizeof identity->model);
    bf_get_string(r, identity->path, sizeof identity->path);
    // A drive without a medium has neither size nor block size.
    if (identity->has_gpt > 1 || (identity->bytes && !bf_is_power_of_two(identity->block_size)))
        bf_reader_fail(r);
}

void bf_identity_text(char *out, size_t size, const struct bf_disk_identity *identity)
{
    char bytes[16], guid[37];
    const char *name = identity->serial[0] ? identity->serial : identity->wwn;
    bf_human_bytes(bytes, sizeof bytes, identity->bytes);
    if (!name[0] && identity->has_gpt) {
        bf_guid_text(guid, identity->gpt_guid);
        name = guid;
    }
    if (!name[0])
        name = identity->path;
    bf_snprintf(out, size, "%s%s%s%s%s", identity->model, identity->model[0] ? ", " : "", name,
                name[0] ? ", " : "", bytes);
}
