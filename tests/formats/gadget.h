/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Types, symbols and tags as Inspektor Gadget's headers declare them. */
#ifndef GADGET_H
#define GADGET_H

#define TASK_COMM_LEN 16

union gadget_ip_addr_t {
	__u8 v6[16];
	__u32 v4;
};

struct gadget_l4endpoint_t {
	union gadget_ip_addr_t addr_raw;
	__u16 port;
	__u16 proto_raw;
	__u8 version;
};

typedef __u64 gadget_mntns_id;
typedef __u64 gadget_timestamp;
typedef __u32 gadget_uid;
typedef __u32 gadget_gid;
typedef __u32 gadget_pid;
typedef __u32 gadget_ppid;
typedef __u32 gadget_tid;
typedef char gadget_comm;
typedef char gadget_pcomm;
typedef __u32 gadget_kernel_stack;
typedef __u64 gadget_counter__u64;
typedef __u32 gadget_histogram_slot__u32;

struct gadget_user_stack {
	__u64 exe_inode;
	__u64 mtime_sec;
	__u32 mtime_nsec;
	__u32 stack_id;
	__u32 pid_level0;
	__u32 pidns_level0;
	__u32 pid_level1;
	__u32 pidns_level1;
};

struct gadget_creds {
	gadget_uid uid;
	gadget_gid gid;
};

struct gadget_parent {
	gadget_pcomm comm[TASK_COMM_LEN];
	gadget_ppid pid;
};

struct gadget_process {
	gadget_comm comm[TASK_COMM_LEN];
	gadget_pid pid;
	gadget_tid tid;
	gadget_mntns_id mntns_id;
	struct gadget_creds creds;
	struct gadget_parent parent;
};

/* What the object says, as a symbol and, in newer objects, as a tag. */
#define SYMBOL(name) const void *name __attribute__((unused));
#define TAG(name, text) \
	const int __ig_##name __attribute__((unused, btf_decl_tag("ig:" text))) = 0;

#endif
