/** Jobs: started, followed from where they are, cancelled; what processes are called. */

import { type Signal, signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { api, ask, Fault, faultOf, type Schema, send, write } from "./api";
import { moment } from "./format";
import { API } from "./page";
import { Badge, FaultBox, Progress, type Tone, Waiting } from "./ui";
import { lang, t } from "./words";

export type Job = Schema<"StatusInfo">;
export type Status = Schema<"JobStatus">;

const STATUSES: Record<string, [zh: string, en: string, tone: Tone]> = {
  accepted: ["排队中", "queued", "plain"],
  running: ["运行中", "running", "info"],
  successful: ["完成", "done", "good"],
  failed: ["失败", "failed", "bad"],
  dismissed: ["已取消", "cancelled", "warn"],
};

export function StatusBadge({ status }: { status: string }) {
  const [zh, en, tone] = STATUSES[status] ?? [status, status, "plain" as const];
  return <Badge tone={tone}>{t(zh, en)}</Badge>;
}

/** Whether nothing more will happen to a job. */
export const isOver = (status: string) => !["accepted", "running"].includes(status);

const titles = signal<Record<string, string>>({});
let asked = "";

/** What a process is called; its code until the names are here. */
export function processTitle(id: string): string {
  if (asked !== lang.value) {
    const words = lang.value;
    asked = words;
    ask(api.GET("/processes")).then(
      ({ processes }) => {
        if (asked !== words) return;
        titles.value = Object.fromEntries(processes.map((one) => [one.id, one.title]));
      },
      () => {
        asked = "";
      },
    );
  }
  return titles.value[id] ?? id;
}

/** Start a process.
 * @param key Sent along so that a repeated click or a lost answer starts one job alone.
 * @throws Fault where the inputs were refused, with pointers to them. */
export async function execute(process: string, inputs: object, key: string): Promise<Job> {
  const { data } = await write<Job>(
    "POST",
    `/processes/${process}/execution`,
    { inputs },
    { Prefer: "respond-async", "Idempotency-Key": key },
  );
  return data;
}

/** Cancel a job, or forget one that is over. */
export const cancel = (id: string) => write<Job>("DELETE", `/jobs/${id}`);

/** Refusals that asking again does not change: nobody signed in, not theirs, forgotten. */
const FOR_GOOD = [401, 403, 404, 410];

/** After so long without a word the job is asked for: of a service that hangs, the stream does not
 * end, and no browser tells of the heartbeats that it misses, of which three would have come. */
const SILENT_MS = 45_000;
const ANSWERED_MS = 10_000;
const AGAIN_MS = 2000;

/** Follow a job until it is over: by its events, and by asking where those break off or are silent.
 * It is told in the language of the moment.
 * @param fault Told why there is nothing to follow, or since when nobody answers.
 * @returns What stops following. */
export function follow(
  id: string,
  job: Signal<Job | null>,
  fault: Signal<Fault | null>,
): () => void {
  let stopped = false;
  let since = "";
  let news = 0;
  let next: ReturnType<typeof setTimeout>;
  const askIn = (ms: number) => {
    clearTimeout(next);
    if (!stopped) next = setTimeout(again, ms);
  };
  const heard = () => {
    since = "";
    news += 1;
    fault.value = null;
    askIn(events.readyState === EventSource.CLOSED ? AGAIN_MS : SILENT_MS);
  };
  const lost = () => {
    if (stopped) return;
    const words = t(
      `与服务的连接自 ${moment(since)} 起中断；恢复后自动接着显示。`,
      `The connection has been lost since ${moment(since)}; it is taken up again by itself.`,
    );
    // A stream that ends is mostly there again at once: it is told when that fails.
    if (since) fault.value = new Fault(0, words);
    since ||= new Date().toISOString();
  };
  // A stream of events cannot say by a header which language it is wanted in.
  const address = `${API}/jobs/${id}/events?lang=${lang.peek()}`;
  const events = new EventSource(address, { withCredentials: true });
  events.addEventListener("status", ({ data }) => take(JSON.parse(data)));
  events.onopen = heard;
  events.onerror = () => {
    lost();
    // A server that drains ends the stream; the browser comes back by itself.
    if (events.readyState === EventSource.CLOSED) askIn(AGAIN_MS);
  };
  const stop = () => {
    stopped = true;
    clearTimeout(next);
    events.close();
  };
  const take = (told: Job) => {
    if (stopped) return;
    heard();
    job.value = told;
    if (isOver(told.status)) stop();
  };
  const again = async () => {
    const [before, began] = [news, new Date().toISOString()];
    try {
      const answer = await send(`/jobs/${id}`, { signal: AbortSignal.timeout(ANSWERED_MS) });
      const told = answer.ok ? await answer.json() : await faultOf(answer);
      // What was heard meanwhile is newer.
      if (stopped || news !== before) return;
      if (answer.ok) return take(told);
      if (FOR_GOOD.includes(answer.status)) {
        stop();
        fault.value = told;
      }
    } catch {
      // As where it is refused.
    }
    if (news !== before) return;
    since ||= began;
    lost();
    askIn(AGAIN_MS);
  };
  askIn(SILENT_MS);
  return stop;
}

/** What is known of a job, and why no more is. */
export type News = { job: Job | null; fault: Fault | null };

/** Follow a job as long as it is shown. */
export function useJob(id: string): News {
  const job: Signal<Job | null> = useSignal(null);
  const fault: Signal<Fault | null> = useSignal(null);
  useEffect(() => {
    if (job.peek()?.jobID !== id) job.value = null;
    fault.value = null;
    return follow(id, job, fault);
  }, [id, lang.value]);
  return { job: job.value, fault: fault.value };
}

/** How far a job is, or why that is not known. */
export function JobProgress({ job, fault, label = "" }: News & { label?: string }) {
  if (fault) return <FaultBox fault={fault} />;
  if (!job) return <Waiting />;
  return isOver(job.status) ? null : <Progress percent={job.progress ?? 0} label={label} />;
}
