/*
 * sqlite_vfs.h - SQLite's way to the disk, with accidents.
 *
 * Between install and remove it is the default: every file that SQLite opens afterwards can
 * fail, and is known as it was when it was last synced, which is all that a power
 * cut leaves. For tests of one thread; the state is global because SQLite's is.
 */
#pragma once

#include <stdbool.h>

#include "tests/lib/fault.h"

/* with_images: for power cuts. */
void sqlite_vfs_install(bool with_images);

/*
 * Every write, sync and truncation asks fault first (NULL: none). One that is
 * hit answers code; a write puts half of its bytes down before. forever: all
 * that come after it fail as well.
 */
void sqlite_vfs_fault(struct fault *fault, int code, bool forever);

/* Writes what was synced of the file at path to the file at to; "" if it never was. */
void sqlite_vfs_after_power_cut(const char *path, const char *to);

/* SQLite's own is the default again. No file may be open through this one. */
void sqlite_vfs_remove(void);
