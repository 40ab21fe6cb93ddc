module flood

go 1.24

require eunomia.dev/bpf v0.0.0

replace eunomia.dev/bpf => ../../guest-sdk/go
