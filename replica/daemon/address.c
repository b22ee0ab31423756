// SPDX-License-Identifier: Apache-2.0
// Sources of connections, and who gives way, see address.h. Connections are counted per address in
// a hash table that is made for each question: the questions are rare, and nothing has to be kept
// right between them.
#include "replica/daemon/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "base/assert.h"
#include "base/fmt.h"

enum { SLOTS = 2 * BF_CLAIMS_MAX, PREFIX_BYTES = 8 };

// ---- Addresses ---------------------------------------------------------------------------------

void bf_address_of(const struct sockaddr_storage *from, struct bf_peer_address *out)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    memset(out, 0, sizeof *out);
    if (from->ss_family == AF_INET) {
        memcpy(out->bytes, mapped, sizeof mapped);
        memcpy(out->bytes + 12, &((const struct sockaddr_in *)(const void *)from)->sin_addr, 4);
    } else if (from->ss_family == AF_INET6) {
        const struct in6_addr *a = &((const struct sockaddr_in6 *)(const void *)from)->sin6_addr;
        memcpy(out->bytes, a, IN6_IS_ADDR_V4MAPPED(a) ? sizeof *a : PREFIX_BYTES);
    }
}

void bf_address_text(const struct sockaddr_storage *from, char *out, size_t size)
{
    char ip[INET6_ADDRSTRLEN] = "?";
    if (from->ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const void *)from;
        const uint8_t *bytes = v6->sin6_addr.s6_addr;
        if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
            inet_ntop(AF_INET, bytes + 12, ip, sizeof ip);
            bf_snprintf(out, size, "%s:%u", ip, ntohs(v6->sin6_port));
            return;
        }
        inet_ntop(AF_INET6, bytes, ip, sizeof ip);
        bf_snprintf(out, size, "[%s]:%u", ip, ntohs(v6->sin6_port));
    } else {
        const struct sockaddr_in *v4 = (const void *)from;
        inet_ntop(AF_INET, &v4->sin_addr, ip, sizeof ip);
        bf_snprintf(out, size, "%s:%u", ip, ntohs(v4->sin_port));
    }
}

// ---- Who gives way -----------------------------------------------------------------------------

struct tally {
    uint16_t first; // claim of this address, plus one; 0: the slot is free
    uint16_t count;
};

// The finalizer of MurmurHash3 over both halves: with a seed nobody outside can choose collisions.
static uint32_t slot_of(const struct bf_peer_address *a, uint64_t seed)
{
    uint64_t half[2], h = seed;
    memcpy(half, a->bytes, sizeof half);
    for (int i = 0; i < 2; i++) {
        h ^= half[i];
        h = (h ^ h >> 33) * 0xff51afd7ed558ccdULL;
        h = (h ^ h >> 33) * 0xc4ceb9fe1a85ec53ULL;
        h ^= h >> 33;
    }
    return (uint32_t)h & (SLOTS - 1);
}

static struct tally *find(struct tally *table, const struct bf_claim *claims,
                          const struct bf_peer_address *a, uint64_t seed)
{
    uint32_t at = slot_of(a, seed);
    while (table[at].first && memcmp(&claims[table[at].first - 1].address, a, sizeof *a) != 0)
        at = (at + 1) & (SLOTS - 1);
    BF_ASSERT(table[at].first <= BF_CLAIMS_MAX && table[at].count <= BF_CLAIMS_MAX);
    return &table[at];
}

static uint8_t lowest_rank(const struct bf_claim *claims, uint32_t count)
{
    uint8_t rank = BF_CLAIM_KEEPS;
    for (uint32_t i = 0; i < count; i++)
        if (claims[i].rank < rank)
            rank = claims[i].rank;
    return rank;
}

int bf_claim_victim(const struct bf_claim *claims, uint32_t count, uint64_t seed)
{
    struct tally table[SLOTS] = {{0}};
    uint8_t rank = lowest_rank(claims, count);
    uint16_t most = 0;
    int victim = -1;
    if (rank == BF_CLAIM_KEEPS || count > BF_CLAIMS_MAX)
        return -1;
    for (uint32_t i = 0; i < count; i++) {
        struct tally *t = find(table, claims, &claims[i].address, seed);
        if (claims[i].rank != rank)
            continue;
        t->first = t->first ? t->first : (uint16_t)(i + 1);
        if (++t->count > most)
            most = t->count;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (claims[i].rank != rank || find(table, claims, &claims[i].address, seed)->count != most)
            continue;
        if (victim < 0 || claims[i].since_us < claims[victim].since_us)
            victim = (int)i;
    }
    BF_ASSERT(victim >= 0 && claims[victim].rank == rank);
    return victim;
}
