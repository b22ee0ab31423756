// SPDX-License-Identifier: Apache-2.0
// How deep a fuzzer's inputs come, for tests/fuzz_depth.sh: of the inputs that are tried, how many
// reach named places of the program. Nothing is added to the program for it: SanitizerCoverage's
// counters, which libFuzzer clears before each input, are read after each. This file stands between
// libFuzzer and the fuzzer by the linker's --wrap=LLVMFuzzerTestOneInput.
//
// BF_DEPTH=list: prints the offset in the program of every counter, in order, and ends.
// BF_DEPTH="SKIP NUMBER,NUMBER... NUMBER...": after the first SKIP inputs, which are the seeds,
// each further word is a place, reached by an input that hits one of its counters. At the end the
// number of inputs goes to the standard output, and for each place how many of them reached it.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct pc {
    uintptr_t at, flags;
};

// Instrumented, this file would have what the compiler declares by the same names: renamed, and
// zero for whoever comes after.
#pragma clang attribute push(__attribute__((no_sanitize("coverage"))), apply_to = function)

extern uint8_t counters[] __asm__("__start___sancov_cntrs");
extern uint8_t counters_end[] __asm__("__stop___sancov_cntrs");
extern const struct pc pcs[] __asm__("__start___sancov_pcs");
extern const struct pc pcs_end[] __asm__("__stop___sancov_pcs");
extern const char program[] __asm__("__executable_start");
int __real_LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int __wrap_LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PLACES = 32, COUNTERS = 1024 };

static struct {
    int begun;
    uint64_t skip, tried;
    uint32_t counter[COUNTERS], counters;
    uint32_t end[PLACES], places; // of each place's counters
    uint64_t reached[PLACES];
} depth;

static void list(void)
{
    for (const struct pc *pc = pcs; pc < pcs_end; pc++)
        printf("0x%zx\n", (size_t)(pc->at - (uintptr_t)program));
    fflush(stdout);
    _Exit(0);
}

static void report(void)
{
    printf("depth %llu", (unsigned long long)depth.tried);
    for (uint32_t i = 0; i < depth.places; i++)
        printf(" %llu", (unsigned long long)depth.reached[i]);
    printf("\n");
}

// A wrong word of the script's ends the program: a place that is not watched counts for nothing.
static void begin(const char *what)
{
    char *at;
    depth.begun = 1;
    if (!what)
        return;
    if (*what == 'l')
        list();
    depth.skip = strtoull(what, &at, 10);
    while (*at == ' ') {
        do {
            unsigned long n = strtoul(at + 1, &at, 10);
            if (n >= (size_t)(counters_end - counters) || depth.counters == COUNTERS ||
                depth.places == PLACES)
                abort();
            depth.counter[depth.counters++] = (uint32_t)n;
        } while (*at == ',');
        depth.end[depth.places++] = depth.counters;
    }
    if (*at)
        abort();
    atexit(report);
}

static void count(void)
{
    uint32_t i = 0;
    depth.tried++;
    for (uint32_t place = 0; place < depth.places; place++) {
        int hit = 0;
        for (; i < depth.end[place]; i++)
            hit |= counters[depth.counter[i]];
        depth.reached[place] += hit != 0;
    }
}

int __wrap_LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int result;
    if (!depth.begun)
        begin(getenv("BF_DEPTH"));
    result = __real_LLVMFuzzerTestOneInput(data, size);
    if (depth.skip)
        depth.skip--;
    else if (depth.places)
        count();
    return result;
}

#pragma clang attribute pop
