/** Zips for tests. */

import { crc32, deflateRawSync } from "node:zlib";

export type Content = Uint8Array<ArrayBuffer> | string;

/** A zip of files whose names are bytes, as programs of China write them. */
export function zip(
  files: readonly [name: Uint8Array | string, content: Content][],
): Uint8Array<ArrayBuffer> {
  const locals: Uint8Array[] = [];
  const centrals: Uint8Array[] = [];
  let at = 0;
  for (const [named, given] of files) {
    const name = typeof named === "string" ? new TextEncoder().encode(named) : named;
    const content = typeof given === "string" ? new TextEncoder().encode(given) : given;
    const packed = deflateRawSync(content);
    const head = new DataView(new ArrayBuffer(30));
    head.setUint32(0, 0x04034b50, true);
    head.setUint16(4, 20, true);
    head.setUint16(8, 8, true);
    head.setUint32(14, crc32(content), true);
    head.setUint32(18, packed.length, true);
    head.setUint32(22, content.length, true);
    head.setUint16(26, name.length, true);
    const central = new DataView(new ArrayBuffer(46));
    central.setUint32(0, 0x02014b50, true);
    central.setUint16(4, 20, true);
    new Uint8Array(central.buffer).set(new Uint8Array(head.buffer, 4, 26), 6);
    central.setUint32(42, at, true);
    const local = [new Uint8Array(head.buffer), name, packed];
    locals.push(...local);
    centrals.push(new Uint8Array(central.buffer), name);
    at += local.reduce((sum, { length }) => sum + length, 0);
  }
  const end = new DataView(new ArrayBuffer(22));
  end.setUint32(0, 0x06054b50, true);
  end.setUint16(8, files.length, true);
  end.setUint16(10, files.length, true);
  end.setUint32(
    12,
    centrals.reduce((sum, { length }) => sum + length, 0),
    true,
  );
  end.setUint32(16, at, true);
  return new Uint8Array(Buffer.concat([...locals, ...centrals, new Uint8Array(end.buffer)]));
}
