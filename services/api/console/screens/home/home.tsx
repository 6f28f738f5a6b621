/** Home: how the plan stands, what is open, and what waits for whoever is signed in. */

import type { ComponentChildren } from "preact";
import { api, ask, read, type Schema } from "../../kit/api";
import { useAsked } from "../../kit/asked";
import { address, allFeatures } from "../../kit/features";
import { day, duration, moment, number } from "../../kit/format";
import { processTitle, StatusBadge } from "../../kit/jobs";
import { API } from "../../kit/page";
import { allRows, type Linked, nextOf } from "../../kit/pages";
import { plan, plansHere, planTitle, region, regionName } from "../../kit/place";
import { SCREENS, screenPath } from "../../kit/screens";
import { account, holds, holdsAnywhere, may } from "../../kit/session";
import { DUTY_STATES, STANDINGS, unitName, valueNote, type Worded } from "../../kit/terms";
import { Badge, Empty, Found, Panel, Progress, type Tone } from "../../kit/ui";
import { called, t } from "../../kit/words";
import { keyOfScheme, type SchemeMembers, versionName } from "../zones/schemes";
import "./home.css";

export default function Home() {
  const chosen = plansHere.value.find(({ code }) => code === plan.value);
  return (
    <div class="screen">
      <header>
        <h1>{regionName(region.value)}</h1>
        <p>{chosen && planTitle(chosen)}</p>
      </header>
      <Ways />
      <div class="panels">
        {plan.value && <Indicators plan={plan.value} />}
        {plan.value && <Projects plan={plan.value} />}
        {plan.value && <Duties plan={plan.value} />}
        {account.value && <Waiting />}
        {account.value && <Alerts />}
        {may("jobs") && <Jobs />}
        <Newest />
      </div>
    </div>
  );
}

/** The screens by what one does there: five clicks from here lead anywhere. */
function Ways() {
  return (
    <ul class="ways">
      {SCREENS.slice(1).map((screen) => (
        <li key={screen.id}>
          <a href={screenPath(screen.id)}>
            <svg viewBox="0 0 24 24" aria-hidden="true">
              <path d={screen.icon} />
            </svg>
            <strong>{screen.title()}</strong>
            <small>{screen.job()}</small>
          </a>
        </li>
      ))}
    </ul>
  );
}

function Counts({ rows }: { rows: { label: string; count: number; tone: Tone; href: string }[] }) {
  return (
    <ul class="counts">
      {rows.map(({ label, count, tone, href }) => (
        <li key={label}>
          <a href={href}>
            <span class="figure">{count}</span>
            <Badge tone={tone}>{label}</Badge>
          </a>
        </li>
      ))}
    </ul>
  );
}

const JUDGED = Object.entries(STANDINGS) as [keyof Schema<"StatusCounts">, Worded][];

function Indicators({ plan }: { plan: string }) {
  const { asked, again } = useAsked(
    () => ask(api.GET("/plans/{plan}/progress", { params: { path: { plan } } })),
    [plan],
  );
  return (
    <Panel title={t("指标", "Indicators")}>
      <Found asked={asked} again={again}>
        {({ summary, year, indicators }) => (
          <>
            <Counts
              rows={JUDGED.map(([status, [zh, en, tone]]) => ({
                label: t(zh, en),
                count: summary.binding[status] + summary.expected[status],
                tone,
                href: screenPath("projects", { tab: "indicators", status }),
              }))}
            />
            <small>
              {t(
                `${year} 年；约束性 ${total(summary.binding)} 项，预期性 ${total(summary.expected)} 项`,
                `${year}; ${total(summary.binding)} binding, ${total(summary.expected)} expected`,
              )}
            </small>
            <Known indicators={indicators} />
          </>
        )}
      </Found>
    </Panel>
  );
}

const MOST_VALUES = 6;

/** The values that are known, the first of the plan's order, and what was noted with them. */
function Known({ indicators }: { indicators: Schema<"JudgedIndicator">[] }) {
  const known = indicators
    .filter(({ value }) => value !== null)
    .toSorted((a, b) => a.order - b.order);
  const shown = known.slice(0, MOST_VALUES);
  const notes = new Set(shown.map(({ remarks }) => valueNote(remarks)).filter(Boolean));
  return (
    <>
      <ul class="plain">
        {shown.map((one) => (
          <li key={one.indicator}>
            <a href={screenPath("projects", { tab: "indicators" })}>{called(one)}</a>{" "}
            {number(one.value)} {unitName(one.unit)} <small>({one.value_year})</small>
          </li>
        ))}
      </ul>
      {known.length > shown.length && (
        <small>{t(`共 ${known.length} 项有数值`, `${known.length} have a value in all`)}</small>
      )}
      {[...notes].map((note) => (
        <p key={note} class="hint">
          {note}
        </p>
      ))}
    </>
  );
}

