#!/bin/sh
# Fetches into build/lab what the laboratory needs besides packages, once; nothing of it is installed:
#   mesa/amd64, mesa/arm64   Mesa's drivers of Debian's suite below with all that they link to, its loaders too, so that
#                            they run on an older system; and Mesa's stubs of the kernel interface, with one of which a
#                            driver opens without its GPU
#   intel_shim.so            Intel's stub, which no package has, out of Mesa's sources
#   include                  Vulkan's headers alone, for the arm64 compiler
set -eu
cd "$(dirname "$0")/../.."
. tests/platforms/foreign_apt.sh
folder=$PWD/build/lab
suite=sid           # drivers
source_suite=trixie # the sources of Intel's stub: version 25.0, whose list of chips is new enough

# unpack ROOT: all packages that were downloaded. Newer ones know /usr/lib alone, older ones /lib.
unpack() {
    rm -rf "$1"
    mkdir -p "$1/usr/lib" "$1/usr/lib64" "$1/usr/bin" "$1/usr/sbin"
    for name in lib lib64 bin sbin; do ln -s "usr/$name" "$1/$name"; done
    for package in "$foreign_folder"/cache/archives/*.deb; do
        dpkg-deb --fsys-tarfile "$package" | tar -x -C "$1" --keep-directory-symlink
    done
}

for architecture in amd64 arm64; do
    root=$folder/mesa/$architecture
    [ -f "$root/complete" ] && continue
    echo "Fetching Mesa of $suite for $architecture"
    foreign_apt_prepare "$folder/apt" "$architecture" "$suite"
    foreign_apt -y --download-only install mesa-vulkan-drivers mesa-drm-shim libvulkan1 libc6 >/dev/null
    unpack "$root"
    for package in "$folder"/apt/cache/archives/mesa-vulkan-drivers_*.deb; do
        dpkg-deb -f "$package" Version >"$root/complete"
    done
    rm -rf "$folder/apt"
done

mkdir -p "$folder/include"
for name in vulkan vk_video; do ln -sfn "/usr/include/$name" "$folder/include/$name"; done

[ ! -f "$folder/intel_shim.so" ] || exit 0
echo "Building Intel's stub"
foreign_apt_prepare "$folder/apt" amd64 "$source_suite"
(cd "$folder" && foreign_apt source --download-only mesa >/dev/null)
rm -rf "$folder/mesa-source"
mkdir -p "$folder/mesa-source"
for archive in "$folder"/mesa_*.orig.tar.xz; do
    tar -xf "$archive" -C "$folder/mesa-source" --strip-components=1 --wildcards '*/src' '*/include'
done
cd "$folder/mesa-source"
made=$PWD/made
mkdir -p "$made/intel/dev"
python3=/usr/bin/python3 # the one that has Debian's modules
$python3 src/intel/dev/intel_device_info_gen_h.py "$made/intel/dev/intel_device_info_gen.h"
$python3 src/intel/dev/gen_wa_helpers.py src/intel/dev/mesa_defs.json "$made/intel/dev/intel_wa.h" "$made/intel_wa.c"
$python3 src/intel/dev/intel_device_info_serialize_gen_c.py "$made/intel_device_info_serialize_gen.c"
cp "$made"/intel/dev/*.h "$made/"
mkdir -p "$made/dev" && cp "$made"/intel/dev/*.h "$made/dev/"
echo '#define MESA_GIT_SHA1 ""' >"$made/git_sha1.h"
set --
for name in hash_table ralloc set u_debug vma os_misc os_file u_cpu_detect u_process log u_printf u_call_once \
    simple_mtx futex os_time u_thread parson os_mman rb_tree mesa-sha1 sha1/sha1 strtod memstream u_idalloc \
    sparse_array blob u_math half_float anon_file bitscan rwlock build_id u_dynarray; do
    [ ! -f "src/util/$name.c" ] || set -- "$@" "src/util/$name.c"
done
for name in intel_device_info i915/intel_device_info xe/intel_device_info intel_hwconfig intel_kmd intel_debug; do
    set -- "$@" "src/intel/dev/$name.c"
done
for name in intel_gem i915/intel_gem xe/intel_gem intel_common i915/intel_engine xe/intel_engine intel_engine \
    xe/intel_device_query; do
    set -- "$@" "src/intel/common/$name.c"
done
gcc -std=gnu11 -O1 -w -DNDEBUG -shared -fPIC -fvisibility=hidden -D_GNU_SOURCE -DHAVE_PTHREAD -DHAVE_STRUCT_TIMESPEC \
    -DHAVE_MEMFD_CREATE -DHAVE_ENDIAN_H -DHAVE_DLFCN_H -DHAVE_SECURE_GETENV -DMAJOR_IN_SYSMACROS \
    -DHAVE_PROGRAM_INVOCATION_NAME -DUTIL_ARCH_LITTLE_ENDIAN=1 -DUTIL_ARCH_BIG_ENDIAN=0 -DHAVE_SYS_SHM_H \
    -DHAVE_TIMESPEC_GET -DPACKAGE_VERSION='""' -DPACKAGE_BUGREPORT='""' -I"$made" -Iinclude -Isrc/util -Isrc/intel/dev \
    -Isrc/intel/common -Isrc -Isrc/intel -Isrc/mapi -Isrc/mesa -Isrc/gallium/include -Isrc/gallium/auxiliary \
    -I/usr/include/libdrm src/drm-shim/device.c src/drm-shim/drm_shim.c src/c11/impl/threads_posix.c \
    src/intel/tools/intel_noop_drm_shim.c "$made/intel_device_info_serialize_gen.c" "$made/intel_wa.c" "$@" \
    -o "$folder/intel_shim.so.new" -ldl -lpthread -lm -Wl,--gc-sections -ffunction-sections
mv "$folder/intel_shim.so.new" "$folder/intel_shim.so"
cd "$folder"
rm -rf mesa-source mesa_* apt
