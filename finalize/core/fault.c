// SPDX-License-Identifier: Apache-2.0
// See fault.h.
#include "finalize/core/fault.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/assert.h"
#include "base/bytes.h"

static const struct {
    int number;
    enum bf_err code;
} codes[] = {
    {ENOENT, BF_ERR_NOT_FOUND},    {EEXIST, BF_ERR_EXISTS},    {EACCES, BF_ERR_DENIED},
    {EPERM, BF_ERR_DENIED},        {EROFS, BF_ERR_DENIED},     {ENOSPC, BF_ERR_NO_SPACE},
    {EDQUOT, BF_ERR_NO_SPACE},     {ENOMEM, BF_ERR_NO_MEMORY}, {EFBIG, BF_ERR_LIMIT},
    {E2BIG, BF_ERR_LIMIT},         {EMSGSIZE, BF_ERR_LIMIT},   {ENAMETOOLONG, BF_ERR_LIMIT},
    {ELOOP, BF_ERR_LIMIT},         {EINVAL, BF_ERR_RANGE},     {ETIMEDOUT, BF_ERR_TIMEOUT},
    {EPIPE, BF_ERR_CLOSED},        {EPROTO, BF_ERR_PROTOCOL},  {ECANCELED, BF_ERR_CANCELLED},
    {ENOTSUP, BF_ERR_UNSUPPORTED},
};

static enum bf_err code_of(int number)
{
    for (size_t i = 0; i < BF_COUNT(codes); i++)
        if (codes[i].number == number)
            return codes[i].code;
    return BF_ERR_IO;
}

enum bf_err bf_fault_errno(struct bf_fault *fault, int number)
{
    BF_ASSERT(number > 0); // of the call that failed, and not of one that came after it
    enum bf_err code = code_of(number);
    return fault ? bf_fault_set(fault, code, BF_SIDE_SOURCE, "", "%s", strerror(number)) : code;
}
