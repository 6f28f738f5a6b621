/** Projects and indicators: the register with its lifecycle, what the plan aims at, the ledgers. */

import { useLocation } from "preact-iso";
import { plan } from "../../kit/place";
import { screenPath } from "../../kit/screens";
import { Empty, Tabs } from "../../kit/ui";
import { t } from "../../kit/words";
import { ProjectCard } from "./card";
import { Indicators } from "./indicators";
import { Balances, Duties, Mines } from "./ledgers";
import { Register } from "./register";
import { Timetable } from "./timetable";
import "./projects.css";

export default function Projects() {
  const { query, route } = useLocation();
  const tab = query.tab ?? "register";
  if (query.project) return <ProjectCard code={query.project} />;
  return (
    <div class="screen">
      <header>
        <h1>{t("项目与指标", "Projects and indicators")}</h1>
      </header>
      <Tabs
        label={t("项目与指标", "Projects and indicators")}
        chosen={tab}
        onChoose={(id) => route(screenPath("projects", { tab: id }), true)}
        tabs={[
          { id: "register", label: t("项目库", "Register") },
          { id: "indicators", label: t("指标", "Indicators") },
          { id: "timetable", label: t("进度表", "Timetable") },
          { id: "duties", label: t("职责", "Duties") },
          { id: "balances", label: t("占补台账", "Balances") },
          { id: "mines", label: t("矿山台账", "Mines") },
        ]}
      >
        {tab === "register" && <Register state={query.state ?? ""} />}
        {tab === "balances" && <Balances />}
        {tab === "mines" && <Mines />}
        {tab !== "register" && !plan.value && tab !== "balances" && tab !== "mines" ? (
          <Empty>{t("该区域没有规划。", "The region has no plan.")}</Empty>
        ) : (
          <>
            {tab === "indicators" && <Indicators plan={plan.value} status={query.status ?? ""} />}
            {tab === "timetable" && <Timetable plan={plan.value} />}
            {tab === "duties" && <Duties plan={plan.value} />}
          </>
        )}
      </Tabs>
    </div>
  );
}
