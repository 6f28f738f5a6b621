/** The inbox of alerts: by state and level; one with its story, acknowledged and closed with words. */

import { useSignal } from "@preact/signals";
import { Actor } from "../../kit/actor";
import { answered, api, ask, type Fault, write } from "../../kit/api";
import { told, useAsked } from "../../kit/asked";
import { SubmitForm, useDraft } from "../../kit/form";
import { moment } from "../../kit/format";
import { screenPath } from "../../kit/screens";
import { holdsAnywhere, may } from "../../kit/session";
import { Table } from "../../kit/table";
import { LEVELS, type Level, quantity } from "../../kit/terms";
import {
  Badge,
  Button,
  Empty,
  FaultBox,
  Field,
  Found,
  Panel,
  Select,
  type Tone,
  tell,
} from "../../kit/ui";
import { t } from "../../kit/words";
import { useReach } from "./reach";
import type { Alert } from "./readings";

type Status = "open" | "acknowledged" | "closed";
const STATUSES: readonly [Status, string, string, Tone][] = [
  ["open", "未处理", "open", "bad"],
  ["acknowledged", "已确认", "acknowledged", "warn"],
  ["closed", "已关闭", "closed", "good"],
];
const PAGE = 100;

export function StateOfAlert({ alert }: { alert: Alert }) {
  const tone = STATUSES.find(([code]) => code === alert.status)?.[3] ?? "plain";
  return <Badge tone={tone}>{alert.status_name}</Badge>;
}

function LevelOf({ alert }: { alert: Alert }) {
  return (
    <>
      <span class="swatch" style={{ background: alert.color }} /> {alert.level_name}
    </>
  );
}

export function AlertInbox({ onOpen }: { onOpen: (id: number) => void }) {
  const status = useSignal<Status | "">("open");
  const level = useSignal<Level | "">("");
  const { here, choice } = useReach();
  // Another region begins with its newest.
  const turned = useSignal<{ here: string; before: readonly number[] }>({ here, before: [] });
  const before = turned.value.here === here ? turned.value.before : [];
  const turn = (ids: readonly number[]) => {
    turned.value = { here, before: ids };
  };
  const { asked, again } = useAsked(
    () =>
      ask(
        api.GET("/alerts", {
          params: {
            query: {
              limit: PAGE,
              ...(status.value ? { status: status.value } : {}),
              ...(level.value ? { level: level.value } : {}),
              ...(here ? { region: here } : {}),
              ...(before.length ? { before: before.at(-1) as number } : {}),
            },
          },
        }),
      ),
    [status.value, level.value, here, before.join()],
  );
  const choose = <T,>(filter: { value: T }, value: T) => {
    filter.value = value;
    turn([]);
  };
  return (
    <>
      <div class="inline">
        {choice}
        <Select
          aria-label={t("状态", "State")}
          choices={STATUSES.map(([value, zh, en]) => ({ value, label: t(zh, en) }))}
          value={status.value}
          onChoose={(code) => choose(status, code as Status | "")}
          empty={t("全部状态", "All states")}
        />
        <Select
          aria-label={t("级别", "Level")}
          choices={LEVELS.map(([value, zh, en]) => ({ value, label: t(zh, en) }))}
          value={level.value}
          onChoose={(code) => choose(level, code as Level | "")}
          empty={t("全部级别", "All levels")}
        />
      </div>
      <Found asked={asked} again={again}>
        {({ alerts, links }) => (
          <>
            <Table
              label={t("预警", "Alerts")}
              rows={alerts}
              keyOf={({ id }) => String(id)}
              onOpen={({ id }) => onOpen(id)}
              empty={t("没有这样的预警。", "No such alerts.")}
              columns={[
                {
                  id: "subject",
                  title: t("对象", "Subject"),
                  cell: ({ subject_name }) => subject_name,
                  order: ({ subject_name }) => subject_name,
                },
                { id: "rule", title: t("规则", "Rule"), cell: ({ rule_name }) => rule_name },
                {
                  id: "level",
                  title: t("级别", "Level"),
                  cell: (alert) => <LevelOf alert={alert} />,
                  order: ({ level }) => LEVELS.findIndex(([code]) => code === level),
                },
                {
                  id: "status",
                  title: t("状态", "State"),
                  cell: (alert) => <StateOfAlert alert={alert} />,
                },
                {
                  id: "opened",
                  title: t("发出", "Opened"),
                  cell: ({ opened }) => moment(opened),
                  order: ({ opened }) => opened,
                },
              ]}
            />
            <div class="actions">
              {before.length > 0 && (
                <Button onClick={() => turn(before.slice(0, -1))}>{t("上一页", "Newer")}</Button>
              )}
              {links.some(({ rel }) => rel === "next") && (
                <Button onClick={() => turn([...before, alerts.at(-1)?.id ?? 1])}>
                  {t("下一页", "Older")}
                </Button>
              )}
            </div>
          </>
        )}
      </Found>
    </>
  );
}

