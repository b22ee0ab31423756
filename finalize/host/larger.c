// SPDX-License-Identifier: Apache-2.0
#include "finalize/host/larger.h"

#include <jansson.h>
#include <stdio.h>

#include "finalize/host/run.h"

unsigned bf_run_larger(const char *report, size_t len, unsigned now, unsigned available)
{
    json_t *json = json_loadb(report, len, JSON_REJECT_DUPLICATES, NULL);
    json_int_t asked = json_integer_value(json_object_get(json, "memory"));
    json_decref(json);
    unsigned limit = available < BF_RUN_MEMORY_MAX_MIB ? available : BF_RUN_MEMORY_MAX_MIB;
    return asked > (json_int_t)now && asked <= (json_int_t)limit ? (unsigned)asked : 0;
}

unsigned bf_run_available_mib(void)
{
    char line[128];
    unsigned long long kib = 0;
    FILE *f = fopen("/proc/meminfo", "re");
    while (f && !kib && fgets(line, sizeof line, f))
        if (sscanf(line, "MemAvailable: %llu kB", &kib) != 1)
            kib = 0;
    if (f)
        fclose(f);
    return (unsigned)(kib >> 10);
}
