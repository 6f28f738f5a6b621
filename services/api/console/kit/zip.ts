/** What is in a zip, told without unpacking it. */

const CENTRAL = 0x02014b50;
const END = 0x06054b50;
/** Stands before the end of a zip whose own end has no room for its numbers. */
const LARGE = 0x07064b50;
const [CENTRAL_BYTES, END_BYTES, LARGE_BYTES] = [46, 22, 20 + 56];
const LONGEST_COMMENT = 0xffff;

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
