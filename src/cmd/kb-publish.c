/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/kb.h"

#include "cmd/remote.h"
#include "kb/publish.h"

struct publish_args {
	struct kb_common common;
	struct remote_args remote;
	const char *audience, *domain;
	bool dry_run, again;
};

static const struct opt options[] = {
	OPT_TEXT(0, "audience", struct publish_args, audience, "WHO",
		 "all (default) or group:NAME"),
	OPT_TEXT(0, "domain", struct publish_args, domain, "NAME", "the field they are about"),
	OPT_FLAG(0, "again", struct publish_args, again, "also what was proposed before"),
	OPT_FLAG('n', "dry-run", struct publish_args, dry_run, "say which pages, send nothing"),
	OPT_TEXT(0, "server", struct publish_args, remote.server, "URL", "the hub"),
	OPT_TEXT(0, "token", struct publish_args, remote.token, "TOKEN", "who proposes"),
	KB_OPTIONS(struct publish_args, common),
	OPT_END,
};

struct publishing {
	const struct publish_args *args;
	struct kb *kb;
	struct remote *remote;
	const char *server;
	struct buf *out;
	struct json_out json;
	size_t proposed, known, skipped;
};

static const char *name_of(const struct kb *kb)
{
	const char *slash = strrchr(kb_path(kb), '/');

	return slash ? slash + 1 : kb_path(kb);
}

static void build(const struct publishing *p, const struct publish_page *page, struct buf *body)
{
	AUTO_FREE char *reference = xasprintf("kb:%s/%s", name_of(p->kb), page->link);
	AUTO_FREE char *title = xstrndup(page->title, text_fit(page->title, 190));
	struct json_out o = json_out(body);

	json_open(&o, NULL, '{');
	json_add_text(&o, "title", strlen(title) <= 200 ? title : page->link);
	json_add_bytes(&o, "content", page->body);
	json_add_text(&o, "category", "knowledge-base");
	if (p->args->domain)
		json_add_text(&o, "domain", p->args->domain);
	if (p->args->audience)
		json_add_text(&o, "audience", p->args->audience);
	json_add_text(&o, "source_ref", reference);
	json_open(&o, "tags", '[');
	json_add_text(&o, NULL, page->kind);
	json_close(&o);
	json_close(&o);
}

static void note(struct publishing *p, const struct publish_page *page, const char *outcome,
		 const char *id)
{
	if (p->args->common.json) {
		json_open(&p->json, NULL, '{');
		json_add_text(&p->json, "page", page->path);
		json_add_text(&p->json, "outcome", outcome);
		json_add_text(&p->json, "id", id);
		json_close(&p->json);
		return;
	}
	buf_addf(p->out, "%-9s ", outcome);
	kb_cmd_add_clean(p->out, page->path);
	buf_addc(p->out, '\n');
}

static int propose(void *ctx, const struct publish_page *page, struct err *e)
{
	struct publishing *p = ctx;
	AUTO_BUF struct buf body = BUF_INIT(BUF_OWN_MAX);
	AUTO_JSON struct json *reply = NULL;
	bool known;
	int r;

	if (page->body.n > PUBLISH_CONTENT_MAX || p->args->dry_run) {
		p->skipped += !p->args->dry_run;
		note(p, page, p->args->dry_run ? "would" : "too_large", NULL);
		return 0;
	}
	build(p, page, &body);
	r = remote_ask(p->remote, &(struct remote_call){ "POST", "/api/memory", buf_bytes(&body) },
		       &reply, e);
	if (r < 0)
		return err_in(e, "'%s'", page->path);
	known = str_eq(json_text(json_get(reply, "status")), "known");
	p->proposed += !known;
	p->known += known;
	note(p, page, known ? "known" : "proposed", json_text(json_get(reply, "id")));
	return publish_note(p->kb, p->server, page, e);
}

static int finish(struct publishing *p, int r, struct err *e)
{
	if (p->args->common.json) {
		json_close(&p->json);
		json_add_int(&p->json, "proposed", (int64_t)p->proposed);
		json_add_int(&p->json, "known", (int64_t)p->known);
		json_add_int(&p->json, "too_large", (int64_t)p->skipped);
		json_add_bool(&p->json, "dry_run", p->args->dry_run);
		json_close(&p->json);
	} else if (p->args->dry_run) {
		buf_adds(p->out, "Nothing was sent.\n");
	} else {
		buf_addf(p->out, "%zu pages proposed, %zu were known.\n", p->proposed, p->known);
	}
	/* what was sent is said also when the next could not be */
	if (r < 0)
		return kb_cmd_print(&p->args->common, p->out, &(struct err){ 0 }), r;
	r = kb_cmd_print(&p->args->common, p->out, e);
	return r < 0 || p->skipped == 0 ? r : CMD_REPORTED(ERR_LIMIT);
}

static int publish(struct publish_args *args, struct kb *kb, const struct strv *pages,
		   struct err *e)
{
	AUTO_REMOTE struct remote *remote = NULL;
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	const struct publish_choice choice = { .pages = pages, .again = args->again };
	struct publishing p = { .args = args, .kb = kb, .out = &out, .json = json_out(&out) };
	int r;

	if (!args->remote.server)
		args->remote.server = kb_settings(kb)->server;
	r = remote_open(&args->remote, &remote, e);
	if (r < 0)
		return r;
	p.remote = remote;
	p.server = remote_server(remote);
	if (args->common.json) {
		json_open(&p.json, NULL, '{');
		json_open(&p.json, "pages", '[');
	}
	r = publish_visit(kb, p.server, &choice, propose, &p, e);
	return finish(&p, r, e);
}

static int run(int argc, char **argv, struct err *e)
{
	struct publish_args args = { 0 };
	AUTO_STRV struct strv pages = STRV_INIT;
	AUTO_KB struct kb *kb = NULL;
	int r = opt_parse(options, &args, argc, argv, &pages, e);

	if (r == 0)
		r = kb_cmd_open(&args.common, args.dry_run, &kb, e);
	return r < 0 ? r : publish(&args, kb, &pages, e);
}

const struct command kb_cmd_publish = {
	.name = "publish",
	.usage = "[PAGE|FOLDER...] [--dry-run] [--audience WHO]",
	.summary = "propose pages to a hub, for all its workspaces",
	.description =
		"Each page goes to the hub as a proposal of knowledge; who approves it there makes "
		"it part of what workspaces pull. Without operands: concepts, entities and kept "
		"answers that the hub has not in this version. Said again, it goes on where it was "
		"cut short.\n\n"
		"Exit: 0 all is proposed; 1 a page is too large; 4 the token was refused; 75 the hub "
		"cannot be reached.",
	.examples = "larder kb publish concepts/write-ahead-log|one page\n"
		    "larder kb publish --dry-run|what is new to the hub\n"
		    "larder kb publish summaries --audience group:analysts|a folder, for a group",
	.options = options,
	.run = run,
};
