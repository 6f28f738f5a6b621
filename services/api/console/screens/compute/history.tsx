/** The jobs there were, the newest first, by process and state. */

import { useSignal } from "@preact/signals";
import { api, ask, read, type Schema } from "../../kit/api";
import { useAsked } from "../../kit/asked";
import { duration, moment } from "../../kit/format";
import { type Job, processTitle, type Status, StatusBadge } from "../../kit/jobs";
import { Table } from "../../kit/table";
import { attempt, Button, Found, Select } from "../../kit/ui";
import { t } from "../../kit/words";
import { processChoices } from "./inputs";

const STATES: [Status, string, string][] = [
  ["accepted", "排队中", "queued"],
  ["running", "运行中", "running"],
  ["successful", "完成", "done"],
  ["failed", "失败", "failed"],
  ["dismissed", "已取消", "cancelled"],
];

export function History({ onOpen }: { onOpen: (job: string) => void }) {
  const process = useSignal("");
  const status = useSignal("");
  const more = useSignal<{ of: string; jobs: Job[]; next: string | undefined } | null>(null);
  const processes = useAsked(() => ask(api.GET("/processes")), []);
  const { asked, again } = useAsked(
    () =>
      ask(
        api.GET("/jobs", {
          params: {
            query: {
              limit: 50,
              ...(process.value ? { processID: [process.value] } : {}),
              ...(status.value ? { status: [status.value as Status] } : {}),
            },
          },
        }),
      ),
    [process.value, status.value],
  );
  const choice = `${process.value} ${status.value}`;
  const page = more.value?.of === choice ? more.value : null;
  return (
    <>
      <div class="inline">
        <Select
          aria-label={t("流程", "Process")}
          choices={processChoices(processes.asked.value.data?.processes ?? [])}
          value={process.value}
          onChoose={(id) => {
            process.value = id;
          }}
          empty={t("全部流程", "All processes")}
        />
        <Select
          aria-label={t("状态", "State")}
          choices={STATES.map(([value, zh, en]) => ({ value, label: t(zh, en) }))}
          value={status.value}
          onChoose={(code) => {
            status.value = code;
          }}
          empty={t("全部状态", "All states")}
        />
      </div>
      <Found asked={asked} again={again}>
        {({ jobs, links }) => {
          const rows = [...jobs, ...(page?.jobs ?? [])];
          const next = page ? page.next : nextOf(links);
          return (
            <>
              <Table
                label={t("作业", "Jobs")}
                rows={rows}
                keyOf={(job) => job.jobID}
                onOpen={(job) => onOpen(job.jobID)}
                empty={t("没有这样的作业。", "No such jobs.")}
                columns={[
                  {
                    id: "process",
                    title: t("流程", "Process"),
                    cell: (job) => processTitle(job.processID),
                  },
                  {
                    id: "title",
                    title: t("名称", "Name"),
                    cell: (job) => job.title ?? "–",
                    order: (job) => job.title,
                  },
                  {
                    id: "status",
                    title: t("状态", "State"),
                    cell: (job) => <StatusBadge status={job.status} />,
                  },
                  {
                    id: "created",
                    title: t("提交", "Asked for"),
                    cell: (job) => moment(job.created),
                    order: (job) => job.created,
                  },
                  {
                    id: "took",
                    title: t("用时", "Took"),
                    cell: (job) =>
                      job.started ? duration(job.started, job.finished ?? null) : "–",
                  },
                ]}
              />
              {next && (
                <Button
                  onClick={() =>
                    attempt(async () => {
                      const found = await read<Schema<"Jobs">>(next);
                      more.value = {
                        of: choice,
                        jobs: [...(page?.jobs ?? []), ...found.jobs],
                        next: nextOf(found.links),
                      };
                    })
                  }
                >
                  {t("更多", "More")}
                </Button>
              )}
            </>
          );
        }}
      </Found>
    </>
  );
}

const nextOf = (links: readonly { rel: string; href: string }[]) =>
  links.find(({ rel }) => rel === "next")?.href;
