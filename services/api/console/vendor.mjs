// Copies the map library into the static files of the tile service, whose viewer has no build step:
// console and viewer draw with the same release.

import { copyFile, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const from = join(here, "node_modules", "maplibre-gl");
const target = join(here, "..", "..", "tiles", "shanhai_tiles", "static", "vendor");
const draft = `${target}.${process.pid}`;
const files = [
  "dist/maplibre-gl.mjs",
  "dist/maplibre-gl-worker.mjs",
  "dist/maplibre-gl-shared.mjs",
  "dist/maplibre-gl.css",
  "LICENSE.txt",
];

await rm(draft, { recursive: true, force: true });
await mkdir(draft, { recursive: true });
for (const file of files) {
  await copyFile(join(from, file), join(draft, file.split("/").at(-1)));
}
const { version } = JSON.parse(await readFile(join(from, "package.json"), "utf8"));
await writeFile(join(draft, "VERSION"), `${version}\n`);
// The folder appears whole or not at all.
await rm(target, { recursive: true, force: true });
await rename(draft, target);
