/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The seam under SQLite: a VFS that hands everything to SQLite's own and lets each write, sync,
 * truncation and deletion of a database or its log pass fault_step() first, so that sweeps kill or
 * fail a program inside a commit and inside a checkpoint too. Only there when a test asks for it in
 * the environment; otherwise SQLite runs on its own VFS, untouched.
 *
 * A frame of the log is written as its header and its page: the header alone is not counted as a
 * step, which halves a sweep and loses nothing, as a torn frame and a missing one read the same.
 */
#include "db/sqlite-internal.h"

#include "base/fault.h"

#include <errno.h>
#include <pthread.h>

#ifdef LARDER_FAULTS

#define FRAME_HEADER 24 /* sqlite.org/fileformat.html, section 4.1 */
#define DURABLE      (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL)

struct fault_file {
	sqlite3_file base; /* first: SQLite casts */
	const char *path;
	bool counted;
	sqlite3_file *real; /* in the same allocation, behind this struct */
};

/* The space of a struct fault_file, rounded so that what follows it is aligned. */
#define FAULT_FILE_SIZE ((int)((sizeof(struct fault_file) + 15) & ~(size_t)15))

static struct fault_file *of(sqlite3_file *file)
{
	return (struct fault_file *)(void *)file;
}

static int step(const struct fault_file *f, const char *what, int io_error)
{
	if (!f->counted || fault_step(what, f->path) == 0)
		return SQLITE_OK;
	return errno == ENOSPC ? SQLITE_FULL : io_error;
}

static int fault_close(sqlite3_file *file)
{
	struct fault_file *f = of(file);

	return f->real->pMethods ? f->real->pMethods->xClose(f->real) : SQLITE_OK;
}

static int fault_read(sqlite3_file *file, void *p, int n, sqlite3_int64 at)
{
	return of(file)->real->pMethods->xRead(of(file)->real, p, n, at);
}

/* What a power cut before the next sync brings back: the bytes from `at` on, and the size. */
static void note_old(struct fault_file *f, int64_t n, sqlite3_int64 at)
{
	AUTO_FREE char *old = NULL;
	sqlite3_int64 size = 0;
	int64_t there;

	if (!f->counted || !fault_wants_old() ||
	    f->real->pMethods->xFileSize(f->real, &size) != SQLITE_OK)
		return;
	there = at < size ? (size - at < n ? size - at : n) : 0;
	old = xmalloc((size_t)there + 1);
	if (there > 0 && f->real->pMethods->xRead(f->real, old, (int)there, at) != SQLITE_OK)
		return;
	fault_will_change(f->path, at, (struct bytes){ old, (size_t)there }, size);
}

static int fault_write(sqlite3_file *file, const void *p, int n, sqlite3_int64 at)
{
	struct fault_file *f = of(file);
	int rc = n == FRAME_HEADER ? SQLITE_OK : step(f, "db-write", SQLITE_IOERR_WRITE);

	if (rc == SQLITE_OK)
		note_old(f, n, at);
	return rc != SQLITE_OK ? rc : f->real->pMethods->xWrite(f->real, p, n, at);
}

static int fault_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	struct fault_file *f = of(file);
	int rc = step(f, "db-truncate", SQLITE_IOERR_TRUNCATE);

	if (rc == SQLITE_OK)
		note_old(f, INT32_MAX, size);
	return rc != SQLITE_OK ? rc : f->real->pMethods->xTruncate(f->real, size);
}

static int fault_sync(sqlite3_file *file, int flags)
{
	struct fault_file *f = of(file);
	int rc = step(f, "db-sync", SQLITE_IOERR_FSYNC);

	if (rc == SQLITE_OK)
		rc = f->real->pMethods->xSync(f->real, flags);
	if (rc == SQLITE_OK && f->counted)
		fault_did_sync_path(f->path);
	return rc;
}

static int fault_size(sqlite3_file *file, sqlite3_int64 *ret_size)
{
	return of(file)->real->pMethods->xFileSize(of(file)->real, ret_size);
}

static int fault_lock(sqlite3_file *file, int kind)
{
	return of(file)->real->pMethods->xLock(of(file)->real, kind);
}

static int fault_unlock(sqlite3_file *file, int kind)
{
	return of(file)->real->pMethods->xUnlock(of(file)->real, kind);
}

