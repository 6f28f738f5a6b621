import { describe, expect, it, vi } from "vitest";
import type { Schema } from "../../kit/api";
import { type Answer, open, screen, serve, waitFor, within } from "../../kit/testing";
import { jobOf } from "../../kit/testing_jobs";
import { History } from "./history";

const ANALYST = { scopes: ["read", "jobs"] as const };
const at = { created: "2024-05-06T02:00:00Z" };
const JOBS = [
  jobOf("j1", "run-scenario", {
    ...at,
    status: "successful",
    title: "Green gap",
    started: at.created,
    finished: "2024-05-06T02:01:30Z",
  }),
  jobOf("j2", "echo", { ...at, status: "failed" }),
];
const answers = (jobs: Answer): Record<string, Answer> => ({
  "GET /processes": {
    processes: [
      { id: "run-scenario", title: "Run a scenario" },
      { id: "echo", title: "Echo" },
    ],
  },
  "GET /jobs": jobs,
});
const page = (jobs: Schema<"StatusInfo">[], next?: string) => ({
  jobs,
  links: next ? [{ rel: "next", href: next }] : [],
});
const rows = () =>
  within(screen.getByRole("region", { name: /Jobs|作业/ }))
    .getAllByRole("row")
    .slice(1)
    .map((row) => [...row.children].map(({ textContent }) => textContent));

describe("the jobs there were", () => {
  it("are told by process, title, state and time", async () => {
    serve(answers(page(JOBS)));
    open(<History onOpen={() => {}} />, ANALYST);
    await screen.findByText("Green gap");
    await waitFor(() => expect(rows()[0]?.[0]).toBe("Run a scenario"));
    expect(rows().map(([, title, state]) => [title, state])).toEqual([
      ["Green gap", "done"],
      ["–", "failed"],
    ]);
    expect(rows()[1]?.at(-1)).toBe("–");
  });

  it("are opened by their row", async () => {
    serve(answers(page(JOBS)));
    const opened = vi.fn();
    const hands = open(<History onOpen={opened} />, ANALYST);
    await hands.click(await screen.findByText("Green gap"));
    expect(opened).toHaveBeenCalledWith("j1");
  });

  it("are asked for by process and state", async () => {
    const sent = serve(answers(({ query }) => page(query.get("status") ? [] : JOBS)));
    const hands = open(<History onOpen={() => {}} />, ANALYST);
    await screen.findByText("Green gap");
    await hands.selectOptions(screen.getByLabelText("Process"), "echo");
    await hands.selectOptions(screen.getByLabelText("State"), "failed");
    expect(await screen.findByText("No such jobs.")).toBeTruthy();
    const last = sent.at(-1)?.query;
    expect([last?.get("processID"), last?.get("status")]).toEqual(["echo", "failed"]);
  });

  it("come page after page, and begin anew with another choice", async () => {
    const more = jobOf("j3", "echo", { ...at, title: "Third" });
    serve(
      answers(({ query }) =>
        query.get("cursor") ? page([more]) : page(JOBS, `${location.origin}/jobs?cursor=x`),
      ),
    );
    const hands = open(<History onOpen={() => {}} />, ANALYST);
    await hands.click(await screen.findByRole("button", { name: "More" }));
    expect(await screen.findByText("Third")).toBeTruthy();
    expect(rows()).toHaveLength(3);
    expect(screen.queryByRole("button", { name: "More" })).toBeNull();
    await hands.selectOptions(screen.getByLabelText("State"), "failed");
    await waitFor(() => expect(rows()).toHaveLength(2));
  });

  it("are told in Chinese", async () => {
    serve(answers(page(JOBS)));
    open(<History onOpen={() => {}} />, { ...ANALYST, lang: "zh" });
    await screen.findByText("Green gap");
    expect(rows().map(([, , state]) => state)).toEqual(["完成", "失败"]);
  });
});
