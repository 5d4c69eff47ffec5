#!/bin/sh
# The house keeps its order: what a file includes, and what it calls as its object file shows, is in its own room or in
# one before it (rooms.txt); no files include or call each other in a circle; a folder holds at most 16 files of code,
# and a file at most 600 lines.
# usage: rooms.sh SOURCE_FOLDER BUILD_FOLDER
set -eu
export LC_ALL=C
source=$(cd "$1" && pwd) build=$(cd "$2" && pwd)
cd "$source"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
most_files=16 most_lines=600
find include runtime ghostnet cli tests shaders -name '*.[ch]' -o -name '*.comp' -o -name '*.glsl' | sort >"$work/files"
grep -v '^#' tests/house/rooms.txt >"$work/rooms"

# say HEADING: prints what standard input holds, under the heading; anything there breaks the order.
say() {
    cat >"$work/said"
    [ -s "$work/said" ] || return 0
    echo "$1:"
    sed 's/^/    /' "$work/said"
    : >"$work/broken"
}

# Lines "FILE FILE NAME": the first includes the second, or calls NAME, which the second defines.
awk -v list="$work/files" '
    BEGIN { while ((getline file < list) > 0) known[file] = 1 }
    FNR == 1 { folder = FILENAME; sub("/[^/]*$", "", folder) }
    /^[ \t]*#[ \t]*include/ {
        name = $0
        gsub(/^[^"<]*["<]|[">].*$/, "", name)
        other = name in known ? name : folder "/" name in known ? folder "/" name : "include/" name
        if (other in known) print FILENAME, other, "include"
    }' $(grep -v '^tests/\|^shaders/.*[.][cg]' "$work/files") >"$work/includes"

# The objects of a target lie in a tree like the sources'; those of sources that are gone stay behind in a build folder.
for target in ghostvk ghostvk-program; do
    folder=$build/CMakeFiles/$target.dir
    [ -d "$folder" ] || continue
    (cd "$folder" && find . -name '*.o' | sed 's#^[.]/##' | while read -r object; do
        [ ! -f "$source/${object%.o}" ] || echo "$object"
    done | xargs nm -A -P)
done | sed 's/[.]o: / /' >"$work/symbols"
awk '
    NR == FNR { if ($3 ~ /^[TDRBV]$/) where[$2] = $1; next }
    $3 == "U" && $2 in where && where[$2] != $1 { print $1, where[$2], $2 }
' "$work/symbols" "$work/symbols" >"$work/calls"
# Each of the two must have found something, or a passing test would mean nothing.
for kind in includes calls; do
    [ "$(wc -l <"$work/$kind")" -gt 300 ] || echo "only $(wc -l <"$work/$kind") $kind were found" | say "Nothing to look at"
done

for kind in includes calls; do
    awk -v list="$work/rooms" '
        function room(file) { sub("/[^/]*$", "", file); return file }
        BEGIN { while ((getline name < list) > 0) place[name] = ++count }
        !(room($1) in place) { print "no room in rooms.txt:", $1; next }
        !(room($2) in place) { print "no room in rooms.txt:", $2; next }
        place[room($1)] < place[room($2)] { print $1, "->", $2, "(" $3 ")" }
    ' "$work/$kind" | sort -u | say "Arrows up, by $kind"
done

# A source and its header are one. An arrow is of a circle where its end reaches its beginning.
sed 's/[.][ch] / /g' "$work/includes" "$work/calls" | awk '$1 != $2 { print $1, $2 }' | sort -u |
    awk '
        function reaches(node, goal, seen, waiting, count, i) {
            waiting[count = 1] = node
            while (count) {
                node = waiting[count--]
                if (node == goal) return 1
                if (node in seen) continue
                seen[node] = 1
                for (i = 1; i <= leaving[node]; i++) waiting[++count] = next_of[node, i]
            }
            return 0
        }
        { from[NR] = $1; to[NR] = $2; next_of[$1, ++leaving[$1]] = $2 }
        END { for (i = 1; i <= NR; i++) if (reaches(to[i], from[i])) print from[i], "->", to[i] }
    ' | say "Circles"

sed 's#/[^/]*$##' "$work/files" | uniq -c | awk -v most=$most_files '$1 > most { print $2 ": " $1 " files" }' |
    say "Folders of more than $most_files files"
xargs wc -l <"$work/files" | awk -v most=$most_lines '$2 != "total" && $1 > most { print $2 ": " $1 " lines" }' |
    say "Files of more than $most_lines lines"

[ ! -f "$work/broken" ] || exit 1
echo "In order: $(wc -l <"$work/files") files, $(wc -l <"$work/includes") includes, $(wc -l <"$work/calls") calls"
