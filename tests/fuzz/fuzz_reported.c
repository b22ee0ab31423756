// SPDX-License-Identifier: Apache-2.0
// What anybody may post to the daemon: a word is found in it only where a whole one stands, and
// then, and only then, a line of evidence is read with it.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "replica/jobs/reported.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// The same question, asked in another way: at each place.
static const char *first(const char *bytes, size_t len)
{
    static const char mark[] = "BOOTFERRY-EVIDENCE ";
    for (size_t i = 0; i + sizeof mark - 1 + 33 <= len; i++) {
        const char *word = bytes + i + sizeof mark - 1;
        size_t digits = 0;
        if (memcmp(bytes + i, mark, sizeof mark - 1) != 0)
            continue;
        while (digits < 32 && ((word[digits] >= '0' && word[digits] <= '9') ||
                               (word[digits] >= 'a' && word[digits] <= 'f')))
            digits++;
        if (digits == 32 && word[32] == ' ')
            return word;
    }
    return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct bf_evidence e;
    const char *bytes = (const char *)data, *wanted = first(bytes, size);
    char word[BF_EVIDENCE_WORD];
    bool found = bf_reported_word(bytes, size, word);
    if (found != (wanted != NULL) || (found && (memcmp(word, wanted, 32) != 0 || word[32])))
        abort();
    memset(&e, 0, sizeof e);
    if (found)
        bf_evidence_read(&e, word, bytes, size);
    return 0;
}
