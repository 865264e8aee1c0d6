/* SPDX-License-Identifier: Apache-2.0 */
/* larder-convert TYPE INPUT OUTPUT: see convert.h. */
#include "kb/convert/worker-package.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>

static const struct {
	const char *type;
	converter_fn convert;
} converters[] = {
	{ "csv", convert_csv },    { "doc", convert_doc },   { "docx", convert_docx },
	{ "epub", convert_epub },  { "htm", convert_html },  { "html", convert_html },
	{ "pdf", convert_pdf },    { "pptx", convert_pptx }, { "tsv", convert_tsv },
	{ "xhtml", convert_html }, { "xls", convert_xls },   { "xlsx", convert_xlsx },
};

static converter_fn converter_of(const char *type)
{
	for (size_t i = 0; i < ARRAY_LEN(converters); i++)
		if (str_eq(converters[i].type, type))
			return converters[i].convert;
	return NULL;
}

static int run(char **argv, struct err *e)
{
	AUTO_OUTPUT struct output out = OUTPUT_INIT;
	AUTO_FD int folder = open(argv[3], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	converter_fn convert = converter_of(argv[1]);
	int r = 0;

	if (folder < 0)
		return err_sys(e, "open folder '%s'", argv[3]);
	out.folder = folder;
	if (convert)
		r = convert(argv[2], &out, e);
	else
		r = output_refuse(&out, CONVERT_UNSUPPORTED, "there is no converter for '.%s'",
				  argv[1]);
	return r < 0 ? r : output_finish(&out, e);
}

int main(int argc, char **argv)
{
	struct err e = { 0 };

	/* nobody reads what is made for a parent that was killed */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (argc == 2 && strcmp(argv[1], "--version") == 0)
		return puts("larder-convert " LARDER_VERSION) < 0;
	if (argc != 4) {
		(void)fputs("usage: larder-convert TYPE INPUT OUTPUT\n", stderr);
		return 2;
	}
	if (run(argv, &e) == 0)
		return 0;
	(void)fprintf(stderr, "%s\n", e.msg);
	return 1;
}
