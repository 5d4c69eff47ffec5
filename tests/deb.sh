#!/bin/sh
# The Debian package: built by cpack, looked through by lintian, then installed with what it depends on in a Debian 12 and
# a Debian 13 that debootstrap makes in build/deb once and keeps. There nothing else of ghostvk is: the program must find
# blood cells in its sample, and its manual page and completions must be in their places and be taken.
# usage: deb.sh BUILD_FOLDER
set -eu
cd "$(dirname "$0")/.."
build=$(cd "$1" && pwd)
roots=$PWD/build/deb
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
[ "$(id -u)" = 0 ] || { echo "dev: deb needs root: debootstrap, mount and chroot do" >&2; exit 1; }

rm -f "$build"/ghostvk_*.deb
(cd "$build" && cpack -G DEB) >"$build/cpack.txt" 2>&1 || { cat "$build/cpack.txt"; exit 1; }
package=$(ls "$build"/ghostvk_*.deb)
echo "$(basename "$package"): $(stat -c %s "$package") bytes"
dpkg-deb --field "$package" Depends Recommends Suggests
! command -v lintian >/dev/null || lintian --allow-root --fail-on error --suppress-tags bad-distribution-in-changes-file "$package"

# try SUITE: in that Debian.
try() {
    root=$roots/$1
    if [ ! -f "$root/made" ]; then
        echo "Making Debian $1 in build/deb"
        rm -rf "$root"
        mkdir -p "$root"
        debootstrap --variant=minbase "$1" "$root" "$mirror" >"$root.log" 2>&1 || { tail "$root.log"; exit 1; }
        touch "$root/made"
    fi
    cp "$package" "$root/root/ghostvk.deb"
    cp /etc/resolv.conf "$root/etc/resolv.conf"
    unshare --mount --pid --fork sh -eu -c '
        root=$1
        mount --make-rprivate /
        mount -t proc proc "$root/proc"
        mount -t sysfs sysfs "$root/sys"
        mount --rbind /dev "$root/dev"
        mount -t tmpfs tmpfs "$root/dev/shm"
        exec chroot "$root" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 TERM=dumb \
            DEBIAN_FRONTEND=noninteractive ${http_proxy:+http_proxy="$http_proxy"} \
            ${https_proxy:+https_proxy="$https_proxy"} bash -eu -c "$2"
    ' sh "$root" "$inside"
}

inside='
trap "echo failed in line \$LINENO; exit 1" ERR
# Debian leaves manual pages out of small systems where it is told so; these are wanted.
rm -f /etc/dpkg/dpkg.cfg.d/docker
apt-get update -qq
apt-get purge -y -qq ghostvk >/dev/null 2>&1 || true
apt-get install -y -qq --no-install-recommends man-db bash-completion mesa-vulkan-drivers >/dev/null 2>&1
apt-get install -y -qq --no-install-recommends /root/ghostvk.deb >/dev/null 2>&1
ghostvk --version
cd /tmp
rm -rf drawn boxes.json
ghostvk detect --device cpu --json boxes.json -o drawn/ /usr/share/ghostvk/samples/smear-1.jpg
[ "$(grep -c "\"class\"" boxes.json)" -ge 20 ]
[ -s drawn/smear-1.jpg ]
man -w ghostvk
man ghostvk | grep -q "find objects in pictures"
[ -z "$(MANROFFSEQ= man --warnings ghostvk 2>&1 >/dev/null)" ]
test -s /usr/share/doc/ghostvk/copyright
test -s /usr/share/zsh/vendor-completions/_ghostvk
test -s /usr/share/fish/vendor_completions.d/ghostvk.fish
# As a terminal does it: the completion is loaded by the name of the program.
bash -i -c "
    . /usr/share/bash-completion/bash_completion
    COMP_WORDS=(ghostvk detect --precision fp) COMP_CWORD=3 COMP_LINE=\"ghostvk detect --precision fp\" COMP_POINT=29
    { _completion_loader ghostvk || _comp_load ghostvk || true; } 2>/dev/null
    _ghostvk
    echo \"completed: \${COMPREPLY[*]}\"
" 2>/dev/null | grep "^completed: fp32 fp16$"
apt-get purge -y -qq ghostvk >/dev/null 2>&1
[ ! -e /usr/share/ghostvk ] && [ ! -e /usr/bin/ghostvk ]
echo "installed, tried and removed in Debian $(cat /etc/debian_version)"
'
try bookworm
try trixie
