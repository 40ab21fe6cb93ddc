//! The command line.

const std = @import("std");
const bpf = @import("bpf");

const help = @embedFile("help.txt");

/// As in execsnoop.bpf.c.
const argument_bytes_limit = 8192;

/// Bytes of the ring buffer: the kernel takes a u32 that is a power of two.
const buffer_kib_max = 1 << 20;

pub const Options = struct {
    /// 0: any; likewise `parent`.
    pid: u32 = 0,
    parent: u32 = 0,
    uid: ?u32 = null,
    /// Ends with a NUL; empty: any.
    name: [16]u8 = @splat(0),
    duration_ns_min: u64 = 0,
    forks: bool = false,
    starts: bool = false,
    time: bool = false,
    argument_bytes_max: u32 = 1024,
    buffer_bytes: u32 = 1 << 20,

    fn set(self: *Options, option: Option, parser: *Parser) !void {
        switch (option) {
            .pid => self.pid = try number(try parser.value()),
            .parent => self.parent = try number(try parser.value()),
            .uid => self.uid = try number(try parser.value()),
            .name => {
                const text = try parser.value();
                if (text.len >= self.name.len)
                    return wrong("a process name has at most 15 bytes", .{});
                self.name = @splat(0);
                @memcpy(self.name[0..text.len], text);
            },
            .@"min-duration" => self.duration_ns_min = try durationNs(try parser.value()),
            .forks => self.forks = true,
            .starts => self.starts = true,
            .time => self.time = true,
            .@"max-args" => {
                const bytes = try number(try parser.value());
                self.argument_bytes_max = @min(bytes, argument_bytes_limit);
            },
            .@"buffer-size" => {
                const kib = try number(try parser.value());
                self.buffer_bytes = std.math.clamp(kib, 4, buffer_kib_max) << 10;
            },
            .help => {
                try bpf.print("{s}", .{help});
                bpf.exit(0);
            },
        }
    }
};

const Option = enum {
    pid,
    parent,
    uid,
    name,
    @"min-duration",
    forks,
    starts,
    time,
    @"max-args",
    @"buffer-size",
    help,

    fn ofLetter(letter: u8) ?Option {
        return switch (letter) {
            'p' => .pid,
            'P' => .parent,
            'u' => .uid,
            'n' => .name,
            'm' => .@"min-duration",
            'f' => .forks,
            's' => .starts,
            'T' => .time,
            'h' => .help,
            else => null,
        };
    }
};

/// Steps through the words of the command line.
const Parser = struct {
    words: []const []const u8,
    /// Further letters, or a value, of the word that was begun.
    rest: []const u8 = "",

    /// The next option; null at the end.
    fn next(self: *Parser) !?Option {
        if (self.rest.len > 0) return try self.letter();
        if (self.words.len == 0) return null;
        const word = self.words[0];
        self.words = self.words[1..];
        if (std.mem.startsWith(u8, word, "--")) {
            const end = std.mem.findScalar(u8, word, '=') orelse word.len;
            self.rest = word[end..];
            return std.meta.stringToEnum(Option, word[2..end]) orelse
                wrong("invalid option '{s}'", .{word[0..end]});
        }
        if (word.len < 2 or word[0] != '-') return wrong("unexpected argument \"{s}\"", .{word});
        self.rest = word[1..];
        return try self.letter();
    }

    fn letter(self: *Parser) !Option {
        const first = self.rest[0];
        self.rest = self.rest[1..];
        return Option.ofLetter(first) orelse wrong("invalid option '-{c}'", .{first});
    }

    /// The value of the option that `next` returned.
    fn value(self: *Parser) ![]const u8 {
        defer self.rest = "";
        if (self.rest.len > 0) return if (self.rest[0] == '=') self.rest[1..] else self.rest;
        if (self.words.len == 0) return wrong("missing argument for an option", .{});
        defer self.words = self.words[1..];
        return self.words[0];
    }
};

/// Reads the command line; ends the guest after `--help`.
pub fn parse() !Options {
    var options: Options = .{};
    const words = try bpf.arguments(bpf.allocator);
    var parser: Parser = .{ .words = @ptrCast(words[@min(1, words.len)..]) };
    while (try parser.next()) |option| try options.set(option, &parser);
    if (options.starts and (options.forks or options.duration_ns_min > 0))
        return wrong(
            "--starts cannot be used with --min-duration or --forks, which are about ends",
            .{},
        );
    return options;
}

fn wrong(comptime format: []const u8, args: anytype) bpf.Error {
    return bpf.fail(error.InvalidArgument, try bpf.allocator.print(format, args));
}

fn number(text: []const u8) !u32 {
    return std.fmt.parseInt(u32, text, 10) catch
        wrong("cannot parse argument \"{s}\": it is no number of 32 bits", .{text});
}

fn durationNs(text: []const u8) !u64 {
    const end = if (std.mem.findNone(u8, text, "0123456789")) |end| end else text.len;
    const unit = text[end..];
    const of: u64 = if (std.mem.eql(u8, unit, "s"))
        std.time.ns_per_s
    else if (std.mem.eql(u8, unit, "us"))
        std.time.ns_per_us
    else if (unit.len == 0 or std.mem.eql(u8, unit, "ms"))
        std.time.ns_per_ms
    else
        return wrong("a time is a number with s, ms or us", .{});
    const count = std.fmt.parseInt(u64, text[0..end], 10) catch
        return wrong("a time is a whole number", .{});
    return std.math.mul(u64, count, of) catch wrong("that is more than 500 years", .{});
}
