/** Results and administration: sheets, reports and bulletins; accounts, keys and the system. */

import type { ComponentChildren } from "preact";
import { useLocation } from "preact-iso";
import { screenPath } from "../../kit/screens";
import { account, holds, may } from "../../kit/session";
import { Empty, Tabs } from "../../kit/ui";
import { t } from "../../kit/words";
import { Accounts } from "./accounts";
import { Audit } from "./audit";
import { Bulletins } from "./bulletins";
import { Keys } from "./keys";
import { Reports } from "./reports";
import { Sheets } from "./sheets";
import { Subscriptions } from "./subscriptions";
import { Queue, System } from "./system";
import { Templates } from "./templates";
import { Webhooks } from "./webhooks";
import "./results.css";

interface Room {
  id: string;
  label: string;
  open: boolean;
  show: () => ComponentChildren;
}

/** Whether one holds a role that makes webhooks, wherever. */
const mayHook = () =>
  (may("write") || may("projects")) &&
  (may("admin") ||
    Boolean(account.value?.roles.some(({ role }) => ["planner", "supervisor"].includes(role))));

export default function Results() {
  const { query, route } = useLocation();
  const go = (asked: Record<string, string | undefined>) => route(screenPath("results", asked));
  const known = Boolean(account.value && !account.value.need);
  const admin = may("admin");
  const rooms: Room[] = [
    {
      id: "sheets",
      label: t("图件", "Map sheets"),
      open: true,
      show: () => <Sheets job={query.job} onJob={(job) => go({ tab: "sheets", job })} />,
    },
    { id: "reports", label: t("报告", "Reports"), open: known, show: () => <Reports /> },
    {
      id: "bulletins",
      label: t("公报", "Bulletins"),
      open: true,
      show: () => (
        <Bulletins
          chosen={query.bulletin}
          onChoose={(bulletin) => go({ tab: "bulletins", bulletin })}
        />
      ),
    },
    {
      id: "templates",
      label: t("公报模板", "Templates"),
      open: known,
      show: () => (
        <Templates
          chosen={query.template}
          onChoose={(template) => go({ tab: "templates", template })}
        />
      ),
    },
    { id: "accounts", label: t("账户", "Accounts"), open: admin, show: () => <Accounts /> },
    { id: "keys", label: t("密钥", "Keys"), open: admin, show: () => <Keys /> },
    { id: "webhooks", label: t("回调订阅", "Webhooks"), open: mayHook(), show: () => <Webhooks /> },
    {
      id: "subscriptions",
      label: t("邮件订阅", "Subscriptions"),
      open: admin,
      show: () => <Subscriptions />,
    },
    {
      id: "audit",
      label: t("审计", "Audit"),
      // The log has no regions: neither has the role of whoever reads it.
      open: known && holds(["auditor"], null),
      show: () => <Audit />,
    },
    { id: "queue", label: t("作业队列", "Queue"), open: may("jobs"), show: () => <Queue /> },
    { id: "system", label: t("系统", "System"), open: known, show: () => <System /> },
  ];
  const open = rooms.filter((room) => room.open);
  const chosen = query.tab ?? "sheets";
  const room = open.find(({ id }) => id === chosen);
  return (
    <div class="screen">
      <header>
        <h1>{t("成果与管理", "Results and administration")}</h1>
      </header>
      <Tabs
        label={t("成果与管理", "Results and administration")}
        chosen={room?.id ?? "sheets"}
        onChoose={(tab) => go({ tab })}
        tabs={open.map(({ id, label }) => ({ id, label }))}
      >
        {room ? (
          room.show()
        ) : (
          <Empty>
            {t("登录并具有相应角色后才能看到这里。", "Sign in with a role that sees this.")}
          </Empty>
        )}
      </Tabs>
    </div>
  );
}
