/** Monitoring: stations and their values, alerts, cases, rules, and what is silent. */

import { useLocation } from "preact-iso";
import { screenPath } from "../../kit/screens";
import { account } from "../../kit/session";
import { Empty, Tabs } from "../../kit/ui";
import { t } from "../../kit/words";
import { AlertDetails, AlertInbox } from "./alerts";
import { CaseDetails, CaseList } from "./cases";
import { Health } from "./health";
import { Rules } from "./rules";
import { StationDetails } from "./station";
import { StationMap } from "./stations";
import "./monitoring.css";

export default function Monitoring() {
  const { query, route } = useLocation();
  const tab = query.tab ?? "stations";
  const go = (asked: Record<string, string | undefined>) => route(screenPath("monitoring", asked));
  const title = t("监测预警", "Monitoring");
  const known = Boolean(account.value);
  return (
    <div class="screen watch">
      <header>
        <h1>{title}</h1>
      </header>
      <Tabs
        label={title}
        chosen={tab}
        onChoose={(id) => go({ tab: id })}
        tabs={[
          { id: "stations", label: t("站点", "Stations") },
          { id: "alerts", label: t("预警", "Alerts") },
          { id: "cases", label: t("案件", "Cases") },
          { id: "rules", label: t("规则", "Rules") },
          { id: "health", label: t("数据到报", "Feeds") },
        ]}
      >
        {tab === "stations" &&
          (query.station ? (
            <StationDetails
              key={query.station}
              code={query.station}
              property={query.property}
              onBack={() => go({ tab })}
            />
          ) : (
            <StationMap onOpen={(station) => go({ tab, station })} />
          ))}
        {tab === "health" && <Health onOpen={(station) => go({ tab: "stations", station })} />}
        {["alerts", "cases", "rules"].includes(tab) && !known && (
          <Empty>{t("登录后可以查看。", "Sign in to see them.")}</Empty>
        )}
        {tab === "alerts" &&
          known &&
          (query.alert ? (
            <AlertDetails
              key={query.alert}
              id={Number(query.alert)}
              onBack={() => go({ tab })}
              onStation={(station, property) => go({ tab: "stations", station, property })}
            />
          ) : (
            <AlertInbox onOpen={(id) => go({ tab, alert: String(id) })} />
          ))}
        {tab === "cases" &&
          known &&
          (query.case ? (
            <CaseDetails key={query.case} code={query.case} onBack={() => go({ tab })} />
          ) : (
            <CaseList onOpen={(code) => go({ tab, case: code })} />
          ))}
        {tab === "rules" && known && <Rules />}
      </Tabs>
    </div>
  );
}
