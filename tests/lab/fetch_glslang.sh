#!/bin/sh
# Fetches into build/lab/glslang, once, the compiler of Debian's suite below, for kernels whose extension older ones do not
# know (shaders/matrix/make.sh), with the libraries that it wants. Nothing is installed.
set -eu
cd "$(dirname "$0")/../.."
. tests/platforms/foreign_apt.sh
folder=$PWD/build/lab
suite=sid
[ ! -f "$folder/glslang/complete" ] || exit 0
echo "Fetching glslang of $suite"
foreign_apt_prepare "$folder/apt-glslang" "$(dpkg --print-architecture)" "$suite"
foreign_root "$folder/glslang" glslang-tools spirv-tools libc6
rm -rf "$folder/apt-glslang"
