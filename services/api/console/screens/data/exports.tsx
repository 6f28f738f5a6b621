/** Collections as files, plans as packages, and map layers as packs of tiles. */

import { useSignal } from "@preact/signals";
import { api, ask, Fault, read } from "../../kit/api";
import { told as toldOf, useAsked } from "../../kit/asked";
import { address, type FeaturePage, schemaOf } from "../../kit/features";
import { SubmitForm } from "../../kit/form";
import { number } from "../../kit/format";
import { execute, type Job } from "../../kit/jobs";
import { listLayers } from "../../kit/map/layers";
import { boundsOfRegion } from "../../kit/map/map_view";
import { API } from "../../kit/page";
import { planChoices, plansHere, region, regionName } from "../../kit/place";
import { outputPath } from "../../kit/results";
import { account, may } from "../../kit/session";
import { Table } from "../../kit/table";
import { Badge, Button, Empty, FaultBox, Field, Found, Panel, Select } from "../../kit/ui";
import { called, t } from "../../kit/words";
import { bySubject } from "../map/subjects";
import { JobLine } from "./job_line";

interface Link {
  rel: string;
  href: string;
  type?: string | null;
  title?: string | null;
}

/** Formats a collection is offered in, by the `f` of their links. */
export const formatsOf = (links: readonly Link[]) =>
  links
    .filter(({ rel }) => rel === "enclosure")
    .flatMap(({ href, title, type }) => {
      const value = new URL(href, API || location.origin).searchParams.get("f");
      return value ? [{ value, label: title || type || value }] : [];
    });

/** Where a file of a collection is had.
 * @param encoding Of a shapefile's texts. */
export function exportPath(
  collection: string,
  f: string,
  {
    region,
    plan,
    filter,
    encoding,
  }: { region?: string; plan?: string; filter?: string; encoding?: string },
): string {
  return address(`/collections/${collection}/items`, {
    f,
    region: region || null,
    plan: plan || null,
    filter: filter?.trim() || null,
    encoding: f === "shp" && encoding ? encoding : null,
  });
}

export function Exports() {
  return (
    <>
      <Files />
      <Packages />
      {may("jobs") && <Packs />}
    </>
  );
}

function Files() {
  const collection = useSignal("zones");
  const format = useSignal("gpkg");
  const encoding = useSignal("UTF-8");
  const here = useSignal(true);
  const plan = useSignal("");
  // What narrows one collection names its properties, which others lack.
  const filters = useSignal<Record<string, string>>({});
  const counted = useSignal<{ path: string; told: number | Fault } | null>(null);
  const listed = useAsked(() => ask(api.GET("/collections")), []);
  const { asked } = useAsked(() => schemaOf(collection.value), [collection.value]);
  const properties = asked.value.data?.properties ?? {};
  const named = Object.entries(properties).filter(([name]) => name !== "geometry");
  return (
    <Panel title={t("导出要素", "Features as a file")}>
      <Found asked={listed.asked} again={listed.again}>
        {({ collections }) => {
          const one = collections.find(({ id }) => id === collection.value);
          const formats = formatsOf(one?.links ?? []);
          const chosen = formats.find(({ value }) => value === format.value) ?? formats[0];
          const filter = filters.value[collection.value] ?? "";
          const planned = plansHere.value.find(({ code }) => code === plan.value)?.code ?? "";
          const choice = {
            ...(here.value && properties.region ? { region: region.value } : {}),
            ...(properties.plan ? { plan: planned } : {}),
            filter,
          };
          const path = exportPath(collection.value, chosen?.value ?? "csv", {
            ...choice,
            encoding: encoding.value,
          });
          // One feature of the page is enough to be told how many there are.
          const first = `${exportPath(collection.value, "json", choice)}&limit=1&count=exact`;
          const told = counted.value?.path === first ? counted.value.told : null;
          const count = async () => {
            try {
              const { numberMatched } = await read<FeaturePage>(first);
              counted.value = { path: first, told: numberMatched ?? 0 };
            } catch (error) {
              counted.value = { path: first, told: toldOf(error) };
            }
          };
          return (
            <div class="form">
              <Field label={t("内容", "What")}>
                <Select
                  choices={collections.map(({ id, title }) => ({ value: id, label: title }))}
                  value={collection.value}
                  onChoose={(id) => {
                    collection.value = id;
                  }}
                />
              </Field>
              <Field label={t("格式", "Format")}>
                <Select
                  choices={formats}
                  value={chosen?.value ?? ""}
                  onChoose={(value) => {
                    format.value = value;
                  }}
                />
              </Field>
              {chosen?.value === "shp" && (
                <Field
                  label={t("文字编码", "Encoding")}
                  hint={t("旧软件用 GBK", "GBK for old software")}
                >
                  <Select
                    choices={["UTF-8", "GBK"].map((value) => ({ value, label: value }))}
                    value={encoding.value}
                    onChoose={(value) => {
                      encoding.value = value;
                    }}
                  />
                </Field>
              )}
              {properties.region && (
                <label class="check">
                  <input
                    type="checkbox"
                    checked={here.value}
                    onChange={({ currentTarget }) => {
                      here.value = currentTarget.checked;
                    }}
                  />
                  {t(`仅${regionName(region.value)}`, `Only ${regionName(region.value)}`)}
                </label>
              )}
              {properties.plan && (
                <Field label={t("规划", "Plan")}>
                  <Select
                    choices={planChoices()}
                    value={planned}
                    onChoose={(code) => {
                      plan.value = code;
                    }}
                    empty={t("全部规划", "All plans")}
                  />
                </Field>
              )}
              <Field
                label={t("筛选条件（CQL2）", "Filter (CQL2)")}
                hint={t("属性以代码写入", "properties are written by their codes")}
              >
                <textarea
                  rows={2}
                  maxLength={2000}
                  placeholder={t("如 code LIKE 'A%'", "such as code LIKE 'A%'")}
                  value={filter}
                  onInput={({ currentTarget: { value } }) => {
                    filters.value = { ...filters.value, [collection.value]: value };
                  }}
                />
              </Field>
              {named.length > 0 && (
                <details class="group">
                  <summary>{t("可用于筛选的属性", "Properties to filter by")}</summary>
                  <Table
                    label={t("属性", "Properties")}
                    rows={named}
                    keyOf={([name]) => name}
                    columns={[
                      {
                        id: "title",
                        title: t("名称", "Name"),
                        cell: ([name, { title }]) => title ?? <code>{name}</code>,
                      },
                      {
                        id: "code",
                        title: t("代码", "Code"),
                        cell: ([name]) => <code>{name}</code>,
                      },
                    ]}
                  />
                </details>
              )}
              <FaultBox fault={told instanceof Fault ? told : null} />
              <div class="actions">
                <a class="button main" href={API + path} download>
                  {t("下载", "Download")}
                </a>
                <Button onClick={count}>{t("有多少", "How many")}</Button>
                <span role="status">
                  {typeof told === "number" && t(`${number(told)} 个`, `${number(told)} features`)}
                </span>
              </div>
            </div>
          );
        }}
      </Found>
    </Panel>
  );
}

