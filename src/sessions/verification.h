/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The processor `verification`: corrections, confirmations and definitions found in sessions become
 * proposed knowledge with evidence (memory/knowledge.h). With a model when one is configured
 * (llm/llm.h), else by rules (sessions/findings.h).
 *
 * A model that fails fails the file, which is done again later; it never counts as "nothing found".
 * Only the judgement of contradictions, which comes on top, is left out when the model answers it
 * wrongly; when it cannot be reached, that waits with the file, too.
 *
 * Transcripts of sub-agents teach nothing: who speaks there as the user is an agent.
 */
#ifndef LARDER_SESSIONS_VERIFICATION_H
#define LARDER_SESSIONS_VERIFICATION_H

#include "sessions/processor.h"

extern const struct processor verification_processor;

#endif
