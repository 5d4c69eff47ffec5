#!/bin/sh
# Fetches and builds into build/lab what the laboratory needs besides packages, once:
#   shims   Mesa's stubs of the kernel interface, out of Debian's source package: with one of them preloaded, a driver
#           opens without its GPU
#   arm64   a folder with the arm64 driver of Adreno and what it links to, for qemu; nothing of it is installed
set -eu
cd "$(dirname "$0")/../.."
. tests/platforms/foreign_apt.sh
folder=$PWD/build/lab
intel=$folder/intel_noop_drm_shim.so
adreno=$folder/freedreno_noop_drm_shim.so
root=$folder/arm64/root
[ -f "$intel" ] && [ -f "$adreno" ] && [ -f "$root/complete" ] && exit 0

echo "Fetching Mesa's sources and its arm64 driver"
mkdir -p "$folder"
foreign_apt_prepare "$folder/apt" arm64
(cd "$folder" && foreign_apt source --download-only mesa >/dev/null)
foreign_root "$root" mesa-vulkan-drivers libvulkan1 libvulkan-dev libjpeg62-turbo-dev libpng-dev libc6-dev

rm -rf "$folder/mesa"
mkdir -p "$folder/mesa"
tar -xf "$folder"/mesa_*.orig.tar.* -C "$folder/mesa" --strip-components=1 --wildcards '*/src' '*/include'

cd "$folder/mesa"
# The stub knows too few calls for a program that submits, and speaks of queries that the driver can do without.
sed -i 's/^ *\[_IOC_NR(DRM_IOCTL_SYNCOBJ_WAIT)\] = .*/&\
   [_IOC_NR(DRM_IOCTL_SYNCOBJ_RESET)] = drm_shim_ioctl_stub,\
   [_IOC_NR(DRM_IOCTL_SYNCOBJ_SIGNAL)] = drm_shim_ioctl_stub,\
   [_IOC_NR(DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT)] = drm_shim_ioctl_stub,/' src/drm-shim/device.c
sed -i '/"Unknown drm_i915_query_item/d' src/intel/tools/intel_noop_drm_shim.c

utilities="hash_table ralloc set u_debug vma os_misc os_file u_cpu_detect u_process log u_printf u_call_once simple_mtx
    futex os_time u_thread"
build_shim() { # COMPILER OUTPUT SOURCE...
    compiler=$1 output=$2
    shift 2
    for name in $utilities; do set -- "$@" "src/util/$name.c"; done
    "$compiler" -std=gnu11 -O1 -w -shared -fPIC -fvisibility=hidden -D_GNU_SOURCE -DHAVE_PTHREAD \
        -DHAVE_STRUCT_TIMESPEC -DHAVE_MEMFD_CREATE -DHAVE_ENDIAN_H -DHAVE_DLFCN_H -DHAVE_SECURE_GETENV \
        -DMAJOR_IN_SYSMACROS -DHAVE_PROGRAM_INVOCATION_NAME -DUTIL_ARCH_LITTLE_ENDIAN=1 -DUTIL_ARCH_BIG_ENDIAN=0 \
        -Iinclude -Isrc -Isrc/intel -Isrc/mapi -Isrc/mesa -Isrc/gallium/include -Isrc/gallium/auxiliary \
        -I/usr/include/libdrm src/drm-shim/device.c src/drm-shim/drm_shim.c src/c11/impl/threads_posix.c "$@" \
        -o "$output.new" -ldl -lpthread -lm
    mv "$output.new" "$output"
}
build_shim gcc "$intel" src/intel/tools/intel_noop_drm_shim.c src/intel/dev/intel_device_info.c \
    src/intel/dev/intel_hwconfig.c
build_shim aarch64-linux-gnu-gcc "$adreno" src/freedreno/drm-shim/freedreno_noop.c
cd "$folder"
rm -rf mesa mesa_* apt
