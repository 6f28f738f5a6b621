/** Edits of the land in a scenario: what happens, where, and how it is told and sent. */

import type { Geometry } from "geojson";
import type { PropertySchema, Values } from "../../kit/features";
import { choicesOf } from "../../kit/form";
import type { Drawable, Kind } from "../../kit/map/draw";
import { partsOf } from "../../kit/map/shapes";
import { measuresOf } from "../../kit/map/sketch";
import type { Choice } from "../../kit/ui";
import { t } from "../../kit/words";

/** An edit as the process takes it. */
export interface Edit {
  kind: string;
  name_zh: string;
  name_en: string;
  geometry: Geometry;
  cover?: string;
  road?: string;
  resistance?: number;
}

export interface Scenario {
  name_zh: string;
  name_en: string;
  edits: Edit[];
}

export const MOST = 4;
export const LEAST = 2;

/** What each kind says besides its place, and the shapes it takes. */
export const KINDS: Record<
  string,
  { says: "cover" | "road" | "resistance" | null; shapes: Kind[] }
> = {
  restore: { says: "cover", shapes: ["polygon"] },
  set_cover: { says: "cover", shapes: ["polygon"] },
  build_road: { says: "road", shapes: ["linestring", "polygon"] },
  build_barrier: { says: null, shapes: ["linestring", "polygon"] },
  remove_barrier: { says: null, shapes: ["polygon", "linestring", "point"] },
  set_resistance: { says: "resistance", shapes: ["polygon", "linestring", "point"] },
};

/** Covers that people make and nature does not; none is restored. */
const MADE = new Set(["cropland", "built_up", "bare"]);

/** Colours on the map, by cover and else by kind. */
const COLORS: Record<string, string> = {
  cropland: "#c9a227",
  forest: "#1b7837",
  shrubland: "#7a9a3a",
  grassland: "#8bbf4d",
  wetland: "#3b8ea5",
  mangrove: "#00695c",
  water: "#2166ac",
  built_up: "#b2182b",
  bare: "#8d6e63",
  snow_ice: "#7fa8d1",
  tundra: "#9e9ac8",
  build_road: "#5d4037",
  build_barrier: "#4a148c",
  remove_barrier: "#ef6c00",
  set_resistance: "#455a64",
};

/** Words of the choices of an edit, as the process's description has them. */
export interface Words {
  kinds: Choice[];
  covers: Choice[];
  roads: Choice[];
}

export function wordsOf(edits: PropertySchema | undefined): Words {
  const members = edits?.items?.properties ?? {};
  const of = (name: string): Choice[] => {
    const schema = members[name] ?? {};
    const listed = [schema, ...(schema.anyOf ?? [])].find((one) => one.enum);
    return (listed && choicesOf(listed)) ?? [];
  };
  return {
    kinds: of("kind").filter(({ value }) => value in KINDS),
    covers: of("cover"),
    roads: of("road"),
  };
}

/** The covers a kind may lead to. */
export const coversOf = ({ covers }: Words, kind: string): Choice[] =>
  kind === "restore" ? covers.filter(({ value }) => !MADE.has(value)) : covers;

const labelIn = (choices: readonly Choice[], value: string | undefined) =>
  choices.find((one) => one.value === value)?.label ?? "";

/** What an edit does, in words: its kind and its class. */
export function toldOf(words: Words, edit: Pick<Edit, "kind" | "cover" | "road" | "resistance">) {
  const said =
    labelIn(words.covers, edit.cover) ||
    labelIn(words.roads, edit.road) ||
    (edit.resistance === undefined ? "" : String(edit.resistance));
  const kind = labelIn(words.kinds, edit.kind) || edit.kind;
  return said ? t(`${kind}：${said}`, `${kind}: ${said}`) : kind;
}

export const colorOf = ({ kind, cover }: Edit): string => COLORS[cover ?? kind] ?? "#455a64";

/** How large an edit is, in square metres and metres. */
export const sizeOf = ({ geometry }: Edit) => measuresOf(partsOf(geometry));

/** Shapes of one sort among those drawn: what a kind takes first; null where none fits. */
export function fitting(kind: string, shapes: readonly Drawable[]): Drawable[] {
  const taken = KINDS[kind]?.shapes ?? [];
  const first = shapes.find(({ type }) => taken.includes(type.toLowerCase() as Kind));
  return first ? shapes.filter(({ type }) => type === first.type) : [];
}

/** The inputs of a scenario: those of all, its names and its edits. */
export function inputsOf(base: Values, { name_zh, name_en, edits }: Scenario): Values {
  return { ...base, name_zh, name_en: name_en.trim() || name_zh, edits };
}

/** A name for one more edit that none of the others has. */
export function titleFor(told: string, edits: readonly Edit[]): string {
  const names = new Set(edits.map(({ name_zh }) => name_zh));
  let number = edits.length + 1;
  while (names.has(`${told} ${number}`)) number++;
  return `${told} ${number}`;
}

/** The first number by which none of some scenarios is called. */
export function nextNumber(scenarios: readonly Scenario[]): number {
  const names = new Set(scenarios.map(({ name_zh }) => name_zh));
  let number = 1;
  while (names.has(blank(number).name_zh)) number++;
  return number;
}

/** A scenario that nothing is said of yet. */
export const blank = (number: number): Scenario => ({
  name_zh: `情景${number}`,
  name_en: `Scenario ${number}`,
  edits: [],
});
