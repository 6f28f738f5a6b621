/** What a job left: values, files behind links, layers of the tile service, tables as they were written. */

import type { FeatureCollection } from "geojson";
import { faultOf, read, send } from "./api";
import { API } from "./page";

export interface ResultFile {
  href: string;
  type: string;
  title: string;
  length?: number;
}

export interface Results {
  files: Record<string, ResultFile>;
  /** Names of layers of the tile service, by what they show. */
  layers: Record<string, string>;
  values: Record<string, unknown>;
}

/** Results sorted into files, layers and values. */
export function sortResults(told: Record<string, unknown>): Results {
  const found: Results = { files: {}, layers: {}, values: {} };
  for (const [name, value] of Object.entries(told)) {
    if (isFile(value)) found.files[name] = value;
    else if (name === "layers" && value && typeof value === "object")
      found.layers = value as Record<string, string>;
    else found.values[name] = value;
  }
  return found;
}

const isFile = (value: unknown): value is ResultFile =>
  typeof value === "object" && value !== null && "href" in value && "type" in value;

/** The results of a job that is done.
 * @throws Fault where there are none. */
export async function resultsOf(job: string, signal?: AbortSignal): Promise<Results> {
  return sortResults(await read(`/jobs/${job}/results`, signal));
}

/** Where an output of a job is. */
export const outputPath = (job: string, output: string) => `${API}/jobs/${job}/results/${output}`;

export type Row = Record<string, string>;

/** Rows of a CSV text by the names in its first line; every figure as it was written. */
export function rowsOf(text: string): Row[] {
  const lines: string[][] = [[]];
  let field = "";
  let quoted = false;
  const end = () => {
    lines.at(-1)?.push(field);
    field = "";
  };
  const plain = text.replace(/^\uFEFF/, "").replace(/\r\n/g, "\n");
  for (let at = 0; at < plain.length; at++) {
    const sign = plain[at] as string;
    if (quoted && sign === '"' && plain[at + 1] === '"') {
      field += sign;
      at++;
    } else if (sign === '"') quoted = !quoted;
    else if (sign === "," && !quoted) end();
    else if (sign === "\n" && !quoted) {
      end();
      lines.push([]);
    } else field += sign;
  }
  if (field || lines.at(-1)?.length) end();
  const [names = [], ...rest] = lines;
  return rest
    .filter((line) => line.length > 1 || line[0])
    .map((line) => Object.fromEntries(names.map((name, n) => [name, line[n] ?? ""])));
}

/** The rows of a table that a job left.
 * @throws Fault where it has none. */
export async function tableOf(job: string, output: string): Promise<Row[]> {
  const answer = await send(`/jobs/${job}/results/${output}`, { headers: { Accept: "text/csv" } });
  if (!answer.ok) throw await faultOf(answer);
  return rowsOf(await answer.text());
}

/** The shapes that a job left as GeoJSON.
 * @throws Fault where it has none. */
export const shapesOf = (job: string, output: string): Promise<FeatureCollection> =>
  read(`/jobs/${job}/results/${output}`);
