/** The yearly reviews of a plan's duties: begun, reported to, judged, and frozen at their end. */

import { useSignal } from "@preact/signals";
import { answered, api, ask, type Schema, write } from "../../kit/api";
import { useAsked } from "../../kit/asked";
import { Changing, type Kind, type Looked, Making } from "../../kit/editing";
import type { PropertySchema, Values } from "../../kit/features";
import { day, today } from "../../kit/format";
import { heldBy, isStale } from "../../kit/held";
import { Listing } from "../../kit/listing";
import { plans } from "../../kit/place";
import { holds } from "../../kit/session";
import { unitName, type Worded } from "../../kit/terms";
import { Badge, Button, Dialog, Found, Irreversible, Panel } from "../../kit/ui";
import { called, t } from "../../kit/words";
import { mayWrite } from "./roles";

type Review = Schema<"DutyReviewShown">;
type Duty = Schema<"ReviewedDuty">;
type Report = Schema<"ReviewedReport">;

const STATES: Record<Schema<"DutyReviewListed">["state"], Worded> = {
  open: ["进行中", "open", "info"],
  frozen: ["已定稿", "frozen", "good"],
};
const OUTCOMES: Record<string, Worded> = {
  missing: ["未填报", "not reported", "warn"],
  waiting: ["待评定", "waits for judgement", "info"],
  met: ["达到", "met", "good"],
  partly_met: ["部分达到", "partly met", "warn"],
  not_met: ["未达到", "not met", "bad"],
  returned: ["退回补充", "returned", "warn"],
};
const VERDICTS = ["met", "partly_met", "not_met", "returned"];
/** Reports that can be sent: those that nobody has judged, or that were returned. */
const SENDABLE = new Set(["missing", "waiting", "returned"]);

const outcomeName = (code: string): string => {
  const [zh, en] = OUTCOMES[code] ?? [code, code];
  return t(zh, en);
};

/** Whether who is signed in may do this in the region of a plan. */
function mayIn(plan: string, roles: Parameters<typeof holds>[0]): boolean {
  const of = plans.value.find(({ code }) => code === plan)?.properties.region;
  return mayWrite() && holds(roles, typeof of === "string" ? of : null);
}

export function DutyReviews({ plan }: { plan: string }) {
  const chosen = useSignal<number | null>(null);
  const begins = mayIn(plan, ["planner", "supervisor"]);
  if (chosen.value !== null) {
    return (
      <OneReview
        key={chosen.value}
        plan={plan}
        year={chosen.value}
        onClose={() => {
          chosen.value = null;
        }}
      />
    );
  }
  return (
    <Listing<Schema<"DutyReviewListed">, Schema<"DutyReviews">>
      key={plan}
      label={t("年度考核", "Yearly reviews")}
      empty={t("还没有年度考核。", "There are no reviews yet.")}
      read={() => ask(api.GET("/plans/{plan}/duty-reviews", { params: { path: { plan } } }))}
      rowsOf={({ reviews }) => reviews}
      keyOf={({ year }) => String(year)}
      onOpen={({ year }) => {
        chosen.value = year;
      }}
      columns={[
        { id: "year", title: t("年度", "Year"), cell: ({ year }) => year },
        {
          id: "state",
          title: t("状态", "State"),
          cell: ({ state }) => {
            const [zh, en, tone] = STATES[state];
            return <Badge tone={tone}>{t(zh, en)}</Badge>;
          },
        },
        {
          id: "due",
          title: t("填报截止", "Reports due"),
          cell: ({ reports_due_on }) => day(reports_due_on),
        },
      ]}
      add={begins ? t("开展年度考核", "Begin a review") : undefined}
      adding={() => (
        <Making<Review>
          kind={newReview()}
          draft={`duty.review.${plan}`}
          path={`/plans/${encodeURIComponent(plan)}/duty-reviews`}
          first={{ year: Number(today().slice(0, 4)) }}
          onDone={({ year }) => {
            chosen.value = year;
          }}
          save={t("开始", "Begin")}
        />
      )}
    />
  );
}

