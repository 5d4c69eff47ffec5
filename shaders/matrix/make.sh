#!/bin/sh
# make.sh [--check]: compiles the kernels on matrix units. Compilers of Debian 12 know no cooperative matrices, nor those of
# many systems that the library is built on, so their SPIR-V lies in this folder, and whoever changes the source
# (convolution/pointwise_matrix.comp, or what it includes) runs this, by `./dev matrix`.
# --check writes nothing, and compares; it ends with 77, which tests call skipped, where the compiler is older than that
# which made them.
# The compiler: glslang, spirv-opt and spirv-val that tests/lab/fetch_glslang.sh has put into build/lab/glslang, or with
# GVK_MATRIX_TOOLS=FOLDER those of a Debian that is unpacked elsewhere, run by its own loader; or else the system's.
set -eu
cd "$(dirname "$0")/.."
version=16.6 # of glslang, by which the SPIR-V here was made
tools=${GVK_MATRIX_TOOLS:-}
[ -n "$tools" ] || [ ! -f ../build/lab/glslang/complete ] || tools=$PWD/../build/lab/glslang

# tool PROGRAM ARGUMENT...
tool() {
    program=$1
    shift
    if [ -n "$tools" ]; then
        for libraries in "$tools"/usr/lib/*-linux-gnu; do
            "$libraries"/ld-linux*.so.* --library-path "$libraries" "$tools/usr/bin/$program" "$@"
            return
        done
    fi
    "$program" "$@"
}

compiler=glslang
[ -n "$tools" ] || command -v glslang >/dev/null || compiler=glslangValidator
found=$(tool $compiler --version 2>/dev/null | sed -n 's/^Glslang Version: [0-9]*:\([0-9]*[.][0-9]*\).*/\1/p')
if [ -z "$found" ] || [ "$(printf '%s\n' "$version" "$found" | sort -V | head -1)" != "$version" ]; then
    echo "matrix: glslang ${found:-(none)} is older than $version, which has cooperative matrices: shaders/matrix is not compared"
    [ "${1:-}" = --check ] && exit 77
    exit 1
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0
# kernel NAME DEFINE...
kernel() {
    name=$1
    shift
    tool $compiler -V --quiet --target-env vulkan1.1 "$@" -I. convolution/pointwise_matrix.comp -o "$work/$name.raw"
    tool spirv-opt --target-env=vulkan1.1 --inline-entry-points-exhaustive --eliminate-dead-functions \
        --eliminate-dead-code-aggressive --compact-ids --strip-debug "$work/$name.raw" -o "$work/$name.spv"
    tool spirv-val --target-env vulkan1.1 "$work/$name.spv"
    if [ "$mode" = --check ]; then
        cmp "$work/$name.spv" "matrix/$name.spv" || status=1
    else
        cp "$work/$name.spv" "matrix/$name.spv"
    fi
}
mode=${1:-}
kernel pointwise_matrix_16x64 -DQUADS=16 -DPIXELS=64 -DSLICES=1
kernel pointwise_matrix_8x32_split -DQUADS=8 -DPIXELS=32 -DSLICES=4
if [ $status = 0 ]; then
    echo "matrix: compiled by glslang $found${mode:+, the same as in shaders/matrix}"
else
    echo "matrix: shaders/matrix is not what glslang $found makes of its source: run ./dev matrix"
fi
exit $status
