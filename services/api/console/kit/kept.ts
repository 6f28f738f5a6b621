/** What the browser keeps between visits: choices and unsaved forms, never a credential. */

import { effect, type Signal, signal } from "@preact/signals";

const PREFIX = "shanhai.";

/** What was kept under a name; null where there is nothing, or nothing that can be read. */
export function recall<T>(name: string): T | null {
  try {
    const text = localStorage.getItem(PREFIX + name);
    return text === null ? null : (JSON.parse(text) as T);
  } catch {
    return null;
  }
}

/** Keep a value under a name; null forgets it. A browser that keeps nothing is no fault. */
export function keep(name: string, value: unknown): void {
  try {
    if (value === null) localStorage.removeItem(PREFIX + name);
    else localStorage.setItem(PREFIX + name, JSON.stringify(value));
  } catch {
    // Private windows and full stores keep nothing.
  }
}

/** Forget whatever was kept under names that begin so. */
export function forget(beginning: string): void {
  try {
    for (const name of Object.keys(localStorage))
      if (name.startsWith(PREFIX + beginning)) localStorage.removeItem(name);
  } catch {
    // As above.
  }
}

/** Do something whenever another tab keeps another value under a name. */
export function whenKeptElsewhere<T>(name: string, deed: (value: T) => void): void {
  addEventListener("storage", ({ key }) => {
    const kept = key === PREFIX + name ? recall<T>(name) : null;
    if (kept !== null) deed(kept);
  });
}

/** A signal whose value outlives the page. */
export function keptSignal<T>(name: string, initial: T): Signal<T> {
  const kept = signal<T>(recall<T>(name) ?? initial);
  effect(() => keep(name, kept.value));
  return kept;
}
