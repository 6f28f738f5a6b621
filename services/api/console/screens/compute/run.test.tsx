import { describe, expect, it, vi } from "vitest";
import type { Schema } from "../../kit/api";
import { recall } from "../../kit/kept";
import { type Answer, act, open, refused, screen, serve, waitFor } from "../../kit/testing";
import { follow, jobOf } from "../../kit/testing_jobs";
import { Notices } from "../../kit/ui";
import { lang } from "../../kit/words";
import { Run } from "./run";

type Job = Schema<"StatusInfo">;
const ANALYST = { scopes: ["read", "jobs"] as const };
const INPUTS = { process: "run-scenario", inputs: { region: "xiamen", name_zh: "打通" } };
const PROCESSES = { processes: [{ id: "run-scenario", title: "Run a scenario" }] };
const DESCRIPTION = {
  id: "run-scenario",
  inputs: {},
  outputs: {
    table: { title: "Comparison as a table" },
    report: { title: "Report" },
    cost: { title: "Cost" },
  },
};
const file = (output: string, type: string) => ({
  href: `/jobs/j1/results/${output}`,
  rel: "item",
  type,
  title: output,
  length: 2048,
});
const RESULTS = {
  report: file("report", "text/html"),
  table: file("table", "text/csv"),
  cost: 12.5,
};

const answers = (more: Record<string, Answer> = {}): Record<string, Answer> => ({
  "GET /processes": PROCESSES,
  "GET /processes/run-scenario": DESCRIPTION,
  "GET /jobs/{}/results": RESULTS,
  "GET /jobs/{}/inputs": INPUTS,
  ...more,
});
const one = (status: Job["status"], more: Partial<Job> = {}) =>
  jobOf("j1", "run-scenario", { status, created: "2024-05-06T02:00:00Z", ...more });

/** Open a job, told how it stands. */
async function opened(job: Job, more: Record<string, Answer> = {}, who: object = ANALYST) {
  const sent = serve(answers(more));
  const { followed, spoken, tell, lose, regain } = follow();
  const [onOther, onChange] = [vi.fn(), vi.fn()];
  const hands = open(
    <>
      <Run id="j1" onOther={onOther} onChange={onChange} />
      <Notices />
    </>,
    who,
  );
  await waitFor(() => expect(followed("j1")).toBe(true));
  await tell(job);
  return { sent, tell, lose, regain, followed, spoken, hands, onOther, onChange };
}

const posts = (sent: { method: string }[]) => sent.filter(({ method }) => method === "POST");

describe("a job with a screen of its own", () => {
  it.each([
    ["select-sites", "/console/scenarios?tab=sites&job=j1"],
    ["run-scenario", "/console/scenarios?tab=compare&jobs=j1"],
  ])("of %s leads there once it is done", async (process, address) => {
    const made = (status: Job["status"]) => jobOf("j1", process, { status });
    const { tell } = await opened(made("running"), {
      [`GET /processes/${process}`]: { ...DESCRIPTION, id: process },
    });
    const link = () => screen.queryByRole("link", { name: "Show in scenarios and sites" });
    expect(await screen.findByRole("progressbar")).toBeTruthy();
    expect(link()).toBeNull();
    await tell(made("successful"));
    await waitFor(() => expect(link()?.getAttribute("href")).toBe(address));
  });

  it("is no other", async () => {
    await opened(jobOf("j1", "build-network", { status: "successful" }), {
      "GET /processes/build-network": { ...DESCRIPTION, id: "build-network" },
    });
    expect(await screen.findByRole("link", { name: /Manifest/ })).toBeTruthy();
    expect(screen.queryByRole("link", { name: "Show in scenarios and sites" })).toBeNull();
  });
});

