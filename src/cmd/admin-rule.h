/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `larder admin rule`: admin-rule.c adds, lists and shows, admin-rule-steps.c proposes and decides,
 * admin-rule-fields.c has what both need.
 */
#ifndef LARDER_CMD_ADMIN_RULE_H
#define LARDER_CMD_ADMIN_RULE_H

#include "cmd/admin.h"
#include "cmd/remote.h"
#include "net/url.h"

struct rule_args {
	struct remote_args remote;
	const char *title, *file, *text, *category, *domain, *audience, *status, *confidence;
	const char *from, *until;
	struct strv tags;
	bool mandatory;
	bool replace;
	bool history;
	const char *reason;
};

void rule_args_release(struct rule_args *args);

#define RULE_FIELD_OPTIONS                                                                         \
	OPT_TEXT(0, "title", struct rule_args, title, "TEXT", "its heading"),                      \
		OPT_TEXT('f', "file", struct rule_args, file, "FILE",                              \
			 "its content, Markdown ('-': stdin)"),                                    \
		OPT_TEXT(0, "text", struct rule_args, text, "TEXT", "its content, given here"),    \
		OPT_TEXT(0, "audience", struct rule_args, audience, "WHO",                         \
			 "all (default) or group:NAME"),                                           \
		OPT_TEXT(0, "category", struct rule_args, category, "TEXT", "a word to sort by"),  \
		OPT_TEXT(0, "domain", struct rule_args, domain, "NAME", "the field it is about"),  \
		OPT_LIST(0, "tag", struct rule_args, tags, "TEXT", "may be given several times"),  \
		OPT_TEXT(0, "confidence", struct rule_args, confidence, "0..1", "how sure it is"), \
		OPT_TEXT(0, "from", struct rule_args, from, "TIME", "not before"),                 \
		OPT_TEXT(0, "until", struct rule_args, until, "TIME", "not from then on")

/* The members that were given, into an open object. */
int rule_add_fields(const struct rule_args *args, struct json_out *o, struct err *e);
bool rule_has_fields(const struct rule_args *args);

/* On stdout: its text, and with `history` what GET /api/memory/{id} tells besides. */
int rule_print(const struct json *rule, bool history, struct err *e);

extern const struct command rule_approve;
extern const struct command rule_edit;
extern const struct command rule_mandate;
extern const struct command rule_propose;
extern const struct command rule_reject;
extern const struct command rule_revoke;

#endif
