// SPDX-License-Identifier: GPL-2.0-or-later
/* Hashes the machine id with HMAC-SHA256 (FIPS 180-4, RFC 2104). */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "appid.h"

#define ID	16	/* bytes of an id */
#define BLOCK	64	/* bytes of a block of SHA-256 */
#define HASH	32

/* 7f5b1c0e-6d0f-4a3e-9c58-20c1a4e1d9b7, which dmem-history(5) documents. */
static const unsigned char application[ID] = {
	0x7f, 0x5b, 0x1c, 0x0e, 0x6d, 0x0f, 0x4a, 0x3e, 0x9c, 0x58, 0x20, 0xc1, 0xa4, 0xe1, 0xd9, 0xb7,
};

static const uint32_t rounds[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotate(uint32_t v, unsigned int n)
{
	return v >> n | v << (32 - n);
}

static void add_block(uint32_t h[8], const unsigned char *p)
{
	uint32_t w[64], v[8];

	for (int i = 0; i < 16; i++)
		w[i] = (uint32_t)p[4 * i] << 24 | (uint32_t)p[4 * i + 1] << 16 |
		       (uint32_t)p[4 * i + 2] << 8 | p[4 * i + 3];
	for (int i = 16; i < 64; i++) {
		uint32_t a = w[i - 15], b = w[i - 2];

		w[i] = w[i - 16] + (rotate(a, 7) ^ rotate(a, 18) ^ a >> 3) +
		       w[i - 7] + (rotate(b, 17) ^ rotate(b, 19) ^ b >> 10);
	}
	memcpy(v, h, sizeof(v));
	for (int i = 0; i < 64; i++) {
		uint32_t t = v[7] + (rotate(v[4], 6) ^ rotate(v[4], 11) ^ rotate(v[4], 25)) +
			     ((v[4] & v[5]) ^ (~v[4] & v[6])) + rounds[i] + w[i];
		uint32_t u = (rotate(v[0], 2) ^ rotate(v[0], 13) ^ rotate(v[0], 22)) +
			     ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));

		memmove(v + 1, v, 7 * sizeof(*v));
		v[4] += t;
		v[0] = t + u;
	}
	for (int i = 0; i < 8; i++)
		h[i] += v[i];
}

/* Hashes one whole block and the @len bytes after it, which fill less than a block. */
static void hash_two(const unsigned char first[BLOCK], const unsigned char *rest, size_t len,
		     unsigned char out[HASH])
{
	uint32_t h[8] = {
		0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
		0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
	};
	unsigned char last[BLOCK] = { 0 };
	size_t bits = 8 * (BLOCK + len);

	add_block(h, first);
	memcpy(last, rest, len);
	last[len] = 0x80;
	last[BLOCK - 2] = (unsigned char)(bits >> 8);
	last[BLOCK - 1] = (unsigned char)bits;
	add_block(h, last);
	for (int i = 0; i < HASH; i++)
		out[i] = (unsigned char)(h[i / 4] >> (24 - 8 * (i % 4)));
}

static void hmac(const unsigned char key[ID], const unsigned char text[ID], unsigned char out[HASH])
{
	unsigned char inner[BLOCK], outer[BLOCK];

	memset(inner, 0x36, sizeof(inner));
	memset(outer, 0x5c, sizeof(outer));
	for (int i = 0; i < ID; i++) {
		inner[i] ^= key[i];
		outer[i] ^= key[i];
	}
	hash_two(inner, text, ID, out);
	hash_two(outer, out, HASH, out);
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool appid_machine(const char *machine, char out[APPID_TEXT])
{
	unsigned char id[ID], hash[HASH];

	*out = 0;
	for (int i = 0; i < ID; i++) {
		int high = digit(machine[2 * i]);
		int low = high < 0 ? -1 : digit(machine[2 * i + 1]);

		if (low < 0)
			return false;
		id[i] = (unsigned char)(high << 4 | low);
	}
	if (machine[2 * ID] && machine[2 * ID] != '\n')
		return false;
	hmac(id, application, hash);
	/* The version and variant of a random UUID, as systemd sets them. */
	hash[6] = (hash[6] & 0x0f) | 0x40;
	hash[8] = (hash[8] & 0x3f) | 0x80;
	for (int i = 0; i < ID; i++)
		snprintf(out + 2 * i, 3, "%02x", hash[i]);
	return true;
}
