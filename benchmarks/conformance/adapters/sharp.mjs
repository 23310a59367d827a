// sharp, as its documentation says for each request.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";

const folder = process.argv[2];
const NOTHING = { r: 0, g: 0, b: 0, alpha: 0 };

function answered(source, { resize, output }) {
  // "animated": all frames; by default the first
  let image = sharp(source, { animated: output.frames === "all" }).autoOrient();
  if (resize) {
    // "apply a gamma correction ... pre-resize ... can improve the perceived brightness of a resized image"
    if (resize.linear) image = image.gamma();
    const { width, height, fit = "inside", enlarge = false } = resize;
    image = image.resize({ width, height, fit, withoutEnlargement: !enlarge, background: NOTHING });
  }
  const { format, quality, lossless } = output;
  return image.toFormat(format, { ...(quality && { quality }), ...(lossless && { lossless }) }).toBuffer();
}

for (const { name, request } of JSON.parse(readFileSync(join(folder, "cases.json"), "utf8"))) {
  try {
    writeFileSync(join(folder, `${name}.out`), await answered(readFileSync(join(folder, `${name}.source`)), request));
  } catch (error) {
    writeFileSync(join(folder, `${name}.error`), String(error.message).split("\n")[0]);
  }
}
process.stdout.write(JSON.stringify({ name: "sharp", versions: { sharp: sharp.versions.sharp, vips: sharp.versions.vips } }));
