/** Scenarios and sites: land edited and compared, and what a budget buys. */

import { useLocation } from "preact-iso";
import { screenPath } from "../../kit/screens";
import { may } from "../../kit/session";
import { Empty, Tabs } from "../../kit/ui";
import { t } from "../../kit/words";
import { Order } from "../compute/order";
import { Compare } from "./compare";
import { MOST } from "./edits";
import { Plan } from "./plan";
import { Sites } from "./sites";
import "./scenarios.css";

/** A selection whose budgets and alternatives can be looked at beside it. */
const COMPARABLE = { parameters: { pareto_points: 8, alternatives: 3 } };

export default function Scenarios() {
  const { query, route } = useLocation();
  const tab = query.tab ?? "compare";
  const chosen = (query.jobs ?? "").split(",").filter(Boolean).slice(0, MOST);
  const compare = (jobs: string[]) =>
    route(screenPath("scenarios", { tab: "compare", jobs: jobs.join() || null }));
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
          { id: "new", label: t("新情景", "New scenarios") },
          { id: "sites", label: t("选址", "Sites") },
          { id: "select", label: t("新选址", "New selection") },
        ]}
      >
        {!may("jobs") ? (
          <Empty>
            {t("登录并具有分析角色后可以比较情景。", "Sign in as an analyst to compare scenarios.")}
          </Empty>
        ) : (
          <>
            {tab === "compare" && <Compare chosen={chosen} onChoose={compare} />}
            {tab === "new" && <Plan onStarted={compare} />}
            {tab === "sites" && (
              <Sites
                job={query.job}
                onChoose={(job, instead) =>
                  route(screenPath("scenarios", { tab: "sites", job }), instead)
                }
              />
            )}
            {tab === "select" && (
              <Order
                process="select-sites"
                given={COMPARABLE}
                onStarted={(job) => route(screenPath("compute", { job }))}
              />
            )}
          </>
        )}
      </Tabs>
    </div>
  );
}
