/** The steps of a project: what each asks, what of that is met, and taking one. */

import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { type Fault, type Schema, write } from "../../kit/api";
import { told } from "../../kit/asked";
import { SubmitForm } from "../../kit/form";
import { heldBy, isStale } from "../../kit/held";
import { may } from "../../kit/session";
import { Badge, Button, Dialog, Empty, FaultBox, Field, Panel } from "../../kit/ui";
import { called, t } from "../../kit/words";
import type { Dossier } from "./card";

/** The steps from here, each with what it asks and what of that is met. */
export function Steps({
  project,
  etag,
  again,
}: {
  project: Dossier;
  etag: string | null;
  again: () => void;
}) {
  const taking = useSignal<Schema<"ProjectStep"> | null>(null);
  if (!project.transitions.length) {
    return (
      <Empty>{t("没有下一步：项目已结束。", "No step is left: the project has ended.")}</Empty>
    );
  }
  return (
    <div class="panels">
      {project.transitions.map((step) => (
        <Panel
          key={step.to}
          title={`→ ${called(step)}`}
          actions={
            may("projects") &&
            step.role.met && (
              <Button kind={step.allowed ? "main" : "plain"} onClick={() => (taking.value = step)}>
                {t("办理", "Take")}
              </Button>
            )
          }
        >
          <ul class="plain">
            {!step.role.met && (
              <li>
                <Badge tone="warn">{t("缺", "lacks")}</Badge> {called(step.role, "text")}
              </li>
            )}
            {step.conditions.map((condition) => (
              <li key={condition.code}>
                <Badge tone={condition.met ? "good" : condition.met === null ? "plain" : "warn"}>
                  {condition.met
                    ? t("已满足", "met")
                    : condition.met === null
                      ? t("待填", "to give")
                      : t("缺", "lacks")}
                </Badge>{" "}
                {called(condition, "text")}
              </li>
            ))}
          </ul>
        </Panel>
      ))}
      {taking.value && (
        <TakeStep
          project={project}
          etag={etag}
          step={taking.value}
          again={again}
          onClose={(taken) => {
            taking.value = null;
            if (taken) again();
          }}
        />
      )}
    </div>
  );
}

function TakeStep({
  project,
  etag,
  step,
  again,
  onClose,
}: {
  project: Dossier;
  /** The state that was looked at: another one is not decided on unseen. */
  etag: string | null;
  step: Schema<"ProjectStep">;
  again: () => void;
  onClose: (taken: boolean) => void;
}) {
  const note = useSignal("");
  const papers = useSignal<string[]>([]);
  const fault = useSignal<Fault | null>(null);
  const key = useMemo(() => crypto.randomUUID(), []);
  const take = async () => {
    const body = {
      to: step.to,
      ...(note.value ? { note: note.value } : {}),
      ...(papers.value.length ? { documents: papers.value } : {}),
    };
    try {
      await write("POST", `/projects/${encodeURIComponent(project.project)}/transitions`, body, {
        "Idempotency-Key": key,
        ...heldBy(etag),
      });
      onClose(true);
    } catch (error) {
      fault.value = told(error);
      if (isStale(error)) again();
    }
  };
  return (
    <Dialog title={`${called(project)} → ${called(step)}`} onClose={() => onClose(false)}>
      <SubmitForm onSubmit={take}>
        <Field label={t("说明", "Note")}>
          <textarea
            rows={3}
            maxLength={2000}
            value={note.value}
            onInput={({ currentTarget }) => {
              note.value = currentTarget.value;
            }}
          />
        </Field>
        {project.documents.length > 0 && (
          <fieldset>
            <legend>{t("依据文件", "Documents it is based on")}</legend>
            {project.documents.map((one) => (
              <label key={one.code} class="check">
                <input
                  type="checkbox"
                  checked={papers.value.includes(one.code)}
                  onChange={({ currentTarget }) => {
                    papers.value = currentTarget.checked
                      ? [...papers.value, one.code]
                      : papers.value.filter((code) => code !== one.code);
                  }}
                />
                {called(one, "title")}
              </label>
            ))}
          </fieldset>
        )}
        <FaultBox fault={fault.value} />
        <Button kind="main" submits>
          {t("办理", "Take the step")}
        </Button>
      </SubmitForm>
    </Dialog>
  );
}
