/** Reports of finished jobs, as page, PDF and document. */

import { useSignal } from "@preact/signals";
import { api, ask, read } from "../../kit/api";
import { useAsked } from "../../kit/asked";
import { moment } from "../../kit/format";
import { type Job, processTitle } from "../../kit/jobs";
import { Pages } from "../../kit/pages";
import { outputPath } from "../../kit/results";
import { screenPath } from "../../kit/screens";
import { Table } from "../../kit/table";
import { Empty, Found, Select } from "../../kit/ui";
import { lang, t } from "../../kit/words";

const DOCUMENTS = { report: "HTML", report_pdf: "PDF", report_docx: "DOCX" } as const;

type Outputs = Record<string, readonly string[]>;

/** The documents each process leaves; processes that leave none are not there. */
async function reporting(signal: AbortSignal): Promise<Outputs> {
  const { processes } = await ask(api.GET("/processes"));
  const described = await Promise.all(
    processes.map(({ id }) =>
      read<{ id: string; outputs: Record<string, unknown> }>(`/processes/${id}`, signal),
    ),
  );
  return documentsOf(described);
}

/** Of described processes those with a report, and in which forms. */
export function documentsOf(
  described: readonly { id: string; outputs: Record<string, unknown> }[],
): Outputs {
  return Object.fromEntries(
    described
      .filter(({ outputs }) => "report" in outputs)
      .map(({ id, outputs }) => [id, Object.keys(DOCUMENTS).filter((name) => name in outputs)]),
  );
}

const none = () => t("还没有带报告的作业。", "No job has left a report yet.");

export function Reports() {
  const { asked, again } = useAsked(reporting, []);
  return (
    <Found asked={asked} again={again}>
      {(outputs) =>
        Object.keys(outputs).length ? <List outputs={outputs} /> : <Empty>{none()}</Empty>
      }
    </Found>
  );
}

function List({ outputs }: { outputs: Outputs }) {
  const process = useSignal("");
  const { asked, again } = useAsked(
    () =>
      ask(
        api.GET("/jobs", {
          params: {
            query: {
              limit: 50,
              status: ["successful"],
              processID: process.value ? [process.value] : Object.keys(outputs),
            },
          },
        }),
      ),
    [process.value],
  );
  return (
    <div class="stack">
      <div class="inline">
        <Select
          aria-label={t("流程", "Process")}
          choices={Object.keys(outputs).map((id) => ({ value: id, label: processTitle(id) }))}
          value={process.value}
          onChoose={(id) => {
            process.value = id;
          }}
          empty={t("全部流程", "All processes")}
        />
      </div>
      <Pages asked={asked} again={again} rowsOf={({ jobs }) => jobs}>
        {(rows: Job[]) => (
          <Table
            label={t("报告", "Reports")}
            rows={rows}
            keyOf={(job) => job.jobID}
            empty={none()}
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
                id: "finished",
                title: t("完成", "Finished"),
                cell: (job) => moment(job.finished),
                order: (job) => job.finished,
              },
              {
                id: "documents",
                title: t("报告", "Report"),
                cell: (job) => (
                  <span class="actions">
                    {(outputs[job.processID] ?? []).map((name) => (
                      <a
                        key={name}
                        href={`${outputPath(job.jobID, name)}?lang=${lang.value}`}
                        target="_blank"
                        rel="noopener"
                      >
                        {DOCUMENTS[name as keyof typeof DOCUMENTS]}
                      </a>
                    ))}
                  </span>
                ),
              },
            ]}
          />
        )}
      </Pages>
    </div>
  );
}
