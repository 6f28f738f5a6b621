/** Areas by class as bars: a bar chooses its zones on the map, and shows which are chosen there. */

import { km2, percent } from "../../kit/format";
import { called, t } from "../../kit/words";
import type { ClassSum } from "./schemes";

export function AreaChart({
  sums,
  chosen,
  onChoose,
}: {
  sums: readonly ClassSum[];
  /** Codes of classes or zones. */
  chosen: ReadonlySet<string>;
  onChoose: (code: string | null) => void;
}) {
  const most = Math.max(...sums.map(({ km2 }) => km2 ?? 0), Number.MIN_VALUE);
  return (
    <ul class="plain bars" aria-label={t("各类面积", "Area by class")}>
      {sums.map((sum) => {
        const picked =
          chosen.has(sum.code) || sum.zones.some(({ properties }) => chosen.has(properties.code));
        return (
          <li key={sum.code}>
            <button
              type="button"
              aria-pressed={picked}
              onClick={() => onChoose(chosen.has(sum.code) ? null : sum.code)}
            >
              <span class="swatch" style={{ background: sum.color }} />
              <span class="name">{called(sum)}</span>
              <span class="amount">
                {km2(sum.km2)} · {percent(sum.share)}
              </span>
              <span class="bar" aria-hidden="true">
                <span
                  style={{ width: `${(100 * (sum.km2 ?? 0)) / most}%`, background: sum.color }}
                />
              </span>
            </button>
          </li>
        );
      })}
    </ul>
  );
}
