//! Has calls fail and prints what the errors say.

const std = @import("std");
const bpf = @import("bpf");

const flags = bpf.flags;

pub fn main() !void {
    var arena: std.heap.ArenaAllocator = .init(bpf.allocator);
    const objects = try bpf.listObjects(arena.allocator());
    const first: usize = if (std.mem.lessThan(u8, objects[0], objects[1])) 0 else 1;
    try bpf.print("objects [\"{s}\", \"{s}\"]\n", .{ objects[first], objects[1 - first] });
    try show("object", bpf.Object.open("nothing"), &.{ "nothing", "bad", "good" });
    const bad: bpf.Object = try .open("bad");
    try show("verifier", bad.load(), &.{ "bad", "wild", "R" });

    const object: bpf.Object = try .open("good");
    try show("program", object.program("nothing"), &.{ "nothing", "good", "anywhere" });
    try show("map", object.rawMap("nothing"), &.{ "nothing", "good", "single" });
    try show("global", object.getBytes("nothing"), &.{"nothing"});
    try object.load();
    try single(try object.rawMap("single"));

    const anywhere = try object.program("anywhere");
    const nowhere = anywhere.attachTo("tracepoint:sched:no_such_tracepoint");
    try show("tracepoint", nowhere, &.{ "anywhere", "no_such_tracepoint" });
    try show("text", anywhere.attachTo("tracepoint"), &.{"tracepoint"});
    const long: [257]u8 = @splat('x');
    try show("a name of 256 bytes", object.rawMap(long[0..256]), &.{"xxx"});
    try show("of 257", object.rawMap(&long), &.{ "257", "256" });
}

fn single(map: bpf.RawMap) !void {
    try show("key", map.lookup(&.{1}, flags.any), &.{"single"});
    const one: [4]u8 = @splat(1);
    const two: [4]u8 = @splat(2);
    try map.update(&one, &one, flags.any);
    try show("full", map.update(&two, &two, flags.any), &.{"single"});
    try show("there", map.update(&one, &two, flags.no_exist), &.{"single"});
    try show("not there", map.update(&two, &two, flags.exist), &.{"single"});
}

/// Prints what programs decide on, and whether people learn what they need.
fn show(what: []const u8, outcome: anytype, words: []const []const u8) !void {
    if (outcome) |_| {
        try bpf.print("{s}: ok\n", .{what});
    } else |err| {
        const details = bpf.lastError();
        const name = @errorName(err);
        try bpf.print("{s}: ErrorCode::{s}, errno {d}\n", .{ what, name, details.errno });
        for (words) |word| {
            if (std.mem.find(u8, details.message, word) == null) {
                try bpf.print("  does not say `{s}`: {s}\n", .{ word, details.message });
            }
        }
    }
}
