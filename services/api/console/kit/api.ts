/** The API, typed from its own definition, with the session's cookie and its proof on every write. */

import { signal } from "@preact/signals";
import createClient from "openapi-fetch";
import { API } from "./page";
import type { components, paths } from "./schema";
import { lang, t } from "./words";

/** A schema of the API by its name. */
export type Schema<Name extends keyof components["schemas"]> = components["schemas"][Name];

export interface FaultAt {
  pointer: string;
  detail: string;
}

/** What the service refused, in its own words. */
export class Fault extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly at: readonly FaultAt[] = [],
    readonly type = "",
  ) {
    super(message);
  }
}

/** What shows that a write comes from a page of the session; empty without one. */
export const csrf = signal("");
/** How often the session was found to have ended; screens ask to sign in again. */
export const ended = signal(0);

const WRITES = new Set(["POST", "PUT", "PATCH", "DELETE"]);

/** Send a request with what the console always sends; the answer may be a refusal. */
export async function send(input: Request | string, init?: RequestInit): Promise<Response> {
  const request = new Request(typeof input === "string" ? API + input : input, init);
  request.headers.set("Accept-Language", lang.peek());
  if (!request.headers.has("Accept")) request.headers.set("Accept", "application/json, */*;q=0.5");
  if (WRITES.has(request.method) && csrf.peek()) request.headers.set("X-CSRF-Token", csrf.peek());
  let answer: Response;
  try {
    answer = await fetch(request, { credentials: "same-origin" });
  } catch {
    if (request.signal.aborted) throw new DOMException("aborted", "AbortError");
    throw new Fault(
      0,
      t("服务没有响应，请检查网络后重试", "the service does not answer; try again"),
    );
  }
  if (answer.status === 401 && csrf.peek()) ended.value += 1;
  return answer;
}

export const api = createClient<paths>({ baseUrl: API, fetch: (request) => send(request) });

/** What a refusal says. */
export async function faultOf(answer: Response, body?: unknown): Promise<Fault> {
  const text = body === undefined ? await answer.text() : "";
  let told: Partial<Schema<"Problem">> = {};
  try {
    told = ((body ?? JSON.parse(text)) as typeof told | null) ?? told;
  } catch {
    // A proxy answers in its own way.
  }
  const message = told.detail ?? told.title ?? `${answer.status} ${answer.statusText}`.trim();
  return new Fault(answer.status, message, told.errors ?? [], told.type ?? "");
}

export interface Answered<T> {
  data: T;
  etag: string | null;
  headers: Headers;
}

/** The data of a call with its ETag.
 * @throws Fault where the service refused. */
export async function answered<T>(
  call: Promise<{ data?: T; error?: unknown; response: Response }>,
): Promise<Answered<T>> {
  const { data, error, response } = await call;
  if (!response.ok) throw await faultOf(response, error);
  return { data: data as T, etag: response.headers.get("ETag"), headers: response.headers };
}

/** The data of a call.
 * @throws Fault where the service refused. */
export async function ask<T>(
  call: Promise<{ data?: T; error?: unknown; response: Response }>,
): Promise<T> {
  return (await answered(call)).data;
}

/** JSON of an address that a link of the API names, or of a path.
 * @throws Fault where the service refused. */
export async function read<T>(address: string, signal?: AbortSignal): Promise<T> {
  const url = address.startsWith("/") ? API + address : address;
  const answer = await send(new Request(url, signal ? { signal } : {}));
  if (!answer.ok) throw await faultOf(answer);
  return (await answer.json()) as T;
}

/** Write JSON to a path; the answer's JSON, or null where it has none. What is written over may be
 * in any state, unless `headers` name one.
 * @throws Fault where the service refused. */
export async function write<T>(
  method: "POST" | "PUT" | "PATCH" | "DELETE",
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answered<T>> {
  const json = body === undefined ? {} : { "Content-Type": "application/json" };
  const held = method === "POST" ? {} : { "If-Match": "*" };
  const answer = await send(path, {
    method,
    headers: { ...json, ...held, ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!answer.ok) throw await faultOf(answer);
  const text = await answer.text();
  const data = (text ? JSON.parse(text) : null) as T;
  return { data, etag: answer.headers.get("ETag"), headers: answer.headers };
}