const total = (counts: Schema<"StatusCounts">) =>
  JUDGED.reduce((sum, [status]) => sum + counts[status], 0);

function Projects({ plan }: { plan: string }) {
  const { asked, again } = useAsked(
    (signal) =>
      allFeatures<{ state: string; state_name_zh: string; state_name_en: string }>(
        "projects",
        { plan, properties: "state,state_name_zh,state_name_en" },
        signal,
        100_000,
      ),
    [plan],
  );
  return (
    <Panel title={t("项目", "Projects")}>
      <Found asked={asked} again={again}>
        {(projects) => {
          const states = Map.groupBy(projects, ({ properties }) => properties.state);
          return projects.length ? (
            <Counts
              rows={[...states].map(([state, some]) => ({
                label: called(some[0]?.properties ?? {}, "state_name"),
                count: some.length,
                tone: "info",
                href: screenPath("projects", { state }),
              }))}
            />
          ) : (
            <Empty>
              {t("该规划还没有项目。", "The plan has no projects yet.")}{" "}
              <a href={screenPath("projects")}>{t("去项目库", "To the register")}</a>
            </Empty>
          );
        }}
      </Found>
    </Panel>
  );
}

/** What was dropped waits for nobody. */
const DUTIES = Object.entries(DUTY_STATES).filter(([state]) => state !== "dropped");

function Duties({ plan }: { plan: string }) {
  const { asked, again } = useAsked(
    () => ask(api.GET("/plans/{plan}/duty-board", { params: { path: { plan } } })),
    [plan],
  );
  return (
    <Panel title={t("职责", "Duties")}>
      <Found asked={asked} again={again}>
        {({ states, total }) =>
          total ? (
            <Counts
              rows={DUTIES.map(([state, [zh, en, tone]]) => ({
                label: t(zh, en),
                count: states[state] ?? 0,
                tone,
                href: screenPath("projects", { tab: "duties" }),
              }))}
            />
          ) : (
            <Empty>{t("该规划没有列出职责。", "The plan lists no duties.")}</Empty>
          )
        }
      </Found>
    </Panel>
  );
}

interface WaitingFor {
  text: string;
  href: string;
  when: string | null;
}

const requestsToDecide = () =>
  ask(
    api.GET("/compliance/exception-requests", {
      params: { query: { decidable: true, limit: 100 } },
    }),
  );

type CasePage = Linked & { cases: Schema<"Case">[] };
type ProposalPage = Linked & {
  proposals: { code: string; title: string; region: string | null; author: string }[];
};

/** A proposal is decided by another than who made it. */
async function proposalsToDecide(signal: AbortSignal): Promise<ProposalPage["proposals"]> {
  const path = `/proposals?${new URLSearchParams({ limit: "100", filter: "state = 'submitted'" })}`;
  const all = await allRows(path, ({ proposals }: ProposalPage) => proposals, signal);
  return all.filter(
    ({ region, author }) => holds(["approver"], region) && author !== account.peek()?.owner,
  );
}

/** Who takes the next step of a zoning in a state. */
const ZONERS: Record<string, readonly Schema<"RoleHeld">["role"][]> = {
  draft: ["planner", "analyst"],
  review: ["approver"],
};
const MOST_CASES = 10;