function Packages() {
  return (
    <Panel title={t("规划包", "Plan packages")}>
      <p class="hint">
        {t(
          "一个规划的全部内容：表、GeoPackage 和文件，各有校验和；可在别处导入。",
          "Everything of a plan: its rows, a GeoPackage and its documents, each with a checksum; imported elsewhere, it is the same plan.",
        )}
      </p>
      {!account.value ? (
        <Empty>{t("登录后可以下载。", "Sign in to have them.")}</Empty>
      ) : plansHere.value.length ? (
        <ul class="plain">
          {planChoices().map(({ value, label }) => (
            <li key={value}>
              <a href={`${API}/plans/${encodeURIComponent(value)}/package`} download>
                {label}
              </a>
            </li>
          ))}
        </ul>
      ) : (
        <Empty>{t("这里没有规划。", "There are no plans here.")}</Empty>
      )}
    </Panel>
  );
}

const PACKS = { pmtiles: "PMTiles", mbtiles: "MBTiles" } as const;
type Pack = keyof typeof PACKS;

/** Layers drawn ahead of time into a file that works without a network. */
function Packs() {
  const layer = useSignal("");
  const pack = useSignal<Pack>("pmtiles");
  const most = useSignal(12);
  const job = useSignal<{ id: string; pack: Pack } | null>(null);
  const done = useSignal<Job | null>(null);
  const fault = useSignal<Fault | null>(null);
  const busy = useSignal(false);
  const { asked, again } = useAsked(
    async () => bySubject(await listLayers(), await boundsOfRegion(region.value)),
    [region.value],
  );
  const start = async (chosen: string) => {
    busy.value = true;
    fault.value = null;
    done.value = null;
    try {
      const inputs = {
        layers: [chosen],
        region: region.value,
        max_zoom: most.value,
        pack: pack.value,
      };
      const { jobID } = await execute("seed-tiles", inputs, crypto.randomUUID());
      job.value = { id: jobID, pack: inputs.pack };
    } catch (error) {
      fault.value = toldOf(error);
    }
    busy.value = false;
  };
  return (
    <Panel title={t("离线数据包", "Data packs for use without a network")}>
      <Found asked={asked} again={again}>
        {(subjects) => {
          const layers = subjects.flatMap(([, some]) => some);
          if (!layers.length)
            return <Empty>{t("该区域没有图层。", "The region has no layers.")}</Empty>;
          const chosen = (layers.find(({ id }) => id === layer.value) ?? layers[0])?.id ?? "";
          return (
            <SubmitForm onSubmit={() => start(chosen)}>
              <Field
                label={t("图层", "Layer")}
                hint={t(
                  `范围：${regionName(region.value)}的外接矩形`,
                  `Where: the box around ${regionName(region.value)}`,
                )}
              >
                <Select
                  choices={layers.map((one) => ({ value: one.id, label: called(one, "title") }))}
                  value={chosen}
                  onChoose={(id) => {
                    layer.value = id;
                  }}
                />
              </Field>
              <Field
                label={t("最大级别", "Last level")}
                hint={t("每深一级，瓦片约为四倍", "each level has about four times as many tiles")}
              >
                <input
                  type="number"
                  min={0}
                  max={18}
                  step={1}
                  value={most.value}
                  onInput={({ currentTarget }) => {
                    most.value = Number(currentTarget.value);
                  }}
                />
              </Field>
              <Field label={t("文件", "File")}>
                <Select
                  choices={Object.entries(PACKS).map(([value, label]) => ({ value, label }))}
                  value={pack.value}
                  onChoose={(value) => {
                    pack.value = value as Pack;
                  }}
                />
              </Field>
              <FaultBox fault={fault.value} />
              <Button kind="main" submits busy={busy.value} disabled={!chosen}>
                {t("打包", "Pack")}
              </Button>
              {job.value && (
                <JobLine
                  key={job.value.id}
                  id={job.value.id}
                  onOver={(over) => {
                    done.value = over;
                  }}
                />
              )}
              {job.value && done.value?.status === "successful" && (
                <p>
                  <a href={outputPath(job.value.id, job.value.pack)} download>
                    {t("下载数据包", "Have the pack")}
                  </a>{" "}
                  <Badge tone="good">{PACKS[job.value.pack]}</Badge>
                </p>
              )}
            </SubmitForm>
          );
        }}
      </Found>
    </Panel>
  );
}
