// SPDX-License-Identifier: MIT OR Apache-2.0
// Starts many short-lived processes, and prints how many nanoseconds that took.
//
//     burst COUNT INTERVAL_US WORKERS
//
// Runs ./bench-probe (not an argument, or the line of a tool about burst would look like one about
// it): COUNT processes in all, from WORKERS processes at once, each of which starts one, waits for
// its end, and INTERVAL_US later starts the next one.
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void fail(const char *what, int error)
{
	fprintf(stderr, "burst: %s: %s\n", what, strerror(error));
	exit(1);
}

static uint64_t clock_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000ull + time.tv_nsec;
}

#define PROGRAM "./bench-probe"

static void work(long count, long interval_us)
{
	struct timespec pause = { interval_us / 1000000, interval_us % 1000000 * 1000 };
	char *arguments[] = { PROGRAM, NULL };
	char *environment[] = { NULL };

	for (long i = 0; i < count; i++) {
		int status;
		pid_t pid;
		int error = posix_spawn(&pid, PROGRAM, NULL, NULL, arguments, environment);

		if (error)
			fail(PROGRAM, error);
		if (waitpid(pid, &status, 0) != pid)
			fail("wait", errno);
		if (interval_us)
			nanosleep(&pause, NULL);
	}
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fprintf(stderr, "burst: unknown arguments\n");
		return 1;
	}
	long count = atol(argv[1]), interval_us = atol(argv[2]), workers = atol(argv[3]);
	uint64_t start = clock_ns();

	for (long i = 0; i < workers; i++) {
		pid_t pid = fork();

		if (pid < 0)
			fail("fork", errno);
		if (!pid) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			work(count / workers + (i < count % workers), interval_us);
			exit(0);
		}
	}
	for (long i = 0; i < workers; i++) {
		int status;

		if (wait(&status) < 0 || status)
			fail("wait", errno ? errno : ECHILD);
	}
	printf("%lu\n", clock_ns() - start);
	return 0;
}