describe("a job that goes on", () => {
  it("tells its stage and progress, and what becomes of it", async () => {
    const { tell, followed } = await opened(one("running", { progress: 30, message: "Reading" }));
    const bar = await screen.findByRole("progressbar");
    expect((bar as HTMLProgressElement).value).toBe(30);
    expect(screen.getByText("Reading")).toBeTruthy();
    await tell(one("running", { progress: 70, message: "Finding paths" }));
    expect((screen.getByRole("progressbar") as HTMLProgressElement).value).toBe(70);
    await tell(one("successful", { title: "Green gap" }));
    expect(await screen.findByRole("heading", { name: /Green gap done/ })).toBeTruthy();
    expect(screen.queryByRole("progressbar")).toBeNull();
    expect(followed("j1")).toBe(false);
  });

  it("is not shown as running where the service is away, until it is back", async () => {
    const { lose, regain } = await opened(one("running", { progress: 30 }));
    await screen.findByRole("progressbar");
    await lose("j1");
    expect(screen.getByRole("alert").textContent).toContain("The connection has been lost since");
    expect(screen.queryByRole("progressbar")).toBeNull();
    expect(screen.queryByText("running")).toBeNull();
    await regain("j1");
    expect(await screen.findByRole("progressbar")).toBeTruthy();
    expect(screen.getByText("running")).toBeTruthy();
    expect(screen.queryByRole("alert")).toBeNull();
  });

  it("goes on to be told in the other language, without being away in between", async () => {
    const { tell, spoken } = await opened(one("running", { progress: 30, message: "Reading" }));
    const bar = await screen.findByRole("progressbar");
    expect(spoken()).toBe("en");
    await act(async () => {
      lang.value = "zh";
    });
    expect(spoken()).toBe("zh");
    expect(screen.getByRole("progressbar")).toBe(bar);
    await tell(one("running", { progress: 40, message: "读取数据" }));
    expect(await screen.findByText("读取数据")).toBeTruthy();
  });

  it("leads to its results while their PDF is set", async () => {
    const links = [file("report", "text/html"), { ...file("x", "text/html"), rel: "self" }];
    const { tell } = await opened(one("running", { stage: "pdf", links }));
    const report = await screen.findByRole("link", { name: "report" });
    expect(report.getAttribute("href")).toBe("/jobs/j1/results/report");
    expect(screen.queryByRole("link", { name: "x" })).toBeNull();
    await tell(one("successful"));
    await waitFor(() => expect(screen.queryByText("Published already")).toBeNull());
  });

  it("is cancelled", async () => {
    const { sent, hands } = await opened(one("running"), {
      "DELETE /jobs/j1": one("dismissed"),
    });
    await hands.click(await screen.findByRole("button", { name: "Cancel" }));
    expect(await screen.findByText("Cancelled")).toBeTruthy();
    expect(sent.find(({ method }) => method === "DELETE")?.path).toBe("/jobs/j1");
    expect(screen.queryByRole("button", { name: "Run again" })).toBeNull();
  });

  it("of somebody else says that it may not be cancelled", async () => {
    const { hands } = await opened(one("running"), {
      "DELETE /jobs/j1": refused(403, "only who requested a job may dismiss it"),
    });
    await hands.click(await screen.findByRole("button", { name: "Cancel" }));
    expect(await screen.findByText("only who requested a job may dismiss it")).toBeTruthy();
  });

  it("is looked at by a viewer without controls", async () => {
    await opened(one("running", { progress: 5 }), {}, { scopes: ["read"] });
    expect(await screen.findByRole("progressbar")).toBeTruthy();
    expect(screen.queryByRole("button", { name: "Cancel" })).toBeNull();
  });
});

