//! Emits rows of structs and of declared fields.

const std = @import("std");
const bpf = @import("bpf");
const types = @import("types");

/// Hints that a field may have.
const hints_max = 64;
/// Fields that a table may have.
const fields_max = 256;

pub fn main() !void {
    const object: bpf.Object = try .open(types.object_name);
    try object.load();
    const events: *bpf.Table = try .fromBtf("events", object, "event");
    try events.addHint("comm", "width", "16");
    try events.addHint("place.y", "hidden", "true");
    try events.addHint("", "title", "Events");
    try show("a hint for no field", events.addHint("nothing", "width", "1"));

    var ring = try object.ringBuffer(types.maps.events);
    _ = try (try object.program("emit")).testRun(.{});
    try events.emitBatch(try ring.next(.none));
    var longer: [@sizeOf(types.Event) + 8]u8 = @splat(0);
    longer[0] = 3;
    try events.pushBytes(&longer);
    try bpf.flush();
    try show("a late hint", events.addHint("comm", "width", "8"));
    try events.endOfInterval();

    try fields();
    try limits();
    bpf.reportLost(3);
    try bpf.flush();
    try order();
}

/// Rows of two tables that nobody flushes.
fn order() !void {
    const number: []const bpf.Field = &.{.{ .name = "number", .type = .u8 }};
    const one: *bpf.Table = try .fromFields("one", number);
    const two: *bpf.Table = try .fromFields("two", number);
    for ([_]*bpf.Table{ two, one, two }, 1..) |table, i| {
        try table.pushBytes(&.{@intCast(i)});
    }
}

/// How a call ended.
fn show(what: []const u8, outcome: anytype) !void {
    if (outcome) |_| {
        try bpf.print("{s}: ok\n", .{what});
    } else |err| {
        try bpf.print("{s}: ErrorCode::{s}\n", .{ what, @errorName(err) });
    }
}

fn fields() !void {
    const table: *bpf.Table = try .fromFields("fields", &.{
        .{ .name = "flag", .type = .boolean },
        .{ .name = "tiny", .type = .u8 },
        .{ .name = "signed", .type = .s64 },
        .{ .name = "unsigned", .type = .u64 },
        .{ .name = "ratio", .type = .f64 },
        .{ .name = "text", .type = .text, .hints = &.{.{ .key = "width", .value = "12" }} },
        .{ .name = "bytes", .type = .bytes },
        .{ .name = "maybe", .type = .u32, .cardinality = .optional },
        .{ .name = "many", .type = .text, .cardinality = .repeated },
    });
    for ([_]u8{ 0, 1 }) |number| {
        const row = try table.row();
        try row.put(number == 1);
        try row.put(number);
        try row.put(@as(i64, std.math.minInt(i64)));
        try row.put(@as(u64, std.math.maxInt(u64)));
        try row.put(@as(f64, 0.5));
        try row.putText("\"quoted\", \u{e4}");
        try row.putText(&.{ 0, 255 });
        try row.putOptional(if (number == 1) @as(?u32, 7) else null);
        const many: []const []const u8 = if (number == 1) &.{ "a", "", "c" } else &.{};
        try row.putCount(many.len);
        for (many) |text| try row.putText(text);
        try row.end();
    }
    try table.endOfInterval();
}

/// As much as is allowed, and one more.
fn limits() !void {
    var arena: std.heap.ArenaAllocator = .init(bpf.allocator);
    defer arena.deinit();
    const allocator = arena.allocator();
    const many = try allocator.alloc(bpf.Field, fields_max + 1);
    for (many, 0..) |*field, i| {
        field.* = .{ .name = try allocator.print("f{d}", .{i}), .type = .u8 };
    }
    try show("256 fields", bpf.Table.fromFields("most_fields", many[0..fields_max]));
    try show("257 fields", bpf.Table.fromFields("more_fields", many));
    const hints = try allocator.alloc(bpf.Hint, hints_max + 1);
    for (hints, 0..) |*hint, i| {
        hint.* = .{ .key = try allocator.print("h{d}", .{i}), .value = "" };
    }
    try show("64 hints", hinted("most_hints", hints[0..hints_max]));
    try show("65 hints", hinted("more_hints", hints));
    const key: [257]u8 = @splat('k');
    const value: [257]u8 = @splat('v');
    const long: bpf.Hint = .{ .key = key[0..256], .value = value[0..256] };
    try show("a hint of 256 bytes", hinted("long_hint", &.{long}));
    try show("of 257", hinted("longer_hint", &.{.{ .key = &key, .value = &value }}));
}

fn hinted(name: []const u8, hints: []const bpf.Hint) bpf.Error!*bpf.Table {
    return .fromFields(name, &.{.{ .name = "f0", .type = .u8, .hints = hints }});
}
