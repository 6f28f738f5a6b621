/** Indicators: a table of how each stands, its course beside the path to the target, new values. */

import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { Actor } from "../../kit/actor";
import { api, ask, type Fault, type Schema, write } from "../../kit/api";
import { told, useAsked } from "../../kit/asked";
import type { PropertySchema, Values } from "../../kit/features";
import { Fields, inWords, SubmitForm } from "../../kit/form";
import { number, today } from "../../kit/format";
import { API } from "../../kit/page";
import { may } from "../../kit/session";
import { type Column, Table } from "../../kit/table";
import { STANDINGS, unitName, valueNote } from "../../kit/terms";
import { Badge, Button, Dialog, FaultBox, Found, Panel, Select, Tabs, tell } from "../../kit/ui";
import { called, lang, t } from "../../kit/words";
import { IndicatorMap, type Judged, judgedIn, placesOf } from "./indicator_map";

export function Indicators({ plan, status }: { plan: string; status: string }) {
  const wanted = useSignal(status);
  const chosen = useSignal<string | null>(null);
  const { asked, again } = useAsked(
    () => ask(api.GET("/plans/{plan}/progress", { params: { path: { plan } } })),
    [plan || null],
  );
  return (
    <Found asked={asked} again={again}>
      {({ indicators }) => {
        const rows = indicators.filter((one) => !wanted.value || one.status === wanted.value);
        const open = indicators.find(({ indicator }) => indicator === chosen.value);
        const notes = new Set(rows.map(({ remarks }) => valueNote(remarks)).filter(Boolean));
        const table = (
          <Table
            label={t("指标", "Indicators")}
            columns={COLUMNS()}
            rows={rows}
            keyOf={({ indicator }) => indicator}
            chosen={chosen.value}
            onOpen={({ indicator }) => {
              chosen.value = indicator;
            }}
            empty={t("没有符合条件的指标。", "No indicator matches.")}
          />
        );
        return (
          <>
            <div class="inline">
              <Select
                aria-label={t("状态", "Standing")}
                value={wanted.value}
                empty={t("所有状态", "all")}
                onChoose={(code) => {
                  wanted.value = code;
                }}
                choices={Object.entries(STANDINGS).map(([code, [zh, en]]) => ({
                  value: code,
                  label: t(zh, en),
                }))}
              />
              <a
                href={`${API}/plans/${encodeURIComponent(plan)}/evaluation?f=docx&lang=${lang.value}`}
              >
                {t("评估报告 DOCX", "Evaluation as DOCX")}
              </a>
            </div>
            {open && (
              <div class="opened">
                <Opened key={plan} plan={plan} judged={open} again={again} />
              </div>
            )}
            {indicators.length > 0 && indicators.every(isBlank) ? (
              <details>
                <summary>
                  {t(
                    `${indicators.length} 项指标，均尚无数值和目标`,
                    `${indicators.length} indicators, none with a value or a target`,
                  )}
                </summary>
                {table}
              </details>
            ) : (
              table
            )}
            {[...notes].map((note) => (
              <p key={note} class="hint">
                * {note}
              </p>
            ))}
          </>
        );
      }}
    </Found>
  );
}

/** Whether there is no figure to show of an indicator. */
const isBlank = ({ base, target, value }: Judged) =>
  value === null && (base?.value ?? null) === null && (target?.value ?? null) === null;

const COLUMNS = (): Column<Judged>[] => [
  {
    id: "name",
    title: t("指标", "Indicator"),
    cell: (one) => called(one),
    order: (one) => one.order,
  },
  {
    id: "property",
    title: t("属性", "Kind"),
    cell: ({ property }) =>
      property === "binding" ? t("约束性", "binding") : t("预期性", "expected"),
    order: ({ property }) => property,
  },
  {
    id: "category",
    title: t("类别", "Category"),
    cell: ({ category }) => category && called(category),
    order: ({ category }) => category?.code,
  },
  {
    id: "base",
    title: t("基期", "Base"),
    numeric: true,
    cell: ({ base }) =>
      base && base.value !== null
        ? [number(base.value), base.year && `(${base.year})`].filter(Boolean).join(" ")
        : "–",
  },
  {
    id: "value",
    title: t("现状", "Value"),
    numeric: true,
    cell: ({ value, value_year, remarks }) =>
      value === null
        ? "–"
        : `${number(value)} (${value_year})${valueNote(remarks) === undefined ? "" : " *"}`,
    order: ({ value }) => value,
  },
  {
    id: "target",
    title: t("目标", "Target"),
    numeric: true,
    cell: ({ target }) =>
      target ? `${number(target.value)} (${target.year ?? t("常年", "always")})` : "–",
  },
  { id: "unit", title: t("单位", "Unit"), cell: ({ unit }) => unitName(unit) },
  {
    id: "status",
    title: t("进展", "Standing"),
    cell: ({ status }) => {
      const [zh, en, tone] = STANDINGS[status];
      return <Badge tone={tone}>{t(zh, en)}</Badge>;
    },
    order: ({ status }) => Object.keys(STANDINGS).indexOf(status),
  },
];