const newReview = (): Kind<Review> => ({
  members: {
    year: { title: t("年度", "Year"), type: "integer", minimum: 1900, maximum: 2200 },
    reports_due_on: {
      title: t("填报截止日期", "Last day for reports"),
      type: "string",
      format: "date",
    },
  },
  required: ["year", "reports_due_on"],
  formOf: ({ year, reports_due_on }) => ({ year, reports_due_on }),
  bodyOf: (form) => form,
  method: "PUT",
});

/** A report of a party on a duty, and what is done with it. */
interface At {
  duty: Duty;
  report: Report;
  deed: "report" | "judge";
}

function OneReview({ plan, year, onClose }: { plan: string; year: number; onClose: () => void }) {
  const { asked, again } = useAsked(
    () =>
      answered(api.GET("/plans/{plan}/duty-reviews/{year}", { params: { path: { plan, year } } })),
    [plan, year],
  );
  const at = useSignal<At | null>(null);
  const path = `/plans/${encodeURIComponent(plan)}/duty-reviews/${year}`;
  return (
    <Panel
      title={t(`${year} 年度考核`, `Review of ${year}`)}
      actions={<Button onClick={onClose}>{t("返回列表", "Back to the list")}</Button>}
    >
      <Found asked={asked} again={again}>
        {({ data: { state, reports_due_on, content }, etag }) => {
          const [zh, en, tone] = STATES[state];
          const open = state === "open";
          return (
            <div class="stack">
              <p>
                <Badge tone={tone}>{t(zh, en)}</Badge>{" "}
                {t(`填报截止 ${day(reports_due_on)}`, `Reports due by ${day(reports_due_on)}`)}
              </p>
              {content.duties.map((duty) => (
                <details key={duty.code} class="group" open>
                  <summary>
                    {duty.article} {called(duty)}
                  </summary>
                  <ul class="plain">
                    {duty.reports.map((report) => (
                      <li key={report.party.code}>
                        <Reported
                          report={report}
                          reports={
                            open &&
                            SENDABLE.has(report.outcome) &&
                            mayIn(plan, ["owner", "planner"])
                          }
                          judges={
                            open && report.outcome !== "missing" && mayIn(plan, ["supervisor"])
                          }
                          onDeed={(deed) => {
                            at.value = { duty, report, deed };
                          }}
                        />
                      </li>
                    ))}
                  </ul>
                </details>
              ))}
              {open && mayIn(plan, ["approver"]) && (
                <div class="actions">
                  <Irreversible
                    label={t("定稿", "Freeze")}
                    deed={() =>
                      write("POST", `${path}/freeze`, undefined, heldBy(etag)).catch((error) => {
                        if (isStale(error)) again();
                        throw error;
                      })
                    }
                    done={t("考核已定稿", "The review is frozen")}
                    onDone={again}
                  >
                    {t("定稿后不能再改。", "A frozen review is never changed.")}
                  </Irreversible>
                </div>
              )}
            </div>
          );
        }}
      </Found>
      {at.value && (
        <Deed
          path={path}
          of={{ etag: asked.value.data?.etag ?? null, again }}
          at={at.value}
          onClose={(done) => {
            at.value = null;
            if (done) again();
          }}
        />
      )}
    </Panel>
  );
}

