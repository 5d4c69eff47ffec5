# Sourced by what needs packages of another architecture, or sources: apt with lists and downloads in a folder of their
# own, from the machine's own mirrors. What the machine has installed and configured stays as it is.

# foreign_apt_prepare FOLDER ARCHITECTURE [SUITE]: reads the lists, of the machine's suites or of another one of its mirror.
foreign_apt_prepare() {
    foreign_folder=$1 foreign_architecture=$2 foreign_suite=${3:-}
    mkdir -p "$1/parts" "$1/lists/partial" "$1/cache/archives/partial"
    : >"$1/status"
    keys=/usr/share/keyrings/debian-archive-keyring.gpg
    apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' \
        'Created-By: Packages' 'Origin: Debian' 'Component: main' | sort -u |
        if [ -n "$foreign_suite" ]; then sed /security/d | sed -n "1s/ .*/ $foreign_suite main/p"; else cat; fi |
        while read -r place; do
            for kind in deb deb-src; do echo "$kind [signed-by=$keys] $place"; done
        done >"$1/parts/debian.list"
    [ -s "$1/parts/debian.list" ] || { echo "dev: apt knows no Debian mirror here" >&2; exit 1; }
    # A mirror that is being renewed may lack a list: what the others name will do.
    foreign_apt update >"$1/update.log" 2>&1 || echo "dev: not all of Debian's lists could be read; going on without" >&2
}

# foreign_apt ARGUMENT...: apt-get on them.
foreign_apt() {
    apt-get -qq -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$foreign_folder/parts" \
        -o Dir::State::Lists="$foreign_folder/lists" -o Dir::State::status="$foreign_folder/status" \
        -o Dir::Cache="$foreign_folder/cache" -o APT::Architecture="$foreign_architecture" \
        -o APT::Architectures::="$foreign_architecture" -o APT::Install-Recommends=false \
        -o APT::Sandbox::User=root -o Debug::NoLocking=true "$@"
}

# foreign_root ROOT PACKAGE...: unpacks the packages and what they depend on into the folder ROOT. Nothing is installed.
foreign_root() {
    foreign_root=$1
    shift
    foreign_apt -y --download-only install "$@" >/dev/null
    rm -rf "$foreign_root"
    mkdir -p "$foreign_root"
    for package in "$foreign_folder"/cache/archives/*.deb; do dpkg -x "$package" "$foreign_root"; done
    touch "$foreign_root/complete"
}
