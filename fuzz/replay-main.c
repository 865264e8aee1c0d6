/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stands in for libFuzzer in `make check`: gives each file of the named corpus folders to the
 * target once, and prints TAP. A crash names its input first, so the last line printed is the
 * culprit.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A corpus is small on purpose; a larger file is a mistake in it. */
#define INPUT_MAX (4 * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void replay_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data = malloc(INPUT_MAX);
	size_t size = 0;
	uint8_t *exact;

	if (!file || !data) {
		perror(path);
		exit(1);
	}
	size = fread(data, 1, INPUT_MAX, file);
	(void)fclose(file);

	/* An exact copy, so that AddressSanitizer sees the first byte read too far. */
	exact = malloc(size + !size);
	if (!exact)
		abort();
	memcpy(exact, data, size);
	free(data);
	LLVMFuzzerTestOneInput(exact, size);
	free(exact);
}

static int not_hidden(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int replay_folder(const char *folder, int number)
{
	struct dirent **entries = NULL;
	int n = scandir(folder, &entries, not_hidden, alphasort);

	if (n < 0) {
		perror(folder);
		exit(1);
	}
	for (int i = 0; i < n; i++) {
		char path[4096];

		(void)snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
		printf("# %s\n", path);
		(void)fflush(stdout);
		replay_file(path);
		printf("ok %d - %s\n", ++number, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return number;
}

int main(int argc, char **argv)
{
	int number = 0;

	for (int i = 1; i < argc; i++)
		number = replay_folder(argv[i], number);
	if (!number)
		fprintf(stderr, "no input in the corpus\n");
	printf("1..%d\n", number);
	return !number;
}
