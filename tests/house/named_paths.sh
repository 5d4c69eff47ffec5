#!/bin/sh
# What the pages and comments point at is there: every link of a page to a file, every path of the tree that stands
# between backticks, and every file of the tree that a comment names with its folder.
# usage: named_paths.sh SOURCE_FOLDER
set -eu
export LC_ALL=C
cd "$1"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
find . -name '*.md' -not -path './build*' -not -path './.*' | sed 's#^[.]/##' | sort >"$work/pages"

# Lines "PAGE PATH"; placeholders in capitals (fuzz_NAME.c) and patterns stand for many.
while read -r page; do
    # A page's code blocks hold commands; links and names stand in its text.
    grep -v '^    ' "$page" | grep -o '](\([^)#]*\)' | sed 's/^](//' | grep -v '^[a-z]*:' | sed "s#^#$page #" || true
    grep -v '^    ' "$page" | grep -o '`\(cli\|cmake\|docs\|dev\|ghostnet\|include\|models\|packages\|runtime\|shaders\|tests\)/[A-Za-z0-9_./-]*`' |
        tr -d '`' | grep -v '[A-Z][A-Z]' | sed "s#^#$page #" || true
done <"$work/pages" >"$work/named"
find runtime ghostnet cli tests shaders include -name '*.[ch]' -o -name '*.comp' -o -name '*.glsl' -o -name '*.sh' |
    xargs grep -HoE '\b(cli|docs|ghostnet|runtime|shaders|tests)/[a-z0-9_/]+[.](c|h|md|comp|glsl|sh|py)\b' |
    sed 's/:/ /' >>"$work/named"

# docs/adding.md walks through an op that is not there: leaky.
while read -r from path; do
    case "$path" in *leaky*) continue ;; esac
    [ -e "$path" ] || [ -e "$(dirname "$from")/$path" ] || echo "$from: $path"
done <"$work/named" | sort -u >"$work/missing"
[ "$(wc -l <"$work/named")" -gt 200 ] || echo "only $(wc -l <"$work/named") names were found" >>"$work/missing"
if [ -s "$work/missing" ]; then
    echo "Named and not there:"
    sed 's/^/    /' "$work/missing"
    exit 1
fi
echo "$(wc -l <"$work/named") names, all of them there"
