"""Has calls fail and prints what the errors say."""

from eunomia_bpf import BpfError, Flags, Object, list_objects, targets


def main():
    names = ", ".join(f'"{name}"' for name in sorted(list_objects()))
    print(f"objects [{names}]")
    show("object", ["nothing", "bad", "good"], Object, "nothing")
    bad = Object("bad")
    show("verifier", ["bad", "wild", "R"], bad.load)

    object = Object("good")
    show("program", ["nothing", "good", "anywhere"], object.program, "nothing")
    show("map", ["nothing", "good", "single"], object.map, "nothing")
    show("global", ["nothing"], object.get_bytes, "nothing")
    object.load()
    single = object.map("single")
    one, two = bytes([1] * 4), bytes([2] * 4)
    show("key", ["single"], single.lookup, bytes([1]))
    single.update(one, one)
    show("full", ["single"], single.update, two, two)
    show("there", ["single"], single.update, one, two, Flags.NO_EXIST)
    show("not there", ["single"], single.update, two, two, Flags.EXIST)
    anywhere = object.program("anywhere")
    nowhere = targets.tracepoint("sched", "no_such_tracepoint")
    show("tracepoint", ["anywhere", "no_such_tracepoint"], anywhere.attach, nowhere)
    show("text", ["tracepoint"], anywhere.attach, "tracepoint")
    show("a name of 256 bytes", ["xxx"], object.map, "x" * 256)
    show("of 257", ["257", "256"], object.map, "x" * 257)


def show(what, words, function, *arguments):
    """Prints what programs decide on, and whether people learn what they need."""
    try:
        function(*arguments)
    except BpfError as error:
        code = error.code.name.title().replace("_", "")
        print(f"{what}: ErrorCode::{code}, errno {error.errno}")
        for word in words:
            if word not in error.message:
                print(f"  does not say `{word}`: {error.message}")
    else:
        print(f"{what}: ok")
