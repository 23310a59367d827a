// sharp, as its documentation says for each request.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";

const folder = process.argv[2];
const NOTHING = { r: 0, g: 0, b: 0, alpha: 0 };

const FAR = { west: 0, north: 0, center: 0.5, east: 1, south: 1 };

// "composite image(s) over the processed image": a mark is made as wide as its share first
async function marked(image, { asset, anchor = "south-east", scale = 25, tile }, folder, name) {
  const below = await image.png().toBuffer();
  const { width, height } = await sharp(below).metadata();
  const over = sharp(join(folder, `${name}.${asset}`)).resize({ width: Math.round((width * scale) / 100) });
  const { data, info } = await over.png().toBuffer({ resolveWithObject: true });
  const [down, across] = anchor === "center" ? ["center", "center"] : anchor.split("-");
  const left = Math.floor((width - info.width) * FAR[across]);
  const top = Math.floor((height - info.height) * FAR[down]);
  return sharp(below).composite([{ input: data, ...(tile === 0 ? { tile: true, gravity: "northwest" } : { left, top }) }]);
}

async function answered(source, { resize, output, overlays = [] }, folder, name) {
  // "animated": all frames; by default the first
  let image = sharp(source, { animated: output.frames === "all" }).autoOrient();
  if (resize) {
    // "apply a gamma correction ... pre-resize ... can improve the perceived brightness of a resized image"
    if (resize.linear) image = image.gamma();
    const { width, height, fit = "inside", enlarge = false } = resize;
    image = image.resize({ width, height, fit, withoutEnlargement: !enlarge, background: NOTHING });
  }
  for (const overlay of overlays) image = await marked(image, overlay, folder, name);
  const { format, quality, lossless } = output;
  return image.toFormat(format, { ...(quality && { quality }), ...(lossless && { lossless }) }).toBuffer();
}

for (const { name, request } of JSON.parse(readFileSync(join(folder, "cases.json"), "utf8"))) {
  try {
    writeFileSync(join(folder, `${name}.out`), await answered(readFileSync(join(folder, `${name}.source`)), request, folder, name));
  } catch (error) {
    writeFileSync(join(folder, `${name}.error`), String(error.message).split("\n")[0]);
  }
}
process.stdout.write(JSON.stringify({ name: "sharp", versions: { sharp: sharp.versions.sharp, vips: sharp.versions.vips } }));
