/** Layers of the tile service as a sheet takes them. */

import { allFeatures, type PropertySchema } from "../../kit/features";
import type { LayerListed } from "../../kit/map/layers";

export type SheetLayer =
  | { kind: "raster"; theme: string }
  | { kind: "raster"; dataset: string }
  | { kind: "features"; collection: string; labels?: boolean };

/** Collections that the process puts on a sheet, as its description of `layers` says. */
export function collectionsOf(layers: PropertySchema | undefined): string[] {
  const kinds = [...(layers?.items?.oneOf ?? []), ...(layers?.items?.anyOf ?? [])];
  return kinds.flatMap((one) => (one.properties?.collection?.enum ?? []).map(String));
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

/** The list with one of its members moved by a step; as it is at its ends. */
export function moved<T>(list: readonly T[], at: number, step: number): T[] {
  const to = at + step;
  const found = [...list];
  const [one] = found.splice(at, 1);
  if (one === undefined || to < 0 || to >= list.length) return [...list];
  found.splice(to, 0, one);
  return found;
}

/** What is sent of a sheet's form: four figures of an extent as numbers, empty ones left out. */
export function sheetInputs(
  region: string,
  layers: readonly { layer: SheetLayer; labels: boolean }[],
  form: Record<string, unknown>,
): Record<string, unknown> {
  const given = Object.entries(form).filter(
    ([, value]) => value !== undefined && value !== null && value !== "",
  );
  return {
    region,
    ...Object.fromEntries(given),
    layers: layers.map(({ layer, labels }) =>
      layer.kind === "features" && labels ? { ...layer, labels } : layer,
    ),
  };
}
