/** Parts of a Shapefile for tests. */

import type { Position } from "geojson";

/** A Shapefile of one polygon. */
export function shp(ring: readonly Position[]): Uint8Array<ArrayBuffer> {
  const content = 44 + 4 + 16 * ring.length;
  const view = new DataView(new ArrayBuffer(100 + 8 + content));
  view.setInt32(0, 9994);
  view.setInt32(24, view.byteLength / 2);
  view.setInt32(28, 1000, true);
  view.setInt32(32, 5, true);
  view.setInt32(100, 1);
  view.setInt32(104, content / 2);
  const [xs, ys] = [ring.map(([x = 0]) => x), ring.map(([, y = 0]) => y)];
  const box = [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
  view.setInt32(108, 5, true);
  box.forEach((value, n) => {
    view.setFloat64(36 + 8 * n, value, true);
    view.setFloat64(112 + 8 * n, value, true);
  });
  view.setInt32(144, 1, true);
  view.setInt32(148, ring.length, true);
  view.setInt32(152, 0, true);
  ring.forEach(([x = 0, y = 0], n) => {
    view.setFloat64(156 + 16 * n, x, true);
    view.setFloat64(164 + 16 * n, y, true);
  });
  return new Uint8Array(view.buffer);
}

/** A table of one row with one text, in GBK: 思明. */
export function dbf(): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(65 + 9 + 1);
  const view = new DataView(bytes.buffer);
  bytes[0] = 3;
  view.setInt32(4, 1, true);
  view.setInt16(8, 65, true);
  view.setInt16(10, 9, true);
  // The language of the driver is Chinese.
  bytes[29] = 0x4d;
  bytes.set(new TextEncoder().encode("NAME"), 32);
  bytes[43] = "C".charCodeAt(0);
  bytes[48] = 8;
  bytes[64] = 0x0d;
  bytes.set([0x20, 0xcb, 0xbc, 0xc3, 0xf7, 0x20, 0x20, 0x20, 0x20], 65);
  bytes[74] = 0x1a;
  return bytes;
}
