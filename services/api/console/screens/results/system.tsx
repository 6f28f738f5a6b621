/** The queue of jobs, and what the service says of its parts. */

import { useSignal } from "@preact/signals";
import { api, ask, type Schema, send, write } from "../../kit/api";
import { useAsked } from "../../kit/asked";
import { duration, moment } from "../../kit/format";
import { cancel, isOver, type Job, processTitle, StatusBadge } from "../../kit/jobs";
import { Pages } from "../../kit/pages";
import { screenPath } from "../../kit/screens";
import { Table } from "../../kit/table";
import { attempt, Badge, Button, Found, Panel, Select, type Tone } from "../../kit/ui";
import { t } from "../../kit/words";

type Health = Schema<"HealthTold">;

const FEW = 100;

/** All jobs that one may see: what waits and runs first, and what was given up. */
export function Queue() {
  const choice = useSignal<"open" | "dead" | "all">("open");
  const { asked, again } = useAsked(
    () =>
      ask(
        api.GET("/jobs", {
          params: {
            query: {
              limit: FEW,
              ...(choice.value === "open" ? { status: ["accepted", "running"] } : {}),
              ...(choice.value === "dead" ? { dead: "true" as const } : {}),
            },
          },
        }),
      ),
    [choice.value],
  );
  const deed = (what: () => Promise<unknown>, done: string) =>
    attempt(async () => {
      await what();
      again();
    }, done);
  return (
    <div class="stack">
      <div class="inline">
        <Select
          aria-label={t("哪些作业", "Which jobs")}
          choices={[
            { value: "open", label: t("排队与运行", "Queued and running") },
            { value: "dead", label: t("多次失败后放弃", "Given up after failures") },
            { value: "all", label: t("全部", "All") },
          ]}
          value={choice.value}
          onChoose={(chosen) => {
            choice.value = chosen as typeof choice.value;
          }}
        />
        <Button onClick={again}>{t("刷新", "Look again")}</Button>
      </div>
      <Pages asked={asked} again={again} rowsOf={({ jobs }) => jobs}>
        {(rows: Job[]) => {
          const running = rows.filter(({ status }) => status === "running").length;
          const waiting = rows.filter(({ status }) => status === "accepted").length;
          return (
            <>
              {choice.value === "open" && (
                <p role="status">
                  {t(
                    `运行 ${running} 个，排队 ${waiting} 个`,
                    `${running} running, ${waiting} queued`,
                  )}
                </p>
              )}
              <Table
                label={t("作业", "Jobs")}
                rows={rows}
                keyOf={({ jobID }) => jobID}
                empty={t("没有这样的作业。", "No such jobs.")}
                columns={[
                  {
                    id: "process",
                    title: t("流程", "Process"),
                    cell: (job) => (
                      <a href={screenPath("compute", { job: job.jobID })}>
                        {processTitle(job.processID)}
                      </a>
                    ),
                  },
                  {
                    id: "status",
                    title: t("状态", "State"),
                    cell: (job) => (
                      <>
                        <StatusBadge status={job.status} />
                        {job.status === "running" && ` ${job.progress ?? 0}%`}
                      </>
                    ),
                  },
                  {
                    id: "created",
                    title: t("提交", "Asked for"),
                    cell: ({ created }) => moment(created),
                    order: ({ created }) => created,
                  },
                  {
                    id: "took",
                    title: t("用时", "Took"),
                    cell: ({ started, finished }) =>
                      started ? duration(started, finished ?? null) : "–",
                  },
                  {
                    id: "attempt",
                    title: t("第几次", "Attempt"),
                    cell: ({ attempt: nth }) => nth,
                    numeric: true,
                  },
                  {
                    id: "priority",
                    title: t("优先级", "Priority"),
                    cell: ({ priority }) => priority,
                    numeric: true,
                  },
                  {
                    id: "deeds",
                    title: t("操作", "Actions"),
                    cell: (job) =>
                      isOver(job.status) ? (
                        job.status !== "successful" && (
                          <Button
                            onClick={() =>
                              deed(
                                () =>
                                  write("POST", `/jobs/${job.jobID}/retry`, undefined, {
                                    "Idempotency-Key": crypto.randomUUID(),
                                  }),
                                t("已重新提交", "Asked for again"),
                              )
                            }
                          >
                            {t("再试", "Try again")}
                          </Button>
                        )
                      ) : (
                        <Button
                          kind="danger"
                          onClick={() => deed(() => cancel(job.jobID), t("已取消", "Cancelled"))}
                        >
                          {t("取消", "Cancel")}
                        </Button>
                      ),
                  },
                ]}
              />
            </>
          );
        }}
      </Pages>
    </div>
  );
}

const PARTS: Record<string, [zh: string, en: string]> = {
  service: ["服务", "Service"],
  database: ["数据库", "Database"],
  reading: ["读取", "Reading"],
  writing: ["写入", "Writing"],
  redis: ["缓存与限流", "Cache and allowances"],
  files: ["文件存储", "Files"],
  disk: ["磁盘", "Disk"],
};

const STATES: Record<Health["status"], [zh: string, en: string, tone: Tone]> = {
  ok: ["正常", "all is well", "good"],
  "read-only": ["只能读取", "reading alone", "warn"],
  down: ["不可用", "down", "bad"],
};

/** What the service says of itself; it says so when it is down, too. */
async function health(signal: AbortSignal): Promise<Health> {
  return (await (await send("/health", { signal })).json()) as Health;
}

export function System() {
  const { asked, again } = useAsked(health, []);
  return (
    <Found asked={asked} again={again}>
      {({ status, version, suite, checks }) => {
        const [zh, en, tone] = STATES[status];
        return (
          <Panel
            title={
              <>
                {t("系统状态", "System state")} <Badge tone={tone}>{t(zh, en)}</Badge>
              </>
            }
            actions={<Button onClick={again}>{t("刷新", "Look again")}</Button>}
          >
            <dl class="facts">
              <dt>{t("版本", "Version")}</dt>
              <dd>{version}</dd>
              <dt>{t("密码套件", "Cryptography")}</dt>
              <dd>
                {suite === "commercial"
                  ? t("商用密码", "Commercial")
                  : t("国际通用", "International")}
              </dd>
              {Object.entries(checks).map(([part, said]) => (
                <>
                  <dt key={part}>{PARTS[part] ? t(...PARTS[part]) : part}</dt>
                  <dd>
                    <Badge tone={said === "ok" ? "good" : "bad"}>
                      {said === "ok" ? t("正常", "ok") : said}
                    </Badge>
                  </dd>
                </>
              ))}
            </dl>
          </Panel>
        );
      }}
    </Found>
  );
}
