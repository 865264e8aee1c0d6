/* SPDX-License-Identifier: Apache-2.0 */
#include "sessions/send.h"

#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "engine/ledger.h"
#include "net/http-blob.h"
#include "net/multipart.h"
#include "sessions/redact.h"
#include <fcntl.h>
#include <inttypes.h>

#define SPACE "push"
/* A form's head and tail; in JSON a byte takes up to six. */
#define BODY_MAX (6 * (size_t)UPLOAD_BYTES_MAX + 65536)
/* Noted in the place of a hash. */
#define PRIVATE "private"
/* In the place of a subject, which always begins with a kind. */
#define ACCEPTS "accepts"

static const char *const routes[] = {
	[UPLOAD_SESSION] = "sessions",
	[UPLOAD_ARTIFACT] = "artifacts",
	[UPLOAD_LOCAL_MD] = "local-md",
};

void sender_release(struct sender *s)
{
	free(s->fingerprint);
	free(s->accepts);
	s->fingerprint = s->accepts = NULL;
}

/* "session abc.jsonl": also the subject of its rows. */
static char *subject_of(const struct sending *t)
{
	return xasprintf("%s %s", upload_kind_word(t->kind), t->name);
}

static char *stamp_of(const struct sending *t)
{
	return xasprintf("%" PRId64 ":%" PRId64 ":", t->size, t->mtime_ns);
}

static int known(struct sender *s, const char *subject, char **ret_fingerprint, struct err *e)
{
	AUTO_FREE char *key = xasprintf("%s %s", s->server, subject);

	return ledger_get(s->db, SPACE, key, ret_fingerprint, e);
}

int sender_wants(struct sender *s, const struct sending *thing, struct err *e)
{
	AUTO_FREE char *subject = subject_of(thing);
	AUTO_FREE char *stamp = stamp_of(thing);
	AUTO_FREE char *before = NULL;
	int r = known(s, subject, &before, e);

	return r < 0 ? r : !before || !str_starts(before, stamp);
}

int sender_offer(struct sender *s, const struct sending *thing, struct err *e)
{
	AUTO_FREE char *subject = subject_of(thing);
	AUTO_FREE char *stamp = stamp_of(thing);
	AUTO_FREE char *key = xasprintf("%s %s %s%s", s->server, subject, stamp, thing->path);
	const struct outbox_item item = {
		.kind = upload_kind_word(thing->kind),
		.subject = subject,
		.key = key,
		.payload = thing->path,
	};

	return outbox_put(s->db, &item, subject, e);
}

static bool is_text(struct bytes b)
{
	return b.n == 0 || !memchr(b.p, '\0', b.n < 4096 ? b.n : 4096);
}

/* What would go, and how much was taken out of it. */
static int prepare(struct sender *s, const struct sending *t, struct buf *out, size_t *redacted,
		   struct err *e)
{
	AUTO_BUF struct buf raw = BUF_INIT((size_t)UPLOAD_BYTES_MAX);
	bool session = t->kind == UPLOAD_SESSION;
	int r = 0;

	if (privacy_hides_all(&s->privacy) ||
	    (session && privacy_hides_session(&s->privacy, t->name)))
		return err_set(e, ERR_DENIED, "'%s' is private", t->name);
	r = file_read(AT_FDCWD, t->path,
		      t->kind == UPLOAD_LOCAL_MD ? UPLOAD_LOCAL_MD_MAX : (size_t)UPLOAD_BYTES_MAX,
		      &raw, e);
	if (r < 0)
		return r;
	if (session && privacy_hides_text(&s->privacy, buf_bytes(&raw)))
		return err_set(e, ERR_DENIED, "'%s' is private", t->name);
	*redacted = 0;
	if (session || is_text(buf_bytes(&raw)))
		*redacted = redact_text(buf_bytes(&raw), out);
	else
		buf_add(out, raw.p, raw.n);
	return 0;
}

int sender_preview(struct sender *s, const struct sending *thing, struct buf *out, struct err *e)
{
	size_t redacted = 0;

	return prepare(s, thing, out, &redacted, e);
}

static void note_private(struct sender *s, const struct sending *t)
{
	AUTO_FREE char *stamp = stamp_of(t);

	free(s->fingerprint);
	s->fingerprint = xasprintf("%s" PRIVATE, stamp);
}

static void note(struct sender *s, const struct sending *t, size_t length, const char *hash)
{
	AUTO_FREE char *stamp = stamp_of(t);

	free(s->fingerprint);
	s->fingerprint = xasprintf("%s%zu:%s", stamp, length, hash);
}

/* How much of the text the hub has already, by what was noted of the last delivery; 0: nothing
 * that could be built upon. */
