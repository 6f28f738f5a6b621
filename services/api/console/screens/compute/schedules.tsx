/** What recurs: paused, ended, and the times it was due. */

import { useSignal } from "@preact/signals";
import { answered, api, ask, type Schema, write } from "../../kit/api";
import { useAsked } from "../../kit/asked";
import { Ending } from "../../kit/editing";
import { moment } from "../../kit/format";
import { heldBy } from "../../kit/held";
import { processTitle, StatusBadge } from "../../kit/jobs";
import { screenPath } from "../../kit/screens";
import { Table } from "../../kit/table";
import { attempt, Badge, Button, Empty, Found } from "../../kit/ui";
import { called, t } from "../../kit/words";
import { contentsOf, ScheduleForm } from "./schedule_form";

type Schedule = Schema<"Schedule">;

export function Schedules() {
  const { asked, again } = useAsked(() => ask(api.GET("/schedules")), []);
  const chosen = useSignal<string | null>(null);
  const form = useSignal<{ schedule: Schedule | null; etag: string | null } | null>(null);
  const close = () => {
    form.value = null;
  };
  // Who changes a schedule names the state it was seen in.
  const seen = (code: string) =>
    answered(api.GET("/schedules/{schedule}", { params: { path: { schedule: code } } }));
  const change = ({ code }: Schedule) =>
    attempt(async () => {
      const { data, etag } = await seen(code);
      form.value = { schedule: data, etag };
    });
  const replace = ({ code }: Schedule, enabled: boolean) =>
    attempt(async () => {
      const { data, etag } = await seen(code);
      await write("PUT", `/schedules/${code}`, { ...contentsOf(data), enabled }, heldBy(etag));
      again();
    });
  if (form.value)
    return (
      <ScheduleForm
        {...form.value}
        onCancel={close}
        onDone={() => {
          close();
          again();
        }}
      />
    );
  return (
    <>
      <div class="actions">
        <Button
          onClick={() => {
            form.value = { schedule: null, etag: null };
          }}
        >
          {t("新建定时计算", "New schedule")}
        </Button>
      </div>
      <Found asked={asked} again={again}>
        {({ schedules }) =>
          schedules.length ? (
            <>
              <Table
                label={t("定时计算", "Schedules")}
                rows={schedules}
                keyOf={({ code }) => code}
                chosen={chosen.value}
                onOpen={({ code }) => {
                  chosen.value = code;
                }}
                columns={[
                  { id: "name", title: t("名称", "Name"), cell: (one) => called(one) },
                  {
                    id: "process",
                    title: t("流程", "Process"),
                    cell: (one) => processTitle(one.process),
                  },
                  {
                    id: "state",
                    title: t("状态", "State"),
                    cell: ({ enabled }) => (
                      <Badge tone={enabled ? "good" : "plain"}>
                        {enabled ? t("启用", "on") : t("暂停", "paused")}
                      </Badge>
                    ),
                  },
                  { id: "next", title: t("下次", "Next"), cell: ({ next_at }) => moment(next_at) },
                  {
                    id: "deeds",
                    title: t("操作", "Actions"),
                    cell: (one) => (
                      <span class="actions">
                        <Button onClick={() => change(one)}>{t("修改", "Change")}</Button>
                        <Button onClick={() => replace(one, !one.enabled)}>
                          {one.enabled ? t("暂停", "Pause") : t("启用", "Go on")}
                        </Button>
                        <Ending path={`/schedules/${one.code}`} onDone={again}>
                          {t(
                            `“${called(one)}”不再计算；已经开始的任务继续进行，结果保留。`,
                            `"${called(one)}" computes nothing more; jobs that it began go on.`,
                          )}
                        </Ending>
                      </span>
                    ),
                  },
                ]}
              />
              {chosen.value && <Runs schedule={chosen.value} />}
            </>
          ) : (
            <Empty>{t("还没有定时计算。", "Nothing recurs yet.")}</Empty>
          )
        }
      </Found>
    </>
  );
}

function Runs({ schedule }: { schedule: string }) {
  const { asked, again } = useAsked(
    () => ask(api.GET("/schedules/{schedule}/runs", { params: { path: { schedule } } })),
    [schedule],
  );
  return (
    <Found asked={asked} again={again}>
      {({ runs }) => (
        <ul class="plain">
          {runs.map((run) => (
            <li key={run.due_at}>
              {moment(run.due_at)}{" "}
              {run.job && <a href={screenPath("compute", { job: run.job })}>{t("作业", "Job")}</a>}{" "}
              {run.status && <StatusBadge status={run.status} />} {run.exception?.detail}
            </li>
          ))}
        </ul>
      )}
    </Found>
  );
}
