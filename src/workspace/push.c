/* SPDX-License-Identifier: Apache-2.0 */
#include "workspace/push.h"

#include "base/file.h"
#include "base/hash.h"
#include "base/time.h"
#include "sessions/find.h"

#define LEASE "push"
/* Between two deliveries the lease is renewed; one takes no longer on the slowest of lines. */
#define LEASE_MS ((int64_t)3600 * 1000)
/* Of what --preview shows. */
#define PREVIEW_MAX ((size_t)1 << 30)

struct push {
	struct workspace *ws;
	struct db *db;
	const struct push_options *options;
	struct push_report *report;
	struct credentials credentials;
	struct http_client *http;
	struct session_files files;
	struct sender sender;
	size_t hidden; /* sessions that never were offered */
	struct lease *lease;
};

static void push_release(struct push *p)
{
	credentials_release(&p->credentials);
	http_client_free(p->http);
	session_files_release(&p->files);
	sender_release(&p->sender);
	lease_drop(p->lease);
}

void push_report_release(struct push_report *report)
{
	strv_release(&report->sessions);
	strv_release(&report->artifacts);
	buf_release(&report->preview);
	failures_release(&report->failures);
}

static void set_file(struct sending *t, const struct stat *st)
{
	t->size = st->st_size;
	t->mtime_ns = (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
}

static int add_artifact(const char *given, char **ret_path, struct sending *ret, struct err *e)
{
	AUTO_FREE char *path = NULL;
	struct stat st;
	int r = path_resolve(given, &path, e);

	if (r < 0)
		return r;
	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode))
		return err_set(e, ERR_USAGE, "'%s' is not a file", given);
	ret->kind = UPLOAD_ARTIFACT;
	ret->name = strrchr(path, '/') + 1;
	if (!upload_name_is_ok(ret->name)) {
		(void)err_set(e, ERR_USAGE, "'%s': a hub does not take this name", given);
		return err_hint(e, "use letters, digits, '.', '_' and '-', at most %d",
				UPLOAD_NAME_MAX);
	}
	set_file(ret, &st);
	ret->path = *ret_path = TAKE(path);
	return 0;
}

static void say_would(struct push *p, const struct sending *t)
{
	struct push_report *report = p->report;

	if (t->kind == UPLOAD_SESSION)
		strv_add(&report->sessions, t->name);
	else if (t->kind == UPLOAD_ARTIFACT)
		strv_add(&report->artifacts, t->name);
	else
		report->local_md = true;
	report->would_bytes += t->size;
}

/* What a delivery would do, without doing it. */
static int try_dry(struct push *p, const struct sending *t, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(PREVIEW_MAX);
	struct err why = { 0 };
	int r = sender_preview(&p->sender, t, &text, &why);

	(void)e;
	if (r == ERR_DENIED) {
		p->report->sent.private ++;
		return 0;
	}
	if (r < 0) {
		failures_add(&p->report->failures, upload_kind_word(t->kind), t->name, &why);
		return 0;
	}
	say_would(p, t);
	if (!p->options->preview)
		return 0;
	buf_addf(&p->report->preview, "==> %s %s <==\n", upload_kind_word(t->kind), t->name);
	buf_add(&p->report->preview, text.p, text.n);
	if (text.n > 0 && text.p[text.n - 1] != '\n')
		buf_addc(&p->report->preview, '\n');
	return 0;
}

/* A hook does not wait for the disk: what the power takes from it, the next push finds again, since
 * the transcripts are still there. Artifacts were named by somebody, once. */
static int begin(struct push *p, struct db **ret_tx, struct err *e)
{
	const struct strv *artifacts = p->options->artifacts;
	bool lazy = p->options->spool_only && (!artifacts || artifacts->n == 0);
	int r = lazy ? db_begin_lazy(p->db, e) : db_begin(p->db, e);

	if (r == 0)
		*ret_tx = p->db;
	return r;
}

