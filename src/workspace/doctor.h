/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is wrong with this workspace, and what to do about it: a list of checks, each with a finding
 * and the next step. Reads, asks the hub twice, and its mirror; changes nothing but what opening a workspace
 * finishes (engine/root.h). `larder verify` is the deeper look, which hashes every byte.
 *
 *	AUTO_DOCTOR struct doctor doctor = { 0 };
 *	workspace_doctor(path, &doctor, e)      what fails is a finding; no workspace is an error
 *
 * Threads: one.
 */
#ifndef LARDER_WORKSPACE_DOCTOR_H
#define LARDER_WORKSPACE_DOCTOR_H

#include "workspace/workspace.h"

enum finding_kind { FINDING_OK, FINDING_NOTE, FINDING_BAD };

struct finding {
	enum finding_kind kind;
	const char *check; /* "database", "files", "views", ... */
	char *text;
	char *next; /* the step that mends it; NULL when nothing is to be done */
};

struct doctor {
	struct finding *findings;
	size_t n, capacity;
	size_t bad;
	char *workspace; /* absolute */
};
void doctor_release(struct doctor *doctor);
#define AUTO_DOCTOR AUTO(doctor_release)

/* `path` as workspace_find() takes it. */
int workspace_doctor(const char *path, struct doctor *ret_doctor, struct err *e);

#endif
