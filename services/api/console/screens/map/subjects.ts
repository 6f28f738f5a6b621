/** The layers by what they are about, in the order of a planner's list of maps. */

import type { Bounds, LayerListed } from "../../kit/map/layers";

export interface Subject {
  id: string;
  zh: string;
  en: string;
  /** Beginnings of the names of its layers. */
  names: readonly string[];
}

export const SUBJECTS: readonly Subject[] = [
  {
    id: "planning",
    zh: "规划",
    en: "Planning",
    names: ["zones", "zone_schemes", "plans", "regions"],
  },
  {
    id: "pattern",
    zh: "格局与廊道",
    en: "Pattern and corridors",
    names: ["pattern_components", "corridors", "corridor_nodes"],
  },
  { id: "lines", zh: "管控线", en: "Control lines", names: ["control_areas"] },
  {
    id: "work",
    zh: "问题与项目",
    en: "Problems and projects",
    names: ["problems", "projects", "notices", "mines", "reclamations"],
  },
  {
    id: "places",
    zh: "地物与物种",
    en: "Places and species",
    names: ["named_features", "islands", "outfalls", "fishing_harbours", "occurrences"],
  },
  { id: "monitoring", zh: "监测", en: "Monitoring", names: ["stations"] },
  {
    id: "services",
    zh: "生态系统服务",
    en: "Ecosystem services",
    names: ["ratio", "supply", "demand", "stability"],
  },
  {
    id: "network",
    zh: "生态网络计算",
    en: "Computed network",
    names: ["resistance", "mspa", "current", "barriers", "priority"],
  },
  { id: "data", zh: "数据", en: "Data", names: ["datasets", "dataset"] },
  { id: "other", zh: "其他", en: "Other", names: [] },
];

/** Which subject a layer belongs to: by the whole name of a collection, or the output of a raster. */
export function subjectOf({ id, kind }: Pick<LayerListed, "id" | "kind">): Subject {
  const first = id.split(".")[0] ?? id;
  const rasterOf: Record<string, string> = { corridors: "network", zones: "services" };
  const wanted = kind === "raster" ? rasterOf[first] : undefined;
  const found = SUBJECTS.find(({ id: subject, names }) =>
    wanted ? subject === wanted : names.includes(first),
  );
  return found ?? (SUBJECTS.at(-1) as Subject);
}

/** Layers that have something in a box, by subject. */
export function bySubject(
  layers: readonly LayerListed[],
  box: Bounds | null,
): [Subject, LayerListed[]][] {
  const here = layers.filter(({ bounds }) => !bounds || !box || overlap(bounds, box));
  const groups = Map.groupBy(here, subjectOf);
  return SUBJECTS.flatMap((subject) => {
    const some = groups.get(subject);
    return some ? [[subject, some] as [Subject, LayerListed[]]] : [];
  });
}

/** What of a tree has a text in a title or in the name of its subject, in either language and
 * whatever the case; a subject that has it keeps all of its layers. */
export function narrowed(
  subjects: readonly [Subject, LayerListed[]][],
  text: string,
): [Subject, LayerListed[]][] {
  const wanted = text.trim().toLowerCase();
  const has = (...words: string[]) => words.some((word) => word.toLowerCase().includes(wanted));
  return subjects.flatMap(([subject, layers]) => {
    const found = has(subject.zh, subject.en)
      ? layers
      : layers.filter(({ title_zh, title_en }) => has(title_zh, title_en));
    return found.length ? [[subject, found] as [Subject, LayerListed[]]] : [];
  });
}

export const overlap = (a: Bounds, b: Bounds) =>
  a[0] <= b[2] && b[0] <= a[2] && a[1] <= b[3] && b[1] <= a[3];
