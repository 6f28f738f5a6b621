/** What a process takes: sorted for its form, and what there is to compute it from. */

import type { FaultAt } from "../../kit/api";
import { allFeatures, type PropertySchema, type Values } from "../../kit/features";
import { moment } from "../../kit/format";
import { hasField, isRows } from "../../kit/rows";
import type { Choice, Tone } from "../../kit/ui";
import { called, t } from "../../kit/words";

export interface Input {
  title: string;
  description: string;
  schema: PropertySchema;
  minOccurs: number;
  /** What the codes of its lists are called. */
  additionalParameters?: { parameters: { name: string; value: string[] }[] };
}

export interface Description {
  id: string;
  /** Themes of datasets it needs, each with all those of which one will do. */
  additionalParameters?: { parameters: { name: string; value: string[] }[] };
  title: string;
  description: string;
  inputs: Record<string, Input>;
  outputs: Record<string, { title: string }>;
}

/** Inputs that are asked for first; all others are folded away. */
const FIRST = new Set(["region", "plan", "cell_m", "publish"]);
/** Inputs that are chosen among the datasets there are. */
export const CHOSEN = ["datasets", "supplies"] as const;

/** The schema of an input as forms take it. */
export function schemaOfInput(input: Input): PropertySchema {
  const words = input.additionalParameters?.parameters.map(({ name, value }) => [name, value[0]]);
  const titles = Object.fromEntries(words ?? []) as Record<string, string>;
  const { title, description } = input;
  return { ...withTitles(input.schema, titles), title, description };
}

/** A schema whose lists have the words of their codes, however deep they are. */
export function withTitles(schema: PropertySchema, titles: Record<string, string>): PropertySchema {
  const inner = (member: PropertySchema) => withTitles(member, titles);
  const ways = (member: PropertySchema[] | undefined) => member?.map(inner);
  const { items, properties, anyOf, oneOf } = schema;
  const members = properties && Object.entries(properties).map(([name, one]) => [name, inner(one)]);
  return {
    ...schema,
    ...(schema.enum ? { "x-enum-titles": titles } : {}),
    ...(items ? { items: inner(items) } : {}),
    ...(members ? { properties: Object.fromEntries(members) } : {}),
    ...(anyOf ? { anyOf: ways(anyOf) as PropertySchema[] } : {}),
    ...(oneOf ? { oneOf: ways(oneOf) as PropertySchema[] } : {}),
  };
}

export interface Sorted {
  first: Record<string, PropertySchema>;
  more: Record<string, PropertySchema>;
  /** Themes a dataset may be named for, by input. */
  themes: Record<string, Record<string, PropertySchema>>;
  required: string[];
}

/** Inputs as the form shows them. */
export function sortInputs(inputs: Record<string, Input>): Sorted {
  const sorted: Sorted = { first: {}, more: {}, themes: {}, required: [] };
  for (const [name, input] of Object.entries(inputs)) {
    const schema = schemaOfInput(input);
    const chosen = (CHOSEN as readonly string[]).includes(name) && schema.properties;
    if (input.minOccurs) sorted.required.push(name);
    if (chosen) sorted.themes[name] = chosen;
    else if (input.minOccurs || FIRST.has(name)) sorted.first[name] = schema;
    else sorted.more[name] = schema;
  }
  return sorted;
}

/** Whether an input is a list of objects that no rows of fields can express: it is written as JSON. */
export const isWritten = (schema: PropertySchema): boolean =>
  schema.type === "array" &&
  ["object", "array"].includes(String(schema.items?.type)) &&
  !isRows(schema);

export interface Dataset {
  code: string;
  name_zh: string;
  name_en: string;
  theme: string;
  stand_in: boolean;
  observed_to: string | null;
  registered_at: string;
}

/** The datasets of a region. */
export async function datasetsOf(region: string, signal?: AbortSignal): Promise<Dataset[]> {
  const found = await allFeatures<Omit<Dataset, "code">>(
    "datasets",
    { region, properties: "name_zh,name_en,theme,stand_in,observed_to,registered_at" },
    signal,
  );
  return found.map(({ id, properties }) => ({ code: id, ...properties }));
}

/** What datasets are called as choices: those of one name, as jobs leave them, are told apart by when
 * they were registered. */
export function datasetChoices(datasets: readonly Dataset[]): Choice[] {
  let labels = datasets.map((one) =>
    [called(one), one.observed_to?.slice(0, 4), one.stand_in && t("替代", "stand-in")]
      .filter(Boolean)
      .join(" · "),
  );
  const more = [({ registered_at }: Dataset) => moment(registered_at), ({ code }: Dataset) => code];
  for (const told of more)
    labels = labels.map((label, n, all) =>
      all.indexOf(label) === all.lastIndexOf(label)
        ? label
        : `${label} · ${told(datasets[n] as Dataset)}`,
    );
  return datasets.map(({ code }, n) => ({ value: code, label: labels[n] as string }));
}

/** What is offered last: what other screens do, and what is for programs alone. */
const LAST = ["import-dataset", "import-features", "import-plan", "check-compliance", "echo"];

/** Processes as planners choose among them. */
export const processChoices = (processes: readonly { id: string; title: string }[]): Choice[] =>
  processes
    .toSorted((a, b) => LAST.indexOf(a.id) - LAST.indexOf(b.id))
    .map(({ id, title }) => ({ value: id, label: title }));

/** The regions right below a region. */
export function districtsOf(region: string, signal?: AbortSignal) {
  const filter = `parent = '${region.replaceAll("'", "''")}'`;
  return allFeatures("regions", { filter, properties: "name_zh,name_en,parent" }, signal);
}

/** Groups of themes of which a process needs one each. */
export const needsOf = ({ additionalParameters }: Description): string[][] =>
  (additionalParameters?.parameters ?? []).map(({ value }) => value);

/** How a group of themes stands: from a dataset, from a stand-in alone, or without any.
 * @param wrong What the service refused of a theme. */
export function lightOf(
  datasets: readonly Pick<Dataset, "theme" | "stand_in">[],
  themes: readonly string[],
  wrong: (theme: string) => string | undefined = () => undefined,
): { tone: Tone; text: string } {
  const here = datasets.filter(({ theme }) => themes.includes(theme) && !wrong(theme));
  if (!here.length) return { tone: "bad", text: t("缺数据", "none here") };
  if (here.every(({ stand_in }) => stand_in))
    return { tone: "warn", text: t("仅替代数据", "stand-in only") };
  return { tone: "good", text: t("齐备", "there") };
}

/** What was refused of one input. */
export const wrongAt = (wrong: readonly FaultAt[], pointer: string): string | undefined =>
  wrong.find((one) => one.pointer === pointer || one.pointer === pointer.slice(1))?.detail;

/** Refusals that no field of the form shows, being below or beside all of them. */
export function restOf(wrong: readonly FaultAt[], inputs: Record<string, Input>): FaultAt[] {
  return wrong.filter(({ pointer }) => {
    const [at, name = "", ...deeper] = pointer.replace(/^\//, "").split("/");
    const input = at === "inputs" ? inputs[name] : undefined;
    return !input || !hasField(input.schema, deeper);
  });
}

/** The cells people use: fine, usual, for a first look. */
export const CELLS = [30, 100, 250] as const;

/** The inputs that are sent: what says nothing is left out. */
export function sent(values: Values): Values {
  return Object.fromEntries(
    Object.entries(values).filter(
      ([, value]) => value !== undefined && value !== null && value !== "",
    ),
  );
}
