/** What the colours of a layer mean, no data included. */

import { Button } from "../ui";
import { called, t } from "../words";
import type { LegendEntry, Legend as LegendOf } from "./layers";

export const NO_DATA = "repeating-linear-gradient(45deg,#fff 0 3px,#c3ccd0 3px 4px)";

export function Legend({ legend, raster }: { legend: LegendOf; raster?: boolean }) {
  const unit = called(legend, "unit");
  if (legend.kind === "ramp") {
    const colors = legend.entries.map(({ color }) => color).join(",");
    const [low, high] = [legend.entries[0], legend.entries.at(-1)];
    return (
      <div class="legend">
        <div class="ramp" style={{ background: `linear-gradient(90deg,${colors})` }} />
        <div class="inline">
          <small>{low && called(low, "label")}</small>
          <small style={{ flex: 1 }} />
          <small>
            {high && called(high, "label")} {unit}
          </small>
        </div>
        <NoData />
      </div>
    );
  }
  return (
    <div class="legend">
      {legend.entries.map((entry) => (
        <span class="row" key={entry.code ?? entry.color}>
          <span class="swatch" style={{ background: entry.color }} />
          {called(entry, "label")}
        </span>
      ))}
      {(raster || legend.no_data) && <NoData />}
    </div>
  );
}

/** A legend whose classes are drawn or not, each by its box. */
export function ClassChoice({
  classes,
  hidden,
  noData = false,
  label,
  onHide,
}: {
  classes: readonly LegendEntry[];
  hidden: readonly string[];
  /** Whether ground without a class is ground of which nothing is known. */
  noData?: boolean;
  label: string;
  /** Called with the codes of all classes that are not to be drawn. */
  onHide: (hidden: string[]) => void;
}) {
  return (
    <fieldset class="legend" aria-label={label}>
      {classes.map((entry) => {
        const code = entry.code ?? "";
        return (
          <label class="row" key={code}>
            <input
              type="checkbox"
              checked={!hidden.includes(code)}
              onChange={({ currentTarget }) => {
                const others = hidden.filter((one) => one !== code);
                onHide(currentTarget.checked ? others : [...others, code]);
              }}
            />
            <span class="swatch" style={{ background: entry.color }} />
            {called(entry, "label")}
          </label>
        );
      })}
      {noData && <NoData />}
      <div class="inline">
        <Button disabled={!hidden.length} onClick={() => onHide([])}>
          {t("全部显示", "Show all")}
        </Button>
        <Button
          disabled={classes.every(({ code }) => hidden.includes(code ?? ""))}
          onClick={() => onHide(classes.map(({ code }) => code ?? ""))}
        >
          {t("全部不显示", "Show none")}
        </Button>
      </div>
    </fieldset>
  );
}

export function NoData() {
  return (
    <span class="row">
      <span class="swatch" style={{ background: NO_DATA }} />
      {t("无数据", "No data")}
    </span>
  );
}
