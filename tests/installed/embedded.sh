#!/bin/sh
# The library as a part of another project's build: from its source archive by FetchContent, static, with neither
# glslang nor SPIRV-Tools there and without the kernels for CPU drivers; and from its folder by add_subdirectory, shared,
# which must export exactly the functions that the public headers declare and be small. The host's program finds its boxes
# with each. What cannot be is refused with a sentence.
# usage: embedded.sh TABLE_FOLDER C_COMPILER GENERATOR NM STRIP
set -eu
here=$(cd "$(dirname "$0")" && pwd)
source=$(cd "$here/../.." && pwd)
table=$(cd "$1" && pwd) compiler=$2 generator=$3 nm=$4 strip=$5
most_bytes=1250000 # of the shared library
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# run COMMAND...: quiet, unless it fails.
run() {
    "$@" >"$work/log.txt" 2>&1 || {
        cat "$work/log.txt"
        echo "embedded: failed: $*"
        exit 1
    }
}

# refused SENTENCE COMMAND...: it must fail and say so. CMake breaks its lines where it likes.
refused() {
    sentence=$1
    shift
    if "$@" >"$work/log.txt" 2>&1; then
        cat "$work/log.txt"
        echo "embedded: not refused: $*"
        exit 1
    fi
    tr -s ' \n' '  ' <"$work/log.txt" | grep -F "$sentence" >/dev/null || {
        cat "$work/log.txt"
        echo "embedded: it was not said that \"$sentence\": $*"
        exit 1
    }
}

# A PATH that has what any C project takes. CMake would look into the system's folders beside it.
mkdir "$work/tools"
for tool in cmake ninja make sh cc gcc clang ar ranlib as ld nm strip objcopy objdump readelf addr2line dlltool; do
    if place=$(command -v "$tool"); then ln -s "$place" "$work/tools/$tool"; fi
done
bare() { PATH="$work/tools" "$@" -DCMAKE_FIND_USE_CMAKE_SYSTEM_PATH=OFF; }
host() { # FOLDER OPTION...
    folder=$1
    shift
    cmake -S "$here/host" -B "$work/$folder" -G "$generator" -DCMAKE_C_COMPILER="$compiler" \
        -DOWN_NETWORK="$here/own_network.c" "$@"
}

# Without the table it cannot be done here, so that the next is a proof.
refused "The shaders are compiled by glslangValidator" bare host no_table -DGHOSTVK_FOLDER="$source"

mkdir "$work/first" "$work/second" "$work/other"
run "$source/cmake/archive.sh" "$source" "$table" "$work/first"
(umask 077 && run "$source/cmake/archive.sh" "$source" "$table" "$work/second")
archive=$(echo "$work"/first/ghostvk-*.tar.gz)
cmp "$archive" "$work/second/$(basename "$archive")" # the same bytes each time
run bare host static -DGHOSTVK_ARCHIVE="$archive" -DGVK_CPU_FORMS=OFF # which lavapipe and SwiftShader can do without
PATH="$work/tools" run cmake --build "$work/static" --parallel 2
run "$work/static/soak"
run cmake --install "$work/static" --prefix "$work/game"
installed=$(cd "$work/game" && find . -type f)
[ "$installed" = ./bin/soak ] || { echo "embedded: the host's install brings $installed"; exit 1; }

# A shader that is changed is not what the table was made of.
run tar -x -C "$work/other" -f "$archive"
changed=$work/other/$(basename "$archive" .tar.gz)
run cmake -S "$changed" -B "$work/alone" -G "$generator" -DCMAKE_C_COMPILER="$compiler" # by itself
echo "// changed" >>"$changed/shaders/planes/concat.comp"
refused "was made of other shaders" host changed -DGHOSTVK_FOLDER="$changed"
refused "was made of other shaders" "$source/cmake/archive.sh" "$changed" "$table" "$work/other"
refused "has no shader table" host nowhere -DGHOSTVK_FOLDER="$source" -DGVK_SHADER_TABLE="$work/first"

run host shared -DGHOSTVK_FOLDER="$source" -DGVK_SHADER_TABLE="$table" -DBUILD_SHARED_LIBS=ON \
    -DCMAKE_BUILD_TYPE=Release -DGVK_INSTALL=ON
run cmake --build "$work/shared" --parallel 2
run "$work/shared/soak"
cat "$source"/include/ghostvk/*.h | grep -v '#define' | tr '\n' ' ' | grep -o 'GVK_API [^(;]*(' |
    sed 's/ *($//; s/.*[ *]//' | sort >"$work/declared.txt"
"$nm" -D --defined-only "$work/shared/ghostvk/libghostvk.so" | sed 's/.* //; s/@.*//' | sort >"$work/exported.txt"
[ "$(wc -l <"$work/declared.txt")" -gt 40 ]
diff "$work/declared.txt" "$work/exported.txt" || {
    echo "embedded: declared in the public headers (<) and exported by the library (>) differ"
    exit 1
}
run "$strip" -o "$work/stripped.so" "$work/shared/ghostvk/libghostvk.so"
bytes=$(wc -c <"$work/stripped.so")
[ "$bytes" -le $most_bytes ] || { echo "embedded: the stripped library has $bytes bytes, more than $most_bytes"; exit 1; }

# The host may install it, and others find it there.
run cmake --install "$work/shared" --prefix "$work/prefix"
PKG_CONFIG_PATH=$(dirname "$(find "$work/prefix" -name ghostvk.pc)")
export PKG_CONFIG_PATH
run "$compiler" -std=c11 -Wall -Wextra -Wpedantic -Werror -o "$work/by_pkg_config" "$here/own_network.c" \
    $(pkg-config --cflags --libs ghostvk) -lm
run env LD_LIBRARY_PATH="$(dirname "$PKG_CONFIG_PATH")" "$work/by_pkg_config"
run host by_package -DCMAKE_PREFIX_PATH="$work/prefix"
run cmake --build "$work/by_package"
run "$work/by_package/soak"
pkg-config --cflags ghostvk >"$work/said.txt" # what Windows tells an import from a definition by
grep GVK_SHARED "$work/said.txt" "$(find "$work/prefix" -name ghostvkTargets.cmake)" >"$work/log.txt"
[ "$(wc -l <"$work/log.txt")" -ge 2 ] || { echo "embedded: GVK_SHARED is not said to who links the library"; exit 1; }

# Processors whose bytes lie the other way round: by the compiler, and by CMake where a compiler for one is there.
refused "is for little-endian processors" "$compiler" -U__BYTE_ORDER__ -D__BYTE_ORDER__=__ORDER_BIG_ENDIAN__ -std=c11 \
    -fsyntax-only -I"$source" -I"$source/include" "$source/runtime/base/host.c"
if command -v clang >/dev/null; then
    refused "is for little-endian processors" cmake -S "$source" -B "$work/big" -G "$generator" -DCMAKE_SYSTEM_NAME=Linux \
        -DCMAKE_C_COMPILER=clang -DCMAKE_C_COMPILER_TARGET=s390x-linux-gnu -DCMAKE_TRY_COMPILE_TARGET_TYPE=STATIC_LIBRARY
fi
echo "embedded: static and shared, $(wc -l <"$work/exported.txt") functions, $bytes bytes; $(wc -c <"$archive") bytes of archive"
