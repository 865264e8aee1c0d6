/* SPDX-License-Identifier: Apache-2.0 */
/* What fetch*.c share: fetch.c brings whole files, -index.c finds what is here, -range.c the rest,
 * -mirror.c is whom they ask. */
#ifndef LARDER_TABLES_FETCH_INTERNAL_H
#define LARDER_TABLES_FETCH_INTERNAL_H

#include "net/http-client.h"
#include "tables/fetch.h"

struct fetch_worker {
	struct fetch_common *common;
	struct http_client *http;
	struct http_client *mirror_http; /* when first needed */
	int64_t asked_us;                /* when the last request was sent */
	bool from_mirror;                /* its body, in full or in part */
	bool http_is_lent;
	struct hash *sha256;
	struct hash *md5;
	char *buffer;  /* FETCH_WRITE bytes */
	char *chunk;   /* CHUNK_MOST bytes, when first needed */
	struct db *db; /* to read with, when first needed */
};

/* Those that did not come are not `ready` and are asked for alone. */
int fetch_batch(struct fetch_worker *w, struct fetch_item *const *items, size_t n, struct err *e);

/* What of a file is asked for, and how: its URL, token and address are filled in. */
enum fetch_what {
	FETCH_FILE,
	FETCH_CHUNKS,
	FETCH_PATCH,
};
struct fetch_ask {
	enum fetch_what what;
	struct http_request http;
};
/*
 * Asks the mirror and, where that has no answer that can be used, the hub. What fails after bytes of a file
 * were handed out is for the caller to repeat, when fetch_ask_hub_now() says so.
 */
int fetch_request(struct fetch_worker *w, struct fetch_item *item, const struct fetch_ask *ask,
		  struct http_reply *reply, struct err *e);
/* To be told how an attempt ended. True: the failure was the mirror's, the next one asks the hub. */
bool fetch_ask_hub_now(struct fetch_worker *w, struct fetch_item *item, int result,
		       const struct err *why);
/* What is wrong with a reply of 200 or 206 of a mirror, a literal; NULL: nothing. */
const char *fetch_mirror_fault(const struct http_request *q, int64_t size,
			       const struct http_reply *reply);
/* It says so of what it does not have. */
bool fetch_mirror_lacks(long status);
/* With the patience of who has another server to ask. */
struct http_client *fetch_mirror_client(const atomic_bool *cancel);
/* "<server>/api/data/<id>/<what>?v=...&part=..." */
void fetch_add_url(struct buf *url, const struct fetch_common *common,
		   const struct fetch_item *item, const char *what);
void fetch_count(const struct fetch_worker *w, struct fetch_item *item, int64_t fetched,
		 int64_t reused);
void fetch_show(const struct fetch_worker *w, int64_t bytes);
/* Another table, or a version that waits for its removal, may have the very bytes. */
bool fetch_find_on_disk(struct fetch_worker *w, struct fetch_item *item);
/* 1 when the staged file is what the manifest says, 0 when it was given up with `otherwise`. The index is the
 * item's then, if it has one at all. */
int fetch_check_whole(struct fetch_worker *w, struct fetch_item *item, const char *otherwise,
		      struct err *e);
/* From the first byte: what is in the partial file is of no use any more. */
int fetch_come_whole(struct fetch_worker *w, struct fetch_item *item, struct err *e);
/* With so many bytes missing otherwise. */
bool fetch_patch_is_quicker(const struct fetch_worker *w, const struct fetch_item *item,
			    int64_t missing);
int fetch_patch(struct fetch_worker *w, struct fetch_item *item, struct err *e);
char *fetch_chunk_buffer(struct fetch_worker *w);
bool fetch_chunk_fits(struct fetch_worker *w, const struct chunk *chunk, const char *bytes);

#endif
