#!/bin/sh
# Library, program and kernel tests for 64-bit Windows by mingw-w64, run in Wine on this machine's lavapipe: its devices,
# the boxes of the sample picture and the numbers of `eval`, which must be the native program's, and the tests.
set -eu
cd "$(dirname "$0")/../.."
. tests/platforms/building.sh
tests/platforms/windows_libraries.sh
driver=$(ls /usr/share/vulkan/icd.d/lvp_icd*.json | head -n 1)
folder=$PWD/build/windows

echo "Building for Windows"
build_for "$folder/build" windows.cmake "ghostvk-program test_kernels test_forms test_tables" -DGVK_FONTS=OFF \
    -DGVK_LAVAPIPE_ICD="$driver" -DZLIB_LIBRARY=/usr/x86_64-w64-mingw32/lib/libz.a
cp "$folder"/root/bin/*cmocka*.dll "$folder/build"
build_for "$folder/build-shared" windows.cmake ghostvk -DBUILD_SHARED_LIBS=ON -DGVK_PROGRAM=OFF -DGVK_TESTS=OFF
expect_boxes
export VK_ICD_FILENAMES=$driver

program="tests/platforms/wine.sh $folder/build/ghostvk.exe"
same_numbers "$folder" "$program"
$program devices 2>"$folder/wine.log" || { cat "$folder/wine.log"; exit 1; }
$program detect --device cpu -m models/blood-cells.safetensors -o "build/windows/boxes é 日本.jpg" "$sample" \
    >"$folder/boxes.txt" 2>"$folder/wine.log" || { cat "$folder/wine.log"; exit 1; }
tests/platforms/same_boxes.sh build/boxes.txt "$folder/boxes.txt"
[ -s "build/windows/boxes é 日本.jpg" ] || { echo "Windows: the boxes were not drawn" >&2; exit 1; }
ctest --test-dir "$folder/build" -R '^(forms|tables|kernels[.]lavapipe)$' --output-on-failure
