/** A file sent in pieces: it goes on where it was, after a broken line and after a reload. */

import { type Signal, signal } from "@preact/signals";
import { Fault, faultOf, send } from "../../kit/api";
import { keep, recall } from "../../kit/kept";

export const PIECE_BYTES = 4 * 1024 * 1024;
const TRIES = 5;
const PAUSE_MS = 1000;

interface UploadState {
  upload: string;
  bytes: number;
  total_bytes: number;
  sha256: string | null;
}

/** The header of a piece.
 * @param end Byte after its last one. */
export const rangeOf = (start: number, end: number, total: number): string =>
  `bytes ${start}-${end - 1}/${total}`;

/** What a file is known by, so that the same one dropped again goes on. */
export const markOf = ({ name, size, lastModified }: File): string =>
  `upload.${name}.${size}.${lastModified}`;

async function stateOf(answer: Response): Promise<UploadState> {
  if (!answer.ok) throw await faultOf(answer);
  return (await answer.json()) as UploadState;
}

const sendPiece = async (
  path: string,
  method: string,
  file: File,
  start: number,
  stop: AbortSignal | null,
) => {
  const end = Math.min(start + PIECE_BYTES, file.size);
  const answer = await send(path, {
    method,
    headers: {
      "Content-Type": "application/octet-stream",
      "If-Match": "*",
      "Content-Range": rangeOf(start, end, file.size),
    },
    body: file.slice(start, end),
    signal: stop,
  });
  return stateOf(answer);
};

/** What the service has of a file; null where it never came or was forgotten. */
async function begun(file: File, stop: AbortSignal | null): Promise<UploadState | null> {
  const id = recall<string>(markOf(file));
  if (!id) return null;
  const answer = await send(`/uploads/${id}`, { signal: stop });
  if (answer.status === 404) {
    keep(markOf(file), null);
    return null;
  }
  return stateOf(answer);
}

const later = (ms: number) => new Promise((done) => setTimeout(done, ms));

/** Whether it may work when it is tried again: nobody answered, or the service is busy. */
const passing = (error: unknown): boolean =>
  error instanceof Fault && (error.status === 0 || error.status >= 500 || error.status === 429);

/** Whether a piece came of which the service has another part already: another page sends it, too. */
const isBeside = (error: unknown): boolean => error instanceof Fault && error.status === 409;

/** Send a file and say how far it is.
 * @param tell Called with bytes that have arrived.
 * @param pause_ms Between tries.
 * @param stop Ends it with an AbortError; what has arrived stays.
 * @returns The number of the upload.
 * @throws Fault where the service refused, or did not answer several times in turn. */
export async function sendFile(
  file: File,
  tell: (bytes: number) => void,
  pause_ms = PAUSE_MS,
  stop: AbortSignal | null = null,
): Promise<string> {
  let state: UploadState | null = null;
  // What has arrived is asked first, and after a piece that failed: part of it may have.
  let unsure = true;
  let failed = 0;
  while (!state || state.bytes < state.total_bytes) {
    stop?.throwIfAborted();
    try {
      if (unsure) {
        state = await begun(file, stop);
        unsure = false;
        continue;
      }
      tell(state?.bytes ?? 0);
      state = state
        ? await sendPiece(`/uploads/${state.upload}`, "PUT", file, state.bytes, stop)
        : await sendPiece("/uploads", "POST", file, 0, stop);
      keep(markOf(file), state.upload);
      failed = 0;
    } catch (error) {
      failed += 1;
      if (!(passing(error) || (state && isBeside(error))) || failed >= TRIES) throw error;
      await later(pause_ms * failed);
      unsure = true;
    }
  }
  tell(state.bytes);
  return state.upload;
}

/** Signals of a file, each by its name, that stay while nothing of it is on the screen. */
export type Staying = <T>(name: string, first: T) => Signal<T>;

export function staying(): Staying {
  const held = new Map<string, unknown>();
  return <T>(name: string, first: T) => {
    if (!held.has(name)) held.set(name, signal(first));
    return held.get(name) as Signal<T>;
  };
}

/** Forget that a file was sent: what is made of it is done. */
export const forgetFile = (file: File): void => keep(markOf(file), null);
