// SPDX-License-Identifier: Apache-2.0
// Reads the configuration from where a firmware machine can have it; docs/configuration.md gives
// the order and the rule of trust. The section and the file are ours: anything wrong in them stops.
// SMBIOS strings and fw_cfg belong to others: only what carries our prefix is looked at, and that
// must be right.
#include "boot/config_efi.h"

#include <string.h>

#include "base/bytes.h"
#include "base/fmt.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/smbios.h"
#include "boot/fwcfg.h"
#include "boot/sections.h"
#include "boot/smbios_efi.h"
#include "drivers/handles_efi.h"
#include "net/proto/proto.h"
#include "net/tls/utc.h"

_Static_assert((int)BF_CONFIG_PORT == (int)BF_PROTO_PORT, "one port");

static const char file_name[] = "bootferry.conf";
static const char smbios_prefix[] = "bootferry:";
static const char fw_cfg_prefix[] = "opt/org.bootferry/";

struct load {
    struct bf_config *config;
    struct bf_fault *fault;
    char reason[160];
};

static enum bf_err refuse(struct load *load, const char *where)
{
    return bf_fault_set(load->fault, BF_ERR_CONFIG, BF_SIDE_CONFIG,
                        "correct it and start again; docs/configuration.md lists the keys",
                        "%s: %s", where, load->reason);
}

static enum bf_err take_text(struct load *load, const char *text, size_t len, enum bf_origin origin)
{
    uint32_t line;
    char where[64];
    if (bf_config_parse(load->config, text, len, origin, &line, load->reason,
                        sizeof load->reason) == BF_OK)
        return BF_OK;
    bf_snprintf(where, sizeof where, "%s, line %u", bf_origin_name(origin), line);
    return refuse(load, where);
}

// ---- The section -------------------------------------------------------------------------------

static enum bf_err take_section(struct load *load)
{
    const char *text;
    size_t len;
    switch (bf_section_text(bf_config_section(), BF_CONFIG_SECTION_BYTES, &text, &len)) {
    case BF_OK:
        return take_text(load, text, len, BF_ORIGIN_SECTION);
    case BF_ERR_NOT_FOUND:
        return BF_OK;
    default:
        return bf_fault_set(load->fault, BF_ERR_CORRUPT, BF_SIDE_CONFIG, "make the medium again",
                            "the configuration section of the EFI file is damaged");
    }
}

// ---- The file ----------------------------------------------------------------------------------

static EFI_FILE_HANDLE open_file(void)
{
    EFI_GUID image_guid = EFI_LOADED_IMAGE_PROTOCOL_GUID;
    EFI_GUID fs_guid = EFI_SIMPLE_FILE_SYSTEM_PROTOCOL_GUID;
    EFI_LOADED_IMAGE *image = bf_efi_protocol(bf_efi_image, &image_guid);
    EFI_FILE_IO_INTERFACE *fs = bf_efi_protocol(image ? image->DeviceHandle : NULL, &fs_guid);
    EFI_FILE_HANDLE root = NULL, file = NULL;
    CHAR16 name[sizeof file_name + 1] = {'\\'};
    for (size_t i = 0; i < sizeof file_name; i++)
        name[i + 1] = (CHAR16)file_name[i];
    if (!fs || EFI_ERROR(fs->OpenVolume(fs, &root)) || !root)
        return NULL;
    if (EFI_ERROR(root->Open(root, &file, name, EFI_FILE_MODE_READ, 0)))
        file = NULL;
    root->Close(root);
    return file;
}

// Reads at most size bytes; BF_ERR_LIMIT when there are more.
static enum bf_err read_file(EFI_FILE_HANDLE file, char *out, size_t size, size_t *len)
{
    *len = 0;
    for (;;) {
        UINTN part = size - *len;
        if (!part)
            return BF_ERR_LIMIT;
        EFI_STATUS status = file->Read(file, &part, out + *len);
        if (EFI_ERROR(status) || part > size - *len)
            return BF_ERR_IO;
        if (!part)
            return BF_OK;
        *len += part;
    }
}

static enum bf_err take_file(struct load *load)
{
    EFI_FILE_HANDLE file = open_file();
    const size_t size = BF_CONFIG_TEXT_MAX + 1;
    size_t len;
    if (!file)
        return BF_OK;
    char *text = bf_alloc(size);
    enum bf_err err = text ? read_file(file, text, size, &len) : BF_ERR_NO_MEMORY;
    file->Close(file);
    if (err == BF_OK)
        err = take_text(load, text, len, BF_ORIGIN_FILE);
    else
        bf_fault_set(load->fault, err, BF_SIDE_CONFIG, "make the medium again",
                     "%s cannot be read (%s)", file_name, bf_err_name(err));
    if (text)
        bf_wipe(text, size); // it may hold the machine's key
    bf_free(text);
    return err;
}

// ---- SMBIOS and fw_cfg -------------------------------------------------------------------------

