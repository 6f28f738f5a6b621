/** What can be digitised: collections, which shapes they take, and what nobody has drawn yet. */

import { allFeatures, type CollectionSchema, type Feature, saying } from "../../kit/features";
import type { Kind } from "../../kit/map/draw";
import { may, type Scope } from "../../kit/session";
import { t } from "../../kit/words";

export interface Digitised {
  id: string;
  title: () => string;
  /** What else than `write` allows to write them; roles come beside it. */
  also?: Scope;
}

/** Whether who is signed in may draw what is of a collection, as far as the console can tell. */
export const mayDraw = ({ also }: Digitised): boolean =>
  may("write") || (also !== undefined && may(also));

export const COLLECTIONS: readonly Digitised[] = [
  { id: "corridors", title: () => t("廊道", "Corridors") },
  { id: "pattern_components", title: () => t("格局要素", "Pattern components") },
  { id: "control_areas", title: () => t("管控线", "Control lines") },
  { id: "projects", title: () => t("项目", "Projects"), also: "projects" },
  { id: "problems", title: () => t("问题", "Problems") },
  { id: "mines", title: () => t("矿山", "Mines"), also: "projects" },
];

export interface Listed {
  collection: Digitised;
  features: Feature[];
}

/** The objects of a region by collection, those that nobody has drawn first.
 * @param text What their names or codes have; nothing for all. */
export async function objectsOf(region: string, signal: AbortSignal, text = ""): Promise<Listed[]> {
  const query = text ? { region, filter: saying(text) } : { region };
  return Promise.all(
    COLLECTIONS.map(async (collection) => ({
      collection,
      features: undrawnFirst(await allFeatures(collection.id, query, signal)),
    })),
  );
}

export const undrawnFirst = (features: readonly Feature[]): Feature[] =>
  features.toSorted((a, b) => Number(a.geometry !== null) - Number(b.geometry !== null));

/** What a collection takes, by the format of its geometry. */
export function kindsOf(schema: CollectionSchema): Kind[] {
  const format = schema.properties.geometry?.format ?? "geometry-any";
  if (format.endsWith("linestring")) return ["linestring"];
  if (format.endsWith("polygon")) return ["polygon"];
  if (format.endsWith("point")) return ["point"];
  return ["polygon", "linestring", "point"];
}

/** Members that are kept by the service, or are no part of a form for drawing. */
const LEFT_OUT = new Set(["geometry", "code", "fields", "status", "job", "copied_from", "origin"]);

/** The members of a form: those that can be written and are no objects of their own making. */
export function membersOf(schema: CollectionSchema) {
  return Object.fromEntries(
    Object.entries(schema.properties).filter(
      ([name, member]) => !LEFT_OUT.has(name) && !member.readOnly && member.type !== "object",
    ),
  );
}
