/** For tests of screens: a service that answers what a test says, and a page in which people act. */

import { cleanup, render, screen, within } from "@testing-library/preact";
import userEvent from "@testing-library/user-event";
import type { ComponentChild } from "preact";
import { LocationProvider } from "preact-iso";
import { afterEach, expect, vi } from "vitest";
import { csrf, ended } from "./api";
import { CONSOLE } from "./page";
import { type Place, plan, plans, region, regions } from "./place";
import { account, type Scope } from "./session";
import { notices } from "./ui";
import { type Lang, lang } from "./words";

export { act, cleanup, fireEvent, screen, waitFor, within } from "@testing-library/preact";

/** What a screen has sent. */
export interface Sent {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: Headers;
  /** What was sent as JSON, else the text. */
  body: unknown;
}

/** What the service answers: a body, a whole answer, or either by what was asked. */
export type Answer = object | null | ((sent: Sent) => object | null);

const SEGMENT = /\{\w*\}/g;
let unanswered: string[] = [];

/** Answer the screens in place of the service.
 * @param answers By method and path, as `GET /plans/{plan}/progress`; `{}` stands for any one part.
 *   What is asked beyond them gets 404, and the test fails.
 * @returns What was sent, in its order. */
export function serve(answers: Record<string, Answer>): Sent[] {
  const sent: Sent[] = [];
  const known = Object.entries(answers).map(([key, answer]) => {
    const [method, path = ""] = key.split(" ");
    const parts = path.split(SEGMENT).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    return { method, path: new RegExp(`^${parts.join("[^/]+")}$`), answer };
  });
  vi.stubGlobal("fetch", async (input: Request | string, init?: RequestInit) => {
    const request = new Request(input, init);
    request.signal.throwIfAborted();
    const { pathname, searchParams } = new URL(request.url);
    const text = await request.text();
    const one: Sent = {
      method: request.method,
      path: decodeURIComponent(pathname),
      query: searchParams,
      headers: request.headers,
      body: parsed(text),
    };
    sent.push(one);
    const found = known.find(({ method, path }) => method === one.method && path.test(one.path));
    if (!found) {
      unanswered.push(`${one.method} ${one.path}`);
      return refused(404, "not answered by the test");
    }
    const answer = await (typeof found.answer === "function" ? found.answer(one) : found.answer);
    if (answer instanceof Response) return answer.clone();
    return answer === null ? new Response(null, { status: 204 }) : Response.json(answer);
  });
  return sent;
}

function parsed(text: string): unknown {
  try {
    return text ? JSON.parse(text) : null;
  } catch {
    return text;
  }
}

/** A refusal of the service (RFC 9457). */
export function refused(
  status: number,
  detail: string,
  errors: { pointer: string; detail: string }[] = [],
): Response {
  const body = JSON.stringify({ type: "about:blank", title: "refused", status, detail, errors });
  return new Response(body, { status, headers: { "Content-Type": "application/problem+json" } });
}

/** An answer with headers, such as an ETag. */
export function withHeaders(body: unknown, headers: Record<string, string>, status = 200) {
  return Response.json(body, { status, headers });
}

/** How the service tells the names of actors: of those that are asked for, these. */
export const naming =
  (names: Record<string, string>) =>
  ({ query }: Sent) => ({
    actors: query
      .getAll("code")
      .filter((code) => names[code])
      .map((code) => ({ code, name: names[code] })),
  });

/** What the cells of a table say, row by row, once it is there. */
export async function cellsOf(table: string): Promise<string[][]> {
  const found = await screen.findByRole("region", { name: table });
  const [, ...rows] = within(found).getAllByRole("row");
  return rows.map((row) =>
    within(row)
      .getAllByRole("cell")
      .map(({ textContent }) => textContent?.trim() ?? ""),
  );
}

/** A region or plan that the console works on. */
export function placed(code: string, properties: object): Place {
  return { code, properties: { ...properties } };
}

interface Opened {
  lang?: Lang;
  /** What who is signed in may do; null for the public. */
  scopes?: readonly Scope[] | null;
  roles?: readonly { role: string; region: string | null }[];
  /** Query of the address. */
  query?: string;
}

/** Show a part of the console to somebody in a language, working on the plan `xiamen-1`.
 * @returns Hands for the keyboard and the mouse. */
export function open(
  part: ComponentChild,
  { lang: words = "en", scopes = null, roles = [], query = "" }: Opened = {},
) {
  lang.value = words;
  regions.value = [placed("xiamen", { name_zh: "厦门市", name_en: "Xiamen", level: "city" })];
  plans.value = [placed("xiamen-1", { name_zh: "规划", name_en: "Plan", region: "xiamen" })];
  region.value = "xiamen";
  plan.value = "xiamen-1";
  if (scopes) {
    csrf.value = "proof";
    account.value = {
      owner: "key:test",
      name: "test",
      need: null,
      csrf: "proof",
      scopes: [...scopes],
      roles: [...roles],
    } as never;
  } else account.value = null;
  history.replaceState(null, "", `${CONSOLE}${query && `?${query}`}`);
  const hands = userEvent.setup();
  render(<LocationProvider>{part}</LocationProvider>);
  return hands;
}

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
  vi.useRealTimers();
  localStorage.clear();
  sessionStorage.clear();
  csrf.value = "";
  ended.value = 0;
  account.value = undefined;
  regions.value = [];
  plans.value = [];
  region.value = "";
  plan.value = "";
  notices.value = [];
  const missed = unanswered;
  unanswered = [];
  expect(missed).toEqual([]);
});