export function AlertDetails({
  id,
  onBack,
  onStation,
}: {
  id: number;
  onBack: () => void;
  onStation: (station: string, property: string | undefined) => void;
}) {
  const { asked, again } = useAsked(
    () => answered(api.GET("/alerts/{alert}", { params: { path: { alert: id } } })),
    [id],
  );
  return (
    <Found asked={asked} again={again}>
      {({ data: alert, etag }) => (
        <>
          <Panel
            title={
              <>
                {alert.subject_name} · {alert.rule_name} <StateOfAlert alert={alert} />
              </>
            }
            actions={<Button onClick={onBack}>{t("返回", "Back")}</Button>}
          >
            <dl class="facts">
              <dt>{t("级别", "Level")}</dt>
              <dd>
                <LevelOf alert={alert} />
              </dd>
              <dt>{t("类型", "Kind")}</dt>
              <dd>{alert.kind_name}</dd>
              <dt>{t("量值", "Measure")}</dt>
              <dd>{quantity(alert.measure, alert.unit)}</dd>
              <dt>{t("开始", "Began")}</dt>
              <dd>{moment(alert.began)}</dd>
              <dt>{t("发出", "Opened")}</dt>
              <dd>{moment(alert.opened)}</dd>
            </dl>
            <div class="actions">
              {alert.station && (
                <Button
                  onClick={() => onStation(alert.station as string, alert.property ?? undefined)}
                >
                  {t("查看站点曲线", "Chart of the station")}
                </Button>
              )}
              {alert.case && (
                <a
                  class="button"
                  href={screenPath("monitoring", { tab: "cases", case: alert.case })}
                >
                  {t("查看案件", "The case")}
                </a>
              )}
            </div>
          </Panel>
          {mayAnswer() && <AnswerForm alert={alert} etag={etag} onDone={again} />}
          <Panel title={t("经过", "What happened")}>
            {alert.events?.length ? (
              <ol class="plain">
                {alert.events.map((event) => (
                  <li key={`${event.at}${event.event}`}>
                    <strong>{event.event_name}</strong> <small>{moment(event.at)}</small>{" "}
                    {event.actor && (
                      <small>
                        <Actor code={event.actor} />
                      </small>
                    )}
                    {event.note && <p>{event.note}</p>}
                  </li>
                ))}
              </ol>
            ) : (
              <Empty>{t("还没有记录。", "Nothing yet.")}</Empty>
            )}
          </Panel>
        </>
      )}
    </Found>
  );
}

/** Who may answer alerts, or say something of them; of which region the service judges. */
const mayAnswer = (): boolean =>
  (may("write") || may("projects")) && holdsAnywhere(["planner", "supervisor", "approver"]);

type Deed = "acknowledge" | "close" | "comments";
type Words = [zh: string, en: string];
const DEEDS: Record<Deed, { name: Words; done: Words }> = {
  acknowledge: { name: ["确认", "Acknowledge"], done: ["已确认", "Acknowledged"] },
  close: { name: ["关闭预警", "Close the alert"], done: ["已关闭", "Closed"] },
  comments: { name: ["仅发表意见", "Comment only"], done: ["意见已保存", "The comment is kept"] },
};
/** What can be done with an alert in each state, the usual first. */
const WAYS: Record<Status, readonly [Deed, ...Deed[]]> = {
  open: ["acknowledge", "close", "comments"],
  acknowledged: ["close", "comments"],
  closed: ["comments"],
};

/** What was found or done: a comment alone, or with it the alert is acknowledged or closed. */
function AnswerForm({
  alert,
  etag,
  onDone,
}: {
  alert: Alert;
  etag: string | null;
  onDone: () => void;
}) {
  const { values, reset } = useDraft(`alert.${alert.id}`, {});
  const fault = useSignal<Fault | null>(null);
  const busy = useSignal(false);
  const key = useSignal(crypto.randomUUID());
  const note = String(values.value.note ?? "");
  const ways = WAYS[alert.status];
  const answer = async (how: Deed) => {
    busy.value = true;
    fault.value = null;
    try {
      await write(
        "POST",
        `/alerts/${alert.id}/${how}`,
        { note },
        {
          "Idempotency-Key": `${key.value}-${how}`,
          // A comment takes nothing from what others said meanwhile.
          ...(etag && how !== "comments" ? { "If-Match": etag } : {}),
        },
      );
      reset();
      key.value = crypto.randomUUID();
      tell(t(...DEEDS[how].done));
      onDone();
    } catch (error) {
      fault.value = told(error);
      // Whoever answered first is shown; what was typed stays.
      if (fault.value.status === 412) onDone();
    }
    busy.value = false;
  };
  return (
    <Panel title={t("处理", "Answer")}>
      <SubmitForm onSubmit={() => answer(ways[0])}>
        <Field
          label={t("处理意见", "What was found or done")}
          needed
          wrong={fault.value?.at.find(({ pointer }) => pointer === "/note")?.detail}
        >
          <textarea
            rows={3}
            maxLength={2000}
            required
            value={note}
            onInput={({ currentTarget }) => {
              values.value = { note: currentTarget.value };
            }}
          />
        </Field>
        <FaultBox fault={fault.value} />
        <div class="actions">
          {ways.map((how, at) => (
            <Button
              key={how}
              busy={busy.value}
              {...(at === 0
                ? { kind: "main" as const, submits: true }
                : { disabled: !note.trim(), onClick: () => answer(how) })}
            >
              {t(...DEEDS[how].name)}
            </Button>
          ))}
        </div>
      </SubmitForm>
    </Panel>
  );
}
