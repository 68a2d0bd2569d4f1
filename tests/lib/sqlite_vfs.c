#include "tests/lib/sqlite_vfs.h"

#include <assert.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/base/mem.h"

enum { FILES_MAX = 8 };

/* A file as it was when it was last synced. */
struct image {
	char *path;
	struct buf bytes;
};

/* What SQLite holds; the real file lies behind it. */
struct file {
	sqlite3_file base;
	struct image *image;
	sqlite3_file *real;
};

static sqlite3_vfs *real_vfs;
static sqlite3_vfs our_vfs;
static struct image images[FILES_MAX];
static bool has_images;
static struct fault *planned;
static int planned_code;
static bool planned_forever;

static bool
is_hit(void)
{
	bool was_hit = planned != NULL && planned->hit;

	return planned != NULL && (fault_hits(planned) || (was_hit && planned_forever));
}

static sqlite3_file *
real_of(sqlite3_file *file)
{
	return ((struct file *)file)->real;
}

static struct image *
image_of(const char *path)
{
	for (size_t i = 0; i < FILES_MAX; i++) {
		if (images[i].path == NULL)
			images[i].path = xstrdup(path);
		if (strcmp(images[i].path, path) == 0)
			return &images[i];
	}
	assert(!"more files than a test needs");
	return NULL;
}

static int
file_close(sqlite3_file *file)
{
	return real_of(file)->pMethods->xClose(real_of(file));
}

static int
file_read(sqlite3_file *file, void *data, int size, sqlite3_int64 at)
{
	return real_of(file)->pMethods->xRead(real_of(file), data, size, at);
}

static int
file_write(sqlite3_file *file, const void *data, int size, sqlite3_int64 at)
{
	if (is_hit()) {
		(void)real_of(file)->pMethods->xWrite(real_of(file), data, size / 2, at);
		return planned_code;
	}
	return real_of(file)->pMethods->xWrite(real_of(file), data, size, at);
}

static int
file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	return is_hit() ? planned_code : real_of(file)->pMethods->xTruncate(real_of(file), size);
}

static int
file_sync(sqlite3_file *file, int flags)
{
	struct image *image = ((struct file *)file)->image;
	sqlite3_file *real = real_of(file);
	sqlite3_int64 size = 0;
	int code;

	if (is_hit())
		return planned_code;
	code = real->pMethods->xSync(real, flags);
	if (code != SQLITE_OK || image == NULL)
		return code;
	(void)real->pMethods->xFileSize(real, &size);
	buf_reset(&image->bytes);
	(void)buf_reserve(&image->bytes, (size_t)size);
	(void)real->pMethods->xRead(real, image->bytes.data, (int)size, 0);
	image->bytes.size = (size_t)size;
	return SQLITE_OK;
}

static int
file_size(sqlite3_file *file, sqlite3_int64 *size)
{
	return real_of(file)->pMethods->xFileSize(real_of(file), size);
}

static int
file_lock(sqlite3_file *file, int level)
{
	return real_of(file)->pMethods->xLock(real_of(file), level);
}

static int
file_unlock(sqlite3_file *file, int level)
{
	return real_of(file)->pMethods->xUnlock(real_of(file), level);
}

static int
file_check_lock(sqlite3_file *file, int *result)
{
	return real_of(file)->pMethods->xCheckReservedLock(real_of(file), result);
}

static int
file_control(sqlite3_file *file, int op, void *arg)
{
	return real_of(file)->pMethods->xFileControl(real_of(file), op, arg);
}

static int
file_sector_size(sqlite3_file *file)
{
	return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int
file_characteristics(sqlite3_file *file)
{
	return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

/* Version 1: no shared memory, no mapping. A store that needs either does not open. */
static const sqlite3_io_methods methods = {
	.iVersion = 1,
	.xClose = file_close,
	.xRead = file_read,
	.xWrite = file_write,
	.xTruncate = file_truncate,
	.xSync = file_sync,
	.xFileSize = file_size,
	.xLock = file_lock,
	.xUnlock = file_unlock,
	.xCheckReservedLock = file_check_lock,
	.xFileControl = file_control,
	.xSectorSize = file_sector_size,
	.xDeviceCharacteristics = file_characteristics,
};

static int
vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *base, int flags, int *ret_flags)
{
	struct file *file = (struct file *)base;
	int code;

	(void)vfs;
	file->real = (sqlite3_file *)(file + 1);
	file->image = name == NULL || !has_images ? NULL : image_of(name);
	code = real_vfs->xOpen(real_vfs, name, file->real, flags, ret_flags);
	file->base.pMethods = file->real->pMethods == NULL ? NULL : &methods;
	return code;
}

static int
vfs_delete(sqlite3_vfs *vfs, const char *name, int sync_folder)
{
	(void)vfs;
	if (has_images)
		buf_reset(&image_of(name)->bytes);
	return real_vfs->xDelete(real_vfs, name, sync_folder);
}

void
sqlite_vfs_install(bool with_images)
{
	assert(real_vfs == NULL);
	real_vfs = sqlite3_vfs_find(NULL);
	has_images = with_images;
	our_vfs = *real_vfs;
	our_vfs.zName = "accidents";
	our_vfs.pNext = NULL;
	our_vfs.szOsFile = (int)sizeof(struct file) + real_vfs->szOsFile;
	our_vfs.xOpen = vfs_open;
	our_vfs.xDelete = vfs_delete;
	(void)sqlite3_vfs_register(&our_vfs, 1);
}

void
sqlite_vfs_fault(struct fault *fault, int code, bool forever)
{
	planned = fault;
	planned_code = code;
	planned_forever = forever;
}

void
sqlite_vfs_after_power_cut(const char *path, const char *to)
{
	struct image *image = image_of(path);
	int fd = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert(fd >= 0);
	(void)!write(fd, image->bytes.data, image->bytes.size);
	(void)close(fd);
}

void
sqlite_vfs_remove(void)
{
	(void)sqlite3_vfs_unregister(&our_vfs);
	(void)sqlite3_vfs_register(real_vfs, 1);
	real_vfs = NULL;
	planned = NULL;
	for (size_t i = 0; i < FILES_MAX; i++) {
		free(images[i].path);
		images[i].path = NULL;
		buf_fini(&images[i].bytes);
	}
}
