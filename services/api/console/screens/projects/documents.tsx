/** The documents and photos of a project, and adding one. */

import { useSignal } from "@preact/signals";
import { faultOf, send } from "../../kit/api";
import { address } from "../../kit/features";
import { bytes, moment } from "../../kit/format";
import { API } from "../../kit/page";
import { may } from "../../kit/session";
import { Table } from "../../kit/table";
import { attempt, Panel, Select } from "../../kit/ui";
import { called, t } from "../../kit/words";
import type { Dossier } from "./card";

/** Kinds of documents that the API knows. */
const PAPERS: Record<string, [zh: string, en: string]> = {
  proposal: ["申报材料", "proposal"],
  design: ["设计文件", "design"],
  notice: ["公示", "public notice"],
  completion: ["完工文件", "completion of measures"],
  acceptance: ["验收文件", "acceptance"],
  monitoring: ["监测结果", "monitoring result"],
  effect_evaluation: ["成效评估", "evaluation of effect"],
  after_care: ["管护记录", "record of after-care"],
  photo: ["照片", "photo"],
  other: ["其他", "other"],
};

export function Documents({ project, again }: { project: Dossier; again: () => void }) {
  const kind = useSignal("proposal");
  const title = useSignal("");
  const busy = useSignal(false);
  const upload = (file: File | undefined) =>
    file &&
    attempt(
      async () => {
        busy.value = true;
        const path = address(`/projects/${encodeURIComponent(project.project)}/documents`, {
          filename: file.name,
          kind: kind.value,
          title_zh: title.value || file.name,
        });
        try {
          const answer = await send(path, {
            method: "POST",
            headers: {
              "Content-Type": file.type || "application/octet-stream",
              "Idempotency-Key": crypto.randomUUID(),
            },
            body: file,
          });
          if (!answer.ok) throw await faultOf(answer);
          title.value = "";
          again();
        } finally {
          busy.value = false;
        }
      },
      t("文件已上传", "The document is there"),
    );
  return (
    <>
      {may("projects") && (
        <Panel title={t("上传文件", "Add a document")}>
          <div class="inline">
            <Select
              aria-label={t("类别", "Kind")}
              value={kind.value}
              onChoose={(chosen) => {
                kind.value = chosen;
              }}
              choices={Object.entries(PAPERS).map(([value, words]) => ({
                value,
                label: t(...words),
              }))}
            />
            <input
              type="text"
              maxLength={300}
              placeholder={t("标题（默认文件名）", "title (usually the file's name)")}
              aria-label={t("标题", "Title")}
              value={title.value}
              onInput={({ currentTarget }) => {
                title.value = currentTarget.value;
              }}
            />
            <input
              type="file"
              disabled={busy.value}
              aria-label={t("文件", "File")}
              onChange={({ currentTarget }) => {
                upload(currentTarget.files?.[0]);
                // The same file can be chosen again after a refusal.
                currentTarget.value = "";
              }}
            />
          </div>
        </Panel>
      )}
      <Table
        label={t("文件", "Documents")}
        rows={project.documents}
        keyOf={({ code }) => code}
        empty={t("还没有文件。", "No documents yet.")}
        columns={[
          {
            id: "title",
            title: t("标题", "Title"),
            cell: (one) => (
              <a href={`${API}/documents/${encodeURIComponent(one.code)}/file`}>
                {called(one, "title")}
              </a>
            ),
          },
          {
            id: "kind",
            title: t("类别", "Kind"),
            cell: ({ kind }) => t(...(PAPERS[kind] ?? (["其他", "other"] as const))),
          },
          { id: "bytes", title: t("大小", "Size"), numeric: true, cell: (one) => bytes(one.bytes) },
          { id: "at", title: t("上传", "Added"), cell: ({ uploaded_at }) => moment(uploaded_at) },
        ]}
      />
    </>
  );
}
