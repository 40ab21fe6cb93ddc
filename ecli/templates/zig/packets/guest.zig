//! Shows the packets that the BPF program has counted, each second. The first argument is where it
//! counts: `{{target}}` unless it says another place.

const std = @import("std");
const bpf = @import("bpf");
// The types and maps of probe.bpf.c.
const types = @import("types");

const interval_ns = std.time.ns_per_s;

pub fn main() !void {
    const arguments = try bpf.arguments(bpf.allocator);
    const target = if (arguments.len > 1) arguments[1] else "{{target}}";
    const object: bpf.Object = try .open(types.object_name);
    try object.load();
    const table: *bpf.Table = try .fromBtf("traffic", object, "traffic");
    try table.addHint("bytes", "format", "bytes");
    // Each interval shows the same entries anew.
    try table.addHint("", "rows", "totals");
    try table.addHint("", "sort", "protocol");

    const traffics = try object.map(types.maps.traffics);
    const program = try object.program("on_packet");
    _ = try program.attachTo(target);
    while (true) {
        // False when the operator asks to stop.
        const goes_on = try bpf.sleep(interval_ns);
        var walk = try traffics.iterate();
        defer walk.close();
        while (try walk.next()) |entry| try table.push(&entry.value);
        try table.endOfInterval();
        if (!goes_on) return;
    }
}
