/** Which themes there are data of in which region, as lights, and what each dataset is. */

import { useSignal } from "@preact/signals";
import { read } from "../../kit/api";
import { useAsked } from "../../kit/asked";
import { allFeatures, schemaOf } from "../../kit/features";
import { choicesOf } from "../../kit/form";
import { bytes, day } from "../../kit/format";
import { API } from "../../kit/page";
import { regionName } from "../../kit/place";
import { Table } from "../../kit/table";
import { Badge, type Choice, Found, Panel, Select } from "../../kit/ui";
import { called, t } from "../../kit/words";
import { type Description, lightOf, schemaOfInput } from "../compute/inputs";

export interface Dataset {
  code: string;
  name_zh: string;
  name_en: string;
  theme: string;
  region: string;
  unit: string | null;
  stand_in: boolean;
  source: string | null;
  licence: string | null;
  observed_to: string | null;
  bytes: number | null;
}

const MEMBERS =
  "name_zh,name_en,theme,region,unit,stand_in,source,licence,observed_from,observed_to,bytes";

export async function datasetsAnywhere(signal?: AbortSignal): Promise<Dataset[]> {
  const found = await allFeatures<Omit<Dataset, "code">>(
    "datasets",
    { properties: MEMBERS },
    signal,
  );
  return found.map(({ id, properties }) => ({ ...properties, code: id }));
}

/** The themes there can be data of, with their words. */
export async function themesThereAre(signal?: AbortSignal): Promise<Choice[]> {
  const { inputs } = await read<Description>("/processes/import-dataset", signal);
  return (inputs.theme && choicesOf(schemaOfInput(inputs.theme))) ?? [];
}

export function Coverage() {
  const theme = useSignal("");
  const { asked, again } = useAsked(
    async (signal) => ({
      datasets: await datasetsAnywhere(signal),
      themes: await themesThereAre(signal),
      titles: (await schemaOf("datasets")).properties?.theme?.["x-enum-titles"] ?? {},
    }),
    [],
  );
  return (
    <Found asked={asked} again={again}>
      {({ datasets, themes, titles }) => {
        const here = [...new Set(datasets.map(({ region }) => region))].sort();
        const title = (code: string) => titles[code] ?? code;
        const listed = datasets.filter((one) => !theme.value || one.theme === theme.value);
        return (
          <>
            <Panel title={t("各专题各区域的数据", "Data by theme and region")}>
              <p class="hint">
                {t(
                  "绿：有数据；黄：只有替代数据；红：没有数据。",
                  "Green: there are data; yellow: stand-ins alone; red: none.",
                )}
              </p>
              <Table
                label={t("数据覆盖", "Coverage")}
                rows={themes}
                keyOf={({ value }) => value}
                onOpen={({ value }) => {
                  theme.value = value;
                }}
                chosen={theme.value}
                columns={[
                  { id: "theme", title: t("专题", "Theme"), cell: ({ label }) => label },
                  ...(here.length ? here : [""]).map((region) => ({
                    id: region,
                    title: region ? regionName(region) : t("尚无数据集", "no datasets yet"),
                    cell: ({ value }: Choice) => {
                      const light = lightOf(
                        datasets.filter((one) => one.region === region),
                        [value],
                      );
                      return <Badge tone={light.tone}>{light.text}</Badge>;
                    },
                  })),
                ]}
              />
            </Panel>
            <Panel
              title={t("数据集与许可", "Datasets and their licences")}
              actions={
                <Select
                  aria-label={t("专题", "Theme")}
                  choices={themes}
                  value={theme.value}
                  onChoose={(code) => {
                    theme.value = code;
                  }}
                  empty={t("全部专题", "All themes")}
                />
              }
            >
              <Table
                label={t("数据集", "Datasets")}
                rows={listed}
                keyOf={({ code }) => code}
                empty={t("没有数据集。", "No datasets.")}
                columns={[
                  {
                    id: "name",
                    title: t("名称", "Name"),
                    cell: (one) => (
                      <a
                        href={`${API}/collections/datasets/items/${encodeURIComponent(one.code)}?f=html`}
                      >
                        {called(one) || title(one.theme)}
                      </a>
                    ),
                    order: (one) => called(one),
                  },
                  { id: "theme", title: t("专题", "Theme"), cell: (one) => title(one.theme) },
                  {
                    id: "region",
                    title: t("区域", "Region"),
                    cell: ({ region }) => regionName(region),
                  },
                  {
                    id: "day",
                    title: t("观测至", "Observed to"),
                    cell: ({ observed_to }) => day(observed_to),
                    order: ({ observed_to }) => observed_to,
                  },
                  {
                    id: "licence",
                    title: t("许可", "Licence"),
                    cell: ({ licence }) =>
                      licence ?? <Badge tone="warn">{t("未注明", "not stated")}</Badge>,
                  },
                  {
                    id: "source",
                    title: t("来源", "Source"),
                    cell: ({ source }) =>
                      source ?? <Badge tone="warn">{t("未注明", "not stated")}</Badge>,
                  },
                  {
                    id: "size",
                    title: t("大小", "Size"),
                    cell: (one) => (
                      <a
                        href={`${API}/collections/datasets/items/${encodeURIComponent(one.code)}/file`}
                      >
                        {one.bytes ? bytes(one.bytes) : t("下载", "Download")}
                      </a>
                    ),
                    numeric: true,
                  },
                ]}
              />
            </Panel>
          </>
        );
      }}
    </Found>
  );
}