const YEARS_BACK = 10;

/** One indicator: its course over the years, or by region on a map; both of the region chosen. */
function Opened({ plan, judged, again }: { plan: string; judged: Judged; again: () => void }) {
  const view = useSignal("course");
  const place = useSignal("");
  const now = Number(today().slice(0, 4));
  const year = useSignal(now);
  const whole = judged.region.code;
  const { asked, again: readAgain } = useAsked(
    (signal) => placesOf(plan, whole, year.value, signal),
    // What nobody looks at is not asked.
    [view.value === "map" || null, plan, whole, year.value],
  );
  const found = asked.value.data;
  const chosen = [found?.own, ...(found?.below ?? [])].find(
    (one) => one && one.feature.id === place.value,
  );
  const here = (chosen && judgedIn(chosen, judged.indicator)) ?? judged;
  const first = Math.min(now - YEARS_BACK, judged.base?.year ?? now, judged.value_year ?? now);
  const years = Array.from({ length: now - first + 1 }, (_, back) => String(now - back));
  return (
    <Tabs
      label={called(judged)}
      chosen={view.value}
      onChoose={(id) => {
        view.value = id;
      }}
      tabs={[
        { id: "course", label: t("过程", "Course") },
        { id: "map", label: t("分区域", "By region") },
      ]}
    >
      {view.value === "course" ? (
        <Course
          plan={plan}
          judged={here}
          whole={whole}
          onWhole={() => {
            place.value = "";
          }}
          again={() => {
            again();
            readAgain();
          }}
        />
      ) : (
        <Panel
          title={called(judged)}
          actions={
            <label class="inline">
              {t("年份", "Year")}
              <Select
                value={String(year.value)}
                choices={years.map((value) => ({ value, label: value }))}
                onChoose={(to) => {
                  year.value = Number(to);
                }}
              />
            </label>
          }
        >
          <Found asked={asked} again={readAgain}>
            {(places) => (
              <IndicatorMap
                places={places}
                indicator={judged.indicator}
                chosen={place.value}
                onChoose={(code) => {
                  place.value = code;
                }}
              />
            )}
          </Found>
        </Panel>
      )}
    </Tabs>
  );
}

const [WIDTH, HEIGHT, EDGE] = [560, 180, 40];

/** The values of an indicator in a region over the years, with base and targets. */
function Course({
  plan,
  judged,
  whole,
  onWhole,
  again,
}: {
  plan: string;
  judged: Judged;
  /** Code of the plan's own region. */
  whole: string;
  onWhole: () => void;
  again: () => void;
}) {
  const part = judged.region.code === whole ? undefined : judged.region;
  const { asked, again: readAgain } = useAsked(
    () =>
      ask(
        api.GET("/plans/{plan}/indicators/{indicator}/values", {
          params: {
            path: { plan, indicator: judged.indicator },
            ...(part && { query: { region: part.code } }),
          },
        }),
      ),
    [plan, judged.indicator, judged.region.code],
  );
  const adding = useSignal(false);
  return (
    <Panel
      title={part ? `${called(judged)} · ${called(part)}` : called(judged)}
      actions={
        <>
          {part && <Button onClick={onWhole}>{t("整个区域", "Whole region")}</Button>}
          {may("write") && (
            <Button onClick={() => (adding.value = true)}>{t("填报数值", "Report a value")}</Button>
          )}
        </>
      }
    >
      {judged.remarks.map((remark) => (
        <p key={remark.code} class="hint">
          {remark[lang.value]}
        </p>
      ))}
      <Found asked={asked} again={readAgain}>
        {({ values, unit }) => {
          const counted = values.filter(({ counts }) => counts).toSorted((a, b) => a.year - b.year);
          return (
            <>
              <Chart judged={judged} values={counted} unit={unitName(unit)} />
              <Table
                label={t("数值", "Values")}
                rows={counted}
                keyOf={({ id }) => String(id)}
                empty={t("还没有数值。", "No values yet.")}
                columns={[
                  { id: "year", title: t("年份", "Year"), cell: ({ year }) => year },
                  {
                    id: "value",
                    title: t("数值", "Value"),
                    numeric: true,
                    cell: ({ value }) => number(value),
                  },
                  { id: "source", title: t("来源", "Source"), cell: ({ source }) => source },
                  {
                    id: "by",
                    title: t("填报", "By"),
                    cell: ({ recorded_by }) => <Actor code={recorded_by} />,
                  },
                ]}
              />
            </>
          );
        }}
      </Found>
      {adding.value && (
        <NewValue
          plan={plan}
          judged={judged}
          part={part}
          onClose={(added) => {
            adding.value = false;
            if (!added) return;
            readAgain();
            again();
          }}
        />
      )}
    </Panel>
  );
}

