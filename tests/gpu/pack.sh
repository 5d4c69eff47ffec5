#!/bin/sh
# One folder that runs run.sh on a machine where a GPU and its driver may be all there is: programs, goldens, the
# shipped model, and every shared library that they need. Beside it the same as an archive.
#   bin/     the programs, stripped
#   lib/     libraries that are always taken from here
#   spare/   libraries of a system, taken where it has none: a driver may want newer ones than these
#   glibc/   the C library and its loader, taken where the machine's is too old
#   models/, tests/goldens/   left out with --without-data, where a checkout is on that machine (run.sh --data)
#   run.sh, pack.txt
# usage: pack.sh BUILD_FOLDER [--without-data] [FOLDER]
set -eu
source=$(cd "$(dirname "$0")/../.." && pwd)
build=$(cd "$1" && pwd)
shift
data=yes
[ "${1:-}" != --without-data ] || { data='' && shift; }
pack=${1:-$build/ghostvk-gpu}
limit=$((64 * 1024)) # KiB, of the archive: what is carried

say() { echo "pack: $*" >&2; }

# What was there before goes, if it was a pack.
if [ -e "$pack" ] && [ ! -e "$pack/pack.txt" ]; then
    say "$pack is there and is no pack"
    exit 1
fi
rm -rf "$pack" "$pack.tar.gz"
mkdir -p "$pack/bin" "$pack/lib" "$pack/spare" "$pack/glibc"
pack=$(cd "$pack" && pwd)

for program in ghostvk gpu_report test_kernels test_decode test_parity; do
    strip -o "$pack/bin/$program" "$build/$program"
done

keep() { # PATH: the library under its own name
    name=${1##*/}
    case $name in
    linux-vdso*) return 0 ;;
    ld-*.so.* | ld.so.* | libc.so.* | libm.so.* | libpthread.so.* | libdl.so.* | librt.so.* | libmvec.so.* | \
        libresolv.so.* | libutil.so.*) place=glibc ;;
    libstdc++.so.* | libgcc_s.so.* | libz.so.* | libzstd.so.* | liblzma.so.* | libexpat.so.* | libX*.so.* | \
        libxcb*.so.* | libbsd.so.* | libmd.so.* | libdrm.so.* | libGLdispatch.so.* | libvulkan.so.*) place=spare ;;
    *) place=lib ;;
    esac
    [ -e "$pack/$place/$name" ] || cp -L "$1" "$pack/$place/$name"
}

# All that the loader brings for a file, by ldd.
keep_needs() { # FILE...
    for file in "$@"; do
        ldd "$file" | sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p; s/^[[:space:]]*\(\/[^ ]*\) (.*/\1/p'
    done | sort -u | while IFS= read -r library; do keep "$library"; done
}

find_library() { # NAME
    PATH=$PATH:/sbin:/usr/sbin ldconfig -p | sed -n "s/^[[:space:]]*$1 (libc6,.*=> //p" | head -n 1
}

keep_needs "$pack"/bin/*
# What is opened by name: Vulkan's loader, and what NVIDIA's driver needs and containers lack.
for name in libvulkan.so.1 libX11.so.6 libXext.so.6 libxcb.so.1 libGLdispatch.so.0 libdrm.so.2; do
    library=$(find_library "$name")
    if [ -n "$library" ]; then
        keep "$library"
        keep_needs "$library"
    else
        say "$name is not installed here and will be missing there, unless that machine has it"
    fi
done
[ -e "$pack/spare/libvulkan.so.1" ] || { say "there is no Vulkan loader (libvulkan.so.1) to carry"; exit 1; }

if [ -n "$data" ]; then
    mkdir -p "$pack/models/samples" "$pack/tests/goldens" "$pack/tests/gpu"
    cp "$source/models/blood-cells.safetensors" "$pack/models/"
    cp "$source"/models/samples/* "$pack/models/samples/"
    cp "$source"/tests/goldens/*.safetensors "$pack/tests/goldens/"
    rm "$pack/tests/goldens/resize.safetensors" # of a test that is not carried
    cp "$source/tests/gpu/pytorch.py" "$pack/tests/gpu/" # for a machine that has PyTorch, to compare with
    cp "$source/tests/goldens/reference.py" "$pack/tests/goldens/"
fi
cp "$source/tests/gpu/run.sh" "$source/LICENSE" "$pack/"
{
    printf 'version\t%s\n' "$(cd "$source" && git describe --always --dirty --tags 2>/dev/null || echo unknown)"
    printf 'built on\t%s, %s\n' "$(sed -n 's/^PRETTY_NAME="*\([^"]*\)"*/\1/p' /etc/os-release)" \
        "$(ldd --version | head -n 1)"
    printf 'built with\t%s\n' "$(sed -n 's/^CMAKE_C_COMPILER:[A-Z]*=//p' "$build/CMakeCache.txt" |
        while IFS= read -r compiler; do "$compiler" --version | head -n 1; done)"
} >"$pack/pack.txt"

tar -C "$(dirname "$pack")" -czf "$pack.tar.gz" "$(basename "$pack")"
archive=$(du -sk "$pack.tar.gz" | cut -f 1)
echo "$pack: $(($(du -sk "$pack" | cut -f 1) / 1024)) MiB, as an archive $((archive / 1024)) MiB"
[ "$archive" -le "$limit" ] || { say "the archive has more than $((limit / 1024)) MiB"; exit 1; }
