//! Describes the types of its object.

const std = @import("std");
const bpf = @import("bpf");

const Names = std.AutoHashMap(bpf.btf.TypeId, []const u8);

pub fn main() !void {
    var arena: std.heap.ArenaAllocator = .init(bpf.allocator);
    const allocator = arena.allocator();
    const object: bpf.Object = try .open("");
    const types = try object.btf();
    try bpf.print("types: {}\n", .{types.count() > 10});
    const everything = types.find("struct everything") orelse
        return bpf.fail(error.NotFound, "struct everything is missing");
    try bpf.print("without a kind: {}\n", .{types.find("everything") == everything});
    const other = types.find("union everything");
    try bpf.print("of another kind: {s}\n", .{if (other == null) "None" else "Some"});
    const zero = try types.describe(allocator, 0);
    if (zero.kind == .void) try bpf.print("void: TypeKind::Void\n", .{});
    if (types.describe(allocator, types.count())) |_| {} else |err| {
        try bpf.print("beyond the last: Err(ErrorCode::{s})\n", .{@errorName(err)});
    }

    const closure = try types.closure(allocator, everything);
    try bpf.print("the type itself first: {}\n", .{closure[0].id == everything});
    var names: Names = .init(allocator);
    for (closure) |each| try names.put(each.id, name(each));
    for (closure) |each| try show(each, &names);
    const alone = try types.describe(allocator, everything);
    try bpf.print("the same alone: {s} {d}\n", .{ alone.name, alone.size });
    for ([_][]const u8{ "enum color", "struct color", "on_exec" }) |wanted| {
        if (types.find(wanted)) |id| {
            try show(try types.describe(allocator, id), &names);
        } else {
            try bpf.print("no {s}\n", .{wanted});
        }
    }
    try object.load();
    try bpf.print("after load: {}\n", .{(try object.btf()).count() == types.count()});
}

fn name(described: bpf.btf.Type) []const u8 {
    return if (described.name.len == 0) "(anonymous)" else described.name;
}

/// Prints names in place of numbers, which differ between compilers.
fn show(described: bpf.btf.Type, names: *const Names) !void {
    try bpf.print("{s}, {d} bytes: ", .{ name(described), described.size });
    switch (described.kind) {
        .int => |int| try bpf.print("int of {d} bits, signed {}, boolean {}\n", .{
            int.bits,
            int.signed,
            int.boolean,
        }),
        .@"struct", .@"union" => |members| {
            try bpf.print("struct or union\n", .{});
            for (members) |member| {
                const to = names.get(member.type) orelse "(not in it)";
                try bpf.print("  {s} at bit {d}: {s}", .{ member.name, member.bit_offset, to });
                if (member.bit_width > 0) try bpf.print(", {d} bits", .{member.bit_width});
                try bpf.print("\n", .{});
            }
        },
        .array => |array| {
            const element = names.get(array.element) orelse "(not in it)";
            try bpf.print("array of {d} {s}\n", .{ array.length, element });
        },
        .enumeration => |enumeration| {
            try bpf.print("enum, signed {}:", .{enumeration.signed});
            for (enumeration.enumerators) |each| {
                try bpf.print(" {s}={d}", .{ each.name, each.value });
            }
            try bpf.print("\n", .{});
        },
        .pointer => |id| try leads("pointer to", id, names),
        .typedef => |id| try leads("typedef of", id, names),
        .@"volatile" => |id| try leads("volatile", id, names),
        .@"const" => |id| try leads("const", id, names),
        .function => |function| try bpf.print("function, linkage {d}\n", .{function.linkage}),
        .float => try bpf.print("float\n", .{}),
        else => |other| try bpf.print("{s}\n", .{@tagName(other)}),
    }
}

fn leads(what: []const u8, id: bpf.btf.TypeId, names: *const Names) !void {
    return bpf.print("{s} {s}\n", .{ what, names.get(id) orelse "(not in it)" });
}
