/** The register as a board: a column for each state of a project's life, in its order. */

import type { Feature } from "../../kit/features";
import { money, number } from "../../kit/format";
import { Button } from "../../kit/ui";
import { called, t } from "../../kit/words";
import type { Project } from "./register";

/** States in the order of a project's life, and beside it. */
const ORDER = [
  ...["draft", "proposed", "reserve", "approved", "design", "implementation", "acceptance"],
  ...["monitoring", "effect_evaluation", "after_care", "closed"],
  ...["suspended", "rejected", "cancelled"],
];
/** Cards of a column: who wants more sees the list. */
const MOST = 20;

export interface BoardColumn {
  state: string;
  title: string;
  projects: Feature<Project>[];
  /** The sum of what is known of their cost; null where nothing is. */
  cost: number | null;
}

/** Projects by state. Columns that nobody is in are left out: which there may be depends on a
 * project's kind. */
export function columnsOf(projects: readonly Feature<Project>[]): BoardColumn[] {
  const place = (state: string) => (ORDER.indexOf(state) + ORDER.length + 1) % (ORDER.length + 1);
  return [...Map.groupBy(projects, ({ properties }) => properties.state)]
    .sort(([a], [b]) => place(a) - place(b))
    .map(([state, some]) => {
      const costs = some.flatMap(({ properties: { cost } }) => (cost === null ? [] : Number(cost)));
      return {
        state,
        title: called(some[0]?.properties ?? {}, "state_name"),
        projects: some,
        cost: costs.length ? costs.reduce((sum, one) => sum + one) : null,
      };
    });
}

export function Board({
  projects,
  pathOf,
  onState,
}: {
  projects: readonly Feature<Project>[];
  pathOf: (project: string) => string;
  /** Called with the state whose whole list is wanted. */
  onState: (state: string) => void;
}) {
  return (
    <section class="board" tabIndex={0} aria-label={t("项目看板", "Board of projects")}>
      {columnsOf(projects).map(({ state, title, projects: some, cost }) => (
        <section key={state} aria-label={title}>
          <h2>
            {title} <span class="count">{number(some.length)}</span>
          </h2>
          <small>{cost === null ? t("投资未填", "no costs given") : money(cost)}</small>
          <ul class="plain">
            {some.slice(0, MOST).map(({ id, properties }) => (
              <li key={id} class="panel">
                <a href={pathOf(id)}>{called(properties) || id}</a>
                <small>
                  {properties.start_year}–{properties.end_year}
                  {properties.cost !== null && ` · ${money(properties.cost)}`}
                </small>
              </li>
            ))}
          </ul>
          {some.length > MOST && (
            <Button onClick={() => onState(state)}>
              {t(`全部 ${number(some.length)} 个`, `All ${number(some.length)}`)}
            </Button>
          )}
        </section>
      ))}
    </section>
  );
}
