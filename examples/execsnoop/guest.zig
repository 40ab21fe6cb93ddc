//! Shows every program that starts and every process that ends.

const std = @import("std");
const bpf = @import("bpf");
const types = @import("types");
const options = @import("options.zig");
const Report = @import("report.zig").Report;

const globals = types.globals;

pub fn main() !void {
    const chosen = try options.parse();
    const object: bpf.Object = try .open(types.object_name);
    try configure(object, chosen);
    try object.load();
    var events = try object.ringBuffer(types.maps.events);
    const report: Report = try .init(chosen);
    var links = try object.attach(bpf.allocator);

    while (true) {
        const batch = try events.next(.forever);
        // The operator asks to stop, and everything is read.
        if (batch.isEmpty()) break;
        if (bpf.stopRequested()) {
            // Detach, so that there is an end to what is to be read.
            for (links) |link| link.close();
            links = &.{};
        }
        var records = batch.records();
        while (records.next()) |record| try report.push(record);
    }
    bpf.reportLost(try object.get(globals.lost_events));
}

/// What is filtered out here never leaves the kernel.
fn configure(object: bpf.Object, chosen: options.Options) !void {
    try object.set(globals.filter_pid, chosen.pid);
    try object.set(globals.filter_ppid, chosen.parent);
    if (chosen.uid) |uid| try object.set(globals.filter_uid, uid);
    try object.set(globals.filter_comm, chosen.name);
    try object.set(globals.duration_ns_min, chosen.duration_ns_min);
    try object.set(globals.include_forks, chosen.forks);
    try object.set(globals.argument_bytes_max, chosen.argument_bytes_max);
    // Whoever does not look at ends does not pay for them.
    try (try object.program("on_exit")).setAutoload(!chosen.starts);
    const events = try object.rawMap(types.maps.events.name);
    defer events.close();
    try events.setMaxEntries(chosen.buffer_bytes);
}
