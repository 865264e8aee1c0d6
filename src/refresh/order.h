/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which of several statements over tables comes first: those that others read.
 *
 *	struct order_item items[] = { { "daily", "SELECT ... FROM orders" }, ... };
 *	order_items(items, n, e)          a child parses all of them (duck/judge.h)
 *	items[i].rank                     1 for the first to be made, and so on, none twice
 *	items[i].circle                   NULL, or "a <- b <- a": they are made of each other
 *
 * Items come in the order in which those that do not read each other are to be made. A statement that
 * the child refuses reads nothing: what is wrong with it is told when it is run.
 *
 * Threads: no state. Errors: as duck.h.
 */
#ifndef LARDER_REFRESH_ORDER_H
#define LARDER_REFRESH_ORDER_H

#include "base/str.h"

struct order_item {
	const char *table, *sql; /* the name as statements have it */
	size_t rank;
	char *circle; /* owned */
};
void order_items_release(struct order_item *items, size_t n);

int order_items(struct order_item *items, size_t n, struct err *e);

#endif
