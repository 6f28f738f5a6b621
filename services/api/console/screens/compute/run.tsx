/** One job: followed while it runs, cancelled, run again, and what it left. */

import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { api, ask, write } from "../../kit/api";
import { useAsked } from "../../kit/asked";
import { bytes, duration, moment, number } from "../../kit/format";
import {
  cancel,
  execute,
  isOver,
  type Job,
  JobProgress,
  processTitle,
  StatusBadge,
  useJob,
} from "../../kit/jobs";
import { keep } from "../../kit/kept";
import { describeLayer, type Layer } from "../../kit/map/layers";
import { Legend } from "../../kit/map/legend";
import { MapView } from "../../kit/map/map_view";
import { API } from "../../kit/page";
import { outputPath, type Results, resultsOf } from "../../kit/results";
import { screenPath } from "../../kit/screens";
import { may } from "../../kit/session";
import { attempt, Button, Found, Panel, Select, Waiting } from "../../kit/ui";
import { called, lang, t } from "../../kit/words";
import { outputTitles } from "./titles";

/** What a job was asked for, told to who asked. */
const inputsOf = (id: string) =>
  ask(api.GET("/jobs/{job}/inputs", { params: { path: { job: id } } }));

/** Processes whose results have a screen of their own, and the way there. */
const SHOWN: Record<string, (job: string) => ComponentChildren> = {
  "select-sites": (job) => (
    <a class="button" href={screenPath("scenarios", { tab: "sites", job })}>
      {t("在情景与选址中查看", "Show in scenarios and sites")}
    </a>
  ),
  "run-scenario": (jobs) => (
    <a class="button" href={screenPath("scenarios", { tab: "compare", jobs })}>
      {t("在情景与选址中查看", "Show in scenarios and sites")}
    </a>
  ),
};

export function Run({
  id,
  onOther,
  onChange,
}: {
  id: string;
  onOther: (job: string) => void;
  /** The form of the process has the job's inputs. */
  onChange: (process: string) => void;
}) {
  const news = useJob(id);
  const key = useSignal(crypto.randomUUID());
  const now = news.job;
  if (!now) return <JobProgress {...news} />;
  const title = processTitle(now.processID);
  const again = () =>
    attempt(
      async () => {
        const started =
          now.status === "successful"
            ? await execute(now.processID, (await inputsOf(id)).inputs, key.value)
            : (
                await write<Job>("POST", `/jobs/${id}/retry`, undefined, {
                  "Idempotency-Key": key.value,
                })
              ).data;
        onOther(started.jobID);
      },
      t("已重新提交", "Asked for again"),
    );
  const change = () =>
    attempt(async () => {
      const { process, inputs } = await inputsOf(id);
      keep(`draft.process.${process}`, inputs);
      onChange(process);
    });
  return (
    <>
      <Panel
        title={
          <>
            {now.title ? `${title} · ${now.title}` : title}{" "}
            {!news.fault && <StatusBadge status={now.status} />}
          </>
        }
        actions={
          may("jobs") && (
            <>
              {!isOver(now.status) && (
                <Button
                  kind="danger"
                  onClick={() => attempt(() => cancel(id), t("已取消", "Cancelled"))}
                >
                  {t("取消", "Cancel")}
                </Button>
              )}
              {isOver(now.status) && (
                <>
                  <Button onClick={again}>{t("再算一次", "Run again")}</Button>
                  <Button onClick={change}>{t("修改后再算", "Change and run")}</Button>
                </>
              )}
            </>
          )
        }
      >
        <JobProgress {...news} label={title} />
        <dl class="facts">
          <dt>{t("进度说明", "Stage")}</dt>
          <dd aria-live="polite">{now.message}</dd>
          <dt>{t("提交", "Asked for")}</dt>
          <dd>{moment(now.created)}</dd>
          {now.started && (
            <>
              <dt>{t("用时", "Took")}</dt>
              <dd>{duration(now.started, now.finished ?? null)}</dd>
            </>
          )}
        </dl>
        {now.status === "successful" && (
          <p class="actions">
            {SHOWN[now.processID]?.(id)}
            <a href={`${API}/jobs/${id}/manifest?f=html`}>
              {t("来源清单（可重现）", "Manifest, to reproduce it")}
            </a>
          </p>
        )}
      </Panel>
      {now.stage === "pdf" && <Early links={now.links} />}
      {now.status === "successful" && <Left id={id} process={now.processID} />}
    </>
  );
}

