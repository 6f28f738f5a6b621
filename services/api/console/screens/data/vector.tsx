/** A file of features: checked first, its fields matched over its first rows, then imported. */

import { batch } from "@preact/signals";
import { api, ask, type Fault, read } from "../../kit/api";
import { told, useAsked } from "../../kit/asked";
import { schemaOf } from "../../kit/features";
import { SubmitForm } from "../../kit/form";
import { number } from "../../kit/format";
import { execute } from "../../kit/jobs";
import { keep, recall } from "../../kit/kept";
import { outputPath } from "../../kit/results";
import { Table } from "../../kit/table";
import { Badge, Button, type Choice, FaultBox, Field, Found, Select } from "../../kit/ui";
import { lang, t } from "../../kit/words";
import { JobLine } from "./job_line";
import { type Finding, remapped, type Summary, targets, understood } from "./mapping";
import type { Staying } from "./upload";

const ENCODINGS = ["UTF-8", "GBK", "GB18030", "Big5", "ISO-8859-1"];

interface Report {
  /** The job that wrote it. */
  job: string;
  summary: Summary;
  findings: Finding[];
}

export function VectorForm({
  file,
  upload,
  stay,
  onDone,
}: {
  file: File;
  upload: string;
  stay: Staying;
  onDone: () => void;
}) {
  const collections = useAsked(() => ask(api.GET("/collections")), []);
  const collection = stay("collection", recall<string>("import.collection") ?? "zones");
  const encoding = stay("encoding", "");
  const crs = stay("crs", "");
  const visibility = stay("visibility", "");
  const repair = stay("repair", false);
  const partly = stay("partly", false);
  const mapping = stay<Record<string, string> | null>("mapping", null);
  const job = stay<{ id: string; check: boolean } | null>("job", null);
  const report = stay<Report | null>("report", null);
  const fault = stay<Fault | null>("fault", null);
  const busy = stay("busy", false);
  const anew = () =>
    batch(() => {
      mapping.value = null;
      report.value = null;
      job.value = null;
    });
  const start = async (check: boolean) => {
    busy.value = true;
    fault.value = null;
    try {
      const inputs = {
        upload,
        collection: collection.value,
        mode: check ? "check" : partly.value ? "valid_rows" : "all_or_nothing",
        ...(mapping.value ? { mapping: mapping.value } : {}),
        ...(encoding.value ? { encoding: encoding.value } : {}),
        ...(crs.value.trim() ? { crs: crs.value.trim() } : {}),
        ...(visibility.value ? { visibility: visibility.value } : {}),
        ...(repair.value ? { repair: true } : {}),
      };
      const { jobID } = await execute("import-features", inputs, crypto.randomUUID());
      job.value = { id: jobID, check };
    } catch (error) {
      fault.value = told(error);
      busy.value = false;
    }
  };
  const finish = async (id: string, status: string) => {
    try {
      if (status !== "successful") return;
      const { findings } = await read<{ findings: Finding[] }>(`/jobs/${id}/results/report`);
      const { summary } = await read<{ summary: Summary }>(`/jobs/${id}/results`);
      batch(() => {
        report.value = { job: id, summary, findings };
        if (summary.verdict === "checked") mapping.value ??= understood(summary);
      });
      if (summary.verdict === "imported") onDone();
    } catch (error) {
      fault.value = told(error);
    } finally {
      busy.value = false;
    }
  };
  const found = report.value;
  const checked = found?.summary.verdict === "checked";
  return (
    <SubmitForm class="form wide" onSubmit={() => start(true)}>
      <Found asked={collections.asked} again={collections.again}>
        {({ collections }) => (
          <Field label={t("导入到", "Import into")}>
            <Select
              choices={collections.map(({ id, title }) => ({ value: id, label: title }))}
              value={collection.value}
              // What is told of a check is of the choice that it began with.
              disabled={busy.value}
              onChoose={(id) => {
                collection.value = id;
                keep("import.collection", id);
                anew();
              }}
            />
          </Field>
        )}
      </Found>
      <details class="group">
        <summary>{t("文件没有说明的内容", "What the file does not say itself")}</summary>
        <Field label={t("文字编码", "Encoding")}>
          <Select
            choices={ENCODINGS.map((value) => ({ value, label: value }))}
            value={encoding.value}
            disabled={busy.value}
            onChoose={(code) => {
              encoding.value = code;
              // Fields are called otherwise in another encoding.
              anew();
            }}
            empty={t("自动识别", "found by itself")}
          />
        </Field>
        <Field
          label={t("坐标系", "Reference system")}
          hint={t(
            "如 EPSG:4548；文件已注明时不填",
            "such as EPSG:4548; not where the file says it",
          )}
        >
          <input
            type="text"
            maxLength={80}
            value={crs.value}
            onInput={({ currentTarget }) => {
              crs.value = currentTarget.value;
            }}
          />
        </Field>
        <Field label={t("新建对象的可见范围", "Who may read new objects")}>
          <Select
            choices={[
              { value: "signed_in", label: t("登录可见", "who is signed in") },
              { value: "public", label: t("公开", "everybody") },
            ]}
            value={visibility.value}
            onChoose={(code) => {
              visibility.value = code;
            }}
            empty={t("本区域可见", "who has a role in the region")}
          />
        </Field>
        <label class="check">
          <input
            type="checkbox"
            checked={repair.value}
            onChange={({ currentTarget }) => {
              repair.value = currentTarget.checked;
            }}
          />
          {t("修复无效图形并去除高程", "Mend invalid geometry and drop heights")}
        </label>
      </details>
      {checked && found.summary.columns && (
        <Matching
          summary={found.summary}
          collection={collection.value}
          mapping={mapping.value ?? {}}
          onChange={(now) => {
            mapping.value = now;
          }}
        />
      )}
      <FaultBox fault={fault.value} />
      {job.value && (
        <JobLine
          key={job.value.id}
          id={job.value.id}
          file={file.name}
          onOver={({ status, jobID }) => finish(jobID, status)}
        />
      )}
      {found && <Told report={found} name={file.name} collection={collection.value} />}
      <div class="actions">
        <Button kind={checked ? "plain" : "main"} submits busy={busy.value}>
          {checked ? t("按此对应重新检查", "Check again with this matching") : t("检查", "Check")}
        </Button>
        {checked && (
          <>
            <Button
              kind="main"
              busy={busy.value}
              disabled={found.summary.rejected > 0 && !partly.value}
              onClick={() => start(false)}
            >
              {t("导入", "Import")}
            </Button>
            <label class="check">
              <input
                type="checkbox"
                checked={partly.value}
                onChange={({ currentTarget }) => {
                  partly.value = currentTarget.checked;
                }}
              />
              {t("有错误的行不导入，其余导入", "Leave out rows with faults, import the others")}
            </label>
          </>
        )}
      </div>
    </SubmitForm>
  );
}

