#!/bin/sh
# Each function of the public headers has a row in docs/calls.md (threads, ownership, cost, errors) and each row a function.
# usage: calls.sh SOURCE_FOLDER
set -eu
export LC_ALL=C
cd "$1"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sed -n '/^GVK_API /{s/(.*//;s/.*[ *]//;p;}' include/ghostvk/*.h | sort >"$work/functions"
sed -n 's/^| `\(gvk_[a-z_]*\)` |.*/\1/p' docs/calls.md | sort >"$work/rows"
[ "$(wc -l <"$work/functions")" -gt 50 ] || { echo "calls: only $(wc -l <"$work/functions") functions were found"; exit 1; }
diff "$work/functions" "$work/rows" >"$work/said" || {
    echo "calls: functions (<) and rows of docs/calls.md (>) that have no counterpart:"
    cat "$work/said"
    exit 1
}
# A row with an empty cell for threads or cost says nothing. Six bars a row.
awk -F '|' '/^\| `gvk_/ && (NF != 7 || $3 ~ /^ *$/ || $5 ~ /^ *$/) { print "calls: " $0; wrong = 1 } END { exit wrong }' docs/calls.md
echo "calls: $(wc -l <"$work/functions") functions, a row each"
