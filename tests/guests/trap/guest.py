"""Traps while it holds a loaded object: says so, then aborts."""

import os

import bpf
from eunomia_bpf import Object


def main():
    object = Object(bpf.OBJECT).load()
    object.set(bpf.globals.MARK, 1)
    print(f"mark {object.get(bpf.globals.MARK)}")
    os.abort()
