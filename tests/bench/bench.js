// `dev bench`: ghostvk on lavapipe and on SwiftShader beside ONNX Runtime on the CPU, in one run, in turns, because a
// machine's speed wanders. First their outputs must agree: otherwise they are not the same network and nothing is
// compared. Prints Markdown. docs/speed.md says what the columns mean.
// usage: node bench.js BUILD_FOLDER [ROUNDS [MESA_ROOT]]
// MESA_ROOT: a folder with another lavapipe and all its libraries (fetch_mesa.sh), which is measured in place of the build's.
'use strict';

const os = require('node:os');
const path = require('node:path');
const { Contestants } = require('./contestants.js');
const { dependencies } = require('./package.json');

const CLASSES = 80;
const SIDE = 416;
const GROWTH_SIDES = [320, 416, 608, 832];
const TOLERANCE = 1e-4; // of a map's largest magnitude, as in the tests
const DRIVERS = ['lavapipe', 'SwiftShader'];
const RUNS = { onnxruntime: 20, lavapipe: 12, SwiftShader: 4, growth: 6, host: 40 };
const SOURCE = path.resolve(__dirname, '../..');

// ---- numbers ----

function percentile(values, part) {
    const sorted = [...values].sort((a, b) => a - b);
    const at = part * (sorted.length - 1);
    const below = Math.floor(at);
    const above = Math.min(below + 1, sorted.length - 1);
    return sorted[below] + (sorted[above] - sorted[below]) * (at - below);
}

const median = (values) => percentile(values, 0.5);

/** Least squares: y = constant + slope * x. */
function fitLine(points) {
    const mean = (pick) => points.reduce((sum, point) => sum + pick(point), 0) / points.length;
    const x = mean((point) => point.x);
    const y = mean((point) => point.y);
    const slope =
        points.reduce((sum, point) => sum + (point.x - x) * (point.y - y), 0) /
        points.reduce((sum, point) => sum + (point.x - x) ** 2, 0);
    return { slope, constant: y - slope * x };
}

// ---- text ----

