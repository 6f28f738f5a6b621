/** Layers of the tile service: what there is, how it is drawn, what its colours mean. */

import type { FilterSpecification, LayerSpecification, SourceSpecification } from "maplibre-gl";
import { Fault, faultOf } from "../api";
import { TILES } from "../page";
import { screenPath } from "../screens";
import { account } from "../session";
import { lang, t } from "../words";

export type Bounds = [west: number, south: number, east: number, north: number];

export interface LegendEntry {
  value: number | null;
  code: string | null;
  values: string[];
  color: string;
  label_zh: string;
  label_en: string;
}

export interface Legend {
  title_zh: string;
  title_en: string;
  kind: "classes" | "ramp" | "none";
  symbol: string;
  property: string | null;
  unit: string;
  unit_zh: string;
  unit_en: string;
  entries: LegendEntry[];
  /** There where the ground that shows through means that nothing is known. */
  no_data?: object | null;
}

export interface LayerListed {
  id: string;
  title_zh: string;
  title_en: string;
  kind: "vector" | "raster";
  theme: string;
  bounds: Bounds | null;
  version: string;
}

export interface Layer extends LayerListed {
  legend: Legend;
  attribution: string;
  sources: { title_zh?: string; title_en?: string; licence?: string }[];
}

export interface LayerStyle {
  sources: Record<string, SourceSpecification>;
  layers: LayerSpecification[];
}

/** A source whose credits lead to the console's own list of sources and licences: a link to each
 * layer's page would keep equal credits of several layers apart. */
export function credited(source: SourceSpecification): SourceSpecification {
  if (!("attribution" in source) || !source.attribution) return source;
  const link = ` href="${screenPath("data", { tab: "coverage" })}"`;
  return { ...source, attribution: source.attribution.replace(/ href="[^"]*"/, link) };
}

/** A layer that a map shows, and in which choice of its rows. */
export interface Shown {
  name: string;
  /** What narrows it: `scheme`, `filter` (CQL2), `as_of`. */
  query?: Record<string, string>;
  opacity?: number;
  /** Codes of the classes of its legend that are not drawn. */
  hidden?: readonly string[];
}

/** What tells two choices of one layer apart. */
export function keyOf({ name, query }: Shown): string {
  return `${name}?${new URLSearchParams(query).toString()}`;
}

/** What each map of a layer shows alike, whichever day or rows it draws. */
export const looksOf = ({ opacity, hidden }: Shown): Pick<Shown, "opacity" | "hidden"> => ({
  ...(opacity === undefined ? {} : { opacity }),
  ...(hidden?.length ? { hidden } : {}),
});

/** The classes of a layer that can be drawn or not one by one: cells of a raster come as pictures,
 * in which there are no classes any more. */
export function classesOf({ kind, legend }: Layer): LegendEntry[] {
  if (kind !== "vector" || legend.kind !== "classes" || !legend.property) return [];
  const named = legend.entries.filter(({ code }) => code !== null);
  return named.length > 1 ? named : [];
}

/** What features must be to be drawn where some classes are not; null where all are.
 * It has the older form of filters, as those of the service's styles: MapLibre takes no mixture. */
export function filterOf(layer: Layer, hidden: readonly string[]): FilterSpecification | null {
  const classes = classesOf(layer);
  const isHidden = ({ code }: LegendEntry) => hidden.includes(code ?? "");
  if (!classes.some(isHidden)) return null;
  const property = layer.legend.property as string;
  // The last class of some legends is whatever belongs to no other.
  const othersGo = classes.some((one) => isHidden(one) && !one.values.length);
  const listed = classes.filter((one) => isHidden(one) !== othersGo);
  return [
    othersGo ? "in" : "!in",
    property,
    ...listed.flatMap(({ values }) => values.flatMap(told)),
  ];
}

/** A value of a legend as tiles may have it. */
const told = (value: string): (string | boolean)[] =>
  value === "true" || value === "false" ? [value, value === "true"] : [value];

/** JSON of the tile service, as whoever is signed in may see it.
 * @throws Fault where the service refused. */
export async function readTiles<T>(
  path: string,
  query: Record<string, string> = {},
  init: RequestInit = {},
): Promise<T> {
  const asked = new URLSearchParams({ ...query, lang: lang.peek() });
  let answer: Response;
  try {
    answer = await fetch(`${TILES}${path}?${asked}`, { ...init, credentials: credentials() });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Fault(0, t("瓦片服务没有响应", "the tile service does not answer"));
  }
  if (!answer.ok) throw await faultOf(answer);
  return (await answer.json()) as T;
}

/** Cookies go to a tile service of another origin only where somebody is signed in: to the public
 * it answers in a way that browsers give to no request with credentials. */
export function credentials(): "include" | "same-origin" {
  return account.peek() ? "include" : "same-origin";
}

const known = new Map<string, Promise<Layer>>();

/** All layers that may be seen. */
export async function listLayers(): Promise<LayerListed[]> {
  return (await readTiles<{ layers: LayerListed[] }>("/layers")).layers;
}

/** One layer with its legend; asked for once in each language. */
export function describeLayer(shown: Shown): Promise<Layer> {
  const key = `${keyOf(shown)} ${lang.peek()} ${account.peek()?.owner}`;
  let found = known.get(key);
  if (!found) {
    found = readTiles<Layer>(`/layers/${shown.name}`, shown.query);
    found.catch(() => known.delete(key));
    known.set(key, found);
  }
  return found;
}

/** How a layer is drawn. */
export function styleOf(shown: Shown): Promise<LayerStyle> {
  return readTiles<LayerStyle>(`/layers/${shown.name}/style.json`, shown.query);
}
