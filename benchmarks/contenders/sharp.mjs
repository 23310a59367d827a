// sharp. "docs": a clone of one pipeline per variant, all at once, as its documentation shows for several outputs.
// "expert": one decode to raw pixels at the largest size, smaller variants chained from larger ones.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import sharp from "sharp";

const [file, , letter, way = "docs"] = process.argv.slice(2);
const data = readFileSync(file);
const WARM_UPS = 3;

// a cached result is no work done
sharp.cache(false);

// how each job's files are asked for, from a pipeline
const FILES = {
  a: { "web.jpg": (image) => image.resize(720).jpeg({ quality: 80 }) },
  b: {
    "large.jpg": (image) => image.resize(1600).jpeg({ quality: 80 }),
    "medium.webp": (image) => image.resize(800).webp({ quality: 80 }),
    "small.webp": (image) => image.resize(400).webp({ quality: 80 }),
    "thumb.jpg": (image) => image.resize(150, 150).jpeg({ quality: 80 }),
  },
  c: { "medium.avif": (image) => image.resize(800).avif() },
  d: {
    "medium.webp": (image) => image.resize(800).webp({ quality: 80 }),
    "small.png": (image) => image.resize(400).png(),
  },
}[letter];

async function docs() {
  const image = sharp(data);
  const names = Object.keys(FILES);
  const bodies = await Promise.all(names.map((name) => FILES[name](image.clone()).toBuffer()));
  return Object.fromEntries(names.map((name, index) => [name, bodies[index]]));
}

// of job b and d: the others have one file, and nothing to chain
async function expert() {
  const raw = async (source, width) => {
    const { data, info } = await source.resize(width).raw().toBuffer({ resolveWithObject: true });
    return () => sharp(data, { raw: { width: info.width, height: info.height, channels: info.channels } });
  };
  if (letter === "d") {
    const at800 = await raw(sharp(data), 800);
    const [medium, small] = await Promise.all([
      at800().webp({ quality: 80 }).toBuffer(),
      at800().resize(400).png().toBuffer(),
    ]);
    return { "medium.webp": medium, "small.png": small };
  }
  const at1600 = await raw(sharp(data), 1600);
  const large = at1600().jpeg({ quality: 80 }).toBuffer();
  const at800 = await raw(at1600(), 800);
  const medium = at800().webp({ quality: 80 }).toBuffer();
  const at400 = await raw(at800(), 400);
  const [small, thumb] = [
    at400().webp({ quality: 80 }).toBuffer(),
    at400().resize(150, 150).jpeg({ quality: 80 }).toBuffer(),
  ];
  return {
    "large.jpg": await large, "medium.webp": await medium, "small.webp": await small, "thumb.jpg": await thumb,
  };
}

const job = { docs, expert }[way];
const peakMb = () => Number(/VmHWM:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))[1]) / 1024;
const say = (answer) => process.stdout.write(JSON.stringify(answer) + "\n");

for (let i = 0; i < WARM_UPS; i++) await job();
say({ name: way === "docs" ? "sharp" : `sharp, ${way}`, versions: { sharp: sharp.versions.sharp, vips: sharp.versions.vips, node: process.version } });

for await (const line of createInterface({ input: process.stdin })) {
  const [command, argument] = line.trim().split(" ");
  if (command === "run") {
    const began = performance.now();
    const before = process.cpuUsage();
    await job();
    const ms = performance.now() - began;
    const used = process.cpuUsage(before);
    say({ ms, processor_ms: (used.user + used.system) / 1000, peak_mb: peakMb() });
  } else if (command === "save") {
    const files = await job();
    for (const [name, body] of Object.entries(files)) writeFileSync(join(argument, name), body);
    say({ saved: Object.keys(files).sort() });
  }
}
