/* SPDX-License-Identifier: Apache-2.0 */
/* The two halves of init: asking (init-ask.c), which writes nothing, and writing (init.c). */
#ifndef LARDER_WORKSPACE_INIT_INTERNAL_H
#define LARDER_WORKSPACE_INIT_INTERNAL_H

#include "workspace/credentials.h"
#include "workspace/init.h"

/* A page of instructions or of settings; the hub's own text is shorter by far. */
#define INIT_TEXT_MAX ((size_t)1 << 20)

struct init_answer {
	struct credentials who;
	struct buf welcome; /* the text for agents */
	char *account;      /* whose token it is: a word */
	bool is_named;      /* the hub said so */
};
#define INIT_ANSWER_INIT                                                                           \
	{                                                                                          \
		.welcome = BUF_INIT(INIT_TEXT_MAX)                                                 \
	}
void init_answer_release(struct init_answer *answer);
#define AUTO_INIT_ANSWER AUTO(init_answer_release)

/* Errors as workspace_init(); the owner releases the answer also after one. */
int init_ask(const struct init_options *options, struct init_answer *ret_answer, struct err *e);

#endif
