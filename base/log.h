// SPDX-License-Identifier: Apache-2.0
// The log: one line per event, through the platform's sink. A library function returns errors; the
// program that handles one logs it, once.
#ifndef BF_BASE_LOG_H
#define BF_BASE_LOG_H

enum bf_log_level { BF_LOG_ERROR = 0, BF_LOG_WARNING = 1, BF_LOG_INFO = 2, BF_LOG_DEBUG = 3 };

// Formats one line (cut at 512 bytes, control characters replaced, since peers and disks choose
// some of the text) and hands it to bf_platform_log.
void bf_log(enum bf_log_level level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// Lines above this level are dropped; the default is BF_LOG_INFO.
void bf_log_set_level(enum bf_log_level level);

#endif
