/** What is asked of the service for a screen: waiting, found, or refused; asked again on demand. */

import { type ReadonlySignal, useComputed, useSignal } from "@preact/signals";
import { useCallback, useEffect, useRef } from "preact/hooks";
import { Fault } from "./api";
import { lang, t } from "./words";

export interface Asked<T> {
  /** What was found last; kept while it is asked for again, until another question is refused. */
  data: T | undefined;
  fault: Fault | null;
  waiting: boolean;
}

/** Any failure as what can be told to people. */
export function told(error: unknown): Fault {
  if (error instanceof Fault) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new Fault(0, `${t("页面出错", "the page failed")}: ${message}`);
}

/** Ask when the screen opens, when what it depends on changes, and in the other language.
 * @param depends Values by which the question differs; a null among them means: do not ask yet. */
export function useAsked<T>(
  question: (signal: AbortSignal) => Promise<T>,
  depends: readonly unknown[],
): { asked: ReadonlySignal<Asked<T>>; again: () => void } {
  const state = useSignal<Asked<T>>({ data: undefined, fault: null, waiting: true });
  const round = useSignal(0);
  const foundFor = useRef<readonly unknown[]>([]);
  const ready = !depends.includes(null);
  useEffect(() => {
    if (!ready) return;
    const stop = new AbortController();
    state.value = { ...state.peek(), waiting: true };
    question(stop.signal).then(
      (data) => {
        if (stop.signal.aborted) return;
        foundFor.current = depends;
        state.value = { data, fault: null, waiting: false };
      },
      (error) => {
        if (stop.signal.aborted) return;
        // What was found for something else does not stand beside the refusal of this.
        const same = depends.every((one, n) => Object.is(one, foundFor.current[n]));
        const data = same ? state.peek().data : undefined;
        state.value = { data, fault: told(error), waiting: false };
      },
    );
    return () => stop.abort();
    // The question itself is new with each drawing.
  }, [...depends, round.value, lang.value]);
  const again = useCallback(() => {
    round.value += 1;
  }, [round]);
  return { asked: useComputed(() => state.value), again };
}
