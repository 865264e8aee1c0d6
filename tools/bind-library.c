/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Run by the build: binds a shared library's references to its own symbols, as the linker's -Bsymbolic
 * would have.
 *
 *	bind-library FROM TO TEXT
 *
 * libduckdb exports all of its C++ symbols and refers to its own by name, so the dynamic linker looks
 * 40,000 of them up at each start of larder-duck, and some thousands more as they are called: a third
 * of the time that a small query takes. Here each such relocation becomes one that only adds the
 * library's address (data), or has that address where the linker would have put it (calls).
 *
 * Only symbols with TEXT in their name: what the C++ library defines as well (typeinfo, locale facets)
 * has to stay one for both. What is not a 64-bit shared library of a machine that is known here is
 * copied as it is. Nothing else of the file changes, its symbols and its version neither; whoever
 * binds all at the start (LD_BIND_NOW) has the same as before.
 */
#include <elf.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Relocation types: of a symbol's address in data, of one in the table of addresses, of a call, and of an address. */
struct machine {
	uint16_t id;
	uint32_t data, table, call, relative;
};

static const struct machine machines[] = {
	{ EM_X86_64, R_X86_64_64, R_X86_64_GLOB_DAT, R_X86_64_JUMP_SLOT, R_X86_64_RELATIVE },
	{ EM_AARCH64, R_AARCH64_ABS64, R_AARCH64_GLOB_DAT, R_AARCH64_JUMP_SLOT,
	  R_AARCH64_RELATIVE },
};

struct library {
	char *bytes;
	uint64_t size;
	const Elf64_Ehdr *head;
	const struct machine *machine;
	const Elf64_Shdr *sections;
	const Elf64_Sym *symbols;
	uint64_t symbol_count;
	const char *names; /* of symbols */
	uint64_t names_size;
	const char *text;
	size_t bound;
};

static bool is_inside(const struct library *l, uint64_t offset, uint64_t size)
{
	return offset <= l->size && size <= l->size - offset;
}

static const void *section_bytes(const struct library *l, const Elf64_Shdr *s)
{
	return is_inside(l, s->sh_offset, s->sh_size) ? l->bytes + s->sh_offset : NULL;
}

static bool find_machine(struct library *l)
{
	for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++) {
		if (machines[i].id == l->head->e_machine)
			l->machine = &machines[i];
	}
	return l->machine != NULL;
}

static bool find_symbols(struct library *l)
{
	for (size_t i = 0; i < l->head->e_shnum; i++) {
		const Elf64_Shdr *s = &l->sections[i];

		if (s->sh_type != SHT_DYNSYM || s->sh_link >= l->head->e_shnum)
			continue;
		l->symbols = section_bytes(l, s);
		l->symbol_count = s->sh_size / sizeof(Elf64_Sym);
		l->names = section_bytes(l, &l->sections[s->sh_link]);
		l->names_size = l->sections[s->sh_link].sh_size;
	}
	return l->symbols && l->names && l->names_size && l->names[l->names_size - 1] == '\0';
}

static bool is_known(struct library *l)
{
	const Elf64_Ehdr *h = (const Elf64_Ehdr *)(const void *)l->bytes;

	if (l->size < sizeof(*h) || memcmp(h->e_ident, ELFMAG, SELFMAG) != 0 ||
	    h->e_ident[EI_CLASS] != ELFCLASS64 || h->e_ident[EI_DATA] != ELFDATA2LSB ||
	    h->e_type != ET_DYN || h->e_shentsize != sizeof(Elf64_Shdr) ||
	    h->e_phentsize != sizeof(Elf64_Phdr) ||
	    !is_inside(l, h->e_shoff, h->e_shnum * sizeof(Elf64_Shdr)) ||
	    !is_inside(l, h->e_phoff, h->e_phnum * sizeof(Elf64_Phdr)))
		return false;
	l->head = h;
	l->sections = (const Elf64_Shdr *)(const void *)(l->bytes + h->e_shoff);
	return find_machine(l) && find_symbols(l);
}

