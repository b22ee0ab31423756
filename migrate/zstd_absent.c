// SPDX-License-Identifier: Apache-2.0
// What zstd's compressor calls for long distance matching and superblocks. None of the levels or
// parameters in migrate/compress.c leads here, and the linker cannot know it. Whoever does come
// here is refused, and the data then travels as it is.
#include <zstd/common/error_private.h>
#include <zstd/compress/zstd_compress_superblock.h>
#include <zstd/compress/zstd_ldm.h>

size_t ZSTD_compressSuperBlock(ZSTD_CCtx *c, void *dst, size_t room, const void *src, size_t size,
                               unsigned last)
{
    (void)c, (void)dst, (void)room, (void)src, (void)size, (void)last;
    return ERROR(parameter_unsupported);
}

// ---- Long distance matching: no space, no table, no sequences ----------------------------------

size_t ZSTD_ldm_getTableSize(ldmParams_t params)
{
    (void)params;
    return 0;
}

size_t ZSTD_ldm_getMaxNbSeq(ldmParams_t params, size_t chunk)
{
    (void)params, (void)chunk;
    return 0;
}

void ZSTD_ldm_adjustParameters(ldmParams_t *params, const ZSTD_compressionParameters *with)
{
    (void)params, (void)with;
}

void ZSTD_ldm_fillHashTable(ldmState_t *state, const BYTE *from, const BYTE *end,
                            const ldmParams_t *params)
{
    (void)state, (void)from, (void)end, (void)params;
}

size_t ZSTD_ldm_generateSequences(ldmState_t *state, RawSeqStore_t *sequences,
                                  const ldmParams_t *params, const void *src, size_t size)
{
    (void)state, (void)sequences, (void)params, (void)src, (void)size;
    return ERROR(parameter_unsupported);
}

size_t ZSTD_ldm_blockCompress(RawSeqStore_t *sequences, ZSTD_MatchState_t *matches, SeqStore_t *out,
                              U32 rep[ZSTD_REP_NUM], ZSTD_ParamSwitch_e rows, const void *src,
                              size_t size)
{
    (void)sequences, (void)matches, (void)out, (void)rep, (void)rows, (void)src, (void)size;
    return ERROR(parameter_unsupported);
}

void ZSTD_ldm_skipSequences(RawSeqStore_t *sequences, size_t size, const U32 min_match)
{
    (void)sequences, (void)size, (void)min_match;
}

void ZSTD_ldm_skipRawSeqStoreBytes(RawSeqStore_t *sequences, size_t bytes)
{
    (void)sequences, (void)bytes;
}
