#!/bin/sh
# Looks into the built files for what the flags of cmake/hardening.cmake leave there.
# usage: hardened.sh SOURCE_FOLDER BUILD_FOLDER optimised|plain FILE...
set -eu
source=$1 build=$2 kind=$3
shift 3
status=0

miss() { # FILE WHAT
    echo "$1: $2"
    status=1
}

# has FILE OPTIONS PATTERN: readelf shows it. Not by a pipe, whose reader would end first.
has() {
    shown=$(readelf -W $2 "$1" 2>/dev/null)
    printf '%s\n' "$shown" | grep -E -- "$3" >/dev/null
}

stripped=$(mktemp)
trap 'rm -f "$stripped"' EXIT
for file in "$@"; do
    has "$file" -h 'Type: *DYN' || miss "$file" "it is loaded at a fixed address"
    has "$file" -l 'GNU_RELRO' || miss "$file" "no GNU_RELRO"
    has "$file" -d '\(FLAGS(_1)?\).*NOW|BIND_NOW' || miss "$file" "symbols are bound late, so that their table stays writable"
    has "$file" -l 'GNU_STACK.* RW ' || miss "$file" "the stack may be executed"
    has "$file" -d 'TEXTREL' && miss "$file" "code is changed when it is loaded"
    has "$file" --dyn-syms '__stack_chk_fail' || miss "$file" "no stack protector"
    if [ "$kind" = optimised ]; then
        has "$file" --dyn-syms '__(snprintf|vsnprintf|memcpy|fprintf|printf)_chk' || miss "$file" "no checked functions"
    fi
    case $(uname -m) in
    x86_64) # by the code: the file's own note is there only where the C library's start code has it, too
        [ "$(objdump -d "$file" | grep -c endbr64)" -gt 100 ] || miss "$file" "places to jump to are not marked"
        ;;
    esac
    strip -o "$stripped" "$file"
    for folder in "$source" "$build"; do
        grep -aF "$folder/" "$stripped" >/dev/null && miss "$file" "it names $folder"
    done
done
exit $status
