/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One source read into staging: what a worker of refresh.c does. A function for each kind fills
 * `parts` with objects that are recorded and can be published, or says that nothing has changed.
 *
 * Files in staging begin with "rf-". What they hold for a later run (the part of a download that
 * came) stays; all else goes with intake_release(), or with the next start of the hub.
 */
#ifndef LARDER_REFRESH_INTAKE_H
#define LARDER_REFRESH_INTAKE_H

#include "refresh/refresh.h"
#include "tables/objects.h"
#include "tables/publish.h"
#include "tables/registry.h"

struct intake_part {
	char *path;
	char sha256[SHA256_HEX + 1];
	enum duck_format format;
	bool as_it_is;
	bool is_new; /* this intake brought it */
};

struct intake {
	const struct refresh *refresh;
	const struct source *source;
	struct root *root;  /* of this thread */
	struct table table; /* as it is before */
	struct intake_part *parts;
	size_t n, capacity;
	bool unchanged;
	int64_t bytes;      /* read */
	bool last_is_new;   /* of intake_record() */
	char *seen;         /* for source_record() */
	struct strv staged; /* to be removed in the end */
};
void intake_release(struct intake *f);
/* What was brought and no publish has stored goes. In a transaction of its own on `root`, which is the
 * calling thread's. */
void intake_drop(struct intake *f, struct root *root);
#define AUTO_INTAKE AUTO(intake_release)

int intake_files(struct intake *f, struct err *e);
int intake_http(struct intake *f, struct err *e);
int intake_postgres(struct intake *f, struct err *e);
int intake_sql(struct intake *f, struct err *e);

/* Where the ETag of a cut download stands (the ledger's space), and the name in staging of what came. */
#define INTAKE_PART_SPACE "refresh-part"
char *intake_part_name(const char *table, const char *etag);

/* For those: */
void intake_add(struct intake *f, const char *path, const char *sha256, enum duck_format format);
/* Counts what was read; ERR_LIMIT over the source's limit, and when the disk would be filled. */
int intake_count(struct intake *f, int64_t bytes, struct err *e);
/* A name in staging that is nobody else's, noted for removal. Lent from f. */
const char *intake_stage_name(struct intake *f, const char *ending);
/* The finished upload becomes an object, in a transaction of its own. */
int intake_record(struct intake *f, struct object_upload *u, struct err *e);
/* A file of staging becomes one part of that format: the table's only one when path is "". */
int intake_adopt(struct intake *f, const char *staged, const char *path, enum duck_format format,
		 struct err *e);
/* The text a member names: <key>_env of our environment, <key>_file of this machine. NULL when
 * there is no such member; ERR_NOT_FOUND when there is nothing where it says. The caller owns it. */
int intake_secret(const struct intake *f, const char *key, char **ret_text, struct err *e);
/* A file of this machine, if refreshes may read it (refresh.folders): by where it really is, whatever the
 * path looks like. ERR_DENIED, ERR_USAGE for what is no file. */
int intake_open(const struct intake *f, const char *path, int *ret_fd, struct err *e);

#endif
