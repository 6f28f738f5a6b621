/** Layers of the tile service as a sheet takes them. */

import { allFeatures, type PropertySchema, type Values } from "../../kit/features";
import type { LayerListed } from "../../kit/map/layers";

export type SheetLayer =
  | { kind: "raster"; theme: string }
  | { kind: "raster"; dataset: string }
  | ({ kind: "features"; collection: string } & Values);

/** Features on a sheet, as the process describes them among its `layers`. */
function featuresOf(layers: PropertySchema | undefined): Record<string, PropertySchema> {
  const kinds = [...(layers?.items?.oneOf ?? []), ...(layers?.items?.anyOf ?? [])];
  return kinds.find(({ properties }) => properties?.collection)?.properties ?? {};
}

/** Collections that the process puts on a sheet. */
export const collectionsOf = (layers: PropertySchema | undefined): string[] =>
  (featuresOf(layers).collection?.enum ?? []).map(String);

/** What narrows the features of a layer; only zones have schemes. */
export function narrowing(
  layers: PropertySchema | undefined,
  layer: SheetLayer,
): Record<string, PropertySchema> {
  if (layer.kind !== "features") return {};
  const left = ["kind", "collection", "labels", layer.collection === "zones" ? "" : "scheme"];
  return Object.fromEntries(
    Object.entries(featuresOf(layers)).filter(([name]) => !left.includes(name)),
  );
}

/** A layer of the tile service on a sheet of the region; null where it is none of its.
 * @param datasets Codes of the region's datasets. */
export function onSheet(
  layer: Pick<LayerListed, "id" | "kind" | "theme">,
  region: string,
  collections: readonly string[],
  datasets: ReadonlySet<string>,
): SheetLayer | null {
  if (layer.kind === "vector")
    return collections.includes(layer.id) ? { kind: "features", collection: layer.id } : null;
  if (layer.id === `${layer.theme}.${region}`) return { kind: "raster", theme: layer.theme };
  const dataset = layer.id.replace(/^dataset\./, "");
  return dataset !== layer.id && datasets.has(dataset) ? { kind: "raster", dataset } : null;
}

/** Codes of the datasets of a region. */
export async function datasetCodes(region: string, signal?: AbortSignal): Promise<Set<string>> {
  const found = await allFeatures("datasets", { region, properties: "theme" }, signal);
  return new Set(found.map(({ id }) => id));
}

const said = (form: Values): Values =>
  Object.fromEntries(
    Object.entries(form).filter(
      ([, value]) => value !== undefined && value !== null && value !== "",
    ),
  );

/** What is sent of a sheet's form: what says nothing is left out. */
export const sheetInputs = (
  region: string,
  layers: readonly SheetLayer[],
  form: Values,
): Values => ({
  region,
  ...said(form),
  layers: layers.map(said),
});
