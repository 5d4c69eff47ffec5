#!/bin/sh
# fetch_mesa.sh SUITE FOLDER: unpacks lavapipe of another suite of Debian with all that it links to, its loader too, into
# FOLDER, once. Nothing is installed.
set -eu
cd "$(dirname "$0")/../.."
[ ! -f "$2/complete" ] || exit 0
. tests/platforms/foreign_apt.sh
foreign_apt_prepare "$2-apt" "$(dpkg --print-architecture)" "$1"
foreign_root "$2" mesa-vulkan-drivers libvulkan1 libc6
rm -rf "$2-apt"
