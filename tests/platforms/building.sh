# Sourced: building for another system with the shader table of the native build, which `./dev` makes first.

# build_for FOLDER TOOLCHAIN TARGETS [SETTING...]: configures the whole tree in FOLDER and builds the targets.
build_for() {
    build=$1 toolchain=$2 targets=$3
    shift 3
    mkdir -p "$build"
    { cmake -S . -B "$build" -G Ninja -DCMAKE_TOOLCHAIN_FILE="$PWD/tests/platforms/$toolchain" \
        -DGVK_SHADER_TABLE="$PWD/build/shaders" "$@" && cmake --build "$build" --target $targets; } >"$build.log" 2>&1 || {
        tail -40 "$build.log"
        exit 1
    }
}

# expect_boxes: what the native program finds in the sample picture, into build/boxes.txt.
sample=models/samples/smear-1.jpg
expect_boxes() {
    build/ghostvk detect --device cpu "$sample" >build/boxes.txt 2>build/boxes.log || { cat build/boxes.log; exit 1; }
}

# measure PROGRAM: its numbers over Pascal VOC's and COCO's labels, and boxes that are there.
measure() {
    cases=tests/evaluation
    $1 eval --results $cases/voc/results.jsonl $cases/voc &&
        $1 eval --protocol coco --results $cases/coco/crowded.results.json $cases/coco/crowded.instances.json
}

# same_numbers FOLDER PROGRAM: what the program, several words perhaps, measures is what the native one does, to the last
# digit of its tables.
same_numbers() {
    measure build/ghostvk >build/eval.txt 2>"$1/eval.log" && measure "$2" >"$1/eval.out" 2>"$1/eval.log" || {
        cat "$1/eval.log"
        exit 1
    }
    tr -d '\r' <"$1/eval.out" | diff build/eval.txt - || {
        echo "$2: the numbers of eval are not the native program's" >&2
        exit 1
    }
    echo "eval: the same numbers"
}
