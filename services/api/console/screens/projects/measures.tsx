/** The measures of a project, planned and done; whoever carries them out tells how far they are. */

import { useSignal } from "@preact/signals";
import { type Schema, write } from "../../kit/api";
import { number } from "../../kit/format";
import { may } from "../../kit/session";
import { Table } from "../../kit/table";
import { unitName } from "../../kit/terms";
import { attempt, Button, Empty } from "../../kit/ui";
import { called, t } from "../../kit/words";
import type { Dossier } from "./card";

export function Measures({ project, again }: { project: Dossier; again: () => void }) {
  const told = useSignal<Record<string, string>>({});
  const save = (one: Schema<"Measure">) => {
    const { measure, progress_percent, ...rest } = one;
    const done = told.value[measure];
    const path = `/projects/${encodeURIComponent(project.project)}/measures/${encodeURIComponent(measure)}`;
    return attempt(
      async () => {
        await write("PUT", path, { ...rest, done: done === "" ? null : Number(done) });
        const { [measure]: _, ...others } = told.value;
        told.value = others;
        again();
      },
      t("进度已保存", "Progress is saved"),
    );
  };
  if (!project.measures.length)
    return <Empty>{t("没有列出措施。", "No measures are listed.")}</Empty>;
  return (
    <Table
      label={t("措施", "Measures")}
      rows={project.measures}
      keyOf={({ measure }) => measure}
      columns={[
        {
          id: "name",
          title: t("措施", "Measure"),
          cell: (one) => called(one) || <code>{one.measure}</code>,
        },
        {
          id: "planned",
          title: t("计划", "Planned"),
          numeric: true,
          cell: (one) => amount(one.planned, one.unit),
        },
        {
          id: "done",
          title: t("完成", "Done"),
          cell: (one) =>
            may("projects") ? (
              <span class="inline">
                <input
                  type="number"
                  step="any"
                  min={0}
                  aria-label={t(`${called(one)}：完成量`, `${called(one)}: done`)}
                  value={told.value[one.measure] ?? one.done ?? ""}
                  onInput={({ currentTarget }) => {
                    told.value = { ...told.value, [one.measure]: currentTarget.value };
                  }}
                />
                <Button disabled={told.value[one.measure] === undefined} onClick={() => save(one)}>
                  {t("保存", "Save")}
                </Button>
              </span>
            ) : (
              amount(one.done, one.unit)
            ),
        },
        {
          id: "progress",
          title: t("进度", "Progress"),
          cell: ({ progress_percent }) =>
            progress_percent === null ? (
              "–"
            ) : (
              <progress
                max={100}
                value={progress_percent}
                aria-label={`${number(progress_percent)}%`}
              />
            ),
        },
      ]}
    />
  );
}

const amount = (value: number | null, unit: string | null) =>
  value === null ? number(value) : `${number(value)} ${unitName(unit ?? "")}`.trim();
