/** The measures of a project, planned and done: listed, added, re-planned and taken off. */

import { api, ask, type Schema } from "../../kit/api";
import { useAsked } from "../../kit/asked";
import { Changing, Ending, type Kind, Making } from "../../kit/editing";
import type { PropertySchema, Values } from "../../kit/features";
import { number } from "../../kit/format";
import { type Hands, Listing } from "../../kit/listing";
import { holdsAnywhere } from "../../kit/session";
import { quantity, unitName } from "../../kit/terms";
import { Dialog, Found } from "../../kit/ui";
import { called, t } from "../../kit/words";
import { given } from "./about";
import type { Dossier } from "./card";
import { mayWrite } from "./roles";

type Measure = Schema<"Measure">;

/** States in which measures are planned, and in which they are carried out as well. */
const PLANNED = new Set(["draft", "proposed", "reserve", "approved", "design"]);
const AT_WORK = new Set(["implementation", "suspended"]);

/** What a measure is called; its code where nobody has named it. */
export const measureName = (one: Measure): string => called(one) || one.measure;

/** The same of a measure that something names by its code. */
export function nameOfMeasure(measures: readonly Measure[], code: string): string {
  const found = measures.find(({ measure }) => measure === code);
  return found ? measureName(found) : code;
}

export function Measures({ project, again }: { project: Dossier; again: () => void }) {
  const path = `/projects/${encodeURIComponent(project.project)}/measures`;
  const { state } = project;
  const writes =
    mayWrite() && holdsAnywhere(["owner", "planner"]) && (PLANNED.has(state) || AT_WORK.has(state));
  const done = (hands: Hands<Measure>) => () => {
    hands.done();
    // What the steps ask for may be met by it.
    again();
  };
  return (
    <Listing<Measure, Schema<"Measures">>
      key={project.project}
      label={t("措施", "Measures")}
      empty={t("没有列出措施。", "No measures are listed.")}
      read={() =>
        ask(
          api.GET("/projects/{project}/measures", {
            params: { path: { project: project.project } },
          }),
        )
      }
      rowsOf={({ measures }) => measures}
      keyOf={({ measure }) => measure}
      columns={[
        { id: "name", title: t("措施", "Measure"), cell: measureName },
        {
          id: "planned",
          title: t("计划", "Planned"),
          numeric: true,
          cell: (one) => quantity(one.planned, one.unit),
        },
        {
          id: "done",
          title: t("完成", "Done"),
          numeric: true,
          cell: (one) => quantity(one.done, one.unit),
        },
        {
          id: "progress",
          title: t("进度", "Progress"),
          cell: ({ progress_percent }) =>
            progress_percent === null ? (
              "–"
            ) : (
              <progress
                max={100}
                value={progress_percent}
                aria-label={`${number(progress_percent)}%`}
              />
            ),
        },
      ]}
      add={writes ? t("添加措施", "Add a measure") : undefined}
      adding={(hands) => (
        <MeasureForm project={project} path={path} one={null} onDone={done(hands)} />
      )}
      {...(writes
        ? {
            opened: (one: Measure, hands: Hands<Measure>) => (
              <Dialog title={measureName(one)} onClose={hands.close}>
                <MeasureForm
                  project={project}
                  path={`${path}/${encodeURIComponent(one.measure)}`}
                  one={one}
                  onDone={done(hands)}
                />
                {PLANNED.has(state) && (
                  <Ending path={`${path}/${encodeURIComponent(one.measure)}`} onDone={done(hands)}>
                    {t(
                      `“${measureName(one)}”将从项目中移除。`,
                      `"${measureName(one)}" is taken off the project.`,
                    )}
                  </Ending>
                )}
              </Dialog>
            ),
          }
        : {})}
    />
  );
}

function MeasureForm({
  project,
  path,
  one,
  onDone,
}: {
  project: Dossier;
  path: string;
  /** The measure that is changed; a new one without it. */
  one: Measure | null;
  onDone: () => void;
}) {
  const { asked, again } = useAsked(
    () => ask(api.GET("/indicators", { params: { query: { limit: 1000 } } })),
    [],
  );
  return (
    <Found asked={asked} again={again}>
      {({ indicators }) => {
        const shared = { kind: kindOf(indicators, project.state, one), onDone };
        const draft = `measure.${project.project}`;
        return one ? (
          <Changing {...shared} draft={`${draft}.${one.measure}`} path={path} />
        ) : (
          <Making
            {...shared}
            draft={draft}
            path={path}
            first={{ order: project.measures.length + 1, unit: "ha" }}
            save={t("添加", "Add")}
          />
        );
      }}
    </Found>
  );
}

/** Units that amounts of measures are counted in; a measure may have another one already. */
const UNITS = [
  ...["ha", "mu", "10^4 mu", "km2", "m2", "km", "m", "m3", "10^4 m3", "t", "10^4 t"],
  ...["count", "person"],
];
const AMOUNT: PropertySchema = { type: "number", minimum: 0 };

function kindOf(
  indicators: readonly Schema<"indicators">[],
  state: string,
  one: Measure | null,
): Kind<Measure> {
  const units = one?.unit && !UNITS.includes(one.unit) ? [...UNITS, one.unit] : UNITS;
  const members: Record<string, PropertySchema> = {
    ...(one
      ? {}
      : {
          measure: {
            title: t("措施代码", "Code of the measure"),
            type: "string",
            maxLength: 80,
            pattern: "[A-Za-z0-9][A-Za-z0-9._\\-]*",
            description: t(
              "同类措施用同一代码；专项资金按代码限定用途",
              "Measures of one sort have one code; earmarked money is for certain codes",
            ),
          },
        }),
    name_zh: { title: t("中文名称", "Name in Chinese"), type: "string", maxLength: 300 },
    name_en: { title: t("英文名称", "Name in English"), type: "string", maxLength: 300 },
    planned: { ...AMOUNT, title: t("计划量", "Planned amount") },
    ...(AT_WORK.has(state) ? { done: { ...AMOUNT, title: t("完成量", "Amount done") } } : {}),
    unit: {
      title: t("单位", "Unit"),
      type: "string",
      enum: units,
      "x-enum-titles": Object.fromEntries(
        units.map((code) => [code, unitName(code) || t("个", "pieces")]),
      ),
    },
    indicator: {
      title: t("计入的指标", "Indicator it adds to"),
      type: "string",
      enum: indicators.map(({ code }) => String(code)),
      "x-enum-titles": Object.fromEntries(
        indicators.map((each) => [
          String(each.code),
          [called(each), unitName(each.unit ?? "")].filter(Boolean).join(" · "),
        ]),
      ),
    },
    order: { title: t("排序", "Place in the list"), type: "integer", minimum: 0, maximum: 10_000 },
  };
  return {
    members,
    required: one ? ["unit"] : ["measure", "name_zh", "planned", "unit"],
    formOf: (read) => given({ ...read }, [...PUT]),
    bodyOf: (form: Values) => form,
    method: "PUT",
  };
}

/** All that is written of a measure, whether its field is shown or not. */
const PUT = ["order", "name_zh", "name_en", "planned", "done", "unit", "indicator"] as const;
