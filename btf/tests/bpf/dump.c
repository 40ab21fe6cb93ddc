/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Native program: prints the bytes of one value of each struct in layouts.h, and where members are.
 *   value NAME HEX
 *   offset NAME MEMBER OFFSET
 */
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include "bpf.h"
#include "layouts.h"

static void dump(const char *name, const void *value, size_t size)
{
	const unsigned char *bytes = value;

	printf("value %s ", name);
	for (size_t i = 0; i < size; i++)
		printf("%02x", bytes[i]);
	printf("\n");
}

#define DUMP(name, value) dump(name, &(value), sizeof(value))
#define OFFSET(type, member) \
	printf("offset %s %s %zu\n", #type, #member, offsetof(struct type, member))

static void dump_plain(void)
{
	struct padded padded;
	struct numbers n;

	memset(&padded, 0, sizeof(padded));
	padded.first = 1;
	padded.second = 0xdeadbeef;
	padded.third = 3;
	padded.fourth = 0x0102030405060708;
	padded.last = 5;
	DUMP("padded", padded);
	OFFSET(padded, second);
	OFFSET(padded, third);
	OFFSET(padded, fourth);
	OFFSET(padded, last);

	memset(&n, 0, sizeof(n));
	n.a = 255;
	n.b = -1;
	n.c = 65535;
	n.d = -2;
	n.e = 4000000000u;
	n.f = -3;
	n.g = 18000000000000000000ull;
	n.h = -4;
	n.i = 1;
	n.j = 'x';
	n.k = 1.5f;
	n.l = -2.25;
	n.m = -((__int128)1 << 100);
	n.n = ((unsigned __int128)1 << 127) + 1;
	DUMP("numbers", n);
	OFFSET(numbers, l);
	OFFSET(numbers, m);
	OFFSET(numbers, n);
}

static void dump_nested(void)
{
	struct nested nested;
	struct connection c;
	struct aligned aligned;

	memset(&nested, 0, sizeof(nested));
	nested.tag = 7;
	nested.at.x = -1;
	nested.at.y = 2;
	nested.anonymous_type.inner_a = 3;
	nested.anonymous_type.inner_b = 4;
	nested.flat_a = 5;
	nested.flat_b = 6;
	nested.flat_word = 0x04030201;
	nested.path[1].y = 8;
	nested.path[2].x = 9;
	nested.grid[1][2] = 10;
	DUMP("nested", nested);
	OFFSET(nested, at);
	OFFSET(nested, anonymous_type);
	OFFSET(nested, flat_a);
	OFFSET(nested, flat_b);
	OFFSET(nested, path);
	OFFSET(nested, grid);

	memset(&c, 0, sizeof(c));
	c.family = 2;
	c.source.v4 = 0x0100007f;
	c.target.words[1] = 0x1122334455667788;
	c.port = 443;
	DUMP("connection", c);
	OFFSET(connection, source);
	OFFSET(connection, target);
	OFFSET(connection, port);

	memset(&aligned, 0, sizeof(aligned));
	aligned.a = 1;
	aligned.p.x = 2;
	aligned.b = 3;
	DUMP("aligned", aligned);
	OFFSET(aligned, p);
	OFFSET(aligned, b);
}

static void dump_bits(void)
{
	struct flags flags;
	struct packed packed;

	memset(&flags, 0, sizeof(flags));
	flags.a = 1;
	flags.b = 5;
	flags.c = -7;
	flags.d = 0xabcdef0123;
	flags.plain = 9;
	flags.e = 300;
	flags.kind = EVENT_EXIT;
	flags.yes = 1;
	DUMP("flags", flags);
	OFFSET(flags, plain);

	memset(&packed, 0, sizeof(packed));
	packed.a = 1;
	packed.b = 0x01020304;
	packed.c = 5;
	packed.p.y = -6;
	packed.address.v6[15] = 7;
	packed.d = 8;
	DUMP("packed", packed);
	OFFSET(packed, b);
	OFFSET(packed, c);
	OFFSET(packed, p);
	OFFSET(packed, address);
	OFFSET(packed, d);
}

static void dump_event(void)
{
	/* Static, so that the padding is zero. */
	static struct event event = {
		.timestamp = 123456789,
		.pid = 42,
		.kind = EVENT_EXEC,
		.small = SMALL_B,
		.comm = "bash",
		.raw = { 1, 2, 3, 4, 5 },
		.address = (void *)0xffff888012345678,
		.type = 11,
		.self = 12,
		.names = { "one", "two" },
	};

	*(s64 *)&event.delta = -9;
	DUMP("event", event);
	OFFSET(event, pid);
	OFFSET(event, kind);
	OFFSET(event, small);
	OFFSET(event, comm);
	OFFSET(event, raw);
	OFFSET(event, address);
	OFFSET(event, delta);
	OFFSET(event, names);
}

static void dump_tails(void)
{
	char bytes[64] = {};
	struct with_tail *tail = (void *)bytes;
	struct with_records *records;
	unnamed_t unnamed;

	tail->length = 5;
	tail->code = 6;
	memcpy(tail->text, "hello", 5);
	dump("with_tail", bytes, offsetof(struct with_tail, text) + 5);

	memset(bytes, 0, sizeof(bytes));
	records = (void *)bytes;
	records->count = 2;
	records->points[0].x = 1;
	records->points[1].y = -1;
	dump("with_records", bytes, offsetof(struct with_records, points[2]));

	memset(&unnamed, 0, sizeof(unnamed));
	unnamed.id = 77;
	memcpy(unnamed.label, "sixsix", 6);
	DUMP("unnamed_t", unnamed);
}

int main(void)
{
	dump_plain();
	dump_nested();
	dump_bits();
	dump_event();
	dump_tails();
	return 0;
}
