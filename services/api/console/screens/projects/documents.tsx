/** The documents and photos of a project, and adding one. */

import { useSignal } from "@preact/signals";
import { faultOf, type Schema, send } from "../../kit/api";
import { address } from "../../kit/features";
import { bytes, day, moment, today } from "../../kit/format";
import { API } from "../../kit/page";
import { Table } from "../../kit/table";
import { attempt, Empty, Panel, Select } from "../../kit/ui";
import { called, t } from "../../kit/words";
import type { Dossier } from "./card";
import { measureName, nameOfMeasure } from "./measures";
import { mayWrite } from "./roles";

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

type Paper = Schema<"ProjectDocument">;

/** Pictures that browsers draw; others are files to be fetched. */
const DRAWN = new Set(["image/png", "image/jpeg", "image/webp"]);
const isPhoto = ({ kind, media_type }: Paper) => kind === "photo" && DRAWN.has(media_type);
/** The day a photo tells, else that on which it came. */
const takenOn = ({ period_to, period_from, uploaded_at }: Paper) =>
  period_to ?? period_from ?? uploaded_at;
const fileOf = ({ code }: Paper) => `${API}/documents/${encodeURIComponent(code)}/file`;

export function Documents({ project, again }: { project: Dossier; again: () => void }) {
  const kind = useSignal("proposal");
  const title = useSignal("");
  const about = useSignal("");
  const taken = useSignal("");
  /** The measure a document is about; nothing for what is about the whole project. */
  const aboutOf = ({ measure }: Paper) =>
    measure === null ? "" : nameOfMeasure(project.measures, measure);
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
          measure: about.value || undefined,
          period_to: (kind.value === "photo" && taken.value) || undefined,
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
  const photos = project.documents
    .filter(isPhoto)
    .sort((a, b) => takenOn(a).localeCompare(takenOn(b)));
  const others = project.documents.filter((one) => !isPhoto(one));
  return (
    <>
      {mayWrite() && (
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
            {project.measures.length > 0 && (
              <Select
                aria-label={t("有关措施", "Measure")}
                value={about.value}
                empty={t("整个项目", "the whole project")}
                onChoose={(chosen) => {
                  about.value = chosen;
                }}
                choices={project.measures.map((one) => ({
                  value: one.measure,
                  label: measureName(one),
                }))}
              />
            )}
            {kind.value === "photo" && (
              <input
                type="date"
                max={today()}
                aria-label={t("拍摄日期", "Day it was taken")}
                value={taken.value}
                onInput={({ currentTarget }) => {
                  taken.value = currentTarget.value;
                }}
              />
            )}
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
      {!project.documents.length && <Empty>{t("还没有文件。", "No documents yet.")}</Empty>}
      {photos.length > 0 && (
        <Panel title={t("照片", "Photos")}>
          <div class="photos">
            {photos.map((one) => (
              <figure key={one.code}>
                <a href={fileOf(one)}>
                  <img src={fileOf(one)} alt={called(one, "title")} loading="lazy" />
                </a>
                <figcaption>
                  {called(one, "title")}{" "}
                  <small>{[aboutOf(one), day(takenOn(one))].filter(Boolean).join(" · ")}</small>
                </figcaption>
              </figure>
            ))}
          </div>
        </Panel>
      )}
      {others.length > 0 && (
        <Table
          label={t("文件", "Documents")}
          rows={others}
          keyOf={({ code }) => code}
          columns={[
            {
              id: "title",
              title: t("标题", "Title"),
              cell: (one) => <a href={fileOf(one)}>{called(one, "title")}</a>,
            },
            {
              id: "kind",
              title: t("类别", "Kind"),
              cell: ({ kind }) => t(...(PAPERS[kind] ?? (["其他", "other"] as const))),
            },
            { id: "measure", title: t("有关措施", "Measure"), cell: aboutOf },
            {
              id: "bytes",
              title: t("大小", "Size"),
              numeric: true,
              cell: (one) => bytes(one.bytes),
            },
            { id: "at", title: t("上传", "Added"), cell: ({ uploaded_at }) => moment(uploaded_at) },
          ]}
        />
      )}
    </>
  );
}
