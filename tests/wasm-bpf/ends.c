// SPDX-License-Identifier: MIT OR Apache-2.0
/* WASI alone: arguments, an empty environment, no files, exit codes, random numbers, clocks. */
#include <fcntl.h>
#include <time.h>
#include "wasm_bpf.h"

extern char **environ;
int getentropy(void *buffer, size_t length);

int main(int argc, char **argv)
{
	uint64_t random[2] = { 0, 0 };
	struct timespec now;
	if (!strcmp(argv[1], "loop"))
		for (volatile int i = 0;; i++)
			;
	if (strcmp(argv[1], "show"))
		return atoi(argv[1]);
	for (int i = 0; i < argc; i++)
		printf("argument %d: %s\n", i, argv[i]);
	printf("environment: %d\n", environ && environ[0] ? 1 : 0);
	printf("file: %d\n", open("/etc/passwd", O_RDONLY));
	printf("random: %d\n", !getentropy(random, sizeof(random)) && random[0] != random[1]);
	printf("clock: %d\n", !clock_gettime(CLOCK_MONOTONIC, &now) && now.tv_sec + now.tv_nsec > 0);
	printf("time: %d\n", time(NULL) > 1700000000);
	printf("slept: %d\n", usleep(1000));
	fprintf(stderr, "an error\n");
	char line[64] = "";
	while (fgets(line, sizeof(line), stdin))
		printf("line: %s", line);
	return 0;
}
