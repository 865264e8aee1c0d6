/* SPDX-License-Identifier: Apache-2.0 */
#include "base/near.h"

static size_t least(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;

	return m < c ? m : c;
}

/*
 * Insertions, deletions, replacements and swaps of neighbours that make b of a ("optimal string
 * alignment"). Three rows of the table are enough; both texts are at most NEAR_TEXT_MAX long.
 */
static size_t edit_distance(const char *a, const char *b, size_t n)
{
	size_t rows[3][NEAR_TEXT_MAX + 1];
	size_t *above2 = rows[0], *above = rows[1], *row = rows[2];

	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1]; i++) {
		size_t *oldest = above2;

		above2 = above;
		above = row;
		row = oldest;
		row[0] = i;
		for (size_t j = 1; j <= n; j++) {
			row[j] = least(above[j] + 1, row[j - 1] + 1,
				       above[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = least(row[j], above2[j - 2] + 1, SIZE_MAX);
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
