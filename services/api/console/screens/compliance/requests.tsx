/** Requests for exceptions: those that wait, what each is about, and what is done with it. */

import { useSignal } from "@preact/signals";
import { Actor } from "../../kit/actor";
import { api, ask, read, type Schema, write } from "../../kit/api";
import { useAsked } from "../../kit/asked";
import { Making } from "../../kit/editing";
import type { Values } from "../../kit/features";
import { day, moment } from "../../kit/format";
import { Pages } from "../../kit/pages";
import { account, holdsAnywhere, may } from "../../kit/session";
import {
  attempt,
  Badge,
  Button,
  Dialog,
  Empty,
  Field,
  Found,
  Irreversible,
  Select,
  type Tone,
  tell,
} from "../../kit/ui";
import { called, t } from "../../kit/words";
import type { Asked, Check } from "./verdict";

export type Request = Schema<"RuleExceptionRequest">;
export const REQUESTS = "/compliance/exception-requests";
type State = Request["state"];

const mayWrite = () => may("write") || may("projects");

/** Whether who is signed in may give exceptions: approvers alone, and a project may be of any of
 * their regions. */
export const mayExcept = (): boolean => mayWrite() && holdsAnywhere(["approver"]);

/** Whether who is signed in may request exceptions. */
export const mayRequest = (): boolean => mayWrite() && holdsAnywhere(["planner"]);

/** The requests that wait for the shape that was checked, for those who work on them. */
export function useWaitingFor({ geometry }: Check) {
  const query = { state: "requested", geometry_sha256: geometry.sha256 } as const;
  return useAsked(
    async () =>
      (await ask(api.GET("/compliance/exception-requests", { params: { query } }))).requests,
    [mayExcept() || mayRequest() ? geometry : null],
  );
}

/** Whether a request is about a rule or gap of what was checked: a project, or a shape alone. */
export const isAbout = (
  one: Request,
  what: { rule: string } | { gap: string },
  { project }: Asked,
): boolean =>
  one.project === (project ?? null) &&
  ("rule" in what ? one.rule === what.rule : one.gap === what.gap);

export const DOCUMENT = () => ({
  title: t("批准文件", "Document of the decision"),
  type: "string",
  maxLength: 300,
});

const TONES: Record<string, Tone> = {
  requested: "info",
  granted: "good",
  refused: "bad",
  withdrawn: "plain",
};
const STATES = (): { value: State; label: string }[] => [
  { value: "requested", label: t("待批准", "Waiting for a decision") },
  { value: "granted", label: t("已批准", "Granted") },
  { value: "refused", label: t("未采纳", "Refused") },
  { value: "withdrawn", label: t("已撤回", "Withdrawn") },
];

/** The requests of a state; one of them is looked at with its shape on the map. */
export function Requests({
  looked,
  onLook,
  onDecided,
}: {
  looked: Request | null;
  /** One is looked at, and what is to be done there; nothing is, where it is null. */
  onLook: (one: Request | null, activities: string[]) => void;
  /** What was looked at is in another state now. */
  onDecided: (one: Request) => void;
}) {
  const state = useSignal<State>("requested");
  const { asked, again } = useAsked(
    () =>
      ask(
        api.GET("/compliance/exception-requests", {
          params: { query: { state: state.value, limit: 20 } },
        }),
      ),
    [account.value?.owner, state.value],
  );
  const look = (code: string) =>
    attempt(async () => {
      const path = { exception_request: code };
      const found = await ask(
        api.GET("/compliance/exception-requests/{exception_request}", { params: { path } }),
      );
      const rule = found.rule === null ? null : await readRule(found.rule);
      onLook(found, rule ? [rule.activity] : []);
    });
  return (
    <div class="requests">
      <Field label={t("状态", "State")}>
        <Select
          value={state.value}
          choices={STATES()}
          onChoose={(chosen) => {
            state.value = chosen as State;
            onLook(null, []);
          }}
        />
      </Field>
      <Pages asked={asked} again={again} rowsOf={({ requests }) => requests}>
        {(rows: Request[]) =>
          rows.length ? (
            <ul class="plain">
              {rows.map((one) => (
                <li key={one.code}>
                  <button
                    type="button"
                    class="link"
                    aria-current={one.code === looked?.code}
                    onClick={() => look(one.code)}
                  >
                    {one.about_name} · {subjectOf(one)}
                  </button>{" "}
                  <small>{moment(one.requested_at)}</small>
                </li>
              ))}
            </ul>
          ) : (
            <Empty>{t("没有这样的申请。", "There are no such requests.")}</Empty>
          )
        }
      </Pages>
      {looked && (
        <Looked
          key={looked.code}
          one={looked}
          onDone={(ended) => {
            again();
            onDecided(ended);
          }}
        />
      )}
    </div>
  );
}

