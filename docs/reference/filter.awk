# A public header as Doxygen reads it. The headers' comments are plain ones; here the first becomes the file's, those in
# front of a declaration its, those behind a member the member's. A comment in front of several functions is each one's.
# Behind a function's comment comes its row of docs/calls.md (-v calls=FILE).
BEGIN {
    if (calls == "") calls = "docs/calls.md"
    while ((getline line < calls) > 0)
        if (line ~ /^\| `gvk_/) {
            split(line, cell, / *\| */)
            gsub(/`/, "", cell[2])
            row[cell[2]] = " @par Threads\n " cell[3] "\n @par Ownership\n " (cell[4] == "" ? "nothing changes hands" : cell[4]) \
                "\n @par Cost\n " cell[5] "\n @par Errors\n " (cell[6] == "" ? "ARGUMENT and HOST_MEMORY alone" : cell[6]) "\n"
        }
}
function flush_comment() {
    if (comment == "") return
    printf "%s", comment
    comment = ""
}
FNR == 1 { sub(/^\/\* /, "/** @file\n * "); in_head = 1 }
in_head { print; if (/\*\/ *$/) in_head = 0; next }
/^\/\* ----/ { comment = shared = ""; passing = !/\*\/ *$/; next } # a heading
passing { if (/\*\/ *$/) passing = 0; next }
/^ *\/\* 0\.1 ends here\. \*\/$/ { next }
!in_comment && /^\/\* / { # at the left: a declaration's
    comment = $0 "\n"
    sub(/^\/\*/, "/**", comment)
    in_comment = !/\*\/ *$/
    next
}
in_comment == 1 { comment = comment $0 "\n"; if (/\*\/ *$/) in_comment = 0; next }
!in_comment && /^ +\/\* / { # inside a struct, in front of a member
    sub(/\/\*/, "/**")
    if (!/\*\/ *$/) in_comment = 2
    print
    next
}
in_comment == 2 { print; if (/\*\/ *$/) in_comment = 0; next }
/[;,{] *\/\* / || /[A-Za-z0-9_)] +\/\* / { # behind a member
    if ($0 !~ /^#/) sub(/\/\* /, "/**< ")
    if (!/\*\/ *$/) in_comment = 2
}
/^GVK_API / {
    text = comment != "" ? comment : shared
    shared = text
    name = $0
    sub(/\(.*/, "", name)
    sub(/.*[ *]/, "", name)
    if (text == "") text = "/** */\n" # what it does stands at its struct
    sub(/ *\*\/ *\n$/, "\n", text)
    printf "%s%s */\n", text, row[name]
    comment = ""
    print
    next
}
/^$/ { shared = "" }
{ flush_comment(); print }