describe("a job that is done", () => {
  it("is run again in any browser, by the inputs that the service keeps", async () => {
    const { sent, hands, onOther } = await opened(one("successful"), {
      "POST /processes/run-scenario/execution": { ...one("accepted"), jobID: "j2" },
    });
    await hands.click(await screen.findByRole("button", { name: "Run again" }));
    await waitFor(() => expect(onOther).toHaveBeenCalledWith("j2"));
    const [post] = posts(sent) as typeof sent;
    expect(post?.body).toEqual({ inputs: INPUTS.inputs });
    expect(post?.headers.get("Idempotency-Key")).toMatch(/.{8}/);
  });

  it("is changed and run: its inputs stand in the form of the process", async () => {
    const { sent, hands, onChange } = await opened(one("successful"));
    await hands.click(await screen.findByRole("button", { name: "Change and run" }));
    await waitFor(() => expect(onChange).toHaveBeenCalledWith("run-scenario"));
    expect(recall("draft.process.run-scenario")).toEqual(INPUTS.inputs);
    expect(posts(sent)).toEqual([]);
  });

  it("of somebody else keeps its inputs, and says so", async () => {
    const { hands, onOther } = await opened(one("successful"), {
      "GET /jobs/{}/inputs": refused(403, "only who requested a job may read its inputs"),
    });
    await hands.click(await screen.findByRole("button", { name: "Run again" }));
    expect(await screen.findByText("only who requested a job may read its inputs")).toBeTruthy();
    expect(onOther).not.toHaveBeenCalled();
  });

  it("has its report, its files by their words with their size, and its values", async () => {
    await opened(one("successful"));
    const report = await screen.findByRole("link", { name: "Open the report" });
    expect(report.getAttribute("href")).toMatch(/\/jobs\/j1\/results\/report\?lang=en$/);
    expect(screen.getByRole("link", { name: "Comparison as a table" })).toBeTruthy();
    expect(screen.getByText("12.5")).toBeTruthy();
    expect(screen.getAllByText(/2(\.0)? ?(kB|KB|KiB)/i).length).toBeGreaterThan(0);
    expect(
      screen.getByRole("link", { name: "Manifest, to reproduce it" }).getAttribute("href"),
    ).toContain("/jobs/j1/manifest");
  });

  it("shows each of its maps once, in the language of the page", async () => {
    const maps = ["map_zh", "map_en", "ratio_map_zh", "ratio_map_en"];
    await opened(one("successful"), {
      "GET /jobs/{}/results": Object.fromEntries(maps.map((map) => [map, file(map, "image/png")])),
    });
    const shown = await screen.findAllByRole("img");
    expect(shown.map((picture) => picture.getAttribute("alt"))).toEqual(["map_en", "ratio_map_en"]);
    for (const map of maps) expect(screen.getByRole("link", { name: map })).toBeTruthy();
  });

  it("whose files are gone says why, and is asked again", async () => {
    let gone = true;
    const { hands } = await opened(one("successful"), {
      "GET /jobs/{}/results": () => (gone ? refused(410, "the files were cleared away") : RESULTS),
    });
    expect(await screen.findByText("the files were cleared away")).toBeTruthy();
    gone = false;
    await hands.click(screen.getByRole("button", { name: "Try again" }));
    expect(await screen.findByRole("link", { name: "Open the report" })).toBeTruthy();
  });

  it("is told in Chinese", async () => {
    await opened(one("successful", { title: "打通街道" }), {}, { ...ANALYST, lang: "zh" });
    expect(await screen.findByRole("heading", { name: /打通街道 完成/ })).toBeTruthy();
    expect(screen.getByRole("button", { name: "再算一次" })).toBeTruthy();
    expect(screen.getByRole("button", { name: "修改后再算" })).toBeTruthy();
  });
});

describe("a job that failed or was cancelled", () => {
  it.each(["failed", "dismissed"] as const)(
    "%s is tried again as a job of its own",
    async (status) => {
      const { sent, hands, onOther } = await opened(one(status, { message: "no land cover" }), {
        "POST /jobs/j1/retry": { ...one("accepted"), jobID: "j3" },
      });
      expect(await screen.findByText("no land cover")).toBeTruthy();
      await hands.click(screen.getByRole("button", { name: "Run again" }));
      await waitFor(() => expect(onOther).toHaveBeenCalledWith("j3"));
      expect(posts(sent)).toHaveLength(1);
    },
  );

  it("says that it was tried again before", async () => {
    const { hands, onOther } = await opened(one("failed"), {
      "POST /jobs/j1/retry": refused(409, "job j1 was tried again as j3"),
    });
    await hands.click(await screen.findByRole("button", { name: "Run again" }));
    expect(await screen.findByText("job j1 was tried again as j3")).toBeTruthy();
    expect(onOther).not.toHaveBeenCalled();
  });

  it("shows no results", async () => {
    const { sent } = await opened(one("failed"));
    await screen.findByRole("button", { name: "Run again" });
    expect(sent.some(({ path }) => path.endsWith("/results"))).toBe(false);
  });
});
