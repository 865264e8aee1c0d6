/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows on stdout: an aligned table for people, CSV (RFC 4180) or one JSON object for programs,
 * written as they come.
 *
 *	AUTO_PRINTER struct printer *p = NULL;
 *	if (printer_new("csv", &p, e) < 0) ...
 *	... printer_columns(p, columns, n, e), printer_row(p, values, e) ..., printer_end(p, rows,
 * truncated, e)
 *
 * The signatures are those of a query's callbacks, with the printer as their context. Threads: one.
 */
#ifndef LARDER_CMD_PRINTER_H
#define LARDER_CMD_PRINTER_H

#include "duck/duck.h"

struct printer;

/* "table", "csv" or "json"; ERR_USAGE else. */
int printer_new(const char *format, struct printer **ret_printer, struct err *e);
void printer_free(struct printer *p);
static inline void printer_auto_(struct printer **p)
{
	printer_free(*p);
}
#define AUTO_PRINTER AUTO(printer_auto_)

int printer_columns(void *printer, const struct duck_column *columns, size_t n, struct err *e);
int printer_row(void *printer, const struct json *values, struct err *e);
int printer_end(struct printer *p, int64_t rows, bool truncated, struct err *e);

#endif
