/** Words for what the audit log names by codes: what was done, and to which kind of object. What is
 * not among them is shown as it is logged. They are the service's own: `make docs` writes them. */

import { t } from "../../kit/words";
import { actions, kinds } from "./audit_words.json";

type Words = Readonly<Record<string, readonly string[]>>;

export const ACTIONS: Words = actions;
export const KINDS: Words = kinds;

/** How people call a code. */
export const called = (words: Words, code: string): string | undefined => {
  const [zh, en] = (Object.hasOwn(words, code) && words[code]) || [];
  return zh && en && t(zh, en);
};

/** The code of what somebody typed, whether words or the code itself. */
export const codeOf = (words: Words, typed: string): string =>
  Object.entries(words).find(([, both]) => both.includes(typed))?.[0] ?? typed;
