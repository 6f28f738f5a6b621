/** Collections of features: their schemas with words, their pages, and writes that notice others'. */

import type { Geometry } from "geojson";
import { type Answered, type Fault, read, write } from "./api";
import { heldBy, readHeld } from "./held";
import { lang } from "./words";

export type Values = Record<string, unknown>;

export interface Feature<P = Values> {
  type: "Feature";
  id: string;
  geometry: Geometry | null;
  properties: P;
}

export interface FeaturePage<P = Values> {
  features: Feature<P>[];
  numberMatched?: number;
  links: { rel: string; href: string }[];
}

/** A property as the collection's JSON Schema describes it, in the asked language. */
export interface PropertySchema {
  title?: string;
  description?: string;
  type?: string | string[];
  format?: string;
  enum?: (string | number | null)[];
  "x-enum-titles"?: Record<string, string>;
  items?: PropertySchema;
  properties?: Record<string, PropertySchema>;
  required?: string[];
  additionalProperties?: boolean | PropertySchema;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  pattern?: string;
  default?: unknown;
  examples?: unknown[];
  nullable?: boolean;
  readOnly?: boolean;
  anyOf?: PropertySchema[];
  oneOf?: PropertySchema[];
  const?: unknown;
  "x-ogc-role"?: string;
  "x-ogc-unit"?: string;
  /** Decimals of an amount; one without them is money. */
  "x-digits"?: number;
}

export interface CollectionSchema extends PropertySchema {
  properties: Record<string, PropertySchema>;
}

const schemas = new Map<string, Promise<CollectionSchema>>();

/** The schema of a collection in the present language; asked for once. */
export function schemaOf(collection: string): Promise<CollectionSchema> {
  const key = `${collection} ${lang.value}`;
  let known = schemas.get(key);
  if (!known) {
    known = read<CollectionSchema>(`/collections/${collection}/schema`);
    // What failed may work the next time.
    known.catch(() => schemas.delete(key));
    schemas.set(key, known);
  }
  return known;
}

/** An address with those parameters that have a value. */
export function address(
  path: string,
  query: Record<string, string | number | boolean | null | undefined> = {},
): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null);
  const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return text ? `${path}?${text}` : path;
}

export type Query = Parameters<typeof address>[1];

/** A page of features.
 * @throws Fault where the service refused. */
export function listFeatures<P = Values>(
  collection: string,
  query: Query = {},
  signal?: AbortSignal,
): Promise<FeaturePage<P>> {
  return read(address(`/collections/${collection}/items`, query), signal);
}

/** How many features a screen reads at most, where nothing else is said. */
export const MOST = 10_000;

/** CQL2 of what has a text in its name or code, in whatever case. */
export function saying(text: string): string {
  const part = `'%${text.replaceAll("'", "''").replace(/[\\%_]/g, "\\$&")}%'`;
  return ["name_zh", "name_en", "code"]
    .map((name) => `CASEI(${name}) LIKE CASEI(${part})`)
    .join(" OR ");
}

/** All features that match, page after page, at most `most`. */
export async function allFeatures<P = Values>(
  collection: string,
  query: Query = {},
  signal?: AbortSignal,
  most = MOST,
): Promise<Feature<P>[]> {
  const found: Feature<P>[] = [];
  let next: string | undefined = address(`/collections/${collection}/items`, {
    limit: 1000,
    ...query,
  });
  while (next && found.length < most) {
    const page: FeaturePage<P> = await read(next, signal);
    found.push(...page.features);
    next = page.links.find(({ rel }) => rel === "next")?.href;
  }
  return found.slice(0, most);
}

const itemPath = (collection: string, code: string, query: Query = {}) =>
  address(`/collections/${collection}/items/${encodeURIComponent(code)}`, query);

/** One feature with the tag of its present state.
 * @param query Such as the `version` of what has several.
 * @throws Fault where the service refused. */
export function readFeature<P = Values>(
  collection: string,
  code: string,
  signal?: AbortSignal,
  query: Query = {},
): Promise<Answered<Feature<P>>> {
  return readHeld(itemPath(collection, code, query), signal);
}

/** Add a feature; the same key sends the same one, however often the network fails.
 * @throws Fault where the service refused. */
export function addFeature(
  collection: string,
  feature: { geometry: Geometry | null; properties: Values },
  key: string,
): Promise<Answered<Feature>> {
  return write(
    "POST",
    `/collections/${collection}/items`,
    { type: "Feature", ...feature },
    { "Idempotency-Key": key },
  );
}

/** Change some members of a feature that still is in the state of `etag`; null takes a value away.
 * @throws Fault with status 412 where somebody else has changed it. */
export function changeFeature(
  collection: string,
  code: string,
  change: { geometry?: Geometry | null; properties?: Values },
  etag: string | null,
  query: Query = {},
): Promise<Answered<Feature>> {
  return write("PATCH", itemPath(collection, code, query), change, {
    "Content-Type": "application/merge-patch+json",
    ...heldBy(etag),
  });
}

/** Whether a refusal means that somebody else has changed the object in the meantime. */
export function isConflict(fault: Fault): boolean {
  return fault.status === 412;
}
