// SPDX-License-Identifier: Apache-2.0
// What the tables of rows have in common: tables.c makes them, they end with NULL, and none has
// more rows than this, so who goes over one may gather rows in an array.
#ifndef BF_FINALIZE_CORE_ROWS_H
#define BF_FINALIZE_CORE_ROWS_H

#define BF_ROWS_MAX 24

#endif
