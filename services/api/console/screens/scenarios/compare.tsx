/** Scenarios beside each other: followed until they are done, maps in step, figures as results have them. */

import { type Signal, useSignal } from "@preact/signals";
import type { FeatureCollection, Feature as Shape } from "geojson";
import { useEffect } from "preact/hooks";
import { api, ask } from "../../kit/api";
import { useAsked } from "../../kit/asked";
import { moment } from "../../kit/format";
import {
  cancel,
  isOver,
  type Job,
  JobProgress,
  type News,
  StatusBadge,
  useJob,
} from "../../kit/jobs";
import type { MapPane } from "../../kit/map/engine";
import { MapView } from "../../kit/map/map_view";
import { Pages } from "../../kit/pages";
import { type Results, type Row, resultsOf, shapesOf, tableOf } from "../../kit/results";
import { screenPath } from "../../kit/screens";
import { Table } from "../../kit/table";
import { attempt, Button, Empty, FaultBox, Found, Panel } from "../../kit/ui";
import { called, t } from "../../kit/words";
import { moveTogether } from "../map/compared";
import { differences } from "./differences";
import { colorOf, type Edit, MOST } from "./edits";

/** What a scenario is called, and when it was asked for where that does not tell them apart. */
export const nameOf = ({ title, created }: Job): string =>
  title ?? `${t("情景", "Scenario")} ${moment(created)}`;

type Told = News & { job: Job };

export function Compare({
  chosen,
  onChoose,
}: {
  /** Jobs that are compared. */
  chosen: readonly string[];
  onChoose: (jobs: string[]) => void;
}) {
  const { asked, again } = useAsked(() => {
    const query = { limit: 50, processID: ["run-scenario"], status: ["successful" as const] };
    return ask(api.GET("/jobs", { params: { query } }));
  }, []);
  /** What is known of those that are followed. */
  const followed = useSignal<Record<string, Told>>({});
  return (
    <Pages asked={asked} again={again} rowsOf={({ jobs }) => jobs}>
      {(done) => {
        // Those that go on are not done yet, and old ones may be on a later page.
        const others = chosen
          .filter((id) => !done.some(({ jobID }) => jobID === id))
          .flatMap((id) => followed.value[id]?.job ?? []);
        const choices = [...others, ...done];
        return choices.length === 0 && chosen.length === 0 ? (
          <Empty>{t("还没有完成的情景。", "No scenario is done yet.")}</Empty>
        ) : (
          <>
            <details class="group" open={chosen.length === 0}>
              <summary>{t("选二至四个情景", "Choose two to four")}</summary>
              <fieldset class="checks column">
                <legend>{t("情景", "Scenarios")}</legend>
                {choices.map((job) => {
                  const on = chosen.includes(job.jobID);
                  return (
                    <label key={job.jobID} class="check">
                      <input
                        type="checkbox"
                        checked={on}
                        disabled={!on && chosen.length === MOST}
                        onChange={() =>
                          onChoose(
                            on ? chosen.filter((one) => one !== job.jobID) : [...chosen, job.jobID],
                          )
                        }
                      />
                      {nameOf(job)} {job.title && <small>{moment(job.created)}</small>}
                    </label>
                  );
                })}
              </fieldset>
            </details>
            {chosen.length > 0 && <Followed key={chosen.join()} ids={chosen} jobs={followed} />}
          </>
        );
      }}
    </Pages>
  );
}

/** The jobs chosen: those that go on with their progress, those that are done beside each other. */
function Followed({
  ids,
  jobs,
}: {
  ids: readonly string[];
  /** What is known of them, for those above, too. */
  jobs: Signal<Record<string, Told>>;
}) {
  const take = (id: string, { job, fault }: News) => {
    if (job) jobs.value = { ...jobs.peek(), [id]: { job, fault } };
  };
  const told = ids.flatMap((id) => jobs.value[id] ?? []);
  const open = told.filter(({ job }) => job.status !== "successful");
  const done = told.map(({ job }) => job).filter(({ status }) => status === "successful");
  return (
    <>
      {ids.map((id) => (
        <Following key={id} id={id} onNews={(news) => take(id, news)} />
      ))}
      {open.length > 0 && (
        <Panel title={t("正在计算", "Being computed")}>
          <ul class="plain">
            {open.map(({ job, fault }) => (
              <li key={job.jobID}>
                <a href={screenPath("compute", { job: job.jobID })}>{nameOf(job)}</a>{" "}
                {!fault && <StatusBadge status={job.status} />} {job.message}
                <JobProgress job={job} fault={fault} label={nameOf(job)} />
                {!isOver(job.status) && (
                  <Button
                    kind="danger"
                    onClick={() => attempt(() => cancel(job.jobID), t("已取消", "Cancelled"))}
                  >
                    {t("取消", "Cancel")}
                  </Button>
                )}
              </li>
            ))}
          </ul>
        </Panel>
      )}
      {done.length > 0 && <Beside jobs={done} />}
    </>
  );
}

