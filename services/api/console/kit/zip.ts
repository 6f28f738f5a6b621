/** What is in a zip, told without unpacking it; and a zip made of files. */

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
/** Stands before the end of a zip whose own end has no room for its numbers. */
const LARGE = 0x07064b50;
const [LOCAL_BYTES, CENTRAL_BYTES, END_BYTES, LARGE_BYTES] = [30, 46, 22, 20 + 56];
const LONGEST_COMMENT = 0xffff;
const PIECE_BYTES = 4 * 1024 * 1024;
/** The version of the form that whoever reads a zip has to know. */
const VERSION = 20;
/** Says that names are in UTF-8. */
const UTF8 = 0x0800;
/** The first day that the form knows. */
const LONG_AGO = 0x0021;

/** Where the record at a zip's end begins; -1 where there is none: it is no whole zip. */
export function endOfZip(view: DataView): number {
  const least = Math.max(0, view.byteLength - END_BYTES - LONGEST_COMMENT);
  for (let at = view.byteLength - END_BYTES; at >= least; at--)
    if (view.getUint32(at, true) === END) return at;
  return -1;
}

/** The names in a zip, of which its list alone is read, however large it is; none of a file of
 * another kind. */
export async function namesIn(file: Blob): Promise<string[]> {
  const start = Math.max(0, file.size - END_BYTES - LONGEST_COMMENT - LARGE_BYTES);
  const tail = new DataView(await file.slice(start).arrayBuffer());
  const end = endOfZip(tail);
  if (end < 0) return [];
  const large = end >= LARGE_BYTES && tail.getUint32(end - 20, true) === LARGE;
  const after = start + end - (large ? LARGE_BYTES : 0);
  const first = Math.max(0, after - tail.getUint32(end + 12, true));
  const list = new DataView(await file.slice(first, after).arrayBuffer());
  const names: string[] = [];
  let at = 0;
  while (at + CENTRAL_BYTES <= list.byteLength && list.getUint32(at, true) === CENTRAL) {
    const lengthAt = (place: number) => list.getUint16(at + place, true);
    const from = at + CENTRAL_BYTES;
    const next = from + lengthAt(28) + lengthAt(30) + lengthAt(32);
    names.push(new TextDecoder().decode(list.buffer.slice(from, from + lengthAt(28))));
    at = next;
  }
  return names;
}

/** A zip of files as they are, not compressed; they stay where they are until it is read. */
export async function zipped(name: string, files: readonly File[]): Promise<File> {
  const members: BlobPart[] = [];
  const list: BlobPart[] = [];
  let at = 0;
  for (const file of files) {
    const called = new TextEncoder().encode(file.name);
    const head = new DataView(new ArrayBuffer(LOCAL_BYTES));
    head.setUint32(0, LOCAL, true);
    head.setUint16(4, VERSION, true);
    head.setUint16(6, UTF8, true);
    head.setUint16(12, LONG_AGO, true);
    head.setUint32(14, await checksumOf(file), true);
    head.setUint32(18, file.size, true);
    head.setUint32(22, file.size, true);
    head.setUint16(26, called.length, true);
    const listed = new DataView(new ArrayBuffer(CENTRAL_BYTES));
    listed.setUint32(0, CENTRAL, true);
    listed.setUint16(4, VERSION, true);
    // The list tells what stands before the file, and where that is.
    new Uint8Array(listed.buffer).set(new Uint8Array(head.buffer, 4), 6);
    listed.setUint32(42, at, true);
    members.push(head, called, file);
    list.push(listed, called);
    at += LOCAL_BYTES + called.length + file.size;
  }
  const end = new DataView(new ArrayBuffer(END_BYTES));
  end.setUint32(0, END, true);
  for (const place of [8, 10]) end.setUint16(place, files.length, true);
  end.setUint32(12, new Blob(list).size, true);
  end.setUint32(16, at, true);
  // The same files again are the same zip again, which goes on being sent where it was.
  const lastModified = Math.max(...files.map((file) => file.lastModified));
  return new File([...members, ...list, end], name, { type: "application/zip", lastModified });
}

const SUMS = Uint32Array.from({ length: 256 }, (_, byte) => {
  let sum = byte;
  for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? (sum >>> 1) ^ 0xedb88320 : sum >>> 1;
  return sum;
});

/** The CRC-32 of a file, of which one piece is in memory at a time. */
async function checksumOf(file: File): Promise<number> {
  let sum = 0xffffffff;
  for (let from = 0; from < file.size; from += PIECE_BYTES) {
    const piece = await file.slice(from, from + PIECE_BYTES).arrayBuffer();
    for (const byte of new Uint8Array(piece)) sum = (SUMS[(sum ^ byte) & 0xff] ?? 0) ^ (sum >>> 8);
  }
  return ~sum >>> 0;
}
