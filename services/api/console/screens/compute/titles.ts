/** What outputs of processes are called, in the present language. */

import { read } from "../../kit/api";
import type { Description } from "./inputs";

/** Titles of a process's outputs by their names.
 * @throws Fault where the service refused. */
export async function outputTitles(process: string): Promise<Record<string, string>> {
  const { outputs } = await read<Description>(`/processes/${process}`);
  return Object.fromEntries(Object.entries(outputs).map(([name, one]) => [name, one.title]));
}
