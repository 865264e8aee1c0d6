/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program started as `larder-duck --room`: one query of somebody who may read nothing but what
 * lies in one folder, the room (tables/room.h). It confines itself to that folder and gets DuckDB
 * ready before there is a question, so that a question finds it warm. It takes lines:
 *
 *	{"room":"/hub/.larder/rooms/rX","memory_bytes":N,"cpu_seconds":N}     at once
 *	{"sql":"...","row_limit":N,"byte_limit":N}                            when there is a question
 *	{"tables":[{"name":"orders","files":["0/a.parquet"],"hive":false}]}   its answer to the guard's
 *
 * and answers the second with a line of the tables the statement names, as the guard found them, the
 * third with the result as of the operation `query`. A refusal, or an error, ends it. So does the end
 * of its stdin, at any moment: whoever asked is gone.
 */
#ifndef LARDER_DUCK_WORKER_ROOM_H
#define LARDER_DUCK_WORKER_ROOM_H

#include "duck/worker.h"

int room_run(struct reply *r, struct err *e);

#endif