function Reported({
  report,
  reports,
  judges,
  onDeed,
}: {
  report: Report;
  reports: boolean;
  judges: boolean;
  onDeed: (deed: At["deed"]) => void;
}) {
  const [zh, en, tone] = OUTCOMES[report.outcome] ?? [report.outcome, report.outcome, "plain"];
  return (
    <>
      <Badge tone={tone}>{t(zh, en)}</Badge> {called(report.party)}{" "}
      {report.reported_at && <small>{day(report.reported_at)}</small>}{" "}
      {reports && (
        <Button onClick={() => onDeed("report")}>
          {report.text ? t("重新填报", "Report again") : t("填报", "Report")}
        </Button>
      )}
      {judges && <Button onClick={() => onDeed("judge")}>{t("评定", "Judge")}</Button>}
      {report.text && <p>{report.text}</p>}
      {report.figures.length > 0 && (
        <ul class="plain">
          {report.figures.map(({ name, value, unit }) => (
            <li key={name}>
              {name}: {value} {unitName(unit ?? "")}
            </li>
          ))}
        </ul>
      )}
      {report.judgement && (
        <p>
          <small>{t("评定意见：", "Judgement: ")}</small> {report.judgement}
        </p>
      )}
    </>
  );
}

function Deed({
  path,
  of,
  at: { duty, report, deed },
  onClose,
}: {
  path: string;
  of: Looked;
  at: At;
  onClose: (done: boolean) => void;
}) {
  const where = `${path}/reports/${encodeURIComponent(duty.code)}/${encodeURIComponent(report.party.code)}`;
  const shared = { draft: `duty.${deed}.${where}`, onDone: () => onClose(true) };
  return (
    <Dialog title={`${called(duty)} · ${called(report.party)}`} onClose={() => onClose(false)}>
      {deed === "report" ? (
        <Changing<Review>
          {...shared}
          kind={reportKind(duty.code, report.party.code)}
          path={path}
          to={where}
          save={t("提交", "Send")}
        />
      ) : (
        <Making<Review>
          {...shared}
          kind={judgementKind()}
          path={`${where}/judgement`}
          of={of}
          first={{}}
          save={t("评定", "Judge")}
        />
      )}
    </Dialog>
  );
}

const prose = (title: string): PropertySchema => ({ title, type: "string", maxLength: 4000 });

/** A report as its form has it, with figures as lines: `新增造林: 120 ha`. */
function reportForm({ text, figures, evidence }: Report): Values {
  const lines = figures.map(({ name, value, unit }) => [
    name,
    [value, unit].filter(Boolean).join(" "),
  ]);
  return {
    ...(text ? { text } : {}),
    ...(lines.length ? { figures: Object.fromEntries(lines) } : {}),
    // Documents that a program has named stay with the report.
    evidence,
  };
}

/** Figures as they are sent; a value that is no number is sent to be refused and mended. */
export function figuresOf(lines: unknown): { name: string; value: string; unit?: string }[] {
  return Object.entries((lines ?? {}) as Values).map(([name, written]) => {
    const [value = "", ...unit] = String(written).trim().split(/\s+/);
    return { name, value, ...(unit.length ? { unit: unit.join(" ") } : {}) };
  });
}

const reportKind = (duty: string, party: string): Kind<Review> => ({
  members: {
    text: prose(t("当年开展的工作", "What was done in the year")),
    figures: {
      title: t("数据", "Figures"),
      type: "object",
      description: t("如 新增造林: 120 ha", "Such as: new forest: 120 ha"),
    },
    evidence: { title: t("依据文件", "Documents that prove it"), readOnly: true },
  },
  required: ["text"],
  formOf: ({ content }) => {
    const reports = content.duties.find(({ code }) => code === duty)?.reports;
    const found = reports?.find((one) => one.party.code === party);
    return found ? reportForm(found) : {};
  },
  bodyOf: ({ text, figures, evidence }) => ({ text, figures: figuresOf(figures), evidence }),
  method: "PUT",
});

const judgementKind = (): Kind<Review> => ({
  members: {
    verdict: {
      title: t("结论", "Verdict"),
      type: "string",
      enum: VERDICTS,
      "x-enum-titles": Object.fromEntries(VERDICTS.map((code) => [code, outcomeName(code)])),
    },
    judgement: {
      ...prose(t("评定意见", "Judgement")),
      description: t("除“达到”外须说明理由", "Needed unless the duty is met"),
    },
  },
  required: ["verdict"],
  formOf: () => ({}),
  bodyOf: (form) => form,
  method: "PUT",
});
