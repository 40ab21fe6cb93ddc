//! Failures that a guest can expect: Zig's errors for programs, `lastError` for people.

const std = @import("std");
const memory = @import("memory.zig");

/// Why an operation failed: error-code of wit/errors.wit, in its order.
pub const Error = error{
    DeniedByPolicy,
    PermissionDenied,
    NotFound,
    AlreadyExists,
    InvalidArgument,
    InvalidState,
    NotSupported,
    Rejected,
    LimitExceeded,
    OutOfMemory,
    Busy,
    TryAgain,
    Interrupted,
    Closed,
    Other,
};

const codes = [_]Error{
    error.DeniedByPolicy,  error.PermissionDenied, error.NotFound,     error.AlreadyExists,
    error.InvalidArgument, error.InvalidState,     error.NotSupported, error.Rejected,
    error.LimitExceeded,   error.OutOfMemory,      error.Busy,         error.TryAgain,
    error.Interrupted,     error.Closed,           error.Other,
};

/// The contract's number of an error; of one that is not of the contract, that of `Other`.
pub fn codeOf(err: anyerror) u8 {
    for (codes, 0..) |code, number| {
        if (code == err) return @intCast(number);
    }
    return codes.len - 1;
}

/// More about the last call that failed.
pub const Details = struct {
    code: ?Error = null,
    /// The kernel's, 0 when no system call failed.
    errno: u32 = 0,
    /// Names the operation and the object; valid until the next call fails.
    message: []const u8 = "",
};

var details: Details = .{};

/// What is known of the last call that failed, beside its error.
pub fn lastError() Details {
    return details;
}

/// The message of `err`, if it is that of the last call that failed, or else its name.
pub fn messageOf(err: anyerror) []const u8 {
    if (details.code) |code| {
        if (code == err and details.message.len > 0) return details.message;
    }
    return @errorName(err);
}

/// Fails with a message of the SDK's or a guest's own; the text must last.
pub fn fail(code: Error, message: []const u8) Error {
    details = .{ .code = code, .message = message };
    return code;
}

/// The error of a call that has returned, if its first byte says that it has one; it lies at
/// `payload`, as does what the call returned otherwise.
pub fn check(call: memory.Call, payload: usize) Error!memory.Item {
    const item = call.end();
    if (!item.flag(0)) return .{ .address = item.address + payload };
    const error_item: memory.Item = .{ .address = item.address + payload };
    const number = error_item.int(u8, 0);
    const code = if (number < codes.len) codes[number] else error.Other;
    details = .{
        .code = code,
        .errno = error_item.int(u32, 4),
        .message = keep(error_item.bytes(8)),
    };
    return code;
}

var kept: std.ArrayList(u8) = .empty;

/// A message that outlives the next call.
fn keep(message: []const u8) []const u8 {
    kept.clearRetainingCapacity();
    kept.appendSlice(memory.allocator, message) catch return "";
    return kept.items;
}
