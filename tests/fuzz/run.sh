#!/bin/sh
# Builds the fuzz targets and runs them one after the other. Inputs that reached something new are kept in
# build-fuzz/corpus, findings in build-fuzz/findings, and the executions since the last finding are counted there.
# Ends with 1 when there was a finding.
# usage: run.sh [--runs EXECUTIONS | SECONDS] [TARGET...]     (60 seconds for each of all targets)
set -eu
cd "$(dirname "$0")/../.."
build=build-fuzz

amount=-max_total_time=60
case "${1:-}" in
--runs)
    amount=-runs=$2
    shift 2
    ;;
[0-9]*)
    amount=-max_total_time=$1
    shift
    ;;
esac
[ $# -gt 0 ] || set -- pickle zip legacy safetensors metadata jpeg png webp tiff bmp plan graph tensor lists stored tracker

mkdir -p $build
cmake --preset fuzz >$build/log.txt 2>&1 && cmake --build --preset fuzz >>$build/log.txt 2>&1 || {
    cat $build/log.txt
    exit 1
}

# The longest input, the dictionary, and whether leaks are looked for: the other targets count blocks themselves.
settings() { # TARGET
    case $1 in
    pickle) echo "2048 pickle 0" ;;
    zip) echo "8192 zip 0" ;;
    legacy) echo "4096 pickle 0" ;;
    safetensors) echo "4096 safetensors 0" ;;
    metadata) echo "1024 metadata 0" ;;
    jpeg) echo "8192 jpeg 1" ;;
    png) echo "16384 png 1" ;;
    webp) echo "8192 webp 1" ;;
    tiff) echo "8192 tiff 1" ;;
    bmp) echo "8192 bmp 1" ;;
    plan) echo "512 plan 0" ;;
    graph) echo "392 none 0" ;;
    tensor) echo "4096 safetensors 1" ;;
    lists) echo "512 lists 1" ;;
    stored) echo "1024 none 0" ;;
    tracker) echo "1024 none 0" ;;
    *)
        echo "run.sh: there is no target \"$1\"" >&2
        exit 2
        ;;
    esac
}

run() { # TARGET LONGEST DICTIONARY LEAKS
    target=$1 corpus=$build/corpus/$1 log=$build/findings/$1.txt counter=$build/findings/$1.executions
    mkdir -p "$corpus" $build/findings
    dictionary=tests/fuzz/dictionaries/$3.dict
    [ -f $dictionary ] && dictionary=-dict=$dictionary || dictionary=
    before=$(find $build/findings -name "$target-*" ! -name "*.report" | wc -l)
    # A small quarantine and short traces of allocations: quicker by half. A finding is run again without.
    ASAN_OPTIONS=quarantine_size_mb=16:malloc_context_size=1:detect_leaks=$4 $build/fuzz_$target \
        -rss_limit_mb=512 -timeout=20 -report_slow_units=2 -max_len=$2 -detect_leaks=$4 -reload=0 \
        -entropic_scale_per_exec_time=1 -print_final_stats=1 $amount $dictionary \
        -artifact_prefix=$build/findings/$target- "$corpus" \
        $(tr ';' '\n' <$build/tests/fuzz/$target.inputs) >"$log" 2>&1 || true

    # libFuzzer counts the clock's seconds, and the machine may have been busy: two seconds of the processor are too many.
    for input in $(find $build/findings -name "$target-slow-unit-*" ! -name "*.report" -newer $counter.start); do
        (ulimit -t 2 && $build/fuzz_$target -rss_limit_mb=512 "$input") >/dev/null 2>&1 && rm "$input"
    done
    executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    speed=$(sed -n 's/^stat::average_exec_per_sec: *//p' "$log")
    edges=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
    first_edges=$(sed -n 's/.*INITED cov: \([0-9]*\) .*/\1/p' "$log")
    features=$(sed -n 's/.* ft: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
    findings=$(($(find $build/findings -name "$target-*" ! -name "*.report" | wc -l) - before))
    grep -q '^==.*ERROR\|^SUMMARY' "$log" && [ $findings = 0 ] && findings=1
    [ -n "$executions" ] || { findings=1 executions=0; }
    total=$executions
    [ -f $counter ] && total=$((total + $(cat $counter)))
    [ $findings = 0 ] || total=0
    echo $total >$counter
    printf '%-12s %11s %8s %6s -> %-6s %8s %8s %11s %9s\n' "$target" "$executions" "${speed:-?}" "${first_edges:-?}" \
        "${edges:-?}" "${features:-?}" "$(find "$corpus" -type f | wc -l)" "$total" $findings
    [ $findings = 0 ] && return
    for input in $(find $build/findings -name "$target-*" ! -name "*.report" -newer $counter.start); do
        $build/fuzz_$target -timeout=20 -rss_limit_mb=512 "$input" >"$input.report" 2>&1 || true
        grep -h 'broken:\|^==.*ERROR\|runtime error\|^    #[0-9] ' "$input.report" | head -n 12
        echo "    $input"
    done
    return 1
}

printf "%-12s %11s %8s %16s %8s %8s %11s %9s\n" target executions /second edges features inputs "since last" findings
status=0
for target in "$@"; do
    set_up=$(settings "$target")
    mkdir -p $build/findings
    touch "$build/findings/$target.executions.start"
    run "$target" $set_up || status=1
done
exit $status
