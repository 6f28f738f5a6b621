/** What is changed by whoever read it last: contents with the tag of the state they were read in. */

import { type Answered, Fault, faultOf, send } from "./api";

/** JSON of a path with its ETag.
 * @throws Fault where the service refused. */
export async function readHeld<T>(path: string, signal?: AbortSignal): Promise<Answered<T>> {
  const answer = await send(path, signal ? { signal } : {});
  if (!answer.ok) throw await faultOf(answer);
  const data = (await answer.json()) as T;
  return { data, etag: answer.headers.get("ETag"), headers: answer.headers };
}

/** The header that refuses a write where the state is another by now. */
export const heldBy = (etag: string | null): Record<string, string> =>
  etag ? { "If-Match": etag } : {};

/** Whether a refusal means that the state is another by now. */
export const isStale = (error: unknown): boolean => error instanceof Fault && error.status === 412;
