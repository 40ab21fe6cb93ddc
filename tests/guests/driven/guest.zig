//! A plugin with two sources and ticks; its first argument says where it goes wrong, if anywhere.

const std = @import("std");
const bpf = @import("bpf");
const types = @import("types");

const How = enum {
    plain,
    @"until-asked",
    help,
    @"exit-in-start",
    @"fail-in-start",
    @"fail-in-events",
    @"fail-in-tick",
    @"fail-in-stop",
    limits,
};

/// Writes records at each tick and adds up what arrives.
pub const Plugin = struct {
    how: How,
    object: bpf.Object,
    sources: [2]u32,
    sums: [2]u32 = .{ 0, 0 },
    ticks: u32 = 0,

    pub fn start(driver: bpf.Driver) !Plugin {
        const arguments = try bpf.arguments(bpf.allocator);
        const word = if (arguments.len > 1) arguments[1] else "plain";
        const how = std.meta.stringToEnum(How, word) orelse .plain;
        try bpf.print("start\n", .{});
        switch (how) {
            .help => {
                try bpf.print("usage: driven\n", .{});
                bpf.requestStop();
            },
            .@"exit-in-start" => bpf.exit(9),
            .@"fail-in-start" => return bpf.fail(error.Other, "it was asked to fail in start"),
            else => {},
        }
        const object: bpf.Object = try .open(types.object_name);
        try object.load();
        if (how == .limits) try limits(driver);
        const sources = .{
            try driver.addRingBuffer(try object.ringBuffer(types.maps.events)),
            try driver.addRingBuffer(try object.ringBuffer(types.maps.others)),
        };
        try bpf.print("sources differ: {}\n", .{sources[0] != sources[1]});
        try driver.setTick(2 * std.time.ns_per_ms);
        const plugin: Plugin = .{ .how = how, .object = object, .sources = sources };
        // Delivered before the first tick.
        try plugin.produce(5);
        return plugin;
    }

    pub fn onEvents(self: *Plugin, source: u32, batch: bpf.Batch) !void {
        if (self.how == .@"fail-in-events")
            return bpf.fail(error.Other, "it was asked to fail in on-events");
        for (self.sources, &self.sums) |known, *sum| {
            if (known != source) continue;
            var words = batch.values(u32);
            while (words.next()) |word| sum.* += word.*;
            sum.* += @intCast(batch.lost);
        }
    }

    pub fn onTick(self: *Plugin) !void {
        self.ticks += 1;
        if (self.ticks <= 3) {
            try bpf.print("tick {d}\n", .{self.ticks});
            try self.produce(10);
        }
        if (self.how == .@"fail-in-tick")
            return bpf.fail(error.Other, "it was asked to fail in on-tick");
        if (self.ticks == 4 and self.how != .@"until-asked") bpf.requestStop();
    }

    pub fn stop(self: *Plugin) !void {
        try bpf.print("stop: sums [{d}, {d}]\n", .{ self.sums[0], self.sums[1] });
        if (self.how == .@"fail-in-stop")
            return bpf.fail(error.Other, "it was asked to fail in stop");
    }

    fn produce(self: Plugin, records: u32) !void {
        const program = try self.object.program("produce");
        defer program.close();
        _ = try program.testRun(.{ .context = std.mem.asBytes(&records) });
    }
};

/// The shortest tick.
fn limits(driver: bpf.Driver) !void {
    if (driver.setTick(999_999)) {} else |err| {
        try bpf.print("less than a millisecond: Err(ErrorCode::{s})\n", .{@errorName(err)});
    }
    try driver.setTick(std.time.ns_per_ms);
    try bpf.print("a millisecond: ok\n", .{});
}