function Following({ id, onNews }: { id: string; onNews: (news: News) => void }) {
  const news = useJob(id);
  useEffect(() => onNews(news), [news.job, news.fault]);
  return news.job ? null : <FaultBox fault={news.fault} />;
}

interface Done {
  job: Job;
  results: Results;
  rows: Row[];
  drawn: FeatureCollection;
}

/** Colours of corridors by what became of them. */
const CHANGES: Record<string, [color: string, zh: string, en: string]> = {
  opened: ["#1b7837", "新增廊道", "opened"],
  closed: ["#b2182b", "消失廊道", "closed"],
  cheaper: ["#5aae61", "阻力降低", "cheaper"],
  dearer: ["#ef8a62", "阻力升高", "dearer"],
  merged: ["#3b8ea5", "随源地合并", "merged"],
  split: ["#9970ab", "随源地分割", "split"],
  same: ["#5f6b73", "不变", "as before"],
};

async function readDone(job: Job): Promise<Done> {
  const id = job.jobID;
  const results = await resultsOf(id);
  const shapes = async (output: string) =>
    results.files[output] ? (await shapesOf(id, output)).features : [];
  const lines = (await shapes("corridor_lines")).map((line): Shape => {
    const change = String(line.properties?.change ?? "same");
    return { ...line, properties: { color: CHANGES[change]?.[0], width: 2.5 } };
  });
  const edits = (await shapes("edits")).map((one): Shape => {
    const edit = one.properties as unknown as Edit;
    return { ...one, properties: { color: colorOf(edit), label: called(edit), opacity: 0.45 } };
  });
  const drawn: FeatureCollection = { type: "FeatureCollection", features: [...edits, ...lines] };
  return { job, results, rows: await tableOf(id, "table"), drawn };
}

/** Maps moved as one, and the table of differences. */
function Beside({ jobs }: { jobs: readonly Job[] }) {
  const panes = useSignal<Record<string, MapPane>>({});
  const { asked, again } = useAsked(
    () => Promise.all(jobs.map(readDone)),
    [jobs.map(({ jobID }) => jobID).join()],
  );
  useEffect(() => moveTogether(Object.values(panes.value)), [panes.value]);
  const put = (id: string, pane: MapPane | null) => {
    const { [id]: _, ...others } = panes.peek();
    panes.value = pane ? { ...others, [id]: pane } : others;
  };
  return (
    <Found asked={asked} again={again}>
      {(done) => (
        <>
          <div class="scenario-maps">
            {done.map((one, n) => (
              <figure key={one.job.jobID}>
                <figcaption>{nameOf(one.job)}</figcaption>
                <MapView
                  label={nameOf(one.job)}
                  layers={layersOf(one, done)}
                  features={one.drawn}
                  onPane={(pane) => put(one.job.jobID, pane)}
                  follows={n > 0}
                />
              </figure>
            ))}
          </div>
          {done.some(({ results }) => results.files.corridor_lines) && (
            <ul class="changes" aria-label={t("廊道图例", "Legend of corridors")}>
              {Object.entries(CHANGES).map(([change, [color, zh, en]]) => (
                <li key={change}>
                  <span class="swatch" style={{ background: color }} aria-hidden="true" />
                  {t(zh, en)}
                </li>
              ))}
            </ul>
          )}
          <Table
            label={t("情景差异", "Differences")}
            rows={differences(done.map(({ rows }) => rows))}
            keyOf={({ key }) => key}
            columns={[
              { id: "name", title: t("项目", "What"), cell: ({ row }) => called(row) },
              { id: "unit", title: t("单位", "Unit"), cell: ({ row }) => unitOf(row.unit) },
              {
                id: "before",
                title: t("之前", "Before"),
                numeric: true,
                cell: ({ row }) => row.before || "–",
              },
              ...done.map(({ job }, n) => ({
                id: job.jobID,
                title: nameOf(job),
                numeric: true,
                cell: ({ of }: { of: (Row | undefined)[] }) => of[n]?.after || "–",
              })),
            ]}
          />
        </>
      )}
    </Found>
  );
}

/** A unit as people read it: a pure number has none. */
const unitOf = (unit: string | undefined) => (unit === "1" ? "" : unit);

/** The raster of a scenario, where it is its own: what is published is the newest one's alone. */
function layersOf({ results }: Done, all: readonly Done[]) {
  const nameIn = ({ layers }: Results) => layers.corridors_after ?? layers.ratio_after;
  const name = nameIn(results);
  const shared = all.filter((one) => nameIn(one.results) === name).length > 1;
  return name && !shared ? [{ name, opacity: 0.6 }] : [];
}
