#!/bin/sh
# The README's C example against an installed library: it compiles without a warning by what pkg-config says, as it does
# in a CMake project that finds the package, and finds the boxes that the installed program finds. Then a host with a
# network of its own, which sees no other header than the public ones.
# usage: installed.sh BUILD_FOLDER C_COMPILER
set -eu
source=$(cd "$(dirname "$0")/.." && pwd)
build=$1 compiler=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# run COMMAND...: quiet, unless it fails.
run() {
    "$@" >"$work/log.txt" 2>&1 || {
        cat "$work/log.txt"
        echo "installed: failed: $*"
        exit 1
    }
}

run cmake --install "$build" --prefix "$work/first"
mv "$work/first" "$work/moved" # nothing may remember where it was
prefix=$work/moved
sed -n '/^```c$/,/^```$/{/^```/d;p}' "$source/README.md" >"$work/example.c"
cp "$prefix/share/ghostvk/blood-cells.safetensors" "$work/model.safetensors"
picture=$prefix/share/ghostvk/samples/smear-1.jpg

PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name ghostvk.pc)")
export PKG_CONFIG_PATH
run "$compiler" -std=c11 -Wall -Wextra -Wpedantic -Werror -o "$work/by_pkg_config" "$work/example.c" \
    "$source/tests/installed/main.c" $(pkg-config --cflags --libs ghostvk) -ljpeg
run cmake -S "$source/tests/installed" -B "$work/build" -DCMAKE_C_COMPILER="$compiler" -DCMAKE_PREFIX_PATH="$prefix" \
    -DEXAMPLE="$work/example.c"
run cmake --build "$work/build"

(cd "$work" && LD_LIBRARY_PATH=$(dirname "$PKG_CONFIG_PATH") ./by_pkg_config "$picture") >"$work/found.txt"
"$prefix/bin/ghostvk" detect --json - "$picture" 2>"$work/log.txt" |
    sed -n 's/.*"class_id": \([0-9]*\), "score": \([0-9.e-]*\), "box": \[\(.*\)\].*/\1 \2 \3/p' |
    tr -d , >"$work/expected.txt"
[ -s "$work/expected.txt" ] || { cat "$work/log.txt"; echo "installed: the program found nothing"; exit 1; }
run "$compiler" -std=c11 -Wall -Wextra -Wpedantic -Werror -o "$work/own_network" "$source/tests/installed/own_network.c" \
    $(pkg-config --cflags --libs ghostvk) -lm
LD_LIBRARY_PATH=$(dirname "$PKG_CONFIG_PATH") run "$work/own_network"
# The examples, as a project of their own.
run cmake -S "$source/examples" -B "$work/examples" -DCMAKE_C_COMPILER="$compiler" -DCMAKE_PREFIX_PATH="$prefix"
run cmake --build "$work/examples"
"$work/examples/minimal" "$work/model.safetensors" "$work/examples/samples/smear-1.ppm" >"$work/minimal.txt" 2>"$work/log.txt"
[ "$(wc -l <"$work/minimal.txt")" = "$(wc -l <"$work/expected.txt")" ] || {
    echo "installed: examples/minimal found $(wc -l <"$work/minimal.txt") boxes, the program $(wc -l <"$work/expected.txt")"
    exit 1
}
run "$prefix/bin/ghostvk" selftest # needs all that comes with the program
# The example prints scores with two digits and whole pixels; the kernels of both may differ in the last bits.
paste -d ' ' "$work/found.txt" "$work/expected.txt" | awk '
    function apart(column, most) {
        return $column - $(column + 6) > most || $(column + 6) - $column > most
    }
    NF != 12 || $1 != $7 || apart(2, 0.006) || apart(3, 0.6) || apart(4, 0.6) || apart(5, 0.6) || apart(6, 0.6) {
        print "installed: box " NR " of the example, then of the program: " $0
        wrong = 1
    }
    END { exit wrong }'
echo "installed: $(wc -l <"$work/found.txt") boxes, those of the program"
