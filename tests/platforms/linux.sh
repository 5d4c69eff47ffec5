#!/bin/sh
# linux.sh PLATFORM: library, program and tests for another processor of Debian's (arm64, armhf, i386), run under qemu. With
# a lavapipe of that processor (arm64, i386): its devices, the boxes of the sample picture, which must be the native
# program's, and on arm64 the kernel tests. On all of them the tests that need no device, and the numbers of `eval` over
# boxes that are there, which must be the native program's, too.
set -eu
cd "$(dirname "$0")/../.."
. tests/platforms/building.sh
. tests/platforms/foreign_apt.sh
GVK_PLATFORM=$1
export GVK_PLATFORM
folder=$PWD/build/$1 root=$PWD/build/$1/root
case $1 in
arm64) emulator=qemu-aarch64 driver=mesa-vulkan-drivers ;;
i386) emulator=qemu-i386 driver=mesa-vulkan-drivers ;;
armhf) emulator=qemu-arm driver= ;;
*) echo "linux.sh: the platforms are arm64, armhf and i386" >&2; exit 2 ;;
esac

if [ ! -f "$root/complete" ] || [ ! -f "$root/usr/include/jansson.h" ]; then
    echo "Fetching the libraries of $1"
    foreign_apt_prepare "$folder/apt" "$1"
    jpeg=libjpeg62-turbo-dev
    foreign_apt show "$jpeg" >/dev/null 2>&1 || jpeg=libjpeg-dev
    foreign_root "$root" libc6-dev libvulkan1 libvulkan-dev libvulkan-volk-dev libcmocka-dev $jpeg libpng-dev libtiff-dev \
        libwebp-dev zlib1g-dev libexpat1-dev libjansson-dev $driver
    rm -rf "$folder/apt"
fi

# Those that do not take minutes there.
tests="checkpoint checkpoint_kinds checkpoint_damage checkpoint_pickle checkpoint_tensors checkpoint_zip
    checkpoint_safetensors filler forms tables schedule network_metadata output image_io"
targets=ghostvk-program
for test in $tests ${driver:+kernels}; do targets="$targets test_$test"; done
echo "Building for $1"
icd=$(ls "$root"/usr/share/vulkan/icd.d/lvp_icd.*.json 2>/dev/null || true)
build_for "$folder/build" linux.cmake "$targets" -DGVK_FONTS=OFF -DGVK_LAVAPIPE_ICD="$icd"

# LLVM 15, with which Debian 12 builds Mesa, ends the process on arm64 when lavapipe hands it the kernels in fp16.
if [ "$1" = arm64 ]; then
    tests="$tests kernels[.]lavapipe"
    [ "$(. /etc/os-release && echo "$VERSION_ID")" != 12 ] || export GVK_TEST_PRECISION=fp32
fi
ctest --test-dir "$folder/build" -R "^($(echo $tests | tr ' ' '|'))\$" --output-on-failure
program="$emulator -L $root $folder/build/ghostvk"
same_numbers "$folder" "$program"
[ -n "$driver" ] || exit 0
expect_boxes
export VK_ICD_FILENAMES=$icd
$program devices
$program detect --device cpu -m models/blood-cells.safetensors "$sample" >"$folder/boxes.txt" 2>"$folder/detect.log" || {
    cat "$folder/detect.log"
    exit 1
}
tests/platforms/same_boxes.sh build/boxes.txt "$folder/boxes.txt"
