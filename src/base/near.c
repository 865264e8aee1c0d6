/* SPDX-License-Identifier: Apache-2.0 */
#include "base/near.h"

static size_t least(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;

	return m < c ? m : c;
}

/* Levenshtein's distance, one row of the table at a time; n is at most NEAR_TEXT_MAX. */
static size_t edit_distance(const char *a, const char *b, size_t n)
{
	size_t row[NEAR_TEXT_MAX + 1];

	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 0; a[i]; i++) {
		size_t diagonal = row[0];

		row[0] = i + 1;
		for (size_t j = 1; j <= n; j++) {
			size_t above = row[j];

			row[j] = least(above + 1, row[j - 1] + 1, diagonal + (a[i] != b[j - 1]));
			diagonal = above;
		}
	}
	return row[n];
}

struct near near_to(const char *given)
{
	size_t third = strlen(given) / 3;

	return (struct near){ .given = given, .distance = (third < 2 ? 2 : third) + 1 };
}

void near_try(struct near *near, const char *known)
{
	size_t n = strlen(known);

	if (n > NEAR_TEXT_MAX || strlen(near->given) > NEAR_TEXT_MAX)
		return;

	size_t distance = edit_distance(near->given, known, n);

	/* An edit of every letter is another word, however short. */
	if (distance < near->distance && distance < n) {
		near->best = known;
		near->distance = distance;
	}
}
