// SPDX-License-Identifier: MIT OR Apache-2.0
// Shows every program that starts and every process that ends: the guest in C.
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "execsnoop.skel.h"

static const char HELP[] =
	"Shows every program that starts and every process that ends.\n"
	"\n"
	"Usage: execsnoop [OPTION...]\n"
	"\n"
	"Examples:\n"
	"  execsnoop              # all programs, with arguments, exit codes and durations\n"
	"  execsnoop -s           # only the programs that start\n"
	"  execsnoop -T           # with the time\n"
	"  execsnoop -u 1000      # only those of user 1000\n"
	"  execsnoop -n git       # only processes with \"git\" in their name\n"
	"  execsnoop -P $$        # only what this shell starts\n"
	"  execsnoop -m 500ms     # only processes that ran for at least half a second\n"
	"  execsnoop -f           # also the ends of processes that were forked and ran no program\n"
	"\n"
	"Options:\n"
	"  -p, --pid PID               only this process\n"
	"  -P, --parent PID            only children of this process\n"
	"  -u, --uid UID               only processes of this user\n"
	"  -n, --name NAME             only processes whose name contains this (at most 15 bytes)\n"
	"  -m, --min-duration TIME     only processes that ran at least so long (5s, 20ms, 300us; a "
	"plain\n"
	"                              number is milliseconds), shown when they end\n"
	"  -f, --forks                 also show the end of processes that never ran a program\n"
	"  -s, --starts                only the programs that start, not the ends of processes\n"
	"  -T, --time                  show the time\n"
	"      --max-args BYTES        bytes of arguments to keep of each program (default 1024, at most\n"
	"                              8192); \"...\" stands for the rest\n"
	"      --buffer-size KIB       size of the ring buffer (default 1024)\n"
	"  -h, --help                  print this help\n";

// As in execsnoop.bpf.c.
#define ARGUMENT_BYTES_LIMIT 8192
// Bytes of the ring buffer: the kernel takes a u32 that is a power of two.
#define BUFFER_KIB_MAX (1U << 20)
// The time from which the kernel counts the time of events.
static uint64_t epoch_ns;

// Stands for the arguments that were not kept.
#define CUT_MARK "..."

struct options {
	// 0: any; likewise `parent`.
	uint32_t pid, parent;
	bool has_uid;
	uint32_t uid;
	// Ends with a NUL; empty: any.
	char name[16];
	uint64_t duration_ns_min;
	bool forks, starts, time;
	uint32_t argument_bytes_max, buffer_bytes;
};

static int refuse(const char *what, const char *value)
{
	fprintf(stderr, "error: %s: \"%s\"\n", what, value);
	return -1;
}

static int parse_number(const char *text, uint32_t *number)
{
	char *end;
	unsigned long long value;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || value > UINT32_MAX)
		return refuse("this is not a number of 32 bits", text);
	*number = (uint32_t)value;
	return 0;
}

static int parse_duration(const char *text, uint64_t *nanoseconds)
{
	char *end;
	unsigned long long value, unit;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || end == text || *text == '-')
		return refuse("a time is a whole number", text);
	if (!strcmp(end, "s"))
		unit = 1000000000;
	else if (!strcmp(end, "ms") || !*end)
		unit = 1000000;
	else if (!strcmp(end, "us"))
		unit = 1000;
	else
		return refuse("a time is a number with s, ms or us", text);
	if (__builtin_mul_overflow(value, unit, &value))
		return refuse("that is more than 500 years", text);
	*nanoseconds = value;
	return 0;
}

static int parse_option(struct options *options, int option)
{
	uint32_t number;

	switch (option) {
	case 'p':
		return parse_number(optarg, &options->pid);
	case 'P':
		return parse_number(optarg, &options->parent);
	case 'u':
		options->has_uid = true;
		return parse_number(optarg, &options->uid);
	case 'n':
		if (strlen(optarg) >= sizeof(options->name))
			return refuse("a process name has at most 15 bytes", optarg);
		strcpy(options->name, optarg);
		return 0;
	case 'm':
		return parse_duration(optarg, &options->duration_ns_min);
	case 'f':
		options->forks = true;
		return 0;
	case 's':
		options->starts = true;
		return 0;
	case 'T':
		options->time = true;
		return 0;
	case 'a':
		if (parse_number(optarg, &number) < 0)
			return -1;
		options->argument_bytes_max =
			number < ARGUMENT_BYTES_LIMIT ? number : ARGUMENT_BYTES_LIMIT;
		return 0;
	case 'b':
		if (parse_number(optarg, &number) < 0)
			return -1;
		number = number < 4 ? 4 : number > BUFFER_KIB_MAX ? BUFFER_KIB_MAX : number;
		options->buffer_bytes = number << 10;
		return 0;
	case 'h':
		fputs(HELP, stdout);
		fflush(stdout);
		exit(0);
	default:
		// getopt has said why.
		return -1;
	}
}

