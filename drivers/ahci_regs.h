// SPDX-License-Identifier: Apache-2.0
// Registers and memory structures of AHCI, as far as they are used here, with the names and places
// of Serial ATA Advanced Host Controller Interface 1.3.1.
#ifndef BF_DRIVERS_AHCI_REGS_H
#define BF_DRIVERS_AHCI_REGS_H

#include <stdint.h>

enum { BF_AHCI_CLASS = 0x010601 }; // 2.1.5
enum { BF_AHCI_BAR = 5 };          // 2.1.11

enum { // generic host control, 3.1
    BF_AHCI_CAP = 0x00,
    BF_AHCI_GHC = 0x04,
    BF_AHCI_PI = 0x0c,
    BF_AHCI_CAP2 = 0x24,
    BF_AHCI_BOHC = 0x28,
};
#define BF_AHCI_CAP_S64A 0x80000000u
#define BF_AHCI_CAP_SNCQ 0x40000000u
#define BF_AHCI_GHC_AE   0x80000000u
enum { BF_AHCI_GHC_HR = 1, BF_AHCI_GHC_IE = 2 };
enum { BF_AHCI_CAP2_BOH = 1 };
enum { BF_AHCI_BOHC_BOS = 1, BF_AHCI_BOHC_OOS = 2, BF_AHCI_BOHC_BB = 16 };
static inline uint32_t bf_ahci_slots(uint32_t cap) // CAP.NCS
{
    return (cap >> 8 & 0x1f) + 1;
}

enum { BF_AHCI_PORTS = 32 };
static inline uint32_t bf_ahci_port(uint32_t port) // where its registers begin, 3.3
{
    return 0x100 + 0x80 * port;
}
enum { // port registers, 3.3
    BF_AHCI_PXCLB = 0x00,
    BF_AHCI_PXFB = 0x08,
    BF_AHCI_PXIS = 0x10,
    BF_AHCI_PXIE = 0x14,
    BF_AHCI_PXCMD = 0x18,
    BF_AHCI_PXTFD = 0x20,
    BF_AHCI_PXSIG = 0x24,
    BF_AHCI_PXSSTS = 0x28,
    BF_AHCI_PXSCTL = 0x2c,
    BF_AHCI_PXSERR = 0x30,
    BF_AHCI_PXSACT = 0x34,
    BF_AHCI_PXCI = 0x38,
};
#define BF_AHCI_PXIS_FATAL 0x78000000u // TFES, HBFS, HBDS, IFS
#define BF_AHCI_PXIS_LINK  0x38000000u // of them HBFS, HBDS, IFS: nothing is said by the disk
#define BF_AHCI_PXTFD_ICRC 0x00008000u // the error register's CRC bit, ACS-4, 6.3
enum {                                 // PxCMD, 3.3.7
    BF_AHCI_PXCMD_ST = 0x0001,
    BF_AHCI_PXCMD_SUD = 0x0002,
    BF_AHCI_PXCMD_POD = 0x0004,
    BF_AHCI_PXCMD_FRE = 0x0010,
    BF_AHCI_PXCMD_FR = 0x4000,
    BF_AHCI_PXCMD_CR = 0x8000,
    BF_AHCI_PXCMD_PMA = 0x20000,
};
enum { BF_AHCI_PXTFD_DRQ = 0x08, BF_AHCI_PXTFD_BSY = 0x80 };
#define BF_AHCI_SIG_ATAPI      0xeb140101u
#define BF_AHCI_SIG_MULTIPLIER 0x96690101u
#define BF_AHCI_SIG_ENCLOSURE  0xc33c0101u
enum { BF_AHCI_DET_MASK = 0x0f, BF_AHCI_DET_UP = 3, BF_AHCI_DET_COMRESET = 1 };
enum { BF_AHCI_RECEIVED_BYTES = 256, BF_AHCI_RECEIVED_D2H = 0x40 }; // 4.2.1
enum { BF_AHCI_HEADER_PMP = 12 }; // where the port of a multiplier is in flags

struct bf_ahci_header { // command header, 4.2.2
    uint16_t flags;     // CFL: length of the command frame in words of 32 bits
    uint16_t prdtl;
    uint32_t prdbc; // bytes transferred; not of queued commands
    uint32_t ctba, ctbau;
    uint32_t reserved[4];
};
_Static_assert(sizeof(struct bf_ahci_header) == 32, "4.2.2");

struct bf_ahci_table { // command table with one region, 4.2.3
    uint8_t frame[64];
    uint8_t atapi[16];
    uint8_t reserved[48];
    uint32_t dba, dbau; // even
    uint32_t reserved2;
    uint32_t dbc; // bytes less one, at most 4 MiB
    uint8_t pad[112];
};
_Static_assert(sizeof(struct bf_ahci_table) == 256, "aligned to 128, 4.2.3");

#endif
