/** What the colours of a layer mean, no data included. */

import { called, t } from "../words";
import type { Legend as LegendOf } from "./layers";

const NO_DATA = "repeating-linear-gradient(45deg,#fff 0 3px,#c3ccd0 3px 4px)";

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
      {raster && <NoData />}
    </div>
  );
}

function NoData() {
  return (
    <span class="row">
      <span class="swatch" style={{ background: NO_DATA }} />
      {t("无数据", "No data")}
    </span>
  );
}