export interface Mark {
  year: number;
  value: number;
  kind: "base" | "value" | "target";
}

/** What a chart shows of an indicator: base, values and targets that have a year and a number. */
export function marksOf(judged: Judged, values: readonly Schema<"ObservedValue">[]): Mark[] {
  const base = judged.base;
  return [
    ...(base && base.value !== null && base.year !== null
      ? [{ year: base.year, value: base.value, kind: "base" as const }]
      : []),
    ...values.map(({ year, value }) => ({ year, value, kind: "value" as const })),
    ...judged.targets.flatMap(({ year, value }) =>
      year === null || value === null ? [] : [{ year, value, kind: "target" as const }],
    ),
  ];
}

/** Places in the drawing for years and values, with room around them. */
export function scaleOf(marks: readonly Mark[]) {
  const years = marks.map(({ year }) => year);
  const values = marks.map(({ value }) => value);
  const [first, last] = [Math.min(...years), Math.max(...years)];
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const across = (WIDTH - 2 * EDGE) / Math.max(1, last - first);
  const up = (HEIGHT - 2 * EDGE) / (high - low || 1);
  return {
    x: (year: number) => EDGE + (year - first) * across,
    y: (value: number) => HEIGHT - EDGE - (value - low) * up,
  };
}

function Chart({
  judged,
  values,
  unit,
}: {
  judged: Judged;
  values: readonly Schema<"ObservedValue">[];
  unit: string;
}) {
  const marks = marksOf(judged, values);
  if (!marks.length) return null;
  const { x, y } = scaleOf(marks);
  const line = (kinds: Mark["kind"][]) =>
    marks
      .filter(({ kind }) => kinds.includes(kind))
      .toSorted((a, b) => a.year - b.year)
      .map(({ year, value }) => `${x(year)},${y(value)}`)
      .join(" ");
  return (
    <svg
      class="course"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      role="img"
      aria-label={t(
        "历年数值与目标；数字见下表",
        "Values and targets by year; the numbers are in the table",
      )}
    >
      <polyline class="path" points={line(["base", "target"])} />
      <polyline class="values" points={line(["base", "value"])} />
      {marks.map(({ year, value, kind }) => (
        <g key={`${kind}${year}${value}`} class={kind}>
          <circle cx={x(year)} cy={y(value)} r={4} />
          <text x={x(year)} y={y(value) - 8}>
            {number(value)}
          </text>
          <text x={x(year)} y={HEIGHT - 12}>
            {year}
          </text>
        </g>
      ))}
      <text x={4} y={14} class="unit">
        {unit}
      </text>
    </svg>
  );
}

function NewValue({
  plan,
  judged,
  part,
  onClose,
}: {
  plan: string;
  judged: Judged;
  /** A region other than the plan's own that the value is of. */
  part: Judged["region"] | undefined;
  onClose: (added: boolean) => void;
}) {
  const values = useSignal<Values>({ year: Number(today().slice(0, 4)) - 1 });
  const fault = useSignal<Fault | null>(null);
  const key = useMemo(() => crypto.randomUUID(), []);
  const what = part ? `${called(judged)} · ${called(part)}` : called(judged);
  const add = async () => {
    const path = `/plans/${encodeURIComponent(plan)}/indicators/${encodeURIComponent(judged.indicator)}/values`;
    try {
      const body = part ? { ...values.value, region: part.code } : values.value;
      await write("POST", path, body, { "Idempotency-Key": key });
      tell(t("数值已填报", "The value is recorded"));
      onClose(true);
    } catch (error) {
      fault.value = told(error);
    }
  };
  const unit = unitName(judged.unit);
  const members: Record<string, PropertySchema> = {
    year: { title: t("年份", "Year"), type: "integer", minimum: 1900, maximum: 2200 },
    value: {
      title: unit ? t(`数值（${unit}）`, `Value (${unit})`) : t("数值", "Value"),
      type: "number",
    },
    cumulative: { title: t("为累计值", "The total up to the year"), type: "boolean" },
    method: { title: t("方法", "Method"), type: "string", maxLength: 300 },
    source: { title: t("来源", "Source"), type: "string", maxLength: 300 },
    note: { title: t("说明", "Note"), type: "string", maxLength: 2000 },
  };
  return (
    <Dialog title={t(`填报：${what}`, `Report: ${what}`)} onClose={() => onClose(false)}>
      <SubmitForm onSubmit={add}>
        <Fields
          values={values}
          required={["year", "value"]}
          wrong={fault.value?.at ?? []}
          members={members}
        />
        <FaultBox fault={inWords(fault.value, members)} />
        <Button kind="main" submits>
          {t("填报", "Record")}
        </Button>
      </SubmitForm>
    </Dialog>
  );
}
