/** A job of this screen, followed until it is over, with what it was refused for. */

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { follow, isOver, type Job, processTitle, StatusBadge } from "../../kit/jobs";
import { screenPath } from "../../kit/screens";
import { Progress, Waiting } from "../../kit/ui";
import { lang, t } from "../../kit/words";

export function JobLine({
  id,
  file,
  onOver,
}: {
  id: string;
  /** Name of the file it is about, which a refusal names. */
  file?: string;
  onOver?: (job: Job) => void;
}) {
  const job = useSignal<Job | null>(null);
  const over = useRef(onOver);
  over.current = onOver;
  useEffect(() => {
    if (job.peek()?.jobID !== id) job.value = null;
    return follow(id, job);
  }, [id, lang.value]);
  const status = job.value?.status ?? "";
  useEffect(() => {
    if (job.value && isOver(status)) over.current?.(job.value);
  }, [status]);
  const now = job.value;
  if (!now) return <Waiting />;
  const title = processTitle(now.processID);
  return (
    <div class="job-line">
      <p class="inline">
        <a href={screenPath("compute", { job: id })}>{title}</a> <StatusBadge status={now.status} />
      </p>
      {!isOver(now.status) && <Progress percent={now.progress ?? 0} label={title} />}
      {now.status === "failed" && <Why job={now} file={file} />}
    </div>
  );
}

function Why({ job: { exception: why }, file }: { job: Job; file: string | undefined }) {
  if (!why) return null;
  return (
    <div class="notice bad" role="alert">
      <p>
        {file && (
          <strong>
            {file}
            {t("：", ": ")}
          </strong>
        )}
        {why.detail || why.title || t("失败", "failed")}
      </p>
      {why.errors && why.errors.length > 1 && (
        <ul>
          {why.errors.map((one) => (
            <li key={one.pointer + (one.detail ?? "")}>{one.detail}</li>
          ))}
        </ul>
      )}
    </div>
  );
}