/** What only somebody of this role can do next, in the regions where they hold it. */
async function waitingForMe(signal: AbortSignal): Promise<WaitingFor[]> {
  const [schemes, cases, requests, proposals] = await Promise.all([
    allFeatures<SchemeMembers>("zone_schemes", { filter: "status IN ('draft','review')" }, signal),
    read<CasePage>(address("/cases", { limit: 100, filter: "state <> 'closed'" }), signal),
    holdsAnywhere(["approver"]) ? requestsToDecide() : null,
    holdsAnywhere(["approver"]) ? proposalsToDecide(signal) : [],
  ]);
  const open = cases.cases.filter(({ region }) =>
    holds(["supervisor", "approver", "owner"], region),
  );
  const colon = t("：", ": ");
  return [
    ...(requests?.requests.length
      ? [
          {
            text: `${t("待批准的例外申请", "Requests for exceptions to decide")}${colon}${requests.requests.length}${nextOf(requests) ? "+" : ""}`,
            href: screenPath("compliance", { way: "requests" }),
            when: null,
          },
        ]
      : []),
    ...proposals.map(({ code, title }) => ({
      text: `${t("待决定的修订建议", "Proposal to decide")}${colon}${title}`,
      href: `${API}/proposals/${encodeURIComponent(code)}?f=html`,
      when: null,
    })),
    ...schemes
      .filter(({ properties: { status, region } }) => holds(ZONERS[status] ?? [], region))
      .map((scheme) => ({
        text: `${scheme.properties.status === "review" ? t("待审批分区", "Zoning to approve") : t("分区草案", "Draft zoning")}${colon}${versionName(scheme)}`,
        href: screenPath("zones", { scheme: keyOfScheme(scheme) }),
        when: null,
      })),
    ...open.slice(0, MOST_CASES).map((one) => ({
      text: `${t("线索", "Case")}${colon}${one.code}`,
      href: screenPath("monitoring", { tab: "cases", case: one.code }),
      when: one.opened_at,
    })),
    ...(open.length > MOST_CASES || nextOf(cases)
      ? [
          {
            text: `${t("全部未销号线索", "All open cases")}${colon}${open.length}${nextOf(cases) ? "+" : ""}`,
            href: screenPath("monitoring", { tab: "cases" }),
            when: null,
          },
        ]
      : []),
  ];
}

function Waiting() {
  const { asked, again } = useAsked(waitingForMe, [account.value?.owner]);
  return (
    <Panel title={t("等我处理", "Waiting for me")}>
      <Found asked={asked} again={again}>
        {(all) => (
          <List empty={t("没有待办。", "Nothing waits for you.")}>
            {all.map(({ text, href, when }) => (
              <li key={href}>
                <a href={href}>{text}</a> {when && <small>{day(when)}</small>}
              </li>
            ))}
          </List>
        )}
      </Found>
    </Panel>
  );
}

function List({ children, empty }: { children: ComponentChildren[]; empty: string }) {
  return children.length ? <ul class="plain">{children}</ul> : <Empty>{empty}</Empty>;
}

function Alerts() {
  const { asked, again } = useAsked(
    () => ask(api.GET("/alerts", { params: { query: { status: "open", limit: 5 } } })),
    [account.value?.owner],
  );
  return (
    <Panel title={t("未处理预警", "Open alerts")}>
      <Found asked={asked} again={again}>
        {({ alerts }) => (
          <List empty={t("没有未处理的预警。", "No open alerts.")}>
            {alerts.map((alert) => (
              <li key={alert.id}>
                <span class="swatch" style={{ background: alert.color ?? "" }} /> {alert.level_name}{" "}
                <a href={screenPath("monitoring", { tab: "alerts", alert: String(alert.id) })}>
                  {alert.subject_name} · {alert.rule_name}
                </a>{" "}
                <small>{moment(alert.opened)}</small>
              </li>
            ))}
          </List>
        )}
      </Found>
    </Panel>
  );
}

function Jobs() {
  const { asked, again } = useAsked(
    () => ask(api.GET("/jobs", { params: { query: { limit: 5 } } })),
    [account.value?.owner],
  );
  return (
    <Panel title={t("作业", "Jobs")}>
      <Found asked={asked} again={again}>
        {({ jobs }) => (
          <List empty={t("还没有作业。", "No jobs yet.")}>
            {jobs.map((job) => (
              <li key={job.jobID}>
                <a href={screenPath("compute", { job: job.jobID })}>
                  {processTitle(job.processID)}
                </a>{" "}
                <StatusBadge status={job.status} />{" "}
                {job.status === "running" ? (
                  <Progress percent={job.progress ?? 0} label={processTitle(job.processID)} />
                ) : (
                  <small>
                    {moment(job.created)}
                    {job.started && ` · ${duration(job.started, job.finished ?? null)}`}
                  </small>
                )}
              </li>
            ))}
          </List>
        )}
      </Found>
    </Panel>
  );
}

function Newest() {
  const here = region.value;
  const { asked, again } = useAsked(
    () => ask(api.GET("/bulletins", { params: { query: { limit: 3, region: here } } })),
    [here || null],
  );
  return (
    <Panel title={t("最新公报", "Newest bulletins")}>
      <Found asked={asked} again={again}>
        {({ bulletins }) => (
          <List empty={t("还没有公报。", "No bulletins yet.")}>
            {bulletins.map((one) => (
              <li key={one.code}>
                <a href={`${API}/bulletins/${one.code}?f=html`}>{one.title}</a>{" "}
                <small>
                  {day(one.first)} – {day(one.last)}
                </small>
              </li>
            ))}
          </List>
        )}
      </Found>
    </Panel>
  );
}