/* New things need a transaction; with none there is nothing to write. */
static int offer(struct push *p, const struct sending *t, struct db **tx, struct err *e)
{
	int r = sender_wants(&p->sender, t, e);

	if (r <= 0)
		return r;
	if (p->options->dry_run)
		return try_dry(p, t, e);
	if (!*tx && (r = begin(p, tx, e)) < 0)
		return r;
	r = sender_offer(&p->sender, t, e);
	return r < 0 ? r : 0;
}

static int offer_local_md(struct push *p, struct db **tx, struct err *e)
{
	AUTO_FREE char *path = xasprintf("%s/" UPLOAD_LOCAL_MD_NAME, workspace_path(p->ws));
	struct sending t = { .kind = UPLOAD_LOCAL_MD, .name = UPLOAD_LOCAL_MD_NAME, .path = path };
	struct stat st;

	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode))
		return 0;
	set_file(&t, &st);
	return offer(p, &t, tx, e);
}

static int offer_all(struct push *p, struct db **tx, struct err *e)
{
	const struct strv *artifacts = p->options->artifacts;
	int r = 0;

	for (size_t i = 0; r == 0 && i < p->files.n; i++) {
		const struct session_file *f = &p->files.v[i];
		const struct sending t = { UPLOAD_SESSION, f->name, f->path, f->size, f->mtime_ns };

		if (!privacy_hides_session(&p->sender.privacy, f->name))
			r = offer(p, &t, tx, e);
		else
			p->hidden++;
	}
	if (r == 0)
		r = offer_local_md(p, tx, e);
	for (size_t i = 0; r == 0 && artifacts && i < artifacts->n; i++) {
		AUTO_FREE char *path = NULL;
		struct sending t = { 0 };

		r = add_artifact(artifacts->v[i], &path, &t, e);
		if (r == 0)
			r = offer(p, &t, tx, e);
	}
	return r;
}

static int redrive(struct push *p, struct db **tx, struct err *e)
{
	int r = *tx ? 0 : db_begin_tx(p->db, tx, e);

	return r < 0 ? r : outbox_redrive(p->db, time_now(), &p->report->redriven, e);
}

/* The outbox has all there is. */
static int spool(struct push *p, struct err *e)
{
	AUTO_TX struct db *tx = NULL;
	int r = 0;

	if (privacy_hides_all(&p->sender.privacy))
		return 0;
	r = sessions_find(workspace_path(p->ws), &p->files, e);
	if (r == 0)
		r = offer_all(p, &tx, e);
	if (r == 0 && p->options->redrive)
		r = redrive(p, &tx, e);
	return r < 0 || !tx ? r : db_commit(p->db, e);
}

static void on_failed(void *ctx, const struct outbox_item *item, const struct outbox_verdict *v,
		      const struct err *why)
{
	struct push *p = ctx;
	const char *blank = strchr(item->subject, ' ');

	failures_add(&p->report->failures, v->word, blank ? blank + 1 : item->subject, why);
}

static int deliver(void *ctx, const struct outbox_item *item, struct outbox_attempt *ret,
		   struct err *why)
{
	struct push *p = ctx;

	return sender_deliver(&p->sender, item, ret, why);
}

static int delivered(void *ctx, const struct outbox_item *item, struct err *e)
{
	struct push *p = ctx;

	return sender_delivered(&p->sender, item, e);
}

static int hurry(struct push *p, struct err *e)
{
	AUTO_TX struct db *tx = NULL;
	int r = db_begin_lazy(p->db, e);

	if (r < 0)
		return r;
	tx = p->db;
	r = outbox_hurry(tx, time_now(), e);
	return r < 0 ? r : db_commit(p->db, e);
}

