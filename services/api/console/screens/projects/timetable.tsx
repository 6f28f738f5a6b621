/** The timetable: a bar for each project over the years of the plan. */

import { api, ask, type Schema } from "../../kit/api";
import { useAsked } from "../../kit/asked";
import { screenPath } from "../../kit/screens";
import { Empty, Found } from "../../kit/ui";
import { called, t } from "../../kit/words";

/** Where a bar begins and how wide it is, as per cent of the years shown; each year counts whole. */
export function barOf(
  { start_year, end_year }: Pick<Schema<"ScheduledProject">, "start_year" | "end_year">,
  first: number,
  last: number,
): { left: number; width: number } {
  const years = last - first + 1;
  const [from, to] = [Math.max(start_year, first), Math.min(end_year, last)];
  return {
    left: (100 * (from - first)) / years,
    width: (100 * Math.max(0, to - from + 1)) / years,
  };
}

export function Timetable({ plan }: { plan: string }) {
  const { asked, again } = useAsked(
    () => ask(api.GET("/plans/{plan}/timetable", { params: { path: { plan } } })),
    [plan || null],
  );
  return (
    <Found asked={asked} again={again}>
      {({ projects, first_year, last_year }) => {
        if (!projects.length || first_year === null || last_year === null) {
          return <Empty>{t("该规划还没有项目。", "The plan has no projects yet.")}</Empty>;
        }
        const years = Array.from({ length: last_year - first_year + 1 }, (_, n) => first_year + n);
        return (
          <div class="table">
            <table class="timetable">
              <thead>
                <tr>
                  <th>{t("项目", "Project")}</th>
                  <th>{t("状态", "State")}</th>
                  <th>
                    <span class="years">
                      {years.map((year) => (
                        <span key={year}>{String(year).slice(2)}</span>
                      ))}
                    </span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {projects.map((one) => {
                  const { left, width } = barOf(one, first_year, last_year);
                  return (
                    <tr key={one.project}>
                      <td>
                        <a href={screenPath("projects", { project: one.project })}>{called(one)}</a>
                      </td>
                      <td>{one.state_name}</td>
                      <td>
                        <span class="bar" style={{ marginLeft: `${left}%`, width: `${width}%` }}>
                          {one.start_year}–{one.end_year}
                        </span>
                      </td>
                    </tr>
                  );
                })}
              </tbody>
            </table>
          </div>
        );
      }}
    </Found>
  );
}
