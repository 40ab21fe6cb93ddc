/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * libbpf's functions on map descriptors, of which a guest has none: `bpf_map__fd` gives the map
 * itself. Values of per-CPU maps are as there.
 */
#ifndef EUNOMIA_BPF_BPF_H
#define EUNOMIA_BPF_BPF_H

#include "../eunomia_bpf.h"

static inline int bpf_map_lookup_elem(struct bpf_map *map, const void *key, void *value)
{
	return bpf_map__lookup_elem(map, key, bpf_map__key_size(map), value,
				    bpf_map__user_value_size(map), BPF_ANY);
}

static inline int bpf_map_lookup_and_delete_elem(struct bpf_map *map, const void *key, void *value)
{
	return bpf_map__lookup_and_delete_elem(map, key, bpf_map__key_size(map), value,
					       bpf_map__user_value_size(map), BPF_ANY);
}

static inline int bpf_map_update_elem(struct bpf_map *map, const void *key, const void *value,
				      uint64_t flags)
{
	return bpf_map__update_elem(map, key, bpf_map__key_size(map), value,
				    bpf_map__user_value_size(map), flags);
}

static inline int bpf_map_delete_elem(struct bpf_map *map, const void *key)
{
	return bpf_map__delete_elem(map, key, bpf_map__key_size(map), 0);
}

static inline int bpf_map_get_next_key(struct bpf_map *map, const void *key, void *next_key)
{
	return bpf_map__get_next_key(map, key, next_key, bpf_map__key_size(map));
}

#endif
