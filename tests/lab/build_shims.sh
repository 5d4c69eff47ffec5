#!/bin/sh
# Fetches and builds into build/lab what the laboratory needs besides packages, once:
#   shims   Mesa's stubs of the kernel interface, out of Debian's source package: with one of them preloaded, a driver
#           opens without its GPU
#   arm64   a folder with the arm64 driver of Adreno and what it links to, for qemu; nothing of it is installed
# apt keeps its lists and downloads for this inside build/lab; the machine's own configuration stays as it is.
set -eu
cd "$(dirname "$0")/../.."
folder=$PWD/build/lab
intel=$folder/intel_noop_drm_shim.so
adreno=$folder/freedreno_noop_drm_shim.so
root=$folder/arm64/root
[ -f "$intel" ] && [ -f "$adreno" ] && [ -f "$root/complete" ] && exit 0

# The same mirrors as the machine's own, with sources, and for arm64.
apt=$folder/apt
mkdir -p "$apt/parts" "$apt/lists/partial" "$apt/cache/archives/partial"
: >"$apt/status"
keys=/usr/share/keyrings/debian-archive-keyring.gpg
apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' \
    'Created-By: Packages' 'Origin: Debian' 'Component: main' | sort -u |
    while read -r place; do
        for kind in deb deb-src; do echo "$kind [signed-by=$keys] $place"; done
    done >"$apt/parts/debian.list"
[ -s "$apt/parts/debian.list" ] || { echo "lab: apt knows no Debian mirror here" >&2; exit 1; }
private_apt() {
    apt-get -qq -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$apt/parts" \
        -o Dir::State::Lists="$apt/lists" -o Dir::State::status="$apt/status" -o Dir::Cache="$apt/cache" \
        -o APT::Architecture=arm64 -o APT::Architectures::=arm64 -o APT::Install-Recommends=false \
        -o APT::Sandbox::User=root -o Debug::NoLocking=true "$@"
}

echo "Fetching Mesa's sources and its arm64 driver"
private_apt update
(cd "$folder" && private_apt source --download-only mesa >/dev/null)
private_apt -y --download-only install mesa-vulkan-drivers libvulkan1 libvulkan-dev libjpeg62-turbo-dev libpng-dev \
    libc6-dev >/dev/null

rm -rf "$folder/mesa" "$root"
mkdir -p "$folder/mesa" "$root"
tar -xf "$folder"/mesa_*.orig.tar.* -C "$folder/mesa" --strip-components=1 --wildcards '*/src' '*/include'
for package in "$apt"/cache/archives/*.deb; do dpkg -x "$package" "$root"; done
touch "$root/complete"

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