const subjectOf = (one: Request): string =>
  one.project_name ?? t(`${one.region_name}的一处范围`, `a site in ${one.region_name}`);

interface RuleText {
  activity: string;
  legal_basis: string | null;
}

const readRule = (code: string) => read<RuleText>(`/control-rules/${encodeURIComponent(code)}`);

/** A request with its rule, and the steps that who looks at it may take. */
function Looked({ one, onDone }: { one: Request; onDone: (ended: Request) => void }) {
  const deciding = useSignal<"grant" | "refuse" | null>(null);
  const path = `${REQUESTS}/${encodeURIComponent(one.code)}`;
  const done = (words: string, ended: Request) => {
    deciding.value = null;
    tell(words);
    onDone(ended);
  };
  const state = STATES().find(({ value }) => value === one.state);
  return (
    <section class="panel" aria-label={t("所选申请", "The chosen request")}>
      <p>
        <Badge tone={TONES[one.state] ?? "plain"}>{state?.label}</Badge> {one.reason}
      </p>
      <p>
        <small>
          {t("申请人", "Requested by")} <Actor code={one.requested_by} />
          {" · "}
          {t("期限", "Days")} {one.valid_from ? day(one.valid_from) : "…"} –{" "}
          {one.valid_to ? day(one.valid_to) : "…"}
        </small>
      </p>
      {one.rule !== null && <RuleOf rule={one.rule} />}
      {one.decided_by !== null && (
        <p>
          <small>
            {t("决定人", "Decided by")} <Actor code={one.decided_by} /> {one.decision_reason}
          </small>
        </p>
      )}
      {one.steps.length > 0 && (
        <div class="actions">
          {one.steps.includes("grant") && (
            <Button
              kind="main"
              onClick={() => {
                deciding.value = "grant";
              }}
            >
              {t("批准", "Grant")}
            </Button>
          )}
          {one.steps.includes("refuse") && (
            <Button
              onClick={() => {
                deciding.value = "refuse";
              }}
            >
              {t("不予批准", "Refuse")}
            </Button>
          )}
          {one.steps.includes("withdraw") && (
            <Irreversible
              label={t("撤回", "Withdraw")}
              deed={() => write<Request>("POST", `${path}/withdraw`)}
              done={t("已撤回申请", "The request is withdrawn")}
              onDone={({ data }) => onDone(data)}
            >
              {t("撤回后不能恢复，须重新申请。", "It cannot be taken up again, only made anew.")}
            </Irreversible>
          )}
        </div>
      )}
      {deciding.value === "grant" && (
        <Deciding
          title={t("批准申请", "Grant the request")}
          path={`${path}/grant`}
          members={{ document: DOCUMENT() }}
          save={t("批准", "Grant")}
          onClose={() => {
            deciding.value = null;
          }}
          onDone={(ended) => done(t("已批准例外", "The exception is given"), ended)}
        />
      )}
      {deciding.value === "refuse" && (
        <Deciding
          title={t("不予批准", "Refuse the request")}
          path={`${path}/refuse`}
          members={{ reason: { title: t("理由", "Reason"), type: "string", maxLength: 2000 } }}
          save={t("不予批准", "Refuse")}
          onClose={() => {
            deciding.value = null;
          }}
          onDone={(ended) => done(t("申请未采纳", "The request is refused"), ended)}
        />
      )}
    </section>
  );
}

function RuleOf({ rule }: { rule: string }) {
  const { asked, again } = useAsked(() => readRule(rule), [rule]);
  return (
    <Found asked={asked} again={again}>
      {(found) => (
        <p>
          {called(found, "text")} <small>{found.legal_basis}</small>
        </p>
      )}
    </Found>
  );
}

function Deciding({
  title,
  path,
  members,
  save,
  onClose,
  onDone,
}: {
  title: string;
  path: string;
  members: Record<string, { title: string; type: string; maxLength: number }>;
  save: string;
  onClose: () => void;
  onDone: (ended: Request) => void;
}) {
  return (
    <Dialog title={title} onClose={onClose}>
      <Making
        path={path}
        draft={`exception.decision.${path}`}
        first={{}}
        kind={{
          members,
          required: Object.keys(members).filter((name) => name === "reason"),
          formOf: (found: Values) => found,
          bodyOf: (form) => form,
          method: "PUT",
        }}
        save={save}
        onDone={onDone}
      />
    </Dialog>
  );
}