static size_t sent_before(const char *before, const struct buf *text, char sha256[HASH_HEX_MAX])
{
	AUTO_STRV struct strv parts = STRV_INIT;
	struct err ignored = { 0 };
	int64_t length = 0;

	strv_split(&parts, before ? before : "", ':');
	if (parts.n != 4 || parse_int64(parts.v[2], 1, UPLOAD_BYTES_MAX, &length, &ignored) < 0 ||
	    (size_t)length >= text->n)
		return 0;
	hash_text(HASH_SHA256, (struct bytes){ text->p, (size_t)length }, sha256);
	return str_eq(sha256, parts.v[3]) ? (size_t)length : 0;
}

/* The same reply that the hub gives: of this name and this size. */
static bool is_expected(const struct sending *t, size_t size, const struct http_reply *reply,
			bool *ret_duplicate)
{
	AUTO_JSON struct json *doc = NULL;
	struct err e = { 0 };

	if (json_parse(buf_bytes(&reply->body), HTTP_SMALL_BODY_MAX, &doc, &e) < 0)
		return false;
	*ret_duplicate = json_flag(json_get(doc, "duplicate"), false);
	return str_eq(json_text(json_get(doc, "status")), "ok") &&
	       json_int(json_get(doc, "size"), -1) == (int64_t)size &&
	       (t->kind == UPLOAD_LOCAL_MD ||
		str_eq(json_text(json_get(doc, "filename")), t->name));
}

/* How a text goes: from where on, and packed or not. */
struct manner {
	size_t offset;
	char sha256[HASH_HEX_MAX]; /* of what is before it */
	bool gzip;
};

static void add_form(struct sender *s, const struct sending *t, const struct manner *how,
		     struct bytes text, struct buf *out)
{
	AUTO_FREE char *packed = NULL;
	AUTO_FREE char *name = NULL;
	char random[RANDOM_TEXT_MAX];
	size_t n = 0;

	packed = how->gzip ? http_gzip(text, &n) : NULL; /* NULL when it would only be larger */
	name = xasprintf("%s%s", t->name, packed ? ".gz" : "");
	if (packed)
		text = (struct bytes){ packed, n };
	random_text(18, random);
	(void)snprintf(s->boundary, sizeof(s->boundary), "multipart/form-data; boundary=%.30s",
		       random);
	multipart_add_head(out, random, how->offset ? "tail" : "file", name);
	buf_add(out, text.p, text.n);
	multipart_add_tail(out, random);
}

static void add_body(struct sender *s, const struct sending *t, const struct manner *how,
		     const struct buf *text, struct buf *out)
{
	struct json_out o = json_out(out);

	if (t->kind != UPLOAD_LOCAL_MD) {
		add_form(s, t, how,
			 (struct bytes){ buf_str(text) + how->offset, text->n - how->offset }, out);
		return;
	}
	(void)snprintf(s->boundary, sizeof(s->boundary), "application/json");
	json_open(&o, NULL, '{');
	json_add_bytes(&o, "content", buf_bytes(text));
	json_close(&o);
}

static int request(struct sender *s, const struct sending *t, const struct manner *how,
		   const struct buf *text, struct http_reply *reply, struct err *e)
{
	AUTO_FREE char *url = xasprintf("%s/api/upload/%s", s->server, routes[t->kind]);
	AUTO_BUF struct buf body = BUF_INIT(BODY_MAX);
	AUTO_STRV struct strv headers = STRV_INIT;
	struct http_request q = { .method = "POST", .url = url, .token = s->token };

	add_body(s, t, how, text, &body);
	strv_addf(&headers, "Idempotency-Key: %s", s->key);
	if (how->offset > 0) {
		strv_addf(&headers, "X-Larder-Offset: %zu", how->offset);
		strv_addf(&headers, "X-Larder-Prefix-SHA256: %s", how->sha256);
	}
	q.headers = &headers;
	q.content_type = s->boundary;
	q.body = buf_bytes(&body);
	s->count.requests++;
	s->count.sent += (int64_t)body.n;
	return http_request(s->http, &q, reply, e);
}

/* What the hub takes, by its latest answer to a session: others say nothing of it. */
static void note_accepts(struct sender *s, const struct http_reply *reply)
{
	const char *now = http_reply_header(reply, "x-larder-accepts");

	if (!now)
		now = http_reply_header(reply, "x-agnes-accepts");
	if (!now)
		now = "";
	s->accepts_is_new |= !str_eq(now, s->accepts);
	free(s->accepts);
	s->accepts = xstrdup(now);
}

