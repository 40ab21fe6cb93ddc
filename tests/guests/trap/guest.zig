//! Traps while it holds a loaded object: says so, then panics.

const bpf = @import("bpf");
const types = @import("types");

pub fn main() !void {
    const object: bpf.Object = try .open(types.object_name);
    try object.load();
    try object.set(types.globals.mark, 1);
    try bpf.print("mark {d}\n", .{try object.get(types.globals.mark)});
    try bpf.output.stdout.flush();
    @panic("as it was asked to");
}
