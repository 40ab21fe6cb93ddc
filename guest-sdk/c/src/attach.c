/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Targets go to the host in text form, which has all kinds of them. */
#include <errno.h>
#include <stdio.h>

#include "internal.h"

/* Bytes of a target in text form, as wit/errors.wit limits them, and an end. */
#define TARGET_BYTES_MAX (4096 + 1)

struct target {
	size_t used;
	bool is_too_long;
	char text[TARGET_BYTES_MAX];
};

static void append(struct target *target, char c)
{
	if (target->used + 1 < sizeof(target->text))
		target->text[target->used++] = c;
	else
		target->is_too_long = true;
	target->text[target->used] = '\0';
}

/* Appends a colon and a field; a backslash goes before what would have a meaning in it. */
static void field(struct target *target, const char *text)
{
	append(target, ':');
	for (; *text; text++) {
		if (strchr("\\:@,+*?", *text))
			append(target, '\\');
		append(target, *text);
	}
}

static void process(struct target *target, int pid)
{
	char text[16];
	const char *at = text;

	if (pid < 0)
		return;
	snprintf(text, sizeof(text), pid ? "@%d" : "@host", pid);
	while (*at)
		append(target, *at++);
}

static void kind(struct target *target, const char *text)
{
	target->used = 0;
	target->is_too_long = false;
	while (*text)
		append(target, *text++);
}

static struct bpf_link *attach(struct bpf_program *prog, bool is_some, const char *text)
{
	struct abi_result_handle result;

	CALL(abi_program_attach(prog->handle, is_some, ABI_TARGET_TEXT, (intptr_t)text,
				(int64_t)strlen(text), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, &result));
	return OUTCOME(result) < 0 ? NULL : link__new(result.value);
}

static struct bpf_link *attach_to(struct bpf_program *prog, const struct target *target)
{
	if (target->is_too_long) {
		error__set(BPF_ERROR_LIMIT_EXCEEDED, E2BIG, "attach program: the target is too long");
		return NULL;
	}
	return attach(prog, true, target->text);
}

struct bpf_link *bpf_program__attach(struct bpf_program *prog)
{
	return attach(prog, false, "");
}

struct bpf_link *bpf_program__attach_target(struct bpf_program *prog, const char *target)
{
	return attach(prog, true, target);
}

/* The targets below are built here: one at a time, and 4 kB are much for a stack. */
static struct target target;

struct bpf_link *bpf_program__attach_tracepoint(struct bpf_program *prog, const char *category,
						const char *name)
{
	kind(&target, "tracepoint");
	field(&target, category);
	field(&target, name);
	return attach_to(prog, &target);
}

struct bpf_link *bpf_program__attach_raw_tracepoint(struct bpf_program *prog, const char *name)
{
	kind(&target, "raw_tracepoint");
	field(&target, name);
	return attach_to(prog, &target);
}

struct bpf_link *bpf_program__attach_trace(struct bpf_program *prog)
{
	return attach(prog, true, "trace");
}

struct bpf_link *bpf_program__attach_lsm(struct bpf_program *prog)
{
	return attach(prog, true, "trace");
}

struct bpf_link *bpf_program__attach_kprobe(struct bpf_program *prog, bool retprobe,
					    const char *function)
{
	(void)retprobe;
	kind(&target, "kprobe");
	field(&target, function);
	return attach_to(prog, &target);
}

struct bpf_link *bpf_program__attach_ksyscall(struct bpf_program *prog, const char *name)
{
	kind(&target, "ksyscall");
	field(&target, name);
	return attach_to(prog, &target);
}

struct bpf_link *bpf_program__attach_uprobe(struct bpf_program *prog, bool retprobe, int pid,
					    const char *binary, size_t offset)
{
	char text[24];

	(void)retprobe;
	snprintf(text, sizeof(text), "0x%zx", offset);
	kind(&target, "uprobe");
	field(&target, binary);
	field(&target, text);
	process(&target, pid);
	return attach_to(prog, &target);
}

struct bpf_link *bpf_program__attach_uprobe_function(struct bpf_program *prog, int pid,
						     const char *binary, const char *function)
{
	kind(&target, "uprobe");
	field(&target, binary);
	field(&target, function);
	process(&target, pid);
	return attach_to(prog, &target);
}

struct bpf_link *bpf_program__attach_usdt(struct bpf_program *prog, int pid, const char *binary,
					  const char *provider, const char *name)
{
	kind(&target, "usdt");
	field(&target, binary);
	field(&target, provider);
	field(&target, name);
	process(&target, pid);
	return attach_to(prog, &target);
}

struct bpf_link *bpf_program__attach_xdp(struct bpf_program *prog, const char *network_interface)
{
	kind(&target, "xdp");
	field(&target, network_interface);
	return attach_to(prog, &target);
}

struct bpf_link *bpf_program__attach_tc(struct bpf_program *prog, const char *network_interface,
					bool ingress)
{
	kind(&target, "tc");
	field(&target, network_interface);
	field(&target, ingress ? "ingress" : "egress");
	return attach_to(prog, &target);
}

struct bpf_link *bpf_program__attach_cgroup(struct bpf_program *prog, const char *path)
{
	kind(&target, "cgroup");
	field(&target, path);
	return attach_to(prog, &target);
}

struct bpf_link *bpf_map__attach_struct_ops(struct bpf_object *obj, struct bpf_map *map)
{
	struct abi_result_handle result;

	CALL(abi_object_attach_struct_ops(obj->handle, map->handle, &result));
	return OUTCOME(result) < 0 ? NULL : link__new(result.value);
}
