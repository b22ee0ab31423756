// SPDX-License-Identifier: Apache-2.0
// The inventory of a running Linux, see linux/machine_linux.h.
#include "linux/machine_linux.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"

static void printable(char *text)
{
    size_t len = strlen(text);
    while (len > 0 && (unsigned char)text[len - 1] <= ' ')
        text[--len] = 0;
    for (; *text; text++)
        if (*text < ' ' || *text > '~')
            *text = '?';
}

static void read_line(const char *path, char *out, size_t size)
{
    FILE *f = fopen(path, "re");
    out[0] = 0;
    if (!f)
        return;
    if (!fgets(out, (int)size, f))
        out[0] = 0;
    fclose(f);
    printable(out);
}

static void read_processor(char *out, size_t size)
{
    FILE *f = fopen("/proc/cpuinfo", "re");
    char line[256];
    while (f && fgets(line, sizeof line, f)) {
        char *value = strchr(line, ':');
        if (strncmp(line, "model name", 10) != 0 || !value)
            continue;
        snprintf(out, size, "%.*s", (int)size - 1, value + 2);
        printable(out);
        break;
    }
    if (f)
        fclose(f);
}

static void add_nic(struct bf_inventory *inv, const char *name)
{
    struct bf_inventory_nic *nic = &inv->nic[inv->nics];
    char path[PATH_MAX], text[64];
    unsigned m[6];
    BF_ASSERT(inv->nics < BF_PROTO_NICS_MAX);
    snprintf(path, sizeof path, "/sys/class/net/%s/device", name);
    if (access(path, F_OK)) // bridges, tunnels and the loopback are not hardware
        return;
    snprintf(path, sizeof path, "/sys/class/net/%s/address", name);
    read_line(path, text, sizeof text);
    if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x", &m[0], &m[1], &m[2], &m[3], &m[4], &m[5]) != 6)
        return;
    for (int i = 0; i < 6; i++)
        nic->mac[i] = (uint8_t)m[i];
    snprintf(path, sizeof path, "/sys/class/net/%s/carrier", name);
    read_line(path, text, sizeof text);
    nic->link = text[0] == '1' ? 1 : text[0] == '0' ? 0 : -1;
    snprintf(nic->driver, sizeof nic->driver, "linux");
    snprintf(nic->name, sizeof nic->name, "%.63s", name);
    inv->nics++;
}

static void read_nics(struct bf_inventory *inv)
{
    DIR *d = opendir("/sys/class/net");
    struct dirent *e;
    while (d && inv->nics < BF_PROTO_NICS_MAX && (e = readdir(d)))
        if (e->d_name[0] != '.')
            add_nic(inv, e->d_name);
    if (d)
        closedir(d);
}

void bf_machine_linux(struct bf_inventory *inv)
{
    inv->firmware = access("/sys/firmware/efi", F_OK) == 0 ? BF_FIRMWARE_UEFI : BF_FIRMWARE_UNKNOWN;
    inv->secure_boot = 2;
    inv->processors = (uint16_t)sysconf(_SC_NPROCESSORS_ONLN);
    inv->memory_bytes = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    read_line("/sys/class/dmi/id/bios_vendor", inv->firmware_vendor, sizeof inv->firmware_vendor);
    read_line("/sys/class/dmi/id/sys_vendor", inv->system_vendor, sizeof inv->system_vendor);
    read_line("/sys/class/dmi/id/product_name", inv->system_product, sizeof inv->system_product);
    read_line("/sys/class/dmi/id/product_serial", inv->system_serial, sizeof inv->system_serial);
    read_line("/sys/class/dmi/id/product_uuid", inv->system_uuid, sizeof inv->system_uuid);
    read_processor(inv->processor, sizeof inv->processor);
    read_nics(inv);
}
