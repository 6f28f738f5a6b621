/** Scenarios and sites: two to four scenarios beside each other, and what a budget buys. */

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { useLocation } from "preact-iso";
import { api, ask } from "../../kit/api";
import { useAsked } from "../../kit/asked";
import { moment, money } from "../../kit/format";
import type { MapPane } from "../../kit/map/engine";
import { MapView } from "../../kit/map/map_view";
import { outputPath, type ResultFile, type Row, resultsOf, tableOf } from "../../kit/results";
import { screenPath } from "../../kit/screens";
import { may } from "../../kit/session";
import { Table } from "../../kit/table";
import { Empty, Field, Found, Panel, Select, Tabs } from "../../kit/ui";
import { called, t } from "../../kit/words";
import { Order } from "../compute/order";
import { moveTogether } from "../map/compared";
import { differences, type FrontPoint, frontOf, within } from "./differences";
import "./scenarios.css";

const MOST = 4;

export default function Scenarios() {
  const { query, route } = useLocation();
  const tab = query.tab ?? "compare";
  return (
    <div class="screen">
      <header>
        <h1>{t("情景与选址", "Scenarios and sites")}</h1>
      </header>
      <Tabs
        label={t("情景与选址", "Scenarios and sites")}
        chosen={tab}
        onChoose={(id) => route(screenPath("scenarios", { tab: id }))}
        tabs={[
          { id: "compare", label: t("比较情景", "Compare scenarios") },
          { id: "new", label: t("新情景", "New scenario") },
          { id: "sites", label: t("选址", "Sites") },
          { id: "select", label: t("新选址", "New selection") },
        ]}
      >
        {!may("jobs") ? (
          <Empty>{t("登录后可以比较情景。", "Sign in to compare scenarios.")}</Empty>
        ) : (
          <>
            {tab === "compare" && <Compare />}
            {tab === "sites" && <Sites />}
            {(tab === "new" || tab === "select") && (
              <Order
                key={tab}
                process={tab === "new" ? "run-scenario" : "select-sites"}
                onStarted={(job) => route(screenPath("compute", { job }))}
              />
            )}
          </>
        )}
      </Tabs>
    </div>
  );
}

const doneOf = (process: string) =>
  ask(
    api.GET("/jobs", {
      params: { query: { limit: 50, processID: [process], status: ["successful"] } },
    }),
  );

function Compare() {
  const { asked, again } = useAsked(() => doneOf("run-scenario"), []);
  const chosen = useSignal<string[]>([]);
  return (
    <Found asked={asked} again={again}>
      {({ jobs }) =>
        jobs.length === 0 ? (
          <Empty>{t("还没有完成的情景。", "No scenario is done yet.")}</Empty>
        ) : (
          <>
            <fieldset class="checks">
              <legend>{t("选二至四个情景", "Choose two to four")}</legend>
              {jobs.map(({ jobID, created }) => {
                const on = chosen.value.includes(jobID);
                return (
                  <label key={jobID} class="check">
                    <input
                      type="checkbox"
                      checked={on}
                      disabled={!on && chosen.value.length === MOST}
                      onChange={() => {
                        chosen.value = on
                          ? chosen.value.filter((one) => one !== jobID)
                          : [...chosen.value, jobID];
                      }}
                    />
                    {t("情景", "Scenario")} {moment(created)}
                  </label>
                );
              })}
            </fieldset>
            {chosen.value.length > 0 && <Beside jobs={chosen.value} />}
          </>
        )
      }
    </Found>
  );
}