/** What can be had while the report is still being set as PDF. */
function Early({ links }: { links: Job["links"] }) {
  return (
    <Panel title={t("已发布的成果", "Published already")}>
      <ul>
        {links
          .filter(({ rel }) => rel === "item")
          .map(({ href, title }) => (
            <li key={href}>
              <a href={href}>{title}</a>
            </li>
          ))}
      </ul>
    </Panel>
  );
}

/** What a job left. */
function Left({ id, process }: { id: string; process: string }) {
  const { asked, again } = useAsked(
    async (signal) => ({ ...(await resultsOf(id, signal)), titles: await outputTitles(process) }),
    [id],
  );
  return (
    <Found asked={asked} again={again}>
      {(results) => (
        <>
          {Object.keys(results.layers).length > 0 && <Layers results={results} />}
          <Files id={id} results={results} titles={results.titles} />
        </>
      )}
    </Found>
  );
}

function Files({
  id,
  results,
  titles,
}: {
  id: string;
  results: Results;
  titles: Record<string, string>;
}) {
  const name = (output: string) => titles[output] ?? results.files[output]?.title ?? output;
  const maps = Object.keys(results.files).filter((one) => one.endsWith(`map_${lang.value}`));
  const facts = Object.entries(results.values).filter(
    ([output, value]) => titles[output] && (typeof value === "string" || typeof value === "number"),
  );
  return (
    <Panel
      title={t("成果", "Results")}
      actions={
        results.files.report && (
          <a
            class="button main"
            href={`${outputPath(id, "report")}?lang=${lang.value}`}
            target="_blank"
            rel="noopener"
          >
            {t("打开报告", "Open the report")}
          </a>
        )
      }
    >
      {facts.length > 0 && (
        <dl class="facts">
          {facts.map(([output, value]) => (
            <>
              <dt>{name(output)}</dt>
              <dd>{typeof value === "number" ? number(value) : String(value)}</dd>
            </>
          ))}
        </dl>
      )}
      {maps.map((map) => (
        <img key={map} class="preview" src={outputPath(id, map)} alt={name(map)} loading="lazy" />
      ))}
      <ul class="plain">
        {Object.entries(results.files).map(([output, file]) => (
          <li key={output}>
            <a href={outputPath(id, output)}>{name(output)}</a>{" "}
            <small>{file.length !== undefined && bytes(file.length)}</small>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

/** The rasters a job published, one at a time. */
function Layers({ results }: { results: Results }) {
  const names = Object.values(results.layers);
  const chosen = useSignal(names[0] ?? "");
  const { asked } = useAsked(
    async () =>
      (await Promise.allSettled(names.map((name) => describeLayer({ name })))).flatMap((one) =>
        one.status === "fulfilled" ? [one.value] : [],
      ),
    [names.join()],
  );
  const layers: Layer[] = asked.value.data ?? [];
  const shown = layers.find(({ id }) => id === chosen.value) ?? layers[0];
  if (!shown) return asked.value.waiting ? <Waiting /> : null;
  return (
    <Panel
      title={t("图层", "Layers")}
      actions={
        <Select
          aria-label={t("图层", "Layer")}
          choices={layers.map((one) => ({ value: one.id, label: called(one, "title") }))}
          value={shown.id}
          onChoose={(name) => {
            chosen.value = name;
          }}
        />
      }
    >
      <div class="result-map">
        <MapView
          label={called(shown, "title")}
          layers={[{ name: shown.id }]}
          bounds={shown.bounds}
        />
      </div>
      <Legend legend={shown.legend} raster={shown.kind === "raster"} />
    </Panel>
  );
}