static enum bf_err take_string(void *user, const char *text)
{
    struct load *load = user;
    const size_t prefix = sizeof smbios_prefix - 1;
    uint32_t line;
    char where[64];
    if (strncmp(text, smbios_prefix, prefix) != 0)
        return BF_OK;
    text += prefix;
    if (bf_config_parse(load->config, text, strlen(text), BF_ORIGIN_SMBIOS, &line, load->reason,
                        sizeof load->reason) == BF_OK)
        return BF_OK;
    bf_snprintf(where, sizeof where, "SMBIOS string \"%s%.24s\"", smbios_prefix, text);
    return refuse(load, where);
}

static enum bf_err take_smbios(struct load *load)
{
    const void *table;
    size_t len;
    if (bf_smbios_efi_table(&table, &len) != BF_OK)
        return BF_OK;
    return bf_smbios_oem_strings(table, len, take_string, load);
}

// A repeatable key has one value per line of its file.
static enum bf_err take_value(void *user, const char *name, const char *value)
{
    struct load *load = user;
    char line[512], where[96];
    bf_snprintf(where, sizeof where, "fw_cfg %s%s", fw_cfg_prefix, name);
    do {
        size_t len = strcspn(value, "\n");
        if (len >= sizeof line) { // a part of a value is another value
            bf_snprintf(load->reason, sizeof load->reason, "a value is too long");
            return refuse(load, where);
        }
        memcpy(line, value, len);
        line[len] = 0;
        value += len + (value[len] == '\n');
        if (bf_config_set(load->config, name, line, BF_ORIGIN_FW_CFG, load->reason,
                          sizeof load->reason) != BF_OK)
            return refuse(load, where);
    } while (*value);
    return BF_OK;
}

static enum bf_err take_fw_cfg(struct load *load)
{
    enum bf_err err = bf_fwcfg_files(fw_cfg_prefix, 4096, take_value, load);
    if (err == BF_ERR_NOT_FOUND)
        return BF_OK;
    if (err == BF_ERR_LIMIT || err == BF_ERR_NO_MEMORY) {
        bf_snprintf(load->reason, sizeof load->reason, "a value is too long");
        return refuse(load, "fw_cfg");
    }
    return err;
}

// ---- The whole ---------------------------------------------------------------------------------

enum bf_secure_boot bf_secure_boot_state(void)
{
    static CHAR16 name[] = L"SecureBoot";
    EFI_GUID guid = EFI_GLOBAL_VARIABLE;
    UINT8 value = 0;
    UINTN size = sizeof value;
    EFI_STATUS status =
        bf_efi_system->RuntimeServices->GetVariable(name, &guid, NULL, &size, &value);
    if (status == EFI_NOT_FOUND)
        return BF_SECURE_BOOT_OFF; // a firmware without Secure Boot
    if (EFI_ERROR(status) || size != sizeof value)
        return BF_SECURE_BOOT_UNKNOWN;
    return value == 1 ? BF_SECURE_BOOT_ON : BF_SECURE_BOOT_OFF;
}

static enum bf_err check_whole(struct load *load, const struct bf_config_report *report)
{
    enum bf_err err = bf_config_check(load->config, load->reason, sizeof load->reason);
    if (err == BF_OK && report->secure_boot == BF_SECURE_BOOT_ON)
        err = bf_config_check_signed(load->config, load->reason, sizeof load->reason);
    return err == BF_OK ? BF_OK : refuse(load, "configuration");
}

enum bf_err bf_config_efi_load(struct bf_config *config, struct bf_config_report *report,
                               struct bf_fault *fault)
{
    static enum bf_err (*const sources[])(struct load *) = {take_section, take_file, take_smbios,
                                                            take_fw_cfg};
    struct load load = {.config = config, .fault = fault};
    memset(fault, 0, sizeof *fault);
    memset(report, 0, sizeof *report);
    bf_config_defaults(config);
    report->secure_boot = bf_secure_boot_state();
    for (size_t i = 0; i < BF_COUNT(sources); i++) {
        enum bf_err err = sources[i](&load);
        if (err != BF_OK)
            return err;
    }
    uint8_t any = 0;
    for (uint32_t i = BF_ORIGIN_SECTION; i < BF_ORIGINS; i++)
        any |= report->present[i] = (uint8_t)bf_config_has(config, (enum bf_origin)i);
    return any ? check_whole(&load, report) : BF_ERR_NOT_FOUND;
}

void bf_config_efi_log(const struct bf_config *config, const struct bf_config_report *report)
{
    static const char *const states[] = {"off", "on", "unknown"};
    uint32_t count;
    const struct bf_config_key *table = bf_config_table(&count);
    bf_log(BF_LOG_INFO, "Secure Boot is %s", states[report->secure_boot]);
    for (uint32_t i = 0; i < count; i++) {
        char value[256];
        if (config->origin[i] == BF_ORIGIN_DEFAULT)
            continue;
        if (strcmp(table[i].name, "made") == 0)
            bf_utc_text(config->made, value);
        else
            bf_config_show(config, i, value, sizeof value);
        bf_log(BF_LOG_INFO, "%s=%s (%s)", table[i].name, value,
               bf_origin_name((enum bf_origin)config->origin[i]));
    }
}