static int drain(struct push *p, struct err *e)
{
	struct push_report *report = p->report;
	struct outbox_drain_report done = { 0 };
	AUTO_FREE char *who = xasprintf("%s %s", p->credentials.server, p->credentials.token);
	char credential[HASH_HEX_MAX];
	const struct outbox_drain_options o = {
		.db = p->db,
		.lease = p->lease,
		.credential = credential,
		.patience_ms = p->options->patience_ms,
		.ctx = p,
		.deliver = deliver,
		.delivered = delivered,
		.failed = on_failed,
	};
	int r = hurry(p, e);

	hash_text(HASH_SHA256, bytes_of(who), credential);
	if (r == 0)
		r = outbox_drain(&o, &done, e);
	report->sent = p->sender.count;
	report->sent.private += p->hidden;
	report->delivered = done.delivered;
	report->waiting = done.waiting;
	report->paused = done.paused;
	report->dead = done.dead;
	report->next_ms = done.next_ms;
	report->refused = done.refused;
	return r;
}

/* 1 when there is something to send, and it is for us to do. */
static int is_for_us(struct push *p, struct err *e)
{
	int r = outbox_has_work(p->db, e);

	p->report->work = r == 1;
	if (r <= 0 || p->options->dry_run)
		return r < 0 ? r : 0;
	if (p->options->spool_only) { /* whoever is at it looks again when it is through */
		r = lease_owner_lives(p->db, LEASE, e);
		p->report->work = r == 0;
		return r < 0 ? r : 0;
	}
	return 1;
}

static int send_once(struct push *p, struct err *e)
{
	const struct lease_wait_options wait = {
		.name = LEASE,
		.holder = "larder push",
		.ttl_ms = LEASE_MS,
		.wait_ms = p->options->yields ? 0 : p->options->wait_ms,
	};
	int r = lease_wait(p->db, &wait, &p->lease, e);

	if (r == 0)
		r = drain(p, e);
	lease_drop(TAKE(p->lease));
	return r;
}

/* Again for what a hook wrote meanwhile, which found the lease held; not for what the hub does not
 * take now, or from this token. */
static int send_all(struct push *p, struct err *e)
{
	int r;

	p->report->sent.private += p->hidden;
	while ((r = is_for_us(p, e)) > 0) {
		r = send_once(p, e);
		if (r == ERR_BUSY && p->options->yields)
			return 0;
		if (r < 0 || p->report->waiting + p->report->paused > 0)
			return r;
	}
	return r;
}

/* What earlier runs set aside is told as long as it is there. */
static int count_dead(struct push *p, struct err *e)
{
	struct outbox_summary all = { 0 };
	int r = outbox_summary(p->db, "", &all, e);

	p->report->dead = (size_t)all.dead;
	return r;
}

int push_run(struct workspace *ws, const struct push_options *options, struct push_report *report,
	     struct err *e)
{
	AUTO(push_release)
	struct push p = {
		.ws = ws,
		.db = workspace_db(ws),
		.options = options,
		.report = report,
	};
	int64_t begun = time_monotonic();
	int r = workspace_credentials(ws, &p.credentials, e);

	if (r < 0)
		return r;
	report->next_ms = -1;
	report->preview = (struct buf)BUF_INIT(PREVIEW_MAX);
	p.http = http_client_new(NULL);
	p.sender = (struct sender){
		.db = p.db,
		.http = p.http,
		.server = p.credentials.server,
		.token = p.credentials.token,
		.privacy = { workspace_path(ws), workspace_private_sessions(ws),
			     workspace_excluded_folders(ws) },
	};
	r = spool(&p, e);
	if (r == 0)
		r = send_all(&p, e);
	if (r == 0 && report->sent.requests == 0)
		r = count_dead(&p, e);
	report->duration_ms = time_monotonic() - begun;
	return r;
}

int push_code(const struct push_report *report)
{
	if (report->refused)
		return ERR_AUTH;
	for (size_t i = 0; i < report->failures.n; i++)
		if (!err_is_passing(report->failures.v[i].error.code))
			return ERR_FAILED;
	return report->waiting > 0 ? ERR_OFFLINE : 0;
}
