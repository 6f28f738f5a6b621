/** For tests of jobs: their events are what a test tells, in place of the browser's streams. */

import { act } from "@testing-library/preact";
import { vi } from "vitest";
import type { Schema } from "./api";

type Job = Schema<"StatusInfo">;

/** A job as the service tells of it. */
export const jobOf = (jobID: string, processID: string, more: Partial<Job> = {}): Job => ({
  jobID,
  processID,
  type: "process",
  status: "accepted",
  message: "",
  attempt: 1,
  priority: 0,
  links: [],
  ...more,
});

/** Take the place of event streams.
 * @returns Tells whoever follows a job what became of it, and whether anybody does. */
export function follow() {
  const open = new Map<string, (event: { data: string }) => void>();
  const streams = new Map<string, { onerror?: () => void; onopen?: () => void }>();
  let lang: string | null = null;
  vi.stubGlobal(
    "EventSource",
    class {
      static readonly CLOSED = 2;
      readonly readyState = 1;
      readonly id: string;
      onerror?: () => void;
      onopen?: () => void;
      constructor(address: string) {
        const { pathname, searchParams } = new URL(address);
        this.id = pathname.split("/").at(-2) ?? "";
        lang = searchParams.get("lang");
        streams.set(this.id, this);
      }
      addEventListener(_: string, take: (event: { data: string }) => void) {
        open.set(this.id, take);
      }
      close() {
        open.delete(this.id);
      }
    },
  );
  return {
    /** The language that the newest stream was asked for in. */
    spoken: () => lang,
    followed: (id: string) => open.has(id),
    /** The stream breaks off, and is not there when the browser comes again. */
    lose: (id: string) =>
      act(async () => {
        for (let time = 0; time < 2; time++) streams.get(id)?.onerror?.();
      }),
    regain: (id: string) => act(async () => streams.get(id)?.onopen?.()),
    tell: (job: Job) => act(async () => open.get(job.jobID)?.({ data: JSON.stringify(job) })),
  };
}
