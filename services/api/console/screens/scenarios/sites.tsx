/** Sites that were chosen: their map beside their table, what other budgets buy, other plans. */

import { batch, type Signal, useSignal } from "@preact/signals";
import type { FeatureCollection, Feature as Shape } from "geojson";
import { useEffect, useMemo } from "preact/hooks";
import { api, ask, Fault, read, type Schema } from "../../kit/api";
import { useAsked } from "../../kit/asked";
import { fixed, moment, money, number } from "../../kit/format";
import type { Job } from "../../kit/jobs";
import { boundsOf } from "../../kit/map/bounds";
import type { MapPane } from "../../kit/map/engine";
import { MapView } from "../../kit/map/map_view";
import { partsOf } from "../../kit/map/shapes";
import { Pages } from "../../kit/pages";
import {
  outputPath,
  type ResultFile,
  type Row,
  resultsOf,
  shapesOf,
  tableOf,
} from "../../kit/results";
import { screenPath } from "../../kit/screens";
import { Table } from "../../kit/table";
import { Empty, Field, Found, Panel, Select } from "../../kit/ui";
import { called, t } from "../../kit/words";
import { isWithin } from "./brush";
import { type FrontPoint, frontOf, within } from "./differences";

/** A plan to compare with, as the statistics of a selection have it. */
interface Alternative {
  cost: number;
  objective: number;
  sites: string[];
}

const PROCESS = "select-sites";
const TAKEN = "#0f6a46";
const LEFT = "#8a949a";
const CHOSEN = "#c2185b";

/** Selections that are done, the one of the address first of all.
 * @param job The one that is looked at; without one it is the newest. */
export function Sites({
  job,
  onChoose,
}: {
  job: string | undefined;
  /** @param instead Whether it takes the place of the address that named none. */
  onChoose: (job: string, instead?: boolean) => void;
}) {
  const { asked, again } = useAsked(() => selections(job), [job]);
  const newest = asked.value.data?.jobs[0]?.jobID;
  useEffect(() => {
    // So that a reload shows this one too, when another one is done by then.
    if (!job && newest) onChoose(newest, true);
  }, [job, newest]);
  return (
    <Pages asked={asked} again={again} rowsOf={({ jobs }) => jobs}>
      {(rows) => {
        // The one of the address stands first, and comes again on its page.
        const jobs = [...new Map(rows.map((row) => [row.jobID, row])).values()];
        const one = job ? jobs.find(({ jobID }) => jobID === job) : jobs[0];
        if (!one)
          return jobs.length ? null : (
            <Empty>{t("还没有完成的选址。", "No selection is done yet.")}</Empty>
          );
        return (
          <>
            <div class="inline">
              <Field label={t("选址计算", "Selection")}>
                <Select
                  choices={jobs.map(({ jobID, title, created }) => ({
                    value: jobID,
                    label: title ?? moment(created),
                  }))}
                  value={one.jobID}
                  onChoose={(id) => onChoose(id)}
                />
              </Field>
              <a href={screenPath("compute", { job: one.jobID })}>
                {t("在计算中心查看此作业", "Show the job in compute")}
              </a>
            </div>
            {one.status === "successful" ? (
              <Selection key={one.jobID} job={one.jobID} />
            ) : (
              <Empty>{t("这次选址没有完成的结果。", "This selection has no result so far.")}</Empty>
            )}
          </>
        );
      }}
    </Pages>
  );
}

/** The selections that are done, and the one that is asked for, however old it is.
 * @throws Fault where the service refused. */
async function selections(job: string | undefined): Promise<Schema<"Jobs">> {
  const query = { limit: 50, processID: [PROCESS], status: ["successful" as const] };
  const page = await ask(api.GET("/jobs", { params: { query } }));
  if (!job || page.jobs.some(({ jobID }) => jobID === job)) return page;
  const one = await read<Job>(`/jobs/${job}`);
  if (one.processID !== PROCESS)
    throw new Fault(404, t("此作业不是选址计算。", "This job is no selection of sites."));
  return { ...page, jobs: [one, ...page.jobs] };
}

function Selection({ job }: { job: string }) {
  const { asked, again } = useAsked(async () => {
    const { files } = await resultsOf(job);
    const [rows, shapes, front, others] = await Promise.all([
      tableOf(job, "table"),
      files.sites ? shapesOf(job, "sites") : null,
      files.pareto ? tableOf(job, "pareto") : [],
      files.statistics
        ? read<{ alternatives?: Alternative[] }>(`/jobs/${job}/results/statistics`)
        : null,
    ]);
    return { files, rows, shapes, front: frontOf(front), others: others?.alternatives ?? [] };
  }, [job]);
  return (
    <Found asked={asked} again={again}>
      {({ rows, shapes, front, others, files }) => (
        <>
          <Plans
            job={job}
            rows={rows}
            shapes={shapes}
            front={front}
            others={others}
            files={files}
          />
        </>
      )}
    </Found>
  );
}