/** Three digits that say something. */
function show(value) {
    if (!Number.isFinite(value)) return '-';
    return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function percent(value) {
    return `${value >= 0 ? '+' : ''}${(value * 100).toFixed(1)} %`;
}

function table(header, rows) {
    const line = (cells) => `| ${cells.join(' | ')} |`;
    return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n');
}

function progress(text) {
    process.stderr.write(`bench: ${text}\n`);
}

// ---- the parts ----

/** Every map of ghostvk on every driver against ONNX Runtime's; the worst. */
function checkAgreement(contestants) {
    const bench = path.join(contestants.folder, 'bench');
    let worst = 0;
    for (const driver of DRIVERS) {
        const maps = path.join(bench, 'maps.safetensors');
        const program = path.join(contestants.folder, 'ghostvk');
        const files = ['-m', path.join(bench, 'model.safetensors'), '--input', path.join(bench, 'input.safetensors')];
        contestants.run([program, 'run', ...files, '--output', maps], driver);
        const { errors } = contestants.onnxruntime(1, maps);
        for (const [map, error] of Object.entries(errors)) {
            if (error === null || !(error <= TOLERANCE))
                throw new Error(`${map} on ${driver} is ${error} away from ONNX Runtime's: not the same network`);
            worst = Math.max(worst, error);
        }
        if (Object.keys(errors).length !== 3) throw new Error('ONNX Runtime did not give three maps');
    }
    return worst;
}

function race(contestants, rounds) {
    const network = ['--random', String(CLASSES), '--size', `${SIDE}x${SIDE}`];
    const results = { onnxruntime: [], lavapipe: [], SwiftShader: [] };
    for (let round = 1; round <= rounds; round++) {
        progress(`round ${round} of ${rounds}`);
        results.onnxruntime.push(median(contestants.onnxruntime(RUNS.onnxruntime).ms));
        for (const driver of DRIVERS) results[driver].push(contestants.ghostvk(driver, RUNS[driver], network));
    }
    return results;
}

function raceTable(results) {
    const rows = [
        [`ONNX Runtime ${dependencies['onnxruntime-node']}, CPU, 2 threads`, `${show(median(results.onnxruntime))} ms`, '1', '', '', '', '', ''],
    ];
    for (const driver of DRIVERS) {
        const stage = (name) => `${show(median(results[driver].map((result) => result.ms[name].median)))} ms`;
        const ratios = results[driver].map((result, round) => result.ms.network.median / results.onnxruntime[round]);
        rows.push([
            `ghostvk, ${driver}`,
            stage('network'),
            show(median(ratios)),
            `${show(Math.min(...ratios))} to ${show(Math.max(...ratios))}`,
            stage('resize'),
            stage('decode'),
            stage('total'),
            show(median(results[driver].map((result) => result.fps_in_flight))),
        ]);
    }
    const header = ['', 'network', 'ratio', 'in each round', 'resize', 'decode', 'whole frame', 'frames/s, 2 in flight'];
    return table(header, rows);
}

function countsTable(results) {
    const rows = DRIVERS.map((driver) => {
        const { dispatches, barriers, pipelines, network, arena_bytes, weight_bytes, gflops } = results[driver][0];
        const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;
        return [
            driver,
            `${dispatches} (${network.dispatches})`,
            `${barriers} (${network.barriers})`,
            `${pipelines} (${network.pipelines})`,
            megabytes(arena_bytes),
            megabytes(weight_bytes),
            show(gflops),
        ];
    });
    return table(['', 'dispatches', 'barriers', 'pipelines', 'arena', 'weights', 'GFLOP/s'], rows);
}

async function startUpTable(contestants) {
    const picture = path.join(SOURCE, 'models/samples/smear-1.jpg');
    const model = path.join(SOURCE, 'models/blood-cells.safetensors');
    const rows = [];
    for (const driver of DRIVERS) {
        const firsts = [];
        const seconds = [];
        for (let round = 0; round < 2; round++) {
            progress(`start-up on ${driver}`);
            await contestants.withCache(async (cache) => {
                firsts.push(await contestants.startUp(driver, cache, model, picture));
                for (let again = 0; again < 2; again++) seconds.push(await contestants.startUp(driver, cache, model, picture));
            });
        }
        rows.push([driver, `${show(median(firsts))} s`, `${show(median(seconds))} s`]);
    }
    return table(['start to first boxes', 'first run', 'second run'], rows);
}

function growthTable(contestants) {
    const times = GROWTH_SIDES.map(() => []);
    for (let round = 0; round < 3; round++)
        GROWTH_SIDES.forEach((side, index) => {
            progress(`growth: ${side}x${side}`);
            const more = ['--random', String(CLASSES), '--size', `${side}x${side}`];
            times[index].push(contestants.ghostvk('lavapipe', RUNS.growth, more).ms.network.median);
        });
    /* The quietest round: what disturbs a run only ever makes it longer. */
    const points = GROWTH_SIDES.map((side, index) => ({ x: side * side, y: Math.min(...times[index]) }));
    const { constant, slope } = fitLine(points);
    const rows = points.map((point, index) => [
        `${GROWTH_SIDES[index]}x${GROWTH_SIDES[index]}`,
        `${show(point.y)} ms`,
        `${show(constant + slope * point.x)} ms`,
        percent(point.y / (constant + slope * point.x) - 1),
    ]);
    const words = `network = ${show(constant)} ms + ${show(slope * 1e6)} ms per million pixels`;
    return `${table(['lavapipe', 'network', 'the line', 'off'], rows)}\n\n${words}`;
}

function hostTable(contestants) {
    const rows = DRIVERS.map((driver) => {
        progress(`host's part on ${driver}`);
        const frames = driver === 'lavapipe' ? RUNS.host : RUNS.SwiftShader;
        const cost = contestants.hostCost(driver, [CLASSES, SIDE, frames]);
        const showMicroseconds = (value) => `${(value / 1e3).toFixed(3)} ms`;
        const range = `${showMicroseconds(cost.own_p5_us)} to ${showMicroseconds(cost.own_p95_us)}`;
        return [driver, showMicroseconds(cost.own_us), range, String(cost.calls)];
    });
    return table(['host CPU a frame, outside the driver', 'median', '5 to 95 %', 'driver calls'], rows);
}

async function main() {
    const [folder, roundText, mesaRoot] = process.argv.slice(2);
    const rounds = Number(roundText ?? 5);
    if (!folder || !(rounds >= 1)) throw new Error('usage: node bench.js BUILD_FOLDER [ROUNDS [MESA_ROOT]]');
    const contestants = new Contestants(folder, mesaRoot);
    const exporter = path.join(contestants.folder, 'export_model');
    contestants.run([exporter, path.join(contestants.folder, 'bench'), String(CLASSES), String(SIDE)]);
    progress('do the outputs agree?');
    const worst = checkAgreement(contestants);
    const results = race(contestants, rounds);
    const machine = `${os.cpus()[0].model.trim()}, ${contestants.describe()}`;
    const devices = DRIVERS.map((driver) => `${driver} is ${results[driver][0].device}`).join(', ');
    console.log(`${machine}; ${CLASSES} classes, ${SIDE}x${SIDE}, batch 1, fp32; medians of ${rounds} rounds.`);
    console.log(`${devices}.`);
    console.log(`All maps agree within ${worst.toExponential(1)} of their largest magnitude.\n`);
    console.log(`${raceTable(results)}\n`);
    console.log(`${countsTable(results)}\n`);
    console.log(`${await startUpTable(contestants)}\n`);
    console.log(`${hostTable(contestants)}\n`);
    console.log(growthTable(contestants));
}

main().catch((error) => {
    console.error(`bench: ${error.message}`);
    process.exitCode = 1;
});