static int fault_check_lock(sqlite3_file *file, int *ret_locked)
{
	return of(file)->real->pMethods->xCheckReservedLock(of(file)->real, ret_locked);
}

static int fault_control(sqlite3_file *file, int op, void *argument)
{
	return of(file)->real->pMethods->xFileControl(of(file)->real, op, argument);
}

static int fault_sector_size(sqlite3_file *file)
{
	return of(file)->real->pMethods->xSectorSize(of(file)->real);
}

static int fault_device(sqlite3_file *file)
{
	return of(file)->real->pMethods->xDeviceCharacteristics(of(file)->real);
}

/* The log's index is shared memory, rebuilt after a crash: nothing durable passes here. */
static int fault_shm_map(sqlite3_file *file, int region, int size, int extend, void volatile **p)
{
	return of(file)->real->pMethods->xShmMap(of(file)->real, region, size, extend, p);
}

static int fault_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
	return of(file)->real->pMethods->xShmLock(of(file)->real, offset, n, flags);
}

static void fault_shm_barrier(sqlite3_file *file)
{
	of(file)->real->pMethods->xShmBarrier(of(file)->real);
}

static int fault_shm_unmap(sqlite3_file *file, int delete_it)
{
	return of(file)->real->pMethods->xShmUnmap(of(file)->real, delete_it);
}

static const sqlite3_io_methods fault_methods = {
	.iVersion = 2, /* without xFetch: no memory-mapped reads */
	.xClose = fault_close,
	.xRead = fault_read,
	.xWrite = fault_write,
	.xTruncate = fault_truncate,
	.xSync = fault_sync,
	.xFileSize = fault_size,
	.xLock = fault_lock,
	.xUnlock = fault_unlock,
	.xCheckReservedLock = fault_check_lock,
	.xFileControl = fault_control,
	.xSectorSize = fault_sector_size,
	.xDeviceCharacteristics = fault_device,
	.xShmMap = fault_shm_map,
	.xShmLock = fault_shm_lock,
	.xShmBarrier = fault_shm_barrier,
	.xShmUnmap = fault_shm_unmap,
};

static sqlite3_vfs *real_vfs(sqlite3_vfs *vfs)
{
	return vfs->pAppData;
}

static int fault_open(sqlite3_vfs *vfs, sqlite3_filename path, sqlite3_file *file, int flags,
		      int *ret_flags)
{
	struct fault_file *f = of(file);
	int rc;

	f->path = path;
	f->counted = (flags & DURABLE) != 0;
	f->real = (sqlite3_file *)(void *)((char *)file + FAULT_FILE_SIZE);
	f->real->pMethods = NULL;
	rc = real_vfs(vfs)->xOpen(real_vfs(vfs), path, f->real, flags, ret_flags);
	/* SQLite calls xClose exactly when pMethods is set, also after a failed open */
	f->base.pMethods = f->real->pMethods ? &fault_methods : NULL;
	return rc;
}

static int fault_delete(sqlite3_vfs *vfs, const char *path, int sync_folder)
{
	if (fault_step("db-delete", path) < 0)
		return SQLITE_IOERR_DELETE;
	return real_vfs(vfs)->xDelete(real_vfs(vfs), path, sync_folder);
}

/* SQLite keeps registered VFSs in a list through this object; written once, under `once`. */
static sqlite3_vfs fault_vfs;

static void register_vfs(void)
{
	sqlite3_vfs *real = sqlite3_vfs_find(NULL);

	fault_vfs = *real; /* its other entries need nothing of the object they are called on */
	fault_vfs.pNext = NULL;
	fault_vfs.zName = "larder-fault";
	fault_vfs.pAppData = real;
	fault_vfs.szOsFile = FAULT_FILE_SIZE + real->szOsFile;
	fault_vfs.xOpen = fault_open;
	fault_vfs.xDelete = fault_delete;
	sqlite3_vfs_register(&fault_vfs, 0);
}

const char *sqlite_fault_vfs(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	if (!getenv("LARDER_CRASH_AT") && !getenv("LARDER_FAIL_AT") && !getenv("LARDER_STEPS"))
		return NULL;
	(void)pthread_once(&once, register_vfs);
	return fault_vfs.zName;
}

#endif
