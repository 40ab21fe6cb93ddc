//! What generated types need to read members that are no fields.

const std = @import("std");

/// C text: what is before the first NUL.
pub fn text(bytes: []const u8) []const u8 {
    return std.mem.sliceTo(bytes, 0);
}

/// Reads a member that lies so many bytes behind the start.
pub fn member(comptime T: type, record: *const anyopaque, offset: usize) T {
    var value: T = undefined;
    const bytes: [*]const u8 = @ptrCast(record);
    @memcpy(std.mem.asBytes(&value), bytes[offset..][0..@sizeOf(T)]);
    return value;
}

/// Reads a bit field: an integer, bool or enum of `size` bits, `offset` bits behind the start.
pub fn bits(comptime T: type, record: *const anyopaque, offset: u32, size: u7) T {
    const bytes: [*]const u8 = @ptrCast(record);
    var value: u64 = 0;
    for (0..size) |index| {
        const at = offset + index;
        const bit: u64 = bytes[at / 8] >> @intCast(at % 8) & 1;
        value |= bit << @intCast(index);
    }
    return switch (@typeInfo(T)) {
        .bool => value != 0,
        .@"enum" => |info| @fromBackingInt(@intCast(extend(info.tag_type, value, size))),
        else => extend(T, value, size),
    };
}

fn extend(comptime T: type, value: u64, size: u7) T {
    if (@typeInfo(T).int.signedness == .unsigned) return @truncate(value);
    const unused: u6 = @intCast(64 - size);
    return @truncate(@as(i64, @bitCast(value << unused)) >> unused);
}

test "bit fields are extended by their sign" {
    const record = [_]u8{ 0b1110_1010, 0b0000_0001 };
    try std.testing.expectEqual(0b1010, bits(u32, &record, 0, 4));
    try std.testing.expectEqual(-6, bits(i32, &record, 0, 4));
    try std.testing.expectEqual(0b11110, bits(u8, &record, 4, 5));
    try std.testing.expectEqual(true, bits(bool, &record, 1, 1));
}

test "text ends at its first NUL" {
    try std.testing.expectEqualStrings("ab", text("ab\x00c"));
    try std.testing.expectEqualStrings("abc", text("abc"));
}
