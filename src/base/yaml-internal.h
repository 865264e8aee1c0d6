/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the files of the yaml module: texts into the targets of a table, whether they come from a
 * file or from the environment. With `assign` false they are only checked. Errors: ERR_USAGE, with
 * neither the place nor the key, which the caller puts in front.
 */
#ifndef LARDER_BASE_YAML_INTERNAL_H
#define LARDER_BASE_YAML_INTERNAL_H

#include "base/yaml.h"

/* For all kinds but LIST and MAP_OF_TEXT. */
int yaml_set_scalar(const struct yaml_field *f, const char *text, bool assign, struct err *e);
/* For these two; when assigned, the texts are taken over and `texts` is left empty. */
void yaml_set_texts(const struct yaml_field *f, struct strv *texts, bool assign);

/* A new item at the end, all zero; lent until the next one. */
void *yaml_maps_add(struct yaml_maps *maps);
/* Has the last one its id, is it the only one of this id, and does the map's own check like it? */
int yaml_maps_check_last(struct yaml_maps *maps, struct err *e);
/* `from` is left empty. */
void yaml_maps_replace(struct yaml_maps *maps, struct yaml_maps *from);

#endif