/** The plan that is looked at, first the best one: its sites on the map and in the table. Others are
 * what a budget of the front buys, and the alternatives. */
function Plans({
  job,
  rows,
  shapes,
  front,
  others,
  files,
}: {
  job: string;
  rows: Row[];
  shapes: FeatureCollection | null;
  front: FrontPoint[];
  others: Alternative[];
  files: Record<string, ResultFile>;
}) {
  const plan = useSignal(0);
  const bought = useSignal<FrontPoint | null>(null);
  const site = useSignal<string | null>(null);
  const pane = useSignal<MapPane | null>(null);
  const best = useMemo(
    // Tables of jobs were once written with "True".
    () =>
      rows.filter(({ chosen }) => chosen?.toLowerCase() === "true").map(({ code = "" }) => code),
    [rows],
  );
  const taken = new Set(bought.value?.codes ?? (plan.value ? others[plan.value - 1]?.sites : best));
  const listed = rows.filter(({ code = "" }) => taken.has(code));
  const marked = listed.some(({ code }) => code === site.value) ? site.value : null;
  const drawn = useMemo(
    () => shapes && painted(shapes, taken, marked),
    [shapes, bought.value, plan.value, marked],
  );
  const choose = (code: string) => {
    site.value = code;
  };
  const show = (code: string) => {
    choose(code);
    const bounds = boundsOf(shapes?.features.find(({ id }) => id === code)?.geometry);
    if (bounds) pane.value?.fit(bounds);
  };
  return (
    <>
      {front.length > 1 && <Front front={front} bought={bought} />}
      {others.length > 0 && (
        <Others
          others={others}
          best={best}
          rows={rows}
          plan={bought.value?.codes ? null : plan.value}
          onPlan={(n) =>
            batch(() => {
              bought.value = null;
              plan.value = n;
            })
          }
        />
      )}
      <Panel
        title={t(`选中 ${listed.length} 处`, `${listed.length} sites chosen`)}
        actions={
          files.sites && (
            <a href={outputPath(job, "sites")}>{t("下载地块", "Download the sites")}</a>
          )
        }
      >
        <div class="sites">
          {drawn && (
            <MapView
              label={t("地块图", "Map of the sites")}
              layers={NONE}
              features={drawn}
              bounds={boundsOf(...drawn.features.map(({ geometry }) => geometry))}
              onPane={(made) => {
                pane.value = made;
              }}
              onClick={({ lon, lat }) => {
                const hit = shapes && siteAt(shapes, taken, [lon, lat]);
                if (hit) choose(hit);
              }}
            />
          )}
          <Table
            label={t("选中的地块", "Sites chosen")}
            rows={listed}
            keyOf={({ code = "" }) => code}
            chosen={marked}
            onOpen={({ code = "" }) => show(code)}
            columns={[
              { id: "name", title: t("名称", "Name"), cell: (row) => called(row) },
              { id: "phase", title: t("分期", "Phase"), cell: ({ phase }) => phase || "–" },
              {
                id: "area",
                title: t("面积（公顷）", "Area, ha"),
                numeric: true,
                cell: ({ area_ha }) => fixed(Number(area_ha), 2),
                order: ({ area_ha }) => Number(area_ha),
              },
              {
                id: "cost",
                title: t("费用", "Cost"),
                numeric: true,
                cell: ({ cost }) => money(cost),
                order: ({ cost }) => Number(cost),
              },
            ]}
          />
        </div>
      </Panel>
    </>
  );
}

const NONE: readonly [] = [];

/** All candidates: those of the plan in one colour, the rest grey, the marked one on top. */
function painted(
  shapes: FeatureCollection,
  taken: ReadonlySet<string>,
  marked: string | null,
): FeatureCollection {
  const rank = ({ id }: Shape) => Number(id === marked) * 2 + Number(taken.has(String(id)));
  const features = [...shapes.features]
    .sort((a, b) => rank(a) - rank(b))
    .map((one): Shape => {
      const mine = taken.has(String(one.id));
      const color = one.id === marked ? CHOSEN : mine ? TAKEN : LEFT;
      const named = mine ? { label: called(one.properties ?? {}) } : {};
      return { ...one, properties: { color, opacity: mine ? 0.5 : 0.15, ...named } };
    });
  return { type: "FeatureCollection", features };
}

