// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Stands for a kernel: its types are what objects are relocated by. */

typedef unsigned long counter_t;

struct inner {
	int before;
	int value;
	int after;
};

struct outer {
	char unused[100];
	struct inner *pointer;
	union {
		struct {
			int hidden;
			counter_t count;
		};
		long raw;
	};
	struct inner items[4];
	unsigned int narrow : 3, wide : 20;
	int last;
};

/* A second candidate for `outer`. */
struct outer___second {
	counter_t count;
};

struct flexible {
	int length;
	int items[];
};

struct middle {
	int items[0];
	int behind;
};

enum state {
	STATE_IDLE,
	STATE_BUSY = 7,
};

typedef int (*callback_t)(struct outer *, enum state);

struct unrelated {
	struct inner inner;
};

struct outer outer;
struct outer___second second;
struct flexible flexible;
struct middle middle;
enum state state;
callback_t callback;
struct unrelated unrelated;
