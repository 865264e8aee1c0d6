/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/admin.h"

#include "cmd/commands.h"

static const struct command *const sub[] = {
	&admin_audit,  &admin_grant, &admin_group, &admin_member, &admin_rule,
	&admin_script, &admin_table, &admin_token, &admin_user,   NULL,
};

const struct command cmd_admin = {
	.name = "admin",
	.usage = "user|group|member|token|grant|rule|table|script|audit ...",
	.summary = "administer a hub over HTTP",
	.description =
		"Who may see what, and the rules that go out with each pull. Needs a token of "
		"scope admin, except for one's own tokens. The hub and the token come from --server "
		"and --token, LARDER_SERVER and LARDER_TOKEN, or the credentials that larder init "
		"saved.",
	.examples = "larder admin user add bob@example.com|a user\n"
		    "larder admin group add analysts|a group\n"
		    "larder admin member add analysts bob@example.com|bob becomes an analyst\n"
		    "larder admin grant add analysts orders|analysts see the table orders\n"
		    "larder admin token create --user bob@example.com --name laptop|bob's token\n"
		    "larder admin rule add revenue --title Revenue --file revenue.md|a rule",
	.sub = sub,
};
