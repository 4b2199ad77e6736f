/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a fuzz target over files: those (and the directories' contents) that the arguments name, or
 * $srcdir/tests/fuzz/corpus/NAME for a program called NAME_fuzz.  For an empty input too. */
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/fuzz/fuzz.h"

static unsigned int n_files;

static void fail(const char *path, const char *what)
{
	(void)fprintf(stderr, "%s: %s (%s)\n", path, what, strerror(errno));
	exit(EXIT_FAILURE);
}

static void run_file(const char *path, size_t size)
{
	uint8_t *data = malloc(size ? size : 1); /* exact: a sanitizer sees a read beyond it */
	FILE *f = fopen(path, "rb");

	if (!f || !data || fread(data, 1, size, f) != size)
		fail(path, "cannot read");
	(void)fclose(f);
	(void)LLVMFuzzerTestOneInput(data, size);
	free(data);
	n_files++;
}

static void run(const char *path)
{
	struct dirent **names;
	char child[4096];
	struct stat st;
	int n;

	if (stat(path, &st))
		fail(path, "cannot look");
	if (!S_ISDIR(st.st_mode)) {
		run_file(path, (size_t)st.st_size);
		return;
	}
	n = scandir(path, &names, NULL, alphasort);
	if (n < 0)
		fail(path, "cannot list");
	for (int i = 0; i < n; i++) {
		if (names[i]->d_name[0] != '.') {
			(void)snprintf(child, sizeof(child), "%s/%s", path, names[i]->d_name);
			run(child);
		}
		free(names[i]);
	}
	free(names);
}

static void run_own_corpus(const char *program)
{
	const char *base = strrchr(program, '/'), *srcdir = getenv("srcdir"), *end;
	char path[4096];

	base = base ? base + 1 : program;
	end = strstr(base, "_fuzz");
	(void)snprintf(path, sizeof(path), "%s/tests/fuzz/corpus/%.*s", srcdir ? srcdir : ".",
		       (int)(end ? end - base : (long)strlen(base)), base);
	run(path);
}

int main(int argc, char *argv[])
{
	static const uint8_t empty[1];

	(void)LLVMFuzzerTestOneInput(empty, 0);
	for (int i = 1; i < argc; i++)
		run(argv[i]);
	if (argc == 1)
		run_own_corpus(argv[0]);
	printf("%u files\n", n_files);
	if (argc == 1 && !n_files) {
		(void)fprintf(stderr, "the corpus is empty\n");
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
