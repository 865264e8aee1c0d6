/* SPDX-License-Identifier: Apache-2.0 */
/* The items of a list of maps. */
#include "base/yaml-internal.h"

#include <search.h>

static void *item_at(const struct yaml_maps *maps, size_t i)
{
	return maps->v + i * maps->map->size;
}

const void *yaml_maps_at(const struct yaml_maps *maps, size_t i)
{
	return item_at(maps, i);
}

/* The ids are the items' own texts. */
static void keep_text(void *id)
{
	(void)id;
}

void yaml_maps_release(struct yaml_maps *maps)
{
	tdestroy(maps->ids, keep_text);
	maps->ids = NULL;
	for (size_t i = 0; i < maps->n; i++)
		maps->map->release(item_at(maps, i));
	free(maps->v);
	*maps = (struct yaml_maps)YAML_MAPS_INIT(maps->map);
}

void *yaml_maps_add(struct yaml_maps *maps)
{
	void *item;

	maps->v = xgrow(maps->v, &maps->capacity, maps->n + 1, maps->map->size);
	item = item_at(maps, maps->n++);
	memset(item, 0, maps->map->size);
	return item;
}

static const char *id_of(const struct yaml_map *map, void *item)
{
	struct yaml_field fields[YAML_MAP_FIELDS_MAX];
	const struct yaml_field *f = fields;

	map->list_fields(item, fields);
	while (!str_eq(f->key, map->id))
		f++;
	return *(char *const *)f->target;
}

static int compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

static int check_id(struct yaml_maps *maps, void *item, struct err *e)
{
	const char *key = maps->map->id;
	const char *id = id_of(maps->map, item);
	const char *const *known;

	if (!id || !*id)
		return err_set(e, ERR_USAGE, "'%s' is missing", key);
	known = tsearch(id, &maps->ids, compare);
	if (!known)
		abort(); /* out of memory */
	if (*known != id)
		return err_set(e, ERR_USAGE, "the %s '%.100s' is there twice", key, id);
	return 0;
}

int yaml_maps_check_last(struct yaml_maps *maps, struct err *e)
{
	void *item = item_at(maps, maps->n - 1);
	int r = maps->map->id ? check_id(maps, item, e) : 0;

	return r == 0 && maps->map->check ? maps->map->check(item, e) : r;
}

void yaml_maps_replace(struct yaml_maps *maps, struct yaml_maps *from)
{
	yaml_maps_release(maps);
	*maps = *from;
	*from = (struct yaml_maps)YAML_MAPS_INIT(maps->map);
}