/* One that this library defines, once for all who see it. */
static const Elf64_Sym *own_symbol(const struct library *l, uint64_t number)
{
	const Elf64_Sym *s = number < l->symbol_count ? &l->symbols[number] : NULL;

	if (!s || s->st_shndx == SHN_UNDEF || s->st_shndx >= SHN_LORESERVE ||
	    s->st_name >= l->names_size || !strstr(l->names + s->st_name, l->text) ||
	    ELF64_ST_BIND(s->st_info) == STB_GNU_UNIQUE)
		return NULL;
	switch (ELF64_ST_TYPE(s->st_info)) {
	case STT_OBJECT:
	case STT_FUNC:
		return s;
	default:
		return NULL; /* those that are chosen or made at run time */
	}
}

/* Where the file has what lies at an address; NULL for what it has not. */
static Elf64_Addr *place_of(const struct library *l, Elf64_Addr address)
{
	const Elf64_Phdr *p = (const Elf64_Phdr *)(const void *)(l->bytes + l->head->e_phoff);

	for (size_t i = 0; i < l->head->e_phnum; i++, p++) {
		if (p->p_type == PT_LOAD && address >= p->p_vaddr &&
		    address - p->p_vaddr + sizeof(address) <= p->p_filesz &&
		    is_inside(l, p->p_offset, p->p_filesz))
			return (Elf64_Addr *)(void *)(l->bytes + p->p_offset + address -
						      p->p_vaddr);
	}
	return NULL;
}

static void bind_one(struct library *l, Elf64_Rela *r)
{
	const struct machine *m = l->machine;
	const Elf64_Sym *s = own_symbol(l, ELF64_R_SYM(r->r_info));
	uint64_t type = ELF64_R_TYPE(r->r_info);
	Elf64_Addr *place = s && type == m->call ? place_of(l, r->r_offset) : NULL;

	if (!s || (type != m->data && type != m->table && !place))
		return;
	if (place) {
		*place = s->st_value; /* to which a lazy linker adds the library's address */
	} else {
		r->r_addend = (Elf64_Sxword)s->st_value + (type == m->data ? r->r_addend : 0);
		r->r_info = ELF64_R_INFO(0, m->relative);
	}
	l->bound++;
}

static void bind_all(struct library *l)
{
	for (size_t i = 0; i < l->head->e_shnum; i++) {
		const Elf64_Shdr *s = &l->sections[i];

		if (s->sh_type != SHT_RELA || !section_bytes(l, s))
			continue;
		for (uint64_t j = 0; j < s->sh_size / sizeof(Elf64_Rela); j++)
			bind_one(l, (Elf64_Rela *)(void *)(l->bytes + s->sh_offset) + j);
	}
}

static int copy(const char *from, int to, uint64_t *ret_size)
{
	static char buffer[1 << 20];
	int fd = open(from, O_RDONLY | O_CLOEXEC);
	ssize_t n = -1;

	*ret_size = 0;
	while (fd >= 0 && (n = read(fd, buffer, sizeof(buffer))) > 0) {
		if (write(to, buffer, (size_t)n) != n)
			n = -1;
		if (n < 0)
			break;
		*ret_size += (uint64_t)n;
	}
	if (fd >= 0)
		(void)close(fd);
	return n < 0 ? -1 : 0;
}

static int make(const char *from, const char *to, struct library *l)
{
	int fd = open(to, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
	int r = fd < 0 ? -1 : copy(from, fd, &l->size);

	if (r == 0 && l->size > 0) {
		l->bytes = mmap(NULL, l->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		r = l->bytes == MAP_FAILED ? -1 : 0;
	}
	if (r == 0 && l->size > 0) {
		if (is_known(l))
			bind_all(l);
		r = munmap(l->bytes, l->size);
	}
	return fd < 0 || close(fd) < 0 ? -1 : r;
}

int main(int argc, char **argv)
{
	struct library l = { 0 };

	if (argc != 4) {
		(void)fputs("usage: bind-library FROM TO TEXT\n", stderr);
		return 2;
	}
	l.text = argv[3];
	if (make(argv[1], argv[2], &l) < 0) {
		perror("bind-library");
		return 1;
	}
	return 0;
}
