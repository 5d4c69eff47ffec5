// One contestant: ONNX Runtime on the CPU with two threads. Prints the milliseconds of each run as JSON; with MAPS,
// a safetensors file that `ghostvk run` wrote, how far its outputs are from those.
// usage: node onnxruntime.js BUILD_FOLDER RUNS [MAPS]
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { createRequire } = require('node:module');

const WARM_UP = 40; // ONNX Runtime is a quarter faster after some fifteen runs

/** The tensors of a safetensors file of fp32, by name. */
function readTensors(file) {
    const bytes = fs.readFileSync(file);
    const headerBytes = Number(bytes.readBigUInt64LE(0));
    const header = JSON.parse(bytes.subarray(8, 8 + headerBytes).toString());
    const tensors = {};
    for (const [name, entry] of Object.entries(header)) {
        if (name === '__metadata__') continue;
        const [first, end] = entry.data_offsets.map((offset) => bytes.byteOffset + 8 + headerBytes + offset);
        tensors[name] = { shape: entry.shape, values: new Float32Array(bytes.buffer.slice(first, end)) };
    }
    return tensors;
}

/** The largest difference over the largest magnitude; infinite where a value is not a number. */
function relativeError(got, expected) {
    let worst = 0;
    let largest = 0;
    for (let i = 0; i < expected.length; i++) {
        const difference = Math.abs(got[i] - expected[i]);
        worst = difference <= worst ? worst : Number.isNaN(difference) ? Infinity : difference;
        largest = Math.max(largest, Math.abs(expected[i]));
    }
    return largest > 0 && got.length === expected.length ? worst / largest : Infinity;
}

async function main() {
    const [folder, runs, maps] = process.argv.slice(2);
    const bench = path.resolve(folder, 'bench');
    const onnxruntime = createRequire(path.join(bench, 'package.json'))('onnxruntime-node');
    const session = await onnxruntime.InferenceSession.create(path.join(bench, 'model.onnx'), {
        intraOpNumThreads: 2,
        interOpNumThreads: 1,
        executionMode: 'sequential',
        graphOptimizationLevel: 'all',
    });
    const input = readTensors(path.join(bench, 'input.safetensors')).input;
    const feeds = { [session.inputNames[0]]: new onnxruntime.Tensor('float32', input.values, input.shape) };
    const samples = [];
    let outputs;
    for (let run = 0; run < WARM_UP + Number(runs); run++) {
        const start = performance.now();
        outputs = await session.run(feeds);
        if (run >= WARM_UP) samples.push(performance.now() - start);
    }
    const errors = {};
    const other = maps ? readTensors(maps) : {};
    for (const name of maps ? session.outputNames : [])
        errors[name] = name in other ? relativeError(other[name].values, outputs[name].data) : null;
    console.log(JSON.stringify({ ms: samples, errors }));
}

main().catch((error) => {
    console.error(`onnxruntime.js: ${error.message}`);
    process.exitCode = 1;
});
