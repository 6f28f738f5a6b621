/** The background of every map: none, or one of those of 天地图 that the operator has named. */

import { computed } from "@preact/signals";
import { keptSignal } from "../kept";
import { BASEMAPS } from "../page";
import { Select } from "../ui";
import { t } from "../words";

export interface Background {
  /** What it is chosen by, and the lowest of its layers. */
  id: string;
  /** Its layers, the lowest first; one of names alone where the operator has named it. */
  layers: readonly string[];
  zh: string;
  en: string;
  /** The deepest level it has tiles of. */
  deepest: number;
}

const NONE = "none";
const KINDS = [
  { id: "vec", names: "cva", zh: "矢量", en: "Map", deepest: 18 },
  { id: "img", names: "cia", zh: "影像", en: "Imagery", deepest: 18 },
  { id: "ter", names: "cta", zh: "地形", en: "Terrain", deepest: 14 },
] as const;

/** Those that can be chosen. */
export const backgrounds: readonly Background[] = KINDS.filter(({ id }) =>
  BASEMAPS.includes(id),
).map(({ names, ...kind }) => ({
  ...kind,
  layers: [kind.id, names].filter((layer) => BASEMAPS.includes(layer)),
}));

/** What was chosen, for all maps. */
export const chosen = keptSignal<string>("map.background", NONE);

/** The background to show; null where none is chosen, or the one that was is not offered now. */
export const background = computed(() => backgrounds.find(({ id }) => id === chosen.value) ?? null);

/** Lets a background be chosen, where there is any. */
export function BackgroundChoice() {
  if (!backgrounds.length) return null;
  return (
    <div class="background">
      <Select
        aria-label={t("底图", "Background map")}
        value={background.value?.id ?? NONE}
        onChoose={(id) => {
          chosen.value = id;
        }}
        choices={[
          { value: NONE, label: t("无底图", "No background") },
          ...backgrounds.map(({ id, zh, en }) => ({ value: id, label: t(zh, en) })),
        ]}
      />
    </div>
  );
}
