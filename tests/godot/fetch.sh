#!/bin/sh
# Godot 4 in build/godot/root: Debian sid's package and everything that it needs, its own libc and lavapipe too, unpacked
# and not installed. apt reads settings, lists and a package database of its own in build/godot/apt, and so takes
# nothing of this system for given. Done once and kept.
set -eu
cd "$(dirname "$0")/../.."
home=$PWD/build/godot
apt=$home/apt
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

[ ! -f "$home/fetched" ] || exit 0
echo "Fetching Godot 4 of Debian sid into build/godot"
rm -rf "$apt" "$home/root"
mkdir -p "$apt/state/lists/partial" "$apt/cache/archives/partial" "$home/root"
echo "deb [signed-by=$keyring] $mirror sid main" >"$apt/sources.list"
: >"$apt/status"
cat >"$apt/apt.conf" <<CONF
Dir::State "$apt/state";
Dir::State::status "$apt/status";
Dir::Cache "$apt/cache";
Dir::Etc::sourcelist "$apt/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Acquire::Languages "none";
APT::Install-Recommends "false";
APT::Sandbox::User "";
Debug::NoLocking "true";
CONF
export APT_CONFIG="$apt/apt.conf"
{
    apt-get update &&
        apt-get install --yes --download-only godot libvulkan1 mesa-vulkan-drivers
} >"$home/fetch.log" 2>&1 || {
    tail "$home/fetch.log"
    exit 1
}
for package in "$apt"/cache/archives/*.deb; do dpkg -x "$package" "$home/root"; done
rm -rf "$apt/cache"
touch "$home/fetched"
