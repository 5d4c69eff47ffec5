#!/bin/sh
# Debian 13 in build/debian13, made by debootstrap once and kept, and the tree as it stands copied into it: there
# `./dev demo` and `./dev test` run as on a machine that has it, and end with ctest's summary. Mounts are in a namespace of
# their own, which ends with the processes in it, however it ends.
set -eu
cd "$(dirname "$0")/.."
root=$PWD/build/debian13
tree=$root/root/ghostvk
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}

[ "$(id -u)" = 0 ] || { echo "dev: debian13 needs root: debootstrap, mount and chroot do" >&2; exit 1; }
if [ ! -f "$root/made" ]; then
    echo "Making Debian 13 in build/debian13"
    rm -rf "$root"
    mkdir -p "$root"
    debootstrap --variant=minbase trixie "$root" "$mirror" >build/debian13.log 2>&1 || {
        tail build/debian13.log
        exit 1
    }
    touch "$root/made"
fi

# What was built there stays; all else is as here.
mkdir -p "$tree"
find "$tree" -mindepth 1 -maxdepth 1 ! -name build -exec rm -rf {} +
git ls-files -z --cached --others --exclude-standard | tar --create --null --files-from=- --ignore-failed-read |
    tar --extract --directory="$tree"
cp /etc/resolv.conf "$root/etc/resolv.conf"

exec unshare --mount --pid --fork sh -eu -c '
    root=$1
    mount --make-rprivate /
    mount -t proc proc "$root/proc"
    mount -t sysfs sysfs "$root/sys"
    mount --rbind /dev "$root/dev"
    mount -t tmpfs tmpfs "$root/dev/shm"
    exec chroot "$root" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 TERM=dumb \
        ${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} \
        sh -eu -c "cd /root/ghostvk; ./dev demo; ./dev test"
' sh "$root"
