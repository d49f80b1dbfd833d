/* SPDX-License-Identifier: MIT
 *
 * Functions of the C library that are easily misused do not compile here. Include it before any
 * code that uses them; base.h does.
 */
#pragma once
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BANNED(f) sorry_##f##_is_banned
#undef strcpy
#define strcpy(a, b) BANNED(strcpy)
#undef strcat
#define strcat(a, b) BANNED(strcat)
#undef strncpy
#define strncpy(a, b, n) BANNED(strncpy)
#undef sprintf
#define sprintf(...) BANNED(sprintf)
#undef vsprintf
#define vsprintf(a, b, c) BANNED(vsprintf)
#undef strtok
#define strtok(a, b) BANNED(strtok)
#undef system
#define system(a) BANNED(system)
#undef popen
#define popen(a, b) BANNED(popen)
#undef mktemp
#define mktemp(a) BANNED(mktemp)
#undef tmpnam
#define tmpnam(a) BANNED(tmpnam)
#undef atoi
#define atoi(a) BANNED(atoi)
#undef atol
#define atol(a) BANNED(atol)
#undef gmtime
#define gmtime(a) BANNED(gmtime)
#undef localtime
#define localtime(a) BANNED(localtime)
#undef ctime
#define ctime(a) BANNED(ctime)
#undef asctime
#define asctime(a) BANNED(asctime)

/* Text for people is printed through a page (base/page.h), so that it is always escaped. Files that
 * define MAY_PRINT are exempt. */
#ifndef MAY_PRINT
#undef printf
#define printf(...) BANNED(printf)
#undef fprintf
#define fprintf(...) BANNED(fprintf)
#undef vprintf
#define vprintf(a, b) BANNED(vprintf)
#undef vfprintf
#define vfprintf(a, b, c) BANNED(vfprintf)
#undef dprintf
#define dprintf(...) BANNED(dprintf)
#undef vdprintf
#define vdprintf(a, b, c) BANNED(vdprintf)
#undef puts
#define puts(a) BANNED(puts)
#undef fputs
#define fputs(a, b) BANNED(fputs)
#undef putchar
#define putchar(a) BANNED(putchar)
#undef putc
#define putc(a, b) BANNED(putc)
#undef fputc
#define fputc(a, b) BANNED(fputc)
#undef fwrite
#define fwrite(a, b, c, d) BANNED(fwrite)
#undef perror
#define perror(a) BANNED(perror)
#endif
