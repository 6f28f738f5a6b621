/** Compute: a process's form, one job followed, the jobs there were, and what recurs. */

import { useLocation } from "preact-iso";
import { api, ask } from "../../kit/api";
import { useAsked } from "../../kit/asked";
import { screenPath } from "../../kit/screens";
import { may } from "../../kit/session";
import { Empty, Field, Found, Select, Tabs } from "../../kit/ui";
import { t } from "../../kit/words";
import { History } from "./history";
import { processChoices } from "./inputs";
import { Order } from "./order";
import { Run } from "./run";
import { Schedules } from "./schedules";

export default function Compute() {
  const { query, route } = useLocation();
  const tab = query.job ? "run" : (query.tab ?? "new");
  const go = (asked: Record<string, string>) => route(screenPath("compute", asked));
  return (
    <div class="screen">
      <header>
        <h1>{t("计算中心", "Compute")}</h1>
      </header>
      <Tabs
        label={t("计算中心", "Compute")}
        chosen={tab}
        onChoose={(id) => go({ tab: id })}
        tabs={[
          { id: "new", label: t("新计算", "New") },
          ...(query.job ? [{ id: "run", label: t("当前作业", "This job") }] : []),
          { id: "history", label: t("历史", "History") },
          { id: "schedules", label: t("定时", "Schedules") },
        ]}
      >
        {tab === "new" && (
          <New
            process={query.process ?? "assess-ecoservices"}
            onProcess={(process) => go({ process })}
            onStarted={(job) => go({ job })}
          />
        )}
        {tab === "run" && query.job && (
          <Run
            key={query.job}
            id={query.job}
            onOther={(job) => go({ job })}
            onChange={(process) => go({ process })}
          />
        )}
        {tab !== "new" && tab !== "run" && !may("jobs") && (
          <Empty>
            {t("登录并具有分析角色后可以看到作业。", "Sign in as an analyst to see jobs.")}
          </Empty>
        )}
        {tab === "history" && may("jobs") && <History onOpen={(job) => go({ job })} />}
        {tab === "schedules" && may("jobs") && <Schedules />}
      </Tabs>
    </div>
  );
}

function New({
  process,
  onProcess,
  onStarted,
}: {
  process: string;
  onProcess: (id: string) => void;
  onStarted: (job: string) => void;
}) {
  const { asked, again } = useAsked(() => ask(api.GET("/processes")), []);
  return (
    <Found asked={asked} again={again}>
      {({ processes }) => (
        <>
          <div class="form">
            <Field label={t("计算什么", "What is computed")}>
              <Select choices={processChoices(processes)} value={process} onChoose={onProcess} />
            </Field>
          </div>
          <Order key={process} process={process} onStarted={onStarted} />
        </>
      )}
    </Found>
  );
}
