/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is the knowledge base whole? The database, what a crash left to finish, each document's files and
 * pages. With `repair` what can be made again is: a source from raw/, pages by compiling anew, rows
 * from the pages; what only a person has (the document itself) is told.
 */
#ifndef LARDER_KB_DOCTOR_H
#define LARDER_KB_DOCTOR_H

#include "kb/kb.h"

struct kb_finding {
	const char *check;
	bool bad;
	bool repaired;
	char *detail;
	char *next; /* what a person can do; NULL */
};

struct kb_doctor {
	struct kb_finding *v;
	size_t n, capacity;
	size_t bad; /* that are not repaired */
};
void kb_doctor_release(struct kb_doctor *d);
#define AUTO_KB_DOCTOR AUTO(kb_doctor_release)

int kb_doctor(struct kb *kb, bool repair, struct kb_doctor *ret, struct err *e);

#endif
