/** The queue of jobs; what the service says of its parts, of workers, backups and the replica. */

import { useSignal } from "@preact/signals";
import { api, ask, type Schema, send, write } from "../../kit/api";
import { useAsked } from "../../kit/asked";
import { bytes, duration, moment, number } from "../../kit/format";
import { cancel, isOver, type Job, processTitle, StatusBadge } from "../../kit/jobs";
import { Pages } from "../../kit/pages";
import { screenPath } from "../../kit/screens";
import { may } from "../../kit/session";
import { Table } from "../../kit/table";
import { attempt, Badge, Button, Found, Panel, Select, type Tone } from "../../kit/ui";
import { t } from "../../kit/words";

type Health = Schema<"HealthTold">;
type Parts = Schema<"SystemTold">;

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
  return (
    <div class="stack">
      <Service />
      {may("admin") && <Behind />}
    </div>
  );
}

function Service() {
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

/** What stands behind the service, which administrators look after. */
function Behind() {
  const { asked, again } = useAsked(() => ask(api.GET("/system")), []);
  return (
    <Found asked={asked} again={again}>
      {(parts) => (
        <>
          <Workers workers={parts.workers} again={again} />
          <Panel title={t("备份与副本", "Backups and replica")}>
            <dl class="facts">
              <dt>{t("最近的整库备份", "Last base backup")}</dt>
              <dd>{reached(parts.backups.base)}</dd>
              <dt>{t("日志归档至", "Log archived up to")}</dt>
              <dd>{reached(parts.backups.archive)}</dd>
              <dt>{t("备份校验", "Check of the backups")}</dt>
              <dd>
                <Check {...parts.backups} />
              </dd>
              <dt>{t("数据库副本", "Replica of the database")}</dt>
              <dd>{replicaOf(parts)}</dd>
            </dl>
          </Panel>
        </>
      )}
    </Found>
  );
}

const reached = (at: string | null | undefined) => (at ? moment(at) : t("尚无", "none yet"));

/** Whether the backups there are were checked, the newest base among them, and what was found. */
function Check({ base, check }: Parts["backups"]) {
  if (!check) return <>{base ? t("尚未校验", "not checked yet") : t("尚无", "none yet")}</>;
  const how = check.opened
    ? t("已解密并逐字节核对", "all decrypted and compared")
    : t("已核对文件是否齐全", "files were all looked for");
  return (
    <>
      {moment(check.at)}{" "}
      {check.gaps ? (
        <Badge tone="bad">
          {t(
            `缺少 ${number(check.gaps)} 个日志文件`,
            `${number(check.gaps)} files of the log missing`,
          )}
        </Badge>
      ) : (
        <Badge tone="good">{how}</Badge>
      )}{" "}
      {base && base > check.at && (
        <Badge tone="warn">{t("最近的备份尚未校验", "the last backup is not checked yet")}</Badge>
      )}
    </>
  );
}

function replicaOf({ replica, replica_seen }: Parts): string {
  if (!replica_seen)
    return t("未知：没有工作进程在运行", "not known: no worker runs that could look");
  if (!replica) return t("没有副本", "no replica");
  const behind = bytes(replica.lag_bytes);
  return replica.lag_bytes ? t(`落后 ${behind}`, `${behind} behind`) : t("同步", "up to date");
}

function Workers({ workers, again }: { workers: Parts["workers"]; again: () => void }) {
  const alive = workers.filter((one) => one.alive).length;
  return (
    <Panel
      title={t(`工作进程：${alive} 个在运行`, `Workers: ${alive} running`)}
      actions={<Button onClick={again}>{t("刷新", "Look again")}</Button>}
    >
      <Table
        label={t("工作进程", "Workers")}
        rows={workers}
        keyOf={({ machine, pid, began }) => `${machine} ${pid} ${began}`}
        empty={t("没有工作进程，作业会一直排队。", "No worker runs: jobs stay in the queue.")}
        columns={[
          {
            id: "machine",
            title: t("主机", "Machine"),
            cell: ({ machine, pid }) =>
              t(`${machine}（进程 ${pid}）`, `${machine} (process ${pid})`),
            order: ({ machine }) => machine,
          },
          {
            id: "state",
            title: t("状态", "State"),
            cell: (one) =>
              one.alive ? (
                <Badge tone="good">{t("运行中", "running")}</Badge>
              ) : (
                <Badge tone="bad">{t("失联", "lost")}</Badge>
              ),
          },
          {
            id: "seen",
            title: t("最后报告", "Last heard of"),
            cell: ({ seen }) => moment(seen),
            order: ({ seen }) => seen,
          },
          {
            id: "jobs",
            title: t("正在运行", "Runs"),
            cell: ({ jobs }) =>
              jobs.length
                ? jobs.map(({ id, process, progress }) => (
                    <div key={id}>
                      <a href={screenPath("compute", { job: id })}>{processTitle(process)}</a>{" "}
                      {progress}%
                    </div>
                  ))
                : t("空闲", "nothing"),
          },
          {
            id: "slots",
            title: t("可同时运行", "At once"),
            cell: ({ slots }) => slots,
            numeric: true,
          },
          { id: "version", title: t("版本", "Version"), cell: ({ version }) => version },
          { id: "began", title: t("启动", "Began"), cell: ({ began }) => moment(began) },
        ]}
      />
    </Panel>
  );
}
