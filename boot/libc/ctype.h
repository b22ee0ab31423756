// SPDX-License-Identifier: Apache-2.0
// <ctype.h> of the boot image: ASCII.
#ifndef BF_LIBC_CTYPE_H
#define BF_LIBC_CTYPE_H

int isdigit(int c);
int isxdigit(int c);
int isupper(int c);
int islower(int c);
int isalpha(int c);
int isalnum(int c);
int isspace(int c);
int isprint(int c);
int tolower(int c);
int toupper(int c);

#endif
