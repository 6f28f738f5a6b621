/** Fields of a file beside the properties of a collection. */

import type { PropertySchema } from "../../kit/features";
import type { Choice } from "../../kit/ui";

/** What a check tells of a file. */
export interface Summary {
  verdict: "checked" | "imported" | "partly_imported" | "refused";
  rows: number;
  passed?: number;
  rejected: number;
  created?: number;
  updated?: number;
  unchanged?: number;
  format: string;
  layer: string | null;
  encoding: string | null;
  crs?: string | null;
  /** Property by field. */
  mapping: Record<string, string>;
  code_from: string | null;
  own_fields?: string[];
  ignored?: string[];
  columns?: string[];
  preview?: string[][];
}

export interface Finding {
  row: number;
  code: string | null;
  severity: "error" | "note";
  rule: string;
  member: string | null;
  detail: string;
  detail_zh: string;
}

export const CODE = "code";

/** Which property each field is read into, as the service understood the file. */
export function understood({ mapping, code_from }: Summary): Record<string, string> {
  return code_from ? { ...mapping, [code_from]: CODE } : mapping;
}

/** The properties a field can be read into. */
export function targets(properties: Record<string, PropertySchema>): Choice[] {
  return Object.entries(properties)
    .filter(([name, schema]) => !schema.readOnly && name !== "geometry")
    .map(([name, schema]) => ({ value: name, label: schema.title ?? name }));
}

/** The mapping with a field read into another property, which no other field then is. */
export function remapped(
  mapping: Record<string, string>,
  field: string,
  property: string,
): Record<string, string> {
  const kept = Object.entries(mapping).filter(
    ([other, target]) => other !== field && target !== property,
  );
  return Object.fromEntries(property ? [...kept, [field, property]] : kept);
}
