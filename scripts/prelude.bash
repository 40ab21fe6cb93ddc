# Sourced by the other scripts: where the repository is, how to speak, how to become root.
# shellcheck shell=bash disable=SC2034

set -euo pipefail

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# Debian keeps bpftool, execsnoop and mount helpers where an ordinary user's PATH does not look.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
readonly repository

script_name=${0##*/}

# Everything that is not a script's result goes to stderr.
say() { printf '%s: %s\n' "$script_name" "$*" >&2; }

die() {
    say "error: $*"
    exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# True when `as_root` can work. Asks for a password only where somebody can type one.
can_be_root() {
    [ "$EUID" -eq 0 ] && return 0
    have sudo || return 1
    sudo -n true 2>/dev/null && return 0
    [ -t 0 ] && sudo -v
}

# Runs a command as root, keeping the environment that cargo and ecli read.
as_root() {
    if [ "$EUID" -eq 0 ]; then
        "$@"
    else
        sudo --preserve-env env "PATH=$PATH" "HOME=$HOME" "$@"
    fi
}

# step "what" command...: runs the command and says how long it took. Not under `||` or `if`: there
# bash would go on after a command that failed inside it.
step() {
    local started=$SECONDS
    step=$1
    shift
    say "== $step"
    "$@"
    say "== $step: $((SECONDS - started)) s"
    step=
}
step=
trap '[ -z "$step" ] || say "== $step: FAILED"' EXIT

# The examples that are guests, a package name a line: each has its name from its folder.
guest_examples() {
    local manifest
    for manifest in "$repository"/examples/*/ecli.toml; do
        manifest=${manifest%/ecli.toml}
        echo "${manifest##*/}"
    done
}

# Cargo's words for every crate that runs on this machine: guests need their toolchain and their
# generated types. One selection for all commands, or dependencies would be compiled once for each.
host_crates() {
    local guest
    printf '%s\n' --workspace
    for guest in $(guest_examples); do
        printf '%s\n' --exclude "$guest"
    done
}

# Builds the image of each example into a store of its own. It leaves the guests' generated types
# where `bindings_of` finds them.
build_examples() {
    local guest
    for guest in $(guest_examples); do
        "$repository/target/release/ecli" --store "$repository/target/examples-store" \
            build --quiet "$repository/examples/$guest" >/dev/null ||
            die "could not build examples/$guest"
    done
}

bindings_of() { echo "$repository/target/ecli/$1/bindings.rs"; }
