/** The register: projects by state on a board, or as a list that stays quick when it is long. */

import { useSignal } from "@preact/signals";
import { useLayoutEffect, useMemo } from "preact/hooks";
import { useLocation } from "preact-iso";
import { useAsked } from "../../kit/asked";
import { allFeatures, type Feature } from "../../kit/features";
import { money, number, today } from "../../kit/format";
import { keptSignal } from "../../kit/kept";
import { plan, region, within } from "../../kit/place";
import { screenPath } from "../../kit/screens";
import { may } from "../../kit/session";
import { type Column, Table } from "../../kit/table";
import { Button, Found, SearchBox, Select } from "../../kit/ui";
import { called, t } from "../../kit/words";
import { Board } from "./board";
import { NewFeature } from "./new_feature";

/** How people look at the register, kept between visits. */
const view = keptSignal<"list" | "board">("projects.view", "list");

export interface Project {
  name_zh: string;
  name_en: string;
  state: string;
  state_name_zh: string;
  state_name_en: string;
  region: string;
  plan: string | null;
  start_year: number;
  end_year: number;
  cost: string | null;
  area_km2: number | null;
}

const MEMBERS =
  "name_zh,name_en,state,state_name_zh,state_name_en,region,plan,start_year,end_year,cost,area_km2";

/** Projects of a region and the regions below it. */
export function projectsOf(code: string, signal?: AbortSignal): Promise<Feature<Project>[]> {
  const query = { filter: within(code), properties: MEMBERS };
  return allFeatures<Project>("projects", query, signal, 100_000);
}

export interface Wanted {
  text: string;
  state: string;
  plan: string;
}

/** The projects that are wanted: by words in names and codes, by state, by plan. */
export function wantedOf(projects: readonly Feature<Project>[], wanted: Wanted) {
  const text = wanted.text.trim().toLowerCase();
  return projects.filter(({ id, properties }) => {
    const named = `${id} ${properties.name_zh} ${properties.name_en}`.toLowerCase();
    return (
      (!text || named.includes(text)) &&
      (!wanted.state || properties.state === wanted.state) &&
      (!wanted.plan || properties.plan === wanted.plan)
    );
  });
}

export function Register({ state }: { state: string }) {
  const { query, route } = useLocation();
  const here = region.value;
  const { asked, again } = useAsked((signal) => projectsOf(here, signal), [here || null]);
  const text = useSignal(query.search ?? "");
  const go = (to: Record<string, string> = {}) =>
    route(screenPath("projects", { state, search: text.value, ...to }), true);
  useLayoutEffect(() => {
    text.value = query.search ?? "";
  }, [query.search]);
  useLayoutEffect(() => {
    if (text.value !== (query.search ?? "")) go();
  }, [text.value]);
  const pathOf = (project: string) =>
    screenPath("projects", { project, state, search: text.value });
  const ofPlan = useSignal(false);
  const making = useSignal(false);
  const all = asked.value.data ?? [];
  const wanted = { text: text.value, state, plan: ofPlan.value ? plan.value : "" };
  const rows = useMemo(() => wantedOf(all, wanted), [all, text.value, state, wanted.plan]);
  const states = useMemo(() => [...Map.groupBy(all, (one) => one.properties.state)], [all]);
  return (
    <>
      <div class="inline">
        <SearchBox text={text} aria-label={t("筛选项目", "Filter projects")} />
        <Select
          aria-label={t("状态", "State")}
          value={state}
          empty={t("所有状态", "all states")}
          onChoose={(chosen) => go({ state: chosen })}
          choices={states.map(([code, some]) => ({
            value: code,
            label: `${called(some[0]?.properties ?? {}, "state_name")} ${some.length}`,
          }))}
        />
        {plan.value && (
          <label class="check">
            <input
              type="checkbox"
              checked={ofPlan.value}
              onChange={({ currentTarget }) => {
                ofPlan.value = currentTarget.checked;
              }}
            />
            {t("仅本规划", "this plan only")}
          </label>
        )}
        <Button
          aria-pressed={view.value === "board"}
          onClick={() => (view.value = view.value === "board" ? "list" : "board")}
        >
          {t("看板", "Board")}
        </Button>
        <small>{t(`${number(rows.length)} 个`, `${number(rows.length)} projects`)}</small>
        {may("projects") && (
          <Button kind="main" onClick={() => (making.value = true)}>
            {t("新建项目", "New project")}
          </Button>
        )}
      </div>
      <Found asked={asked} again={again}>
        {() =>
          view.value === "board" && rows.length ? (
            <Board
              projects={rows}
              pathOf={pathOf}
              onState={(wanted) => {
                view.value = "list";
                go({ state: wanted });
              }}
            />
          ) : (
            <Table
              label={t("项目", "Projects")}
              columns={COLUMNS()}
              rows={rows}
              keyOf={({ id }) => id}
              onOpen={({ id }) => route(pathOf(id))}
              empty={
                all.length
                  ? t("没有符合条件的项目。", "No project matches.")
                  : t("该区域还没有项目。", "The region has no projects yet.")
              }
            />
          )
        }
      </Found>
      {making.value && (
        <NewProject
          onClose={(made) => {
            making.value = false;
            if (made) route(screenPath("projects", { project: made }));
          }}
        />
      )}
    </>
  );
}

const COLUMNS = (): Column<Feature<Project>>[] => [
  {
    id: "name",
    title: t("名称", "Name"),
    cell: ({ properties }) => called(properties),
    order: ({ properties }) => called(properties),
  },
  {
    id: "state",
    title: t("状态", "State"),
    cell: ({ properties }) => called(properties, "state_name"),
    order: ({ properties }) => properties.state,
    width: "110px",
  },
  {
    id: "years",
    title: t("年限", "Years"),
    cell: ({ properties: { start_year, end_year } }) => `${start_year}–${end_year}`,
    order: ({ properties }) => properties.start_year,
    width: "110px",
  },
  {
    id: "cost",
    title: t("投资", "Cost"),
    cell: ({ properties }) => money(properties.cost),
    order: ({ properties }) => (properties.cost === null ? null : Number(properties.cost)),
    numeric: true,
    width: "140px",
  },
  {
    id: "area",
    title: t("面积（平方公里）", "Area (km²)"),
    cell: ({ properties }) => number(properties.area_km2),
    order: ({ properties }) => properties.area_km2,
    numeric: true,
    width: "140px",
  },
  {
    id: "code",
    title: t("代码", "Code"),
    cell: ({ id }) => <code>{id}</code>,
    order: ({ id }) => id,
    width: "200px",
  },
];

/** Members that a project begins with; the rest is added on its card. */
const FIRST = [
  ...["code", "name_zh", "name_en", "region", "plan", "start_year", "end_year"],
  ...["cost", "summary_zh"],
];

function NewProject({ onClose }: { onClose: (made: string | null) => void }) {
  return (
    <NewFeature
      collection="projects"
      title={t("新建项目", "New project")}
      done={t("项目已建立", "The project is made")}
      members={FIRST}
      initial={{
        region: region.value,
        ...(plan.value ? { plan: plan.value } : {}),
        start_year: Number(today().slice(0, 4)),
      }}
      onClose={onClose}
    />
  );
}
