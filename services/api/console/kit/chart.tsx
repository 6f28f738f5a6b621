/** Lines over time with limits; the library behind is loaded with the first one, a table tells the same. */

import { useEffect, useRef } from "preact/hooks";
import type { AlignedData, Options } from "uplot";
import { number } from "./format";
import { ZONE } from "./page";
import { Table } from "./table";
import { lang, t } from "./words";

export interface Point {
  /** RFC 3339. */
  time: string;
  value: number;
}

export interface Line {
  title: string;
  /** In the order of time. */
  points: readonly Point[];
  /** Name of a colour of the console, such as `--accent`. */
  color?: string;
}

export interface Limit {
  title: string;
  value: number;
  color: string;
}

const HEIGHT_PX = 280;

/** Times as seconds and a value or nothing of each line for each, as the library takes them.
 * @param gap_s Between points further apart no line is drawn. */
export function aligned(
  lines: readonly Line[],
  limits: readonly Limit[],
  gap_s?: number,
): (number | null)[][] {
  const at = (one: Point) => Date.parse(one.time) / 1000;
  const times = new Set<number>();
  for (const { points } of lines) {
    points.forEach((point, n) => {
      const now = at(point);
      const before = points[n - 1];
      // A time without a value breaks the line.
      if (gap_s && before && now - at(before) > gap_s) times.add(at(before) + gap_s / 2);
      times.add(now);
    });
  }
  const sorted = [...times].sort((a, b) => a - b);
  const columns = lines.map(({ points }) => {
    const values = new Map(points.map((point) => [at(point), point.value]));
    return sorted.map((time) => values.get(time) ?? null);
  });
  return [sorted, ...columns, ...limits.map(({ value }) => sorted.map(() => value))];
}

export function Chart({
  label,
  unit,
  lines,
  limits = [],
  gap_s,
}: {
  label: string;
  unit: string;
  lines: readonly Line[];
  limits?: readonly Limit[];
  gap_s?: number | undefined;
}) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    let gone = false;
    let end = () => {};
    Promise.all([import("uplot"), import("uplot/dist/uPlot.min.css")]).then(
      ([{ default: Plot }]) => {
        const element = box.current;
        if (gone || !element) return;
        const style = getComputedStyle(element);
        const color = (name: string) => (name.startsWith("--") ? resolved(element, name) : name);
        const axis = {
          stroke: style.color,
          grid: { stroke: color("--line"), width: 1 },
          ticks: { width: 1 },
        };
        const options: Options = {
          width: element.clientWidth,
          height: HEIGHT_PX,
          tzDate: (at) => Plot.tzDate(new Date(at * 1000), ZONE),
          axes: [
            { ...axis, values: timesOf },
            { ...axis, size: 60 },
          ],
          series: [
            { label: t("时间", "Time"), value: (_, at) => (at === null ? "–" : clock(at)) },
            ...lines.map((line) => ({
              label: `${line.title} (${unit})`,
              stroke: color(line.color ?? "--accent"),
              width: 1.8,
              value: (_: unknown, value: number | null) => number(value),
            })),
            ...limits.map((limit) => ({
              label: limit.title,
              stroke: limit.color,
              width: 1.2,
              dash: [6, 4],
              points: { show: false },
              value: () => number(limit.value),
            })),
          ],
        };
        const plot = new Plot(options, aligned(lines, limits, gap_s) as AlignedData, element);
        const seen = new ResizeObserver(() =>
          plot.setSize({ width: element.clientWidth, height: HEIGHT_PX }),
        );
        seen.observe(element);
        end = () => {
          seen.disconnect();
          plot.destroy();
        };
      },
    );
    return () => {
      gone = true;
      end();
    };
  }, [lines, limits, unit, gap_s, lang.value]);
  return (
    <div class="chart">
      <div ref={box} role="img" aria-label={label} class="plot" />
      <details>
        <summary>{t("以表格查看", "The same as a table")}</summary>
        <Table
          label={label}
          rows={lines.flatMap(({ title, points }) => points.map((one) => ({ ...one, title })))}
          keyOf={(row) => `${row.title} ${row.time}`}
          columns={[
            {
              id: "time",
              title: t("时间", "Time"),
              cell: ({ time }) => clock(Date.parse(time) / 1000),
              order: ({ time }) => time,
            },
            { id: "series", title: t("内容", "Series"), cell: ({ title }) => title },
            {
              id: "value",
              title: unit,
              cell: ({ value }) => number(value),
              order: ({ value }) => value,
              numeric: true,
            },
          ]}
        />
      </details>
    </div>
  );
}

/** A colour as a canvas takes it: `light-dark` means nothing there. */
function resolved(element: HTMLElement, name: string): string {
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  element.append(probe);
  const color = getComputedStyle(probe).color;
  probe.remove();
  return color;
}

const parts = (options: Intl.DateTimeFormatOptions) =>
  new Intl.DateTimeFormat("sv-SE", { timeZone: ZONE, ...options });
const [MONTH, DAY, CLOCK, WHOLE] = [
  parts({ year: "numeric", month: "2-digit" }),
  parts({ year: "numeric", month: "2-digit", day: "2-digit" }),
  parts({ hour: "2-digit", minute: "2-digit" }),
  parts({ dateStyle: "short", timeStyle: "short" }),
] as const;

const clock = (at: number) => WHOLE.format(at * 1000);

const dayOf = (at: number) => DAY.format(at * 1000).slice(5);

/** Labels of an axis by how far apart they stand, in seconds. */
export function timeLabel(at: number, apart: number): string {
  const form = apart >= 28 * 86_400 ? MONTH : apart >= 86_400 ? DAY : CLOCK;
  const text = form === DAY ? dayOf(at) : form.format(at * 1000);
  // Midnight says which day begins.
  return form === CLOCK && text === "00:00" ? dayOf(at) : text;
}

function timesOf(_: unknown, splits: number[], __: number, ___: number, apart: number): string[] {
  return splits.map((at) => timeLabel(at, apart));
}
