/** Map sheets: what is on them, what is written around it, and the finished sheet. */

import { batch, type Signal, useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { api, ask, type Fault, type FaultAt, read } from "../../kit/api";
import { told, useAsked } from "../../kit/asked";
import { allFeatures, type PropertySchema, type Values } from "../../kit/features";
import {
  type Controls,
  Fields,
  inWords,
  memberOf,
  Restored,
  SubmitForm,
  useDraft,
} from "../../kit/form";
import { bytes, moment } from "../../kit/format";
import { cancel, execute, isOver, JobProgress, StatusBadge, useJob } from "../../kit/jobs";
import { listLayers } from "../../kit/map/layers";
import { Pages } from "../../kit/pages";
import { planChoices, region, regionName, within } from "../../kit/place";
import { outputPath, resultsOf } from "../../kit/results";
import { moved } from "../../kit/rows";
import { account, may } from "../../kit/session";
import {
  attempt,
  Button,
  type Choice,
  Empty,
  FaultBox,
  Found,
  NumberInput,
  Panel,
  Select,
} from "../../kit/ui";
import { called, lang, t } from "../../kit/words";
import { type Description, schemaOfInput } from "../compute/inputs";
import {
  collectionsOf,
  datasetCodes,
  narrowing,
  onSheet,
  type SheetLayer,
  sheetInputs,
} from "./layers";

const PROCESS = "compose-map-sheet";

export function Sheets({ job, onJob }: { job: string | undefined; onJob: (id: string) => void }) {
  const made = useSignal("");
  return (
    <div class="sheets">
      {may("jobs") ? (
        <Composer key={region.value} onStarted={onJob} />
      ) : (
        <Empty>
          {t("登录并具有分析角色后可以编制图件。", "Sign in as an analyst to compose sheets.")}
        </Empty>
      )}
      <div class="stack">
        {job && <Sheet key={job} id={job} made={made} />}
        {account.value && <Former key={made.value} job={job} onJob={onJob} />}
      </div>
    </div>
  );
}

interface Chosen {
  id: string;
  title: string;
  layer: SheetLayer;
}

/** What a sheet can be made of. */
interface Offered {
  layers: Chosen[];
  /** The process's own schemas of what a sheet takes. */
  inputs: Record<string, PropertySchema>;
  /** Zonings of the region and of those below it. */
  schemes: Choice[];
}

function Composer({ onStarted }: { onStarted: (job: string) => void }) {
  const here = region.value;
  const { asked, again } = useAsked(
    async (signal): Promise<Offered> => {
      const [listed, described, datasets, schemes] = await Promise.all([
        listLayers(),
        read<Description>(`/processes/${PROCESS}`, signal),
        datasetCodes(here, signal),
        schemesWithin(here, signal),
      ]);
      const inputs = Object.fromEntries(
        Object.entries(described.inputs).map(([name, input]) => [name, schemaOfInput(input)]),
      );
      const collections = collectionsOf(inputs.layers);
      const layers = listed.flatMap((one): Chosen[] => {
        const layer = onSheet(one, here, collections, datasets);
        return layer ? [{ id: one.id, title: called(one, "title"), layer }] : [];
      });
      return { layers, inputs, schemes };
    },
    [here || null],
  );
  return (
    <Found asked={asked} again={again}>
      {(offered) => <SheetForm offered={offered} onStarted={onStarted} />}
    </Found>
  );
}

/** Zonings of a region and of those below it, whose zones a sheet of the region has, too. */
async function schemesWithin(code: string, signal: AbortSignal): Promise<Choice[]> {
  // A filter that names versions asks for all of them, drafts included.
  const filter = `version > 0 AND (${within(code)})`;
  const properties = "code,name_zh,name_en,version,region";
  const found = await allFeatures("zone_schemes", { filter, properties }, signal);
  found.sort((a, b) => Number(a.properties.version) - Number(b.properties.version));
  // The newest version of each gives it its name.
  const named = new Map(
    found.map(({ properties }) => {
      const whose = String(properties.region);
      const name = called(properties);
      const label = whose === code ? name : `${name} · ${regionName(whose)}`;
      return [String(properties.code), label];
    }),
  );
  const choices = [...named].map(([value, label]) => ({ value, label }));
  return choices.sort((a, b) => a.label.localeCompare(b.label));
}

function SheetForm({ offered, onStarted }: { offered: Offered; onStarted: (job: string) => void }) {
  const here = region.value;
  const { layers, inputs } = offered;
  const initial = useMemo(() => {
    const first = layers.find(({ id }) => id === `zones.${here}`) ?? layers[0];
    return { layers: first ? [first] : [], form: { paper: "A4", languages: lang.peek() } };
  }, []);
  const { values, restored, reset, once } = useDraft(`sheet.${here}`, initial);
  const form = memberOf(values, "form");
  const busy = useSignal(false);
  const fault = useSignal<Fault | null>(null);
  const chosen = values.value.layers as Chosen[];
  const wrong = fault.value?.at ?? [];
  const extent: Record<string, PropertySchema> = inputs.bbox ? { bbox: inputs.bbox } : {};
  const start = async () => {
    batch(() => {
      busy.value = true;
      fault.value = null;
    });
    try {
      const inputs = sheetInputs(
        here,
        chosen.map(({ layer }) => layer),
        form.value,
      );
      const job = await execute(PROCESS, inputs, once());
      // It stays in the form for the next sheet, but nothing of it is unsaved any more.
      reset(values.value);
      onStarted(job.jobID);
    } catch (error) {
      fault.value = told(error);
    }
    busy.value = false;
  };
  return (
    <SubmitForm onSubmit={start}>
      <Restored restored={restored} reset={reset} />
      <LayerList
        offered={offered}
        chosen={chosen}
        wrong={wrong}
        set={(now) => {
          values.value = { ...values.value, layers: now };
        }}
      />
      <Fields
        members={around()}
        required={["paper", "languages"]}
        values={form}
        wrong={wrong}
        at="/inputs"
      />
      <details class="group">
        <summary>{t("更多选项", "More options")}</summary>
        <div class="stack">
          <Fields
            members={{ ...beyond(), ...extent }}
            values={form}
            wrong={wrong}
            controls={{ bbox: Box }}
            at="/inputs"
          />
        </div>
      </details>
      <FaultBox fault={inWords(fault.value, { ...inputs, ...around(), ...beyond() }, "/inputs")} />
      <div class="actions">
        <Button kind="main" submits busy={busy.value} disabled={!chosen.length}>
          {t("编制图件", "Compose the sheet")}
        </Button>
        <Button onClick={() => reset()}>{t("清空", "Begin anew")}</Button>
      </div>
    </SubmitForm>
  );
}

/** Four sides of an extent; none of them is the region's own. */
function Box({ value, set }: { value: unknown; set: (value: unknown) => void }) {
  const held = (value as (number | null)[] | undefined) ?? [];
  const sides = [t("西", "West"), t("南", "South"), t("东", "East"), t("北", "North")];
  return (
    <span class="inline">
      {sides.map((side, at) => (
        <NumberInput
          key={side}
          step="any"
          min={at % 2 ? -90 : -180}
          max={at % 2 ? 90 : 180}
          aria-label={side}
          placeholder={side}
          required={held.length > 0}
          value={held[at]}
          onNumber={(value) => {
            const now = sides.map((_, n) => (n !== at ? held[n] : value) ?? null);
            set(now.some((one) => one !== null) ? now : undefined);
          }}
        />
      ))}
    </span>
  );
}

function LayerList({
  offered: { layers, inputs, schemes },
  chosen,
  wrong,
  set,
}: {
  offered: Offered;
  chosen: readonly Chosen[];
  wrong: readonly FaultAt[];
  set: (now: Chosen[]) => void;
}) {
  const most = 8;
  const among = (choices: readonly Choice[]): Controls[string] =>
    function Among({ value, set }) {
      return (
        <Select
          choices={choices}
          value={String(value ?? "")}
          onChoose={(code) => set(code || undefined)}
          empty={t("（未选）", "(none)")}
        />
      );
    };
  const controls: Controls = {
    scheme: among(schemes),
    plan: among(planChoices()),
  };
  const left = layers.filter(({ id }) => !chosen.some((one) => one.id === id));
  return (
    <Panel title={t(`${regionName(region.value)}：图层`, `${regionName(region.value)}: layers`)}>
      <ol class="plain">
        {chosen.map((one, at) => {
          const title = layers.find(({ id }) => id === one.id)?.title ?? one.title;
          const place = `/inputs/layers/${at}`;
          const narrow = narrowing(inputs.layers, one.layer);
          const values = {
            get value() {
              return one.layer as Values;
            },
            set value(layer: Values) {
              set(
                chosen.map((other) =>
                  other === one ? { ...one, layer: layer as SheetLayer } : other,
                ),
              );
            },
          } as Signal<Values>;
          const step = (by: number, sign: string, words: string) => (
            <Button
              kind="quiet"
              aria-label={t(`${words}：${title}`, `${words}: ${title}`)}
              disabled={at + by < 0 || at + by >= chosen.length}
              onClick={() => set(moved(chosen, at, by))}
            >
              {sign}
            </Button>
          );
          return (
            <li key={one.id} class="layer-line">
              <span>{title}</span>
              {one.layer.kind === "features" && (
                <label class="check">
                  <input
                    type="checkbox"
                    checked={Boolean(one.layer.labels)}
                    aria-label={t(`标注名称：${title}`, `Names: ${title}`)}
                    onChange={({ currentTarget: { checked } }) => {
                      values.value = { ...values.value, labels: checked };
                    }}
                  />
                  {t("标注", "Names")}
                </label>
              )}
              <span class="tools">
                {step(-1, "↑", t("下移一层", "Lower"))}
                {step(1, "↓", t("上移一层", "Higher"))}
                <Button
                  kind="quiet"
                  aria-label={t(`移除：${title}`, `Leave out: ${title}`)}
                  onClick={() => set(chosen.filter((other) => other !== one))}
                >
                  ✕
                </Button>
              </span>
              {Object.keys(narrow).length > 0 && (
                <details
                  class="group"
                  open={wrong.some(({ pointer }) => pointer.startsWith(`${place}/`))}
                >
                  <summary>{t(`筛选：${title}`, `Narrow: ${title}`)}</summary>
                  <Fields
                    members={narrow}
                    values={values}
                    wrong={wrong}
                    controls={controls}
                    at={place}
                  />
                </details>
              )}
            </li>
          );
        })}
      </ol>
      <small>{t("自下而上，至多 8 个。", "From the lowest up, eight at most.")}</small>
      {chosen.length < most && left.length > 0 && (
        <Select
          aria-label={t("添加图层", "Add a layer")}
          choices={left.map(({ id, title }) => ({ value: id, label: title }))}
          value=""
          onChoose={(id) => {
            const found = left.find((one) => one.id === id);
            if (found) set([...chosen, found]);
          }}
          empty={t("添加图层…", "Add a layer…")}
        />
      )}
    </Panel>
  );
}

const words = (title: string, most: number): PropertySchema => ({
  title,
  type: "string",
  maxLength: most,
});

const among = (title: string, choices: Record<string, string>): PropertySchema => ({
  title,
  type: "string",
  enum: Object.keys(choices),
  "x-enum-titles": choices,
});

/** What is asked of every sheet. */
const around = (): Record<string, PropertySchema> => ({
  paper: among(t("纸张", "Paper"), { A4: "A4", A3: "A3", A2: "A2", A1: "A1", A0: "A0" }),
  languages: among(t("文字", "Language"), {
    zh: "中文",
    en: "English",
    both: t("中英双语", "Both"),
  }),
  title_zh: words(t("图名（中文）", "Title in Chinese"), 80),
  title_en: words(t("图名（英文）", "Title in English"), 80),
  number: words(t("图号", "Number of the sheet"), 40),
  issuer_zh: words(t("编制单位（中文）", "Made by, in Chinese"), 80),
  issuer_en: words(t("编制单位（英文）", "Made by, in English"), 80),
  made_on: { title: t("编制日期", "Dated"), type: "string", format: "date" },
});

/** What has a usual value. */
const beyond = (): Record<string, PropertySchema> => ({
  orientation: among(t("方向", "Orientation"), {
    landscape: t("横向", "Landscape"),
    portrait: t("纵向", "Portrait"),
  }),
  scale: {
    title: t("比例尺分母", "Scale, n of 1:n"),
    description: t("不填则自动取整", "without it the largest round one that fits"),
    type: "integer",
    minimum: 100,
    maximum: 20_000_000,
  },
  secrecy: among(t("密级", "Secrecy"), {
    open: t("公开", "Open"),
    internal: t("内部", "Internal"),
    sensitive: t("敏感", "Sensitive"),
  }),
  approval_number: words(t("审图号", "Number of the examined map"), 40),
  as_of: { title: t("要素日期", "Day of the features"), type: "string", format: "date" },
  dpi: {
    title: t("PNG 分辨率", "Pixels of the PNG to the inch"),
    type: "integer",
    minimum: 72,
    maximum: 600,
    default: 150,
  },
  inset: { title: t("区位图", "Inset map"), type: "boolean", default: true },
});

/** One sheet: followed while it is made, then shown. */
function Sheet({ id, made }: { id: string; made: Signal<string> }) {
  const news = useJob(id);
  const now = news.job;
  useEffect(() => {
    if (now?.status === "successful") made.value = id;
  }, [now?.status]);
  if (!now) return <JobProgress {...news} />;
  return (
    <Panel
      title={
        <>
          {t("图件", "Sheet")} {!news.fault && <StatusBadge status={now.status} />}
        </>
      }
      actions={
        !isOver(now.status) && (
          <Button kind="danger" onClick={() => attempt(() => cancel(id), t("已取消", "Cancelled"))}>
            {t("取消", "Cancel")}
          </Button>
        )
      }
    >
      <JobProgress {...news} label={t("图件", "Sheet")} />
      {!isOver(now.status) && <p aria-live="polite">{now.message}</p>}
      {now.status === "failed" && (
        <p class="fault" role="alert">
          {now.exception?.detail ?? now.message}
        </p>
      )}
      {now.status === "successful" && <Made id={id} />}
    </Panel>
  );
}

function Made({ id }: { id: string }) {
  const { asked, again } = useAsked(
    async (signal) => {
      const { files } = await resultsOf(id, signal);
      return { files, sheet: await read<Values>(`/jobs/${id}/results/sheet`, signal) };
    },
    [id],
  );
  return (
    <Found asked={asked} again={again}>
      {({ files, sheet }) => {
        const title = called(sheet, "title");
        return (
          <>
            <p>
              <strong>{title}</strong> 1:{Number(sheet.scale).toLocaleString("en-US")}
            </p>
            <div class="actions">
              {["pdf", "svg", "png"].map((name) => {
                const file = files[name];
                return (
                  file && (
                    <a
                      key={name}
                      class="button"
                      href={outputPath(id, name)}
                      target="_blank"
                      rel="noopener"
                    >
                      {name.toUpperCase()}{" "}
                      <small>{file.length !== undefined && bytes(file.length)}</small>
                    </a>
                  )
                );
              })}
            </div>
            {files.png && <img class="sheet" src={outputPath(id, "png")} alt={title} />}
          </>
        );
      }}
    </Found>
  );
}

/** Sheets of before, which only those who asked for them see. */
function Former({ job, onJob }: { job: string | undefined; onJob: (id: string) => void }) {
  const { asked, again } = useAsked(
    () =>
      ask(
        api.GET("/jobs", {
          params: { query: { limit: 20, processID: [PROCESS], status: ["successful"] } },
        }),
      ),
    [],
  );
  return (
    <Panel title={t("已编制的图件", "Sheets made before")}>
      <Pages asked={asked} again={again} rowsOf={({ jobs }) => jobs}>
        {(jobs) =>
          jobs.length ? (
            <ul class="plain">
              {jobs.map((one) => (
                <li key={one.jobID}>
                  <button
                    type="button"
                    class="link"
                    aria-current={one.jobID === job}
                    onClick={() => onJob(one.jobID)}
                  >
                    {t("图件", "Sheet")} {moment(one.finished ?? one.created)}
                  </button>
                </li>
              ))}
            </ul>
          ) : (
            <Empty>{t("还没有图件。", "No sheets yet.")}</Empty>
          )
        }
      </Pages>
    </Panel>
  );
}
