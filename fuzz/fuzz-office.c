/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parts of Office files. The first byte says which part the rest of the input is, in an archive whose
 * other parts are what they should be: so the XML is met, not only the archive around it.
 */
#include "kb/convert/worker-package.h"

#include <assert.h>
#include <sys/mman.h>
#include <zip.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RELATION(id, target)                                                                       \
	"<Relationships><Relationship Id=\"" id "\" Target=\"" target "\"/></Relationships>"

static const struct part_of {
	const char *name, *usual;
} parts[] = {
	{ "word/document.xml", "<w:document><w:p><w:r><w:t>x</w:t></w:r></w:p></w:document>" },
	{ "word/styles.xml", "<w:styles/>" },
	{ "word/numbering.xml", "<w:numbering/>" },
	{ "word/footnotes.xml", "<w:footnotes/>" },
	{ "word/_rels/document.xml.rels", RELATION("r1", "media/a.png") },
	{ "ppt/presentation.xml",
	  "<p:presentation><p:sldId id=\"1\" r:id=\"r1\"/></p:presentation>" },
	{ "ppt/_rels/presentation.xml.rels", RELATION("r1", "slides/s.xml") },
	{ "ppt/slides/s.xml", "<p:sld><a:p><a:t>x</a:t></a:p></p:sld>" },
	{ "xl/workbook.xml", "<workbook><sheet name=\"a\" r:id=\"r1\"/></workbook>" },
	{ "xl/_rels/workbook.xml.rels", RELATION("r1", "sheet.xml") },
	{ "xl/styles.xml", "<styleSheet/>" },
	{ "xl/sharedStrings.xml", "<sst><si><t>x</t></si></sst>" },
	{ "xl/sheet.xml", "<worksheet><row><c t=\"s\"><v>0</v></c></row></worksheet>" },
	{ "META-INF/container.xml", "<container><rootfile full-path=\"b.opf\"/></container>" },
	{ "b.opf", "<package><item id=\"a\" href=\"a.xhtml\"/><itemref idref=\"a\"/></package>" },
	{ "a.xhtml", "<html><body><p>x</p></body></html>" },
	{ "docProps/core.xml", "<c><dc:title>t</dc:title></c>" },
};

/* An archive in memory, as a path that can be opened. */
static int make_archive(size_t chosen, const uint8_t *data, size_t size, char path[64])
{
	zip_error_t error;
	zip_source_t *source = zip_source_buffer_create(NULL, 0, 0, &error);
	zip_t *zip = zip_open_from_source(source, ZIP_CREATE | ZIP_TRUNCATE, &error);
	int fd = memfd_create("office", MFD_CLOEXEC);
	char piece[4096];
	zip_int64_t n;

	assert(zip && fd >= 0);
	zip_source_keep(source);
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		const void *text = i == chosen ? (const void *)data : parts[i].usual;
		size_t length = i == chosen ? size : strlen(parts[i].usual);
		zip_int64_t at = zip_file_add(zip, parts[i].name,
					      zip_source_buffer(zip, text, length, 0), 0);

		assert(at >= 0 &&
		       zip_set_file_compression(zip, (zip_uint64_t)at, ZIP_CM_STORE, 0) == 0);
	}
	assert(zip_close(zip) == 0 && zip_source_open(source) == 0);
	while ((n = zip_source_read(source, piece, sizeof(piece))) > 0)
		assert(write(fd, piece, (size_t)n) == n);
	(void)zip_source_close(source);
	zip_source_free(source);
	(void)snprintf(path, 64, "/proc/self/fd/%d", fd);
	return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const converter_fn converters[] = { convert_docx, convert_pptx, convert_xlsx,
						   convert_epub };
	char path[64];
	int fd;

	if (size == 0)
		return 0;
	fd = make_archive(data[0] % ARRAY_LEN(parts), data + 1, size - 1, path);
	for (size_t i = 0; i < ARRAY_LEN(converters); i++) {
		AUTO_OUTPUT struct output out = OUTPUT_INIT;
		struct err e = { 0 };

		assert(converters[i](path, &out, &e) == 0);
		assert(out.outcome == CONVERT_OK || out.why);
	}
	(void)close(fd);
	return 0;
}
