// SPDX-License-Identifier: Apache-2.0
// Answers of the DNS and DHCP's list of domains: any bytes. What is found is bounded, and each name
// is one that could be asked for.
#include <string.h>

#include "net/ip/dns_message.h"
#include "tests/fuzz_seed.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static const uint8_t direct[] = "\1\2\201\200\0\1\0\1\0\0\0\0\1a\4test\0\0\1\0\1"
                                    "\300\14\0\1\0\1\0\0\0\74\0\4\12\0\0\1";
    static const uint8_t alias[] = "\1\2\201\200\0\1\0\2\0\0\0\0\1a\4test\0\0\1\0\1"
                                   "\300\14\0\5\0\1\0\0\0\74\0\4\1b\300\16"
                                   "\1b\300\16\0\1\0\1\0\0\0\74\0\4\12\0\0\7";
    static const uint8_t domains[] = "\3eng\5apple\3com\0\11marketing\300\4";
    fuzz_seed(*argc, *argv, 0, direct, sizeof direct - 1);
    fuzz_seed(*argc, *argv, 1, alias, sizeof alias - 1);
    fuzz_seed(*argc, *argv, 2, domains, sizeof domains - 1);
    return 0;
}

static void read_as(const uint8_t *data, size_t size, uint16_t type)
{
    struct bf_dns_question q = {0x0102, type, "a.test"};
    struct bf_dns_addresses found;
    enum bf_dns_answer answer = bf_dns_read(data, size, &q, &found);
    if (found.count > BF_DNS_ADDRESSES || (answer == BF_DNS_FOUND) != (found.count > 0))
        __builtin_trap();
    for (uint32_t i = 0; i < found.count; i++)
        if (found.address[i].family != (type == BF_DNS_A ? 4 : 6))
            __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char domain[BF_DNS_DOMAINS][BF_DNS_NAME];
    uint8_t out[BF_DNS_QUERY];
    read_as(data, size, BF_DNS_A);
    read_as(data, size, BF_DNS_AAAA);
    uint32_t count = bf_dns_read_domains(data, size, domain);
    for (uint32_t i = 0; i < count; i++) {
        struct bf_dns_question q = {0, BF_DNS_A, domain[i]};
        if (!bf_dns_query(&q, out))
            __builtin_trap();
    }
    return 0;
}
