/* SPDX-License-Identifier: Apache-2.0 */
#include "base/uuid.h"

#include "base/hash.h"
#include "base/str.h"
#include "base/time.h"

void uuid_v7(char out[UUID_TEXT_MAX])
{
	unsigned char b[16];
	char hex[2 * sizeof(b) + 1];
	uint64_t ms = (uint64_t)time_now();

	random_bytes(b, sizeof(b));
	for (int i = 0; i < 6; i++)
		b[i] = (unsigned char)(ms >> (40 - 8 * i));
	b[6] = (unsigned char)(0x70 | (b[6] & 0x0f));
	b[8] = (unsigned char)(0x80 | (b[8] & 0x3f));
	hex_encode(b, sizeof(b), hex);
	(void)snprintf(out, UUID_TEXT_MAX, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12,
		       hex + 16, hex + 20);
}

bool uuid_is(const char *text)
{
	static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

	for (size_t i = 0; i < UUID_TEXT_LEN; i++) {
		if (form[i] == '-' ? text[i] != '-'
				   : !text[i] || !strchr("0123456789abcdef", text[i]))
			return false;
	}
	return text[UUID_TEXT_LEN] == '\0';
}