static void send_text(struct sender *s, const struct sending *t, const struct manner *how,
		      const struct buf *text, struct outbox_attempt *ret, struct err *why)
{
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	bool duplicate = false;

	if (request(s, t, how, text, &reply, why) < 0)
		return; /* status 0: no answer */
	ret->status = reply.status;
	ret->retry_after = reply.retry_after;
	ret->as_expected = is_expected(t, text->n, &reply, &duplicate);
	if (!ret->as_expected && http_expect(&reply, 200, why) == 0)
		(void)err_set(why, ERR_REMOTE, "the answer is not that of a hub");
	if (!ret->as_expected || reply.status >= 300)
		return;
	if (t->kind == UPLOAD_SESSION)
		note_accepts(s, &reply);
	s->count.duplicates += duplicate;
	s->count.of_kind[t->kind]++;
	s->count.tails += how->offset > 0;
	s->count.bytes += (int64_t)text->n;
}

/* Did the hub not take it because of how it came? Then it may take the whole. */
static bool is_misunderstood(const struct outbox_attempt *a)
{
	return a->status == 400 || a->status == 409 || a->status == 422 ||
	       (a->status >= 200 && a->status < 300 && !a->as_expected);
}

static void send_somehow(struct sender *s, const struct sending *t, const char *before,
			 const struct buf *text, struct outbox_attempt *ret, struct err *why)
{
	struct manner how = { 0 };
	struct manner plain = { 0 };

	if (t->kind == UPLOAD_SESSION && strstr(s->accepts, "session-tail"))
		how.offset = sent_before(before, text, how.sha256);
	how.gzip = t->kind == UPLOAD_SESSION && strstr(s->accepts, "session-gzip");
	send_text(s, t, &how, text, ret, why);
	if ((how.offset == 0 && !how.gzip) || !is_misunderstood(ret))
		return;
	*ret = (struct outbox_attempt){ 0 };
	*why = (struct err){ 0 };
	send_text(s, t, &plain, text, ret, why);
}

static int look_up_accepts(struct sender *s, struct err *e)
{
	AUTO_FREE char *key = xasprintf("%s " ACCEPTS, s->server);
	int r = s->accepts ? 0 : ledger_get(s->db, SPACE, key, &s->accepts, e);

	if (r == 0 && !s->accepts)
		s->accepts = xstrdup("");
	return r;
}

static int thing_of(const struct outbox_item *item, struct sending *ret, struct err *e)
{
	const char *blank = strchr(item->subject, ' ');
	struct stat st;

	*ret = (struct sending){ .kind = UPLOAD_SESSION, .path = item->payload };
	while (ret->kind < UPLOAD_LOCAL_MD && !str_eq(upload_kind_word(ret->kind), item->kind))
		ret->kind++;
	ret->name = blank ? blank + 1 : "";
	/* Before the bytes are read: what is appended meanwhile shows as a change. */
	if (stat(item->payload, &st) < 0)
		return err_sys(e, "'%s'", item->payload);
	ret->size = st.st_size;
	ret->mtime_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
	return 0;
}

int sender_deliver(void *ctx, const struct outbox_item *item, struct outbox_attempt *ret,
		   struct err *why)
{
	struct sender *s = ctx;
	AUTO_BUF struct buf text = BUF_INIT(2 * (size_t)UPLOAD_BYTES_MAX);
	AUTO_FREE char *before = NULL;
	char hash[HASH_HEX_MAX];
	struct sending t;
	size_t redacted = 0;
	int r = thing_of(item, &t, why);

	if (r == 0)
		r = prepare(s, &t, &text, &redacted, why);
	if (r == ERR_DENIED) {
		note_private(s, &t);
		s->count.private ++;
		ret->unneeded = true;
		return 0;
	}
	ret->unsendable = r < 0;
	if (r < 0)
		return 0;
	hash_text(HASH_SHA256, buf_bytes(&text), hash);
	note(s, &t, text.n, hash);
	hash_text(HASH_SHA256, bytes_of(item->key), s->key);
	r = known(s, item->subject, &before, why);
	if (r == 0)
		r = look_up_accepts(s, why);
	if (r < 0)
		return r;
	ret->unneeded = before && str_ends(before, hash);
	if (ret->unneeded)
		return 0;
	send_somehow(s, &t, before, &text, ret, why);
	s->count.redacted += redacted;
	return why->code == ERR_CANCELLED ? why->code : 0;
}

int sender_delivered(void *ctx, const struct outbox_item *item, struct err *e)
{
	struct sender *s = ctx;
	AUTO_FREE char *key = xasprintf("%s %s", s->server, item->subject);
	AUTO_FREE char *accepts = xasprintf("%s " ACCEPTS, s->server);
	int r = ledger_put(s->db, SPACE, key, s->fingerprint, e);

	if (r == 0 && s->accepts_is_new)
		r = ledger_put(s->db, SPACE, accepts, s->accepts, e);
	s->accepts_is_new = false;
	return r;
}
