/** Who is signed in, in which roles, and what they may do. */

import { computed, signal } from "@preact/signals";
import { csrf, ended, Fault, faultOf, type Schema, send } from "./api";
import { forget, keep, whenKeptElsewhere } from "./kept";
import { HAS_SESSION } from "./page";

export type Account = Schema<"OwnAccount">;
export type Scope = Schema<"Scope">;

/** The account of the session; null for the public, undefined while that is not known. */
export const account = signal<Account | null | undefined>(undefined);

/** What is still to be shown before the session may do anything. */
export const need = computed(() => account.value?.need ?? null);

/** What tells other tabs whose session the browser has now; none of it proves anything. */
interface Known {
  session: number;
  owner: string;
}

/** Ask the service who is signed in; not where the browser has no session. */
export async function refresh(known = HAS_SESSION): Promise<void> {
  if (!known) {
    account.value = null;
    return;
  }
  const answer = await send("/session");
  if (answer.status === 401 || answer.status === 404) {
    csrf.value = "";
    account.value = null;
    return;
  }
  if (!answer.ok) throw await faultOf(answer);
  const own = (await answer.json()) as Account;
  csrf.value = own.csrf;
  ended.value = 0;
  account.value = own;
  const session = sessionOf(own);
  if (session && !own.need) keep("session", { session, owner: own.owner });
}

const sessionOf = (own: Account | null | undefined) =>
  own?.sessions.find(({ current }) => current)?.id;

// Who signed in anew in another tab goes on here: the proof of the former session is refused. What
// somebody else left on the screen is not theirs.
whenKeptElsewhere<Known>("session", ({ session, owner }) => {
  const before = account.peek();
  if (sessionOf(before) === session) return;
  if (before && before.owner !== owner) return location.reload();
  // Forms are kept before the new session is asked for; where nobody answers, it is said so.
  if (before) ended.value += 1;
  refresh(true).catch(() => {});
});

/** Whether who is signed in may do what a scope is for; `admin` includes every other. */
export function may(scope: Scope): boolean {
  const own = account.value;
  return Boolean(own && !own.need && (own.scopes.includes(scope) || own.scopes.includes("admin")));
}

/** Whether who is signed in has any of the roles in a region, or in what it is part of; a key
 * without roles acts in each that its scopes allow.
 * @param region Code of the region; null asks for a role that holds everywhere. */
export function holds(roles: readonly Schema<"Role">[], region: string | null): boolean {
  if (may("admin")) return true;
  const own = account.value;
  if (!own || own.need) return false;
  if (own.key && !own.roles.length) return true;
  return own.roles.some(
    (held) =>
      roles.includes(held.role) &&
      (held.region === null ||
        (region !== null && (region === held.region || region.startsWith(`${held.region}.`)))),
  );
}

/** Whether who is signed in has any of the roles in some region. */
export function holdsAnywhere(roles: readonly Schema<"Role">[]): boolean {
  const own = account.value?.roles.map((held) => held.region) ?? [];
  return [null, ...own].some((of) => holds(roles, of));
}

type Form = Record<string, string>;

async function post(path: string, form: Form): Promise<Schema<"SessionBegun"> | null> {
  const answer = await send(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(form),
  });
  if (!answer.ok) throw await faultOf(answer);
  return answer.status === 204 ? null : ((await answer.json()) as Schema<"SessionBegun">);
}

/** Sign in by a name and a password.
 * @throws Fault where the service refused. */
export async function signIn(name: string, password: string): Promise<void> {
  await begin("/session/login", { name, password });
}

/** Sign in by an API key, which is not kept.
 * @throws Fault where the service refused. */
export async function signInByKey(key: string): Promise<void> {
  await begin("/session/key", { key });
}

/** Show the second factor.
 * @throws Fault where the service refused. */
export async function showCode(code: string): Promise<void> {
  await begin("/session/code", { code });
}

async function begin(path: string, form: Form): Promise<void> {
  const begun = await post(path, form);
  if (begun) csrf.value = begun.csrf;
  await refresh(true);
}

/** End the session, and forget unsaved forms and names of sent files of whoever leaves. */
export async function signOut(): Promise<void> {
  try {
    await post("/session/logout", {});
  } catch (error) {
    // Of a session that has ended nothing is left to end.
    if (!(error instanceof Fault && error.status === 401)) throw error;
  }
  leave();
  for (const beginning of ["draft.", "upload."]) forget(beginning);
}

/** Be nobody any more; what was typed is kept. */
export function leave(): void {
  keep("session", null);
  csrf.value = "";
  ended.value = 0;
  account.value = null;
}
