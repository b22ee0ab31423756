// SPDX-License-Identifier: Apache-2.0
// Registers, commands and completions of NVM Express, as far as they are used here, with the names
// and places of the NVM Express Base Specification 1.4.
#ifndef BF_DRIVERS_NVME_REGS_H
#define BF_DRIVERS_NVME_REGS_H

#include <stdint.h>

enum { BF_NVME_CLASS = 0x010802 }; // NVM Express I/O controller (PCI Code and ID Assignment)

enum { // controller registers, in BAR 0: 3.1
    BF_NVME_CAP = 0x00,
    BF_NVME_INTMS = 0x0c,
    BF_NVME_CC = 0x14,
    BF_NVME_CSTS = 0x1c,
    BF_NVME_AQA = 0x24,
    BF_NVME_ASQ = 0x28,
    BF_NVME_ACQ = 0x30,
    BF_NVME_DOORBELLS = 0x1000, // 3.1.24
};

// CAP, 3.1.1
static inline uint32_t bf_nvme_cap_mqes(uint64_t cap) // entries of a queue
{
    return (uint32_t)(cap & 0xffff) + 1;
}
static inline uint32_t bf_nvme_cap_to(uint64_t cap) // units of 500 ms
{
    return (uint32_t)(cap >> 24 & 0xff);
}
static inline uint32_t bf_nvme_cap_dstrd(uint64_t cap) // bytes from doorbell to doorbell
{
    return 4u << (cap >> 32 & 0xf);
}
static inline int bf_nvme_cap_nvm(uint64_t cap) // CSS, bit 0: the NVM command set
{
    return (cap >> 37 & 1) != 0;
}
static inline uint32_t bf_nvme_cap_mpsmin(uint64_t cap) // bytes
{
    return 4096u << (cap >> 48 & 0xf);
}

enum { // CC, 3.1.5
    BF_NVME_CC_EN = 1,
    BF_NVME_CC_IOSQES = 6 << 16, // 64 bytes
    BF_NVME_CC_IOCQES = 4 << 20, // 16 bytes
};
enum { // CSTS, 3.1.6
    BF_NVME_CSTS_RDY = 1,
    BF_NVME_CSTS_CFS = 2,
};

enum { // opcodes, 5 and 6
    BF_NVME_ADMIN_CREATE_SQ = 0x01,
    BF_NVME_ADMIN_CREATE_CQ = 0x05,
    BF_NVME_ADMIN_IDENTIFY = 0x06,
    BF_NVME_ADMIN_SECURITY_RECEIVE = 0x82,
    BF_NVME_READ = 0x02,
    BF_NVME_RESERVATION_REPORT = 0x0e,
};
enum { BF_NVME_CNS_NAMESPACE = 0, BF_NVME_CNS_CONTROLLER = 1, BF_NVME_CNS_ACTIVE = 2 };
enum { BF_NVME_QUEUE_CONTIGUOUS = 1 }; // PC, figures 149 and 153
#define BF_NVME_READ_PRACT (1u << 29)  // in dword 12, figure 375

struct bf_nvme_command { // 4.2
    uint8_t opcode;
    uint8_t flags;
    uint16_t cid;
    uint32_t nsid;
    uint64_t reserved;
    uint64_t mptr;
    uint64_t prp1, prp2;
    uint32_t cdw10, cdw11, cdw12, cdw13, cdw14, cdw15;
};
_Static_assert(sizeof(struct bf_nvme_command) == 64, "4.2");

struct bf_nvme_completion { // 4.6
    uint32_t dw0, dw1;
    uint16_t sqhd, sqid;
    uint16_t cid;
    uint16_t status; // bit 0: phase tag; the rest: status field
};
_Static_assert(sizeof(struct bf_nvme_completion) == 16, "4.6");

enum { // Identify Controller, figure 247
    BF_NVME_IDC_MDTS = 77,
    BF_NVME_IDC_OACS = 256,
    BF_NVME_IDC_NN = 516,
    BF_NVME_IDC_ONCS = 520,
};
enum { BF_NVME_OACS_SECURITY = 0x01, BF_NVME_ONCS_RESERVATIONS = 0x20 };
enum { // Identify Namespace, figure 245
    BF_NVME_IDN_NSZE = 0,
    BF_NVME_IDN_FLBAS = 26,
    BF_NVME_IDN_DPS = 29,
    BF_NVME_IDN_RESCAP = 31,
    BF_NVME_IDN_EUI64 = 120,
    BF_NVME_IDN_LBAF = 128,
};
enum { BF_NVME_FLBAS_EXTENDED = 0x10, BF_NVME_DPS_TYPE = 0x07 };

enum { // status code types and generic codes that are no word about the blocks, 3.3.3.2
    BF_NVME_SCT_GENERIC = 0,
    BF_NVME_SCT_PATH = 3,
    BF_NVME_SC_ABORTED = 0x07,
    BF_NVME_SC_QUEUE_DELETED = 0x08,
    BF_NVME_SC_INTERRUPTED = 0x21,
    BF_NVME_SC_TRANSIENT = 0x22,
    BF_NVME_SC_NOT_READY = 0x82,
};

#endif
