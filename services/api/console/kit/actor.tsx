/** Who did something: a name in place of the code by which histories tell of people. */

import { computed, effect, signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { api, ask } from "./api";
import { account } from "./session";
import { lang } from "./words";

/** What the service takes for a code; names that somebody typed are none. */
const CODE = /^[a-z]+(:[a-z0-9][a-z0-9 ]{0,63})?$/;
const MOST = 100;

/** Whom names are told to, and in which language; nobody without an account. */
const reader = computed(() => account.value && `${lang.value} ${account.value.owner}`);
const names = signal<ReadonlyMap<string, string>>(new Map());
let asked = new Set<string>();
let waiting: string[] = [];

effect(() => {
  // What one reader was told is not for the next.
  void reader.value;
  names.value = new Map();
  asked = new Set();
  waiting = [];
});

/** Ask for a name together with all others of this moment, once. */
function want(code: string): void {
  if (!reader.peek() || !CODE.test(code) || asked.has(code)) return;
  asked.add(code);
  waiting.push(code);
  if (waiting.length === 1) queueMicrotask(find);
}

async function find(): Promise<void> {
  const of = asked;
  for (const codes of portions(waiting.splice(0)))
    try {
      const { actors } = await ask(api.GET("/actors", { params: { query: { code: codes } } }));
      if (of !== asked) return;
      const found = actors.map(({ code, name }) => [code, name] as const);
      names.value = new Map([...names.peek(), ...found]);
    } catch {
      // The code stays in sight; whoever shows it again asks again.
      for (const code of codes) of.delete(code);
    }
}

const portions = (codes: string[]): string[][] =>
  Array.from({ length: Math.ceil(codes.length / MOST) }, (_, n) =>
    codes.slice(n * MOST, (n + 1) * MOST),
  );

/** Who did something, by name; by the code while the name is not known, or nothing for nobody. */
export function Actor({ code }: { code: string | null | undefined }) {
  const told = reader.value;
  useEffect(() => {
    if (code) want(code);
  }, [code, told]);
  if (!code) return null;
  const name = names.value.get(code);
  if (name) return <span title={code}>{name}</span>;
  return code.includes(":") ? <code>{code}</code> : <span>{code}</span>;
}
