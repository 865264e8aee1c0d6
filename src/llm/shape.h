/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is a value of the shape that a schema describes? A small part of JSON Schema, the one our
 * questions use: type (one word), properties, required, items, enum (texts), maxLength, maxItems.
 * What a schema says besides is not looked at; members it does not name are let through.
 *
 * Pure. Errors: ERR_CORRUPT with the place and what is expected there ("verifications[2].title is
 * missing"), fit to be shown to the model.
 */
#ifndef LARDER_LLM_SHAPE_H
#define LARDER_LLM_SHAPE_H

#include "base/json.h"

int shape_check(const struct json *value, const struct json *schema, struct err *e);
/* The JSON in an answer: all of it, or what stands between the first bracket and the last (fences,
 * a sentence before). ERR_CORRUPT when there is none. */
int shape_find_json(const char *answer, struct json **ret_json, struct err *e);

#endif
