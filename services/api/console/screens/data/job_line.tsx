/** A job of this screen, followed until it is over, with what it was refused for. */

import { useEffect, useRef } from "preact/hooks";
import { isOver, type Job, JobProgress, processTitle, StatusBadge, useJob } from "../../kit/jobs";
import { screenPath } from "../../kit/screens";
import { t } from "../../kit/words";

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
  const news = useJob(id);
  const now = news.job;
  const over = useRef(onOver);
  over.current = onOver;
  useEffect(() => {
    if (now && isOver(now.status)) over.current?.(now);
  }, [now?.status]);
  if (!now) return <JobProgress {...news} />;
  const title = processTitle(now.processID);
  return (
    <div class="job-line">
      <p class="inline">
        <a href={screenPath("compute", { job: id })}>{title}</a>{" "}
        {!news.fault && <StatusBadge status={now.status} />}
      </p>
      <JobProgress {...news} label={title} />
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
