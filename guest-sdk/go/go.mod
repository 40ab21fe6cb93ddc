module eunomia.dev/bpf

go 1.24
