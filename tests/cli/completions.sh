#!/bin/sh
# The completions in the shells that they are for, and the manual page in the programs that read one: what a person gets
# who presses Tab. A shell that is not installed is named and left out; bash is always there.
# usage: completions.sh PROGRAM
set -eu
export LC_ALL=C
program=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
mkdir bin fpath
cp "$program" bin/ghostvk 2>/dev/null || ln -s "$program" bin/ghostvk
PATH=$work/bin:$PATH
export PATH
ghostvk --completion bash >ghostvk.bash
ghostvk --completion zsh >fpath/_ghostvk
ghostvk --completion fish >ghostvk.fish
ghostvk --man >ghostvk.1
touch "a picture.jpg" model.pth
mkdir models
failed=

# want SHELL LINE WORD...: the line, completed at its end by that shell's function, offers each of the words.
want() {
    shell=$1 line=$2
    shift 2
    "complete_$shell" "$line" >offered 2>errors || true
    for word; do
        grep -qxF -- "$word" offered || {
            echo "$shell: \"$line\" does not offer \"$word\" but: $(tr '\n' ' ' <offered)$(cat errors)"
            failed=1
        }
    done
}
# refuse SHELL LINE WORD: it is not offered.
refuse() {
    "complete_$1" "$2" >offered 2>errors || true
    ! grep -qxF -- "$3" offered || { echo "$1: \"$2\" offers \"$3\""; failed=1; }
}

# Words as bash parts them: = is a word of its own.
complete_bash() {
    timeout 20 bash --norc -c '
        . ./ghostvk.bash
        line=${1//=/ = }
        read -r -a COMP_WORDS <<<"$line"
        [[ $1 != *" " && $1 != *= ]] || COMP_WORDS+=("")
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        _ghostvk
        printf "%s\n" "${COMPREPLY[@]}"' bash "$1"
}
# What the function gives to _arguments and _describe, which match it with the line: the names of options and commands,
# and the words of choices.
complete_zsh() {
    timeout 20 zsh -f -c '
        compdef() { }
        source ./fpath/_ghostvk
        words=(${=1})
        [[ $1 == *" " ]] && words+=("")
        inner=0
        [[ ${#words} -gt 2 && ${words[2]} != -* ]] && inner=1
        _describe() { print -l ${(P)${@[-1]}%%:*} }
        _arguments() {
            if [[ $1 == -C ]] && (( inner )); then
                state=arguments
                shift words
                return 1
            fi
            local specification
            for specification; do
                [[ $specification == *:_ghostvk_commands ]] && _ghostvk_commands
                [[ $specification == (-C|-s|-S|[0-9*]:*) ]] || print -r -- ${${${specification#\(*\)}%%\[*}%%[=+]}
                [[ $specification == *:\(*\) && ${words[-2]} == ${${${specification#\(*\)}%%\[*}%%[=+]} ]] &&
                    print -l -- ${=${specification##*:\(}%\)}
            done
            return 0
        }
        _ghostvk' zsh "$1" </dev/null
}
complete_fish() {
    timeout 20 fish --no-config -c 'source ./ghostvk.fish; complete -C "$argv[1]"' "$1" | cut -f1
}

for shell in bash zsh fish; do
    command -v $shell >/dev/null || { echo "$shell is not installed: its script was not tried."; continue; }
    want $shell "ghostvk de" detect devices
    want $shell "ghostvk --ver" --version
    want $shell "ghostvk --completion " bash zsh fish
    want $shell "ghostvk help be" bench
    want $shell "ghostvk detect --let" --letterbox
    want $shell "ghostvk detect --precision " fp32 fp16 auto
    want $shell "ghostvk run --rewrite n" none
    refuse $shell "ghostvk devices --" --conf
    [ $shell = zsh ] || refuse $shell "ghostvk devices " model.pth
    tried="${tried:-}${tried:+, }$shell"
done
want bash "ghostvk detect --precision=f" fp32 fp16
want bash "ghostvk detect -m mod" model.pth models
want bash "ghostvk detect a" "a picture.jpg"
refuse bash "ghostvk detect --size " model.pth

if command -v groff >/dev/null; then
    groff -ww -man -Tutf8 -z ghostvk.1 2>errors || true
    [ ! -s errors ] || { cat errors; failed=1; }
    tried="$tried, groff"
fi
if command -v mandoc >/dev/null; then
    mandoc -T lint -W warning ghostvk.1 >errors 2>&1 || true
    [ ! -s errors ] || { cat errors; failed=1; }
    tried="$tried, mandoc"
fi
[ -z "$failed" ]
echo "Tried: $tried"
