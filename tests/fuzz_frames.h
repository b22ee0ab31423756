// SPDX-License-Identifier: Apache-2.0
// Mutation of sessions: an input is some bytes for the harness, and frames (net/proto/proto.h)
// behind. Frames are moved, copied, dropped, exchanged for those of sound sessions, and changed
// inside, with lengths that fit, so that what comes out is mostly judged by what it says and not by
// its form.
#ifndef BF_TESTS_FUZZ_FRAMES_H
#define BF_TESTS_FUZZ_FRAMES_H

#include <stddef.h>
#include <stdint.h>

#include "tests/fuzz_rng.h"

// Keeps the frames of a sound session, up to 128 of all sessions together; call it when the fuzzer
// starts.
void fuzz_frames_learn(const uint8_t *bytes, size_t len);
// Writes a sound session with its head, of up to `max` bytes, chosen by chance; its length.
typedef size_t fuzz_frames_make(struct fuzz_rng *r, uint8_t *out, size_t max);
// A custom mutator for inputs with `head` bytes in front of the frames. Most of what it makes are
// new sessions with none, one or two changes: what was changed often is sound no longer, and says
// nothing about what comes behind the first refusal. The rest are changed inputs, one in eight of
// them by libFuzzer alone.
size_t fuzz_frames_mutate(uint8_t *data, size_t size, size_t max, size_t head, unsigned seed,
                          fuzz_frames_make *make);
// The length of the frame at `at`, which all of the rest is when it is none.
size_t fuzz_frame_length(const uint8_t *bytes, size_t len, size_t at);

#endif
