// Starts what is measured, each as a process of its own: on two processors, and where it is allowed with real-time
// priority, so that other work on the machine disturbs less.
'use strict';

const { spawn, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

/** `chrt` and `taskset` in front of a command, as far as this machine allows them. */
function findPrefix() {
    const works = (words) => spawnSync(words[0], [...words.slice(1), 'true']).status === 0;
    const prefix = [];
    if (works(['chrt', '-f', '50'])) prefix.push('chrt', '-f', '50');
    if (works(['taskset', '-c', '0,1'])) prefix.push('taskset', '-c', '0,1');
    return prefix;
}

/** A variable of the CMake cache. */
function readCache(folder, name) {
    const lines = fs.readFileSync(path.join(folder, 'CMakeCache.txt'), 'utf8').split('\n');
    const line = lines.find((text) => text.startsWith(`${name}:`));
    const value = line && line.slice(line.indexOf('=') + 1);
    if (!value || !fs.existsSync(value)) throw new Error(`${name}: the build names no driver that is there`);
    return value;
}

/** Another lavapipe: its manifest, with the library's own place, and what starts a program with its libraries and loader. */
function openMesa(root, folder) {
    const all = path.join(path.resolve(root), 'usr/lib');
    const places = fs.readdirSync(all).map((name) => path.join(all, name));
    const libraries = places.find((place) => fs.existsSync(path.join(place, 'libvulkan_lvp.so')));
    if (!libraries) throw new Error(`${root}: no lavapipe is there`);
    const loader = fs.readdirSync(libraries).find((name) => /^ld-linux.*\.so/.test(name));
    if (!loader) throw new Error(`${libraries}: no loader is there`);
    const manifests = path.join(path.resolve(root), 'usr/share/vulkan/icd.d');
    const name = fs.readdirSync(manifests).find((file) => /^lvp_icd.*\.json$/.test(file));
    const manifest = JSON.parse(fs.readFileSync(path.join(manifests, name), 'utf8'));
    manifest.ICD.library_path = path.join(libraries, 'libvulkan_lvp.so');
    const written = path.join(folder, 'bench', 'lavapipe.json');
    fs.writeFileSync(written, JSON.stringify(manifest));
    return { manifest: written, start: [path.join(libraries, loader), '--library-path', libraries] };
}

class Contestants {
    constructor(folder, mesaRoot) {
        this.folder = path.resolve(folder);
        this.prefix = findPrefix();
        this.start = {};
        this.drivers = {
            lavapipe: readCache(folder, 'GVK_LAVAPIPE_ICD'),
            SwiftShader: readCache(folder, 'GVK_SWIFTSHADER_ICD'),
        };
        if (mesaRoot) {
            const mesa = openMesa(mesaRoot, this.folder);
            this.drivers.lavapipe = mesa.manifest;
            this.start.lavapipe = mesa.start;
        }
    }

    /** How the children are started, in words. */
    describe() {
        const priority = this.prefix.includes('chrt') ? 'with real-time priority' : 'without real-time priority';
        const pinned = this.prefix.includes('taskset') ? 'two processors' : 'all processors';
        return `on ${pinned}, ${priority}`;
    }

    command(words, driver) {
        return [...this.prefix, ...(this.start[driver] ?? []), ...words];
    }

    environment(driver, cache) {
        const environment = { ...process.env };
        if (driver) {
            environment.VK_ICD_FILENAMES = this.drivers[driver];
            environment.VK_DRIVER_FILES = this.drivers[driver];
        }
        if (cache) environment.XDG_CACHE_HOME = cache;
        return environment;
    }

    /** Runs to the end; what it printed. */
    run(words, driver) {
        const [program, ...rest] = this.command(words, driver);
        const ended = spawnSync(program, rest, { env: this.environment(driver), encoding: 'utf8', maxBuffer: 1 << 26 });
        if (ended.status !== 0)
            throw new Error(`${words.join(' ')}: ended with ${ended.status ?? ended.signal ?? ended.error}\n${ended.stderr}`);
        return ended.stdout;
    }

    onnxruntime(runs, maps) {
        const script = path.join(__dirname, 'onnxruntime.js');
        const words = [process.execPath, script, this.folder, String(runs), ...(maps ? [maps] : [])];
        return JSON.parse(this.run(words));
    }

    ghostvk(driver, runs, more) {
        const words = [path.join(this.folder, 'ghostvk'), 'bench', '--runs', String(runs), '--json', '-', ...more];
        return JSON.parse(this.run(words, driver));
    }

    hostCost(driver, more) {
        return JSON.parse(this.run([path.join(this.folder, 'host_cost'), ...more.map(String)], driver));
    }

    /** Seconds from the start of `ghostvk detect` to the first boxes on its output. */
    startUp(driver, cache, model, picture) {
        // The model by its name: started by a loader, the program does not know where it lies itself.
        const words = [path.join(this.folder, 'ghostvk'), 'detect', '-m', model, picture];
        const [program, ...rest] = this.command(words, driver);
        return new Promise((resolve, reject) => {
            const start = performance.now();
            let first = null;
            const child = spawn(program, rest, {
                env: this.environment(driver, cache),
                stdio: ['ignore', 'pipe', 'ignore'],
            });
            child.stdout.on('data', () => {
                first ??= (performance.now() - start) / 1e3; // the program writes a picture's boxes in one piece
            });
            child.on('error', reject);
            child.on('close', (status) =>
                status === 0 && first !== null ? resolve(first) : reject(new Error(`detect ended with ${status}`)));
        });
    }

    /** An empty folder for caches; `use` gets it, then it goes. */
    async withCache(use) {
        const cache = fs.mkdtempSync(path.join(os.tmpdir(), 'ghostvk-bench-'));
        try {
            return await use(cache);
        } finally {
            fs.rmSync(cache, { recursive: true, force: true });
        }
    }
}

module.exports = { Contestants };