/** The site of a plan at a place. */
export function siteAt(
  { features }: FeatureCollection,
  taken: ReadonlySet<string>,
  place: [number, number],
): string | null {
  const hit = features.find(
    ({ id, geometry }) =>
      taken.has(String(id)) &&
      partsOf(geometry).some(
        (part) =>
          part.type === "Polygon" &&
          part.coordinates.filter((ring) => isWithin(ring, place)).length === 1,
      ),
  );
  return hit ? String(hit.id) : null;
}

/** Other plans nearly as good: what each costs and gives, and how far it is the best one's. */
function Others({
  others,
  best,
  rows,
  plan,
  onPlan,
}: {
  others: readonly Alternative[];
  best: readonly string[];
  rows: readonly Row[];
  /** The one that is looked at; null for none of them. */
  plan: number | null;
  onPlan: (n: number) => void;
}) {
  const cost = rows
    .filter(({ code = "" }) => best.includes(code))
    .reduce((sum, row) => sum + Number(row.cost), 0);
  const plans = [{ cost, objective: null, sites: [...best] }, ...others].map((one, n) => ({
    ...one,
    n,
    common: one.sites.filter((code) => best.includes(code)).length,
  }));
  return (
    <Panel title={t("备选方案", "Alternatives")}>
      <Table
        label={t("备选方案", "Alternatives")}
        rows={plans}
        keyOf={({ n }) => String(n)}
        chosen={String(plan)}
        onOpen={({ n }) => onPlan(n)}
        columns={[
          {
            id: "plan",
            title: t("方案", "Plan"),
            cell: ({ n }) =>
              n ? t(`备选 ${n}`, `Alternative ${n}`) : t("最优方案", "The best one"),
          },
          { id: "cost", title: t("费用", "Cost"), numeric: true, cell: (one) => money(one.cost) },
          {
            id: "objective",
            title: t("目标值", "Objective"),
            numeric: true,
            cell: ({ objective }) => (objective === null ? "–" : number(objective)),
          },
          {
            id: "sites",
            title: t("地块数", "Sites"),
            numeric: true,
            cell: ({ sites }) => sites.length,
          },
          {
            id: "common",
            title: t("与最优相同", "As in the best"),
            numeric: true,
            cell: ({ common }) => common,
          },
        ]}
      />
    </Panel>
  );
}

/** Cost against gain, and the point that a budget reaches, which is looked at from then on. */
function Front({ front, bought }: { front: FrontPoint[]; bought: Signal<FrontPoint | null> }) {
  const last = front.at(-1) as FrontPoint;
  const budget = useSignal(last.cost);
  const best = within(front, budget.value);
  const most = Math.max(...front.map(({ gain }) => gain)) || 1;
  const at = ({ cost, gain }: FrontPoint) => [
    30 + (cost / (last.cost || 1)) * 350,
    150 - (gain / most) * 135,
  ];
  return (
    <Panel title={t("预算与效益", "Budget and gain")}>
      <svg
        class="front"
        viewBox="0 0 400 160"
        role="img"
        aria-label={t("预算与效益前沿", "Front of cost and gain")}
      >
        <path class="axis" d="M30 10V150H390" />
        <polyline points={front.map((point) => at(point).join()).join(" ")} />
        {front.map((point) => {
          const [x, y] = at(point);
          return (
            <circle
              key={point.cost}
              cx={x}
              cy={y}
              r={point === best ? 6 : 3.5}
              class={point === best ? "best" : ""}
            />
          );
        })}
      </svg>
      <Field label={`${t("预算", "Budget")} ${money(budget.value)}`}>
        <input
          type="range"
          min={0}
          max={last.cost}
          step="any"
          value={budget.value}
          onInput={({ currentTarget }) => {
            batch(() => {
              budget.value = Number(currentTarget.value);
              bought.value = within(front, budget.value) ?? null;
            });
          }}
        />
      </Field>
      {best && (
        <p>
          {t(
            `此预算内的方案：费用 ${money(best.cost)}，效益 ${number(best.gain)}，${best.sites} 处。`,
            `Within it: ${money(best.cost)}, gain ${number(best.gain)}, ${best.sites} sites.`,
          )}{" "}
          {best.codes &&
            (bought.value
              ? t("地图和表显示此方案。", "Map and table show it.")
              : t("移动滑块，地图和表随之显示。", "Move the slider to see it on map and table."))}
        </p>
      )}
    </Panel>
  );
}
