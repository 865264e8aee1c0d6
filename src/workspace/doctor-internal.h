/* SPDX-License-Identifier: Apache-2.0 */
/* What doctor*.c share: doctor.c looks at this machine, doctor-hub.c asks the hub and its mirror. */
#ifndef LARDER_WORKSPACE_DOCTOR_INTERNAL_H
#define LARDER_WORKSPACE_DOCTOR_INTERNAL_H

#include "workspace/doctor.h"

/* `text` is adopted, `next` copied. */
void doctor_add(struct doctor *d, enum finding_kind kind, const char *check, char *text,
		const char *next);
/* With the error's own next step, where it has one. */
void doctor_add_error(struct doctor *d, const char *check, const struct err *e, const char *next);

void doctor_check_hub(struct workspace *ws, struct doctor *d);

#endif