/** Each field with its first values and the property it becomes. */
function Matching({
  summary,
  collection,
  mapping,
  onChange,
}: {
  summary: Summary;
  collection: string;
  mapping: Record<string, string>;
  onChange: (mapping: Record<string, string>) => void;
}) {
  const { asked, again } = useAsked(() => schemaOf(collection), [collection]);
  return (
    <Found asked={asked} again={again}>
      {({ properties }) => {
        const choices: Choice[] = targets(properties);
        return (
          <div class="table" tabIndex={0} role="region" aria-label={t("字段对应", "Fields")}>
            <table>
              <thead>
                <tr>
                  <th>{t("文件字段", "Field of the file")}</th>
                  <th>{t("导入为", "Becomes")}</th>
                  <th>{t("前几行的内容", "In the first rows")}</th>
                </tr>
              </thead>
              <tbody>
                {(summary.columns ?? []).map((field, n) => (
                  <tr key={field}>
                    <th scope="row">
                      <code>{field}</code>
                    </th>
                    <td>
                      <Select
                        aria-label={t(`字段 ${field} 导入为`, `What field ${field} becomes`)}
                        choices={choices}
                        value={mapping[field] ?? ""}
                        onChoose={(property) => onChange(remapped(mapping, field, property))}
                        empty={
                          summary.ignored?.includes(field)
                            ? t("（不导入）", "(left out)")
                            : t("（原样保留）", "(kept as it is)")
                        }
                      />
                    </td>
                    <td>
                      {(summary.preview ?? [])
                        .map((row) => row[n])
                        .filter(Boolean)
                        .join(t("、", ", "))}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        );
      }}
    </Found>
  );
}

const VERDICTS: Record<string, [string, string, "good" | "warn" | "bad" | "info"]> = {
  checked: ["已检查，未写入", "checked, nothing written", "info"],
  imported: ["已导入", "imported", "good"],
  partly_imported: ["部分导入", "imported in part", "warn"],
  refused: ["未导入", "refused", "bad"],
};

/** What became of the objects; of a check, what would. */
function changesOf({ verdict, created, updated, unchanged }: Summary): string {
  return verdict === "checked"
    ? t(
        `；导入将新增 ${number(created)}，更新 ${number(updated)}，未变 ${number(unchanged)}`,
        `; ${number(created)} would be created, ${number(updated)} changed, ${number(unchanged)} as before`,
      )
    : t(
        `；新增 ${number(created)}，更新 ${number(updated)}，未变 ${number(unchanged)}`,
        `; ${number(created)} created, ${number(updated)} changed, ${number(unchanged)} as before`,
      );
}

/** What came out, and each fault with its row and what to do about it. */
function Told({ report, name, collection }: { report: Report; name: string; collection: string }) {
  const { job, summary, findings } = report;
  const { properties } = useAsked(() => schemaOf(collection), [collection]).asked.value.data ?? {};
  const [zh, en, tone] = VERDICTS[summary.verdict] ?? ["", "", "info"];
  return (
    <>
      <p class="inline" role="status">
        <strong>{name}</strong> <Badge tone={tone}>{t(zh, en)}</Badge>{" "}
        {t(
          `${number(summary.rows)} 行，${number(summary.rejected)} 行有错`,
          `${number(summary.rows)} rows, ${number(summary.rejected)} with faults`,
        )}
        {summary.created !== undefined && changesOf(summary)}
      </p>
      <p class="hint">
        {[summary.format, summary.encoding, summary.crs, summary.layer].filter(Boolean).join(" · ")}
      </p>
      {findings.length > 0 && (
        <>
          <Table
            label={t("逐行报告", "Report by row")}
            rows={findings}
            keyOf={(one) => `${one.row} ${one.rule} ${one.member} ${one.detail}`}
            columns={[
              {
                id: "row",
                title: t("行", "Row"),
                cell: ({ row }) => row || t("全部", "all"),
                order: ({ row }) => row,
                numeric: true,
              },
              { id: "code", title: t("代码", "Code"), cell: ({ code }) => <code>{code}</code> },
              {
                id: "member",
                title: t("内容", "Property"),
                cell: ({ member }) => member && (properties?.[member]?.title ?? member),
              },
              {
                id: "severity",
                title: t("程度", "Weight"),
                cell: ({ severity }) => (
                  <Badge tone={severity === "error" ? "bad" : "info"}>
                    {severity === "error" ? t("错误", "fault") : t("说明", "note")}
                  </Badge>
                ),
                order: ({ severity }) => severity,
              },
              {
                id: "detail",
                title: t("问题与处理办法", "What, and what to do"),
                cell: (one) => (lang.value === "zh" ? one.detail_zh : one.detail),
              },
            ]}
          />
          <p>
            <a href={outputPath(job, "table")}>{t("下载报告（表格）", "The report as a table")}</a>
          </p>
        </>
      )}
    </>
  );
}