/** The scenarios' maps, moved as one, and the table of their differences. */
function Beside({ jobs }: { jobs: string[] }) {
  const panes = useSignal<Record<string, MapPane>>({});
  const { asked, again } = useAsked(
    () =>
      Promise.all(
        jobs.map(async (job) => ({
          job,
          results: await resultsOf(job),
          rows: await tableOf(job, "table"),
        })),
      ),
    [jobs.join()],
  );
  useEffect(() => moveTogether(Object.values(panes.value)), [panes.value]);
  const put = (job: string, pane: MapPane | null) => {
    const { [job]: _, ...others } = panes.peek();
    panes.value = pane ? { ...others, [job]: pane } : others;
  };
  return (
    <Found asked={asked} again={again}>
      {(scenarios) => (
        <>
          <div class="scenario-maps">
            {scenarios.map(({ job, results }, n) => {
              const layer = results.layers.corridors_after ?? results.layers.ratio_after;
              return (
                <MapView
                  key={job}
                  label={`${t("情景", "Scenario")} ${n + 1}`}
                  layers={layer ? [{ name: layer }] : []}
                  onPane={(pane) => put(job, pane)}
                />
              );
            })}
          </div>
          <Table
            label={t("情景差异", "Differences")}
            rows={differences(scenarios.map(({ rows }) => rows))}
            keyOf={({ key }) => key}
            columns={[
              { id: "name", title: t("项目", "What"), cell: ({ row }) => called(row) },
              { id: "unit", title: t("单位", "Unit"), cell: ({ row }) => row.unit },
              {
                id: "before",
                title: t("之前", "Before"),
                numeric: true,
                cell: ({ row }) => row.before,
              },
              ...scenarios.map(({ job }, n) => ({
                id: job,
                title: `${t("情景", "Scenario")} ${n + 1}`,
                numeric: true,
                cell: ({ of }: { of: (Row | undefined)[] }) => of[n]?.after ?? "–",
              })),
            ]}
          />
        </>
      )}
    </Found>
  );
}

function Sites() {
  const { asked, again } = useAsked(() => doneOf("select-sites"), []);
  const chosen = useSignal("");
  return (
    <Found asked={asked} again={again}>
      {({ jobs }) => {
        const job = chosen.value || jobs[0]?.jobID;
        return job ? (
          <>
            <Field label={t("选址计算", "Selection")}>
              <Select
                choices={jobs.map((one) => ({ value: one.jobID, label: moment(one.created) }))}
                value={job}
                onChoose={(id) => {
                  chosen.value = id;
                }}
              />
            </Field>
            <Selection key={job} job={job} />
          </>
        ) : (
          <Empty>{t("还没有完成的选址。", "No selection is done yet.")}</Empty>
        );
      }}
    </Found>
  );
}

function Selection({ job }: { job: string }) {
  const { asked, again } = useAsked(async () => {
    const { files } = await resultsOf(job);
    const rows = await tableOf(job, "table");
    return { files, rows, front: files.pareto ? frontOf(await tableOf(job, "pareto")) : [] };
  }, [job]);
  return (
    <Found asked={asked} again={again}>
      {({ rows, front, files }) => (
        <>
          {front.length > 1 && <Front front={front} />}
          <Chosen job={job} rows={rows} files={files} />
        </>
      )}
    </Found>
  );
}

function Chosen({
  job,
  rows,
  files,
}: {
  job: string;
  rows: Row[];
  files: Record<string, ResultFile>;
}) {
  const taken = rows.filter(({ chosen }) => chosen === "True");
  return (
    <Panel
      title={t(`选中 ${taken.length} 处`, `${taken.length} sites chosen`)}
      actions={
        files.sites && <a href={outputPath(job, "sites")}>{t("下载地块", "Download the sites")}</a>
      }
    >
      <Table
        label={t("选中的地块", "Sites chosen")}
        rows={taken}
        keyOf={({ code = "" }) => code}
        columns={[
          { id: "name", title: t("名称", "Name"), cell: (row) => called(row) },
          { id: "phase", title: t("分期", "Phase"), cell: ({ phase }) => phase },
          {
            id: "area",
            title: t("面积（公顷）", "Area, ha"),
            numeric: true,
            cell: ({ area_ha }) => area_ha,
            order: ({ area_ha }) => Number(area_ha),
          },
          {
            id: "cost",
            title: t("费用（元）", "Cost, CNY"),
            numeric: true,
            cell: ({ cost }) => cost,
            order: ({ cost }) => Number(cost),
          },
        ]}
      />
    </Panel>
  );
}

/** Cost against gain, and the point that a budget reaches. */
function Front({ front }: { front: FrontPoint[] }) {
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
            budget.value = Number(currentTarget.value);
          }}
        />
      </Field>
      {best && (
        <p>
          {t(
            `此预算内的方案：费用 ${money(best.cost)}，效益 ${best.gain}，${best.sites} 处。`,
            `Within it: ${money(best.cost)}, gain ${best.gain}, ${best.sites} sites.`,
          )}
        </p>
      )}
    </Panel>
  );
}