static int parse_options(struct options *options, int argc, char **argv)
{
	static const struct option known[] = {
		{ "pid", required_argument, NULL, 'p' },
		{ "parent", required_argument, NULL, 'P' },
		{ "uid", required_argument, NULL, 'u' },
		{ "name", required_argument, NULL, 'n' },
		{ "min-duration", required_argument, NULL, 'm' },
		{ "forks", no_argument, NULL, 'f' },
		{ "starts", no_argument, NULL, 's' },
		{ "time", no_argument, NULL, 'T' },
		{ "max-args", required_argument, NULL, 'a' },
		{ "buffer-size", required_argument, NULL, 'b' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int option;

	*options = (struct options){ .argument_bytes_max = 1024, .buffer_bytes = 1 << 20 };
	while ((option = getopt_long(argc, argv, "p:P:u:n:m:fsTh", known, NULL)) >= 0)
		if (parse_option(options, option) < 0)
			return -1;
	if (optind < argc)
		return refuse("this is no option", argv[optind]);
	if (options->starts && (options->forks || options->duration_ns_min)) {
		fputs("error: --starts cannot be used with --min-duration or --forks, "
		      "which are about ends\n",
		      stderr);
		return -1;
	}
	return 0;
}

// What is filtered out here never leaves the kernel.
static int configure(struct execsnoop_bpf *skel, const struct options *options)
{
	if (execsnoop_bpf__set_filter_pid(skel, options->pid) < 0 ||
	    execsnoop_bpf__set_filter_ppid(skel, options->parent) < 0 ||
	    (options->has_uid && execsnoop_bpf__set_filter_uid(skel, options->uid) < 0) ||
	    execsnoop_bpf__set_filter_comm(skel, &options->name) < 0 ||
	    execsnoop_bpf__set_duration_ns_min(skel, options->duration_ns_min) < 0 ||
	    execsnoop_bpf__set_include_forks(skel, options->forks) < 0 ||
	    execsnoop_bpf__set_argument_bytes_max(skel, options->argument_bytes_max) < 0 ||
	    // Whoever does not look at ends does not pay for them.
	    bpf_program__set_autoload(skel->progs.on_exit, !options->starts) < 0)
		return -1;
	return bpf_map__set_max_entries(skel->maps.events, options->buffer_bytes);
}

static struct bpf_table *make_table(const struct options *options)
{
	const struct bpf_hint time[] = { { "format", "time-ns" },
					 { "hidden", options->time ? "false" : "true" } };
	static const struct bpf_hint width4 = { "width", "4" }, width5 = { "width", "5" },
				     width7 = { "width", "7" }, width15 = { "width", "15" },
				     width20 = { "width", "20" },
				     duration = { "format", "duration-ns" },
				     signal[] = { { "format", "signal" }, { "width", "7" } };
	const struct bpf_field fields[] = {
		{ "time", BPF_FIELD_U64, BPF_ONE, time, 2 },
		{ "event", BPF_FIELD_TEXT, BPF_ONE, &width5, 1 },
		{ "pid", BPF_FIELD_U32, BPF_ONE, &width7, 1 },
		{ "ppid", BPF_FIELD_U32, BPF_ONE, &width7, 1 },
		{ "uid", BPF_FIELD_U32, BPF_ONE, &width5, 1 },
		{ "comm", BPF_FIELD_TEXT, BPF_ONE, &width15, 1 },
		{ "code", BPF_FIELD_U32, BPF_OPTIONAL, &width4, 1 },
		{ "signal", BPF_FIELD_U32, BPF_OPTIONAL, signal, 2 },
		{ "duration", BPF_FIELD_U64, BPF_OPTIONAL, &duration, 1 },
		{ "file", BPF_FIELD_TEXT, BPF_OPTIONAL, &width20, 1 },
		{ "arguments", BPF_FIELD_TEXT, BPF_REPEATED },
	};

	return bpf_table__from_fields("processes", fields, sizeof(fields) / sizeof(*fields));
}

static void put_common(struct bpf_row *row, const struct event *event, const char *name)
{
	bpf_row__put_u64(row, epoch_ns + event->time_ns);
	bpf_row__put_text(row, name);
	bpf_row__put_u32(row, event->pid);
	bpf_row__put_u32(row, event->ppid);
	bpf_row__put_u32(row, event->uid);
	bpf_row__put_bytes(row, event->comm, strnlen(event->comm, sizeof(event->comm)));
}

static uint32_t without_nul(const char *text, uint32_t bytes)
{
	return bytes && !text[bytes - 1] ? bytes - 1 : bytes;
}

// Texts that are separated by NULs, of which there is at least one, and a mark at the end.
static void put_arguments(struct bpf_row *row, const char *text, uint32_t bytes, bool is_cut)
{
	uint32_t count = 1, start = 0;

	for (uint32_t i = 0; i < bytes; i++)
		count += !text[i];
	bpf_row__put_count(row, count + is_cut);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t length = strnlen(text + start, bytes - start);

		bpf_row__put_bytes(row, text + start, length);
		start += length + 1;
	}
	if (is_cut)
		bpf_row__put_text(row, CUT_MARK);
}

static int put_exec(struct bpf_row *row, const struct event *event, uint32_t text_bytes)
{
	const char *arguments = event->text + event->file_bytes;

	if (event->file_bytes > text_bytes)
		return bpf_fail(BPF_ERROR_OTHER, "a record ends in its file name");
	put_common(row, event, "exec");
	bpf_row__put_present(row, false);
	bpf_row__put_present(row, false);
	bpf_row__put_present(row, false);
	bpf_row__put_present(row, true);
	bpf_row__put_bytes(row, event->text, without_nul(event->text, event->file_bytes));
	put_arguments(row, arguments, without_nul(arguments, text_bytes - event->file_bytes),
		      event->argument_bytes < event->argument_bytes_total);
	return 0;
}

static void put_exit(struct bpf_row *row, const struct event *event)
{
	uint32_t signal = event->exit_status & 0x7f;

	put_common(row, event, "exit");
	bpf_row__put_present(row, !signal);
	if (!signal)
		bpf_row__put_u32(row, event->exit_status >> 8);
	bpf_row__put_present(row, signal);
	if (signal)
		bpf_row__put_u32(row, signal);
	bpf_row__put_present(row, true);
	bpf_row__put_u64(row, event->duration_ns);
	bpf_row__put_present(row, false);
	bpf_row__put_count(row, 0);
}

static int report(struct bpf_table *table, const struct bpf_record *record)
{
	// Used again for every row.
	static struct bpf_row row;
	const struct event *event = record->data;

	if (record->size < sizeof(*event))
		return bpf_fail(BPF_ERROR_OTHER, "a record is too short");
	bpf_row__clear(&row);
	if (event->kind != EVENT_EXEC)
		put_exit(&row, event);
	else if (put_exec(&row, event, record->size - sizeof(*event)) < 0)
		return -1;
	return bpf_table__push_row(table, &row);
}

static int show(struct execsnoop_bpf *skel, struct ring_buffer *events, struct bpf_table *table)
{
	struct bpf_batch batch;
	uint64_t lost;
	int outcome;

	while ((outcome = ring_buffer__next_batch(events, -1, &batch)) > 0) {
		// Detach, so that there is an end to what is to be read.
		if (bpf_stop_requested())
			execsnoop_bpf__detach(skel);
		bpf_batch__for_each(record, &batch)
			if (report(table, &record) < 0)
				return -1;
	}
	if (outcome != -EINTR || execsnoop_bpf__get_lost_events(skel, &lost) < 0)
		return -1;
	bpf_output__report_lost(lost);
	return 0;
}

int main(int argc, char **argv)
{
	struct options options;
	struct execsnoop_bpf *skel;
	struct ring_buffer *events;
	struct bpf_table *table;

	if (parse_options(&options, argc, argv) < 0)
		return 1;
	epoch_ns = bpf_boot_epoch_ns();
	skel = execsnoop_bpf__open();
	if (!skel || configure(skel, &options) < 0 || execsnoop_bpf__load(skel) < 0)
		return bpf_error_report();
	events = ring_buffer__new(skel->maps.events, NULL, NULL, NULL);
	table = make_table(&options);
	if (!events || !table || execsnoop_bpf__attach(skel) < 0 ||
	    show(skel, events, table) < 0)
		return bpf_error_report();
	bpf_table__free(table);
	ring_buffer__free(events);
	execsnoop_bpf__destroy(skel);
	return 0;
}
