/** Whether a list tells of the chosen region and those below it, or of all regions. */

import { useComputed, useSignal } from "@preact/signals";
import { region, regionName } from "../../kit/place";
import { Select } from "../../kit/ui";
import { t } from "../../kit/words";

/** The region that a list is narrowed to, empty for all; `choice` is the control that says so. */
export function useReach() {
  const everywhere = useSignal(false);
  const here = useComputed(() => (everywhere.value ? "" : region.value));
  const name = regionName(region.value);
  const choice = region.value && (
    <Select
      aria-label={t("范围", "Where")}
      choices={[
        { value: "here", label: t(`${name}及下级区域`, `${name} and below`) },
        { value: "all", label: t("全部区域", "All regions") },
      ]}
      value={everywhere.value ? "all" : "here"}
      onChoose={(chosen) => {
        everywhere.value = chosen === "all";
      }}
    />
  );
  return { here: here.value, choice };
}
