#!/bin/sh
# same_boxes.sh EXPECTED FOUND: whether two tables that `ghostvk detect` printed have the same boxes, in the same order:
# classes are the same, scores within 0.002, corners within 0.2 pixels, which is what the last digits of floats make.
set -eu
boxes() { awk 'NF == 6 && $2 ~ /^[01][.]/' "$1"; }
count=$(boxes "$1" | wc -l)
[ "$count" -gt 0 ] || { echo "$1 has no boxes" >&2; exit 1; }
[ "$count" = "$(boxes "$2" | wc -l)" ] || { echo "$2 does not have the $count boxes of $1:" >&2; cat "$2" >&2; exit 1; }
boxes "$1" >"$2.expected"
boxes "$2" | paste -d ' ' "$2.expected" - | awk '
    function differs(a, b, most) { return a - b > most || b - a > most }
    $1 != $7 || differs($2, $8, 0.002) || differs($3, $9, 0.2) || differs($4, $10, 0.2) || differs($5, $11, 0.2) ||
        differs($6, $12, 0.2) { print "boxes differ:", $0; failed = 1 }
    END { exit failed }'
rm -f "$2.expected"
echo "The same $count boxes"
