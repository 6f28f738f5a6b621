import { describe, expect, it } from "vitest";
import type { Schema } from "../../kit/api";
import {
  type Answer,
  cellsOf,
  open,
  refused,
  type Sent,
  screen,
  serve,
  waitFor,
  within,
} from "../../kit/testing";
import { jobOf } from "../../kit/testing_jobs";
import { Notices } from "../../kit/ui";
import { Queue, System } from "./system";

const jobs = [
  jobOf("j1", "delineate-zones", {
    status: "running",
    progress: 40,
    created: "2026-03-01T00:00:00Z",
    started: "2026-03-01T00:01:00Z",
  }),
  jobOf("j2", "assess-ecoservices", { created: "2026-03-01T00:02:00Z", priority: 5 }),
];
const failed = jobOf("j3", "delineate-zones", {
  status: "failed",
  attempt: 3,
  created: "2026-02-01T00:00:00Z",
  started: "2026-02-01T00:00:00Z",
  finished: "2026-02-01T00:01:30Z",
});
const processes = {
  processes: [
    { id: "delineate-zones", title: "Delineate zones" },
    { id: "assess-ecoservices", title: "Assess services" },
  ],
};

function queue(answers: Record<string, Answer> = {}) {
  const sent = serve({
    "GET /processes": processes,
    "GET /jobs": ({ query }: Sent) => ({
      jobs: query.has("dead") ? [failed] : query.has("status") ? jobs : [...jobs, failed],
      links: [],
    }),
    ...answers,
  });
  const hands = open(
    <>
      <Queue />
      <Notices />
    </>,
    { scopes: ["jobs"] },
  );
  const asked = () => sent.filter(({ path }) => path === "/jobs");
  return { sent, hands, asked };
}

const line = async (name: string) => {
  const link = await screen.findByRole("link", { name });
  return link.closest("tr") as HTMLTableRowElement;
};

describe("the queue", () => {
  it("shows what runs and waits, and how much", async () => {
    const { asked } = queue();
    expect((await line("Delineate zones")).textContent).toContain("running 40%");
    expect((await line("Assess services")).textContent).toContain("queued");
    expect(screen.getByText("1 running, 1 queued")).toBeTruthy();
    expect(asked()[0]?.query.getAll("status")).toEqual(["accepted", "running"]);
    expect(screen.getByRole("link", { name: "Delineate zones" }).getAttribute("href")).toBe(
      "/console/compute?job=j1",
    );
  });

  it("shows what was given up, how long it took and how often it was tried", async () => {
    const { hands, asked } = queue();
    await line("Assess services");
    await hands.selectOptions(screen.getByLabelText("Which jobs"), "Given up after failures");
    await waitFor(() => expect(screen.queryByRole("link", { name: "Assess services" })).toBeNull());
    const cells = [...(await line("Delineate zones")).cells].map(({ textContent }) => textContent);
    expect(cells.slice(1, 6)).toEqual(["failed", "2026-02-01 08:00", "1 min 30 s", "3", "0"]);
    expect(asked().at(-1)?.query.get("dead")).toBe("true");
    expect(screen.queryByText(/running, /)).toBeNull();
  });

  it("asks for all without narrowing", async () => {
    const { hands, asked } = queue();
    await line("Assess services");
    await hands.selectOptions(screen.getByLabelText("Which jobs"), "All");
    await screen.findByRole("button", { name: "Try again" });
    expect([...(asked().at(-1)?.query.keys() ?? [])]).toEqual(["limit"]);
  });

  it("cancels a job, and looks again", async () => {
    const { hands, sent, asked } = queue({ "DELETE /jobs/j1": null });
    const button = (await line("Delineate zones")).querySelector("button") as HTMLElement;
    await hands.click(button);
    expect(await screen.findByText("Cancelled")).toBeTruthy();
    expect(sent.find(({ method }) => method === "DELETE")?.path).toBe("/jobs/j1");
    await waitFor(() => expect(asked()).toHaveLength(2));
  });

  it("tries a failed job again, as one request", async () => {
    const { hands, sent } = queue({ "POST /jobs/j3/retry": jobOf("j4", "delineate-zones") });
    await hands.selectOptions(screen.getByLabelText("Which jobs"), "Given up after failures");
    await hands.click(await screen.findByRole("button", { name: "Try again" }));
    expect(await screen.findByText("Asked for again")).toBeTruthy();
    const posted = sent.find(({ method }) => method === "POST");
    expect(posted?.headers.get("Idempotency-Key")).toBeTruthy();
  });

  it("says why a job cannot be cancelled, and leaves it", async () => {
    const { hands, asked } = queue({ "DELETE /jobs/j1": refused(403, "it is somebody else's") });
    await hands.click((await line("Delineate zones")).querySelector("button") as HTMLElement);
    expect(await screen.findByText("it is somebody else's")).toBeTruthy();
    expect(asked()).toHaveLength(1);
  });

  it("offers nothing for a job that is done", async () => {
    queue({ "GET /jobs": { jobs: [{ ...failed, status: "successful" }], links: [] } });
    expect((await line("Delineate zones")).querySelector("button")).toBeNull();
  });

  it("counts what is on all pages that are shown", async () => {
    const next = { rel: "next", href: `${location.origin}/jobs/page-2` };
    const { hands } = queue({
      "GET /jobs": { jobs, links: [next] },
      "GET /jobs/page-2": { jobs: [jobOf("j9", "delineate-zones")], links: [] },
    });
    await hands.click(await screen.findByRole("button", { name: "More" }));
    expect(await screen.findByText("1 running, 2 queued")).toBeTruthy();
  });

  it("says that there is none, and looks again on demand", async () => {
    let now: object[] = [];
    const { hands } = queue({ "GET /jobs": () => ({ jobs: now, links: [] }) });
    expect(await screen.findByText("No such jobs.")).toBeTruthy();
    now = jobs;
    await hands.click(screen.getByRole("button", { name: "Look again" }));
    await line("Assess services");
  });
});

describe("the state of the system", () => {
  const health = (more: Partial<Schema<"HealthTold">> = {}): Schema<"HealthTold"> => ({
    status: "ok",
    version: "1.9.0",
    suite: "international",
    checks: { database: "ok", disk: "ok" },
    ...more,
  });
  const show = (answer: Answer, lang: "zh" | "en" = "en") => {
    serve({ "GET /health": answer });
    return open(<System />, { scopes: ["read"], lang });
  };
  const fact = async (name: string) =>
    (await screen.findByText(name)).nextElementSibling?.textContent;

  it("tells its version, its cryptography and each of its parts", async () => {
    show(health());
    expect(await fact("Version")).toBe("1.9.0");
    expect(await fact("Cryptography")).toBe("International");
    expect(await fact("Database")).toBe("ok");
    expect(screen.getByText("all is well")).toBeTruthy();
  });

  it("tells what is wrong although the service says that it is down", async () => {
    const down = health({
      status: "down",
      checks: { database: "no connection", disk: "ok" },
      suite: "commercial",
    });
    show(Response.json(down, { status: 503 }), "zh");
    expect(await fact("数据库")).toBe("no connection");
    expect(await fact("磁盘")).toBe("正常");
    expect(await fact("密码套件")).toBe("商用密码");
    expect(screen.getByText("不可用")).toBeTruthy();
  });

  it("names a part that it has no words for by its code", async () => {
    show(health({ status: "read-only", checks: { searching: "slow" } }));
    expect(await fact("searching")).toBe("slow");
    expect(screen.getByText("reading alone")).toBeTruthy();
  });

  it("looks again on demand", async () => {
    let now = health({ status: "down" });
    const hands = show(() => now);
    await screen.findByText("down");
    now = health();
    await hands.click(screen.getByRole("button", { name: "Look again" }));
    expect(await screen.findByText("all is well")).toBeTruthy();
  });

  it("says that it cannot be told where a proxy answers in its place", async () => {
    show(new Response("<h1>502</h1>", { status: 502 }));
    expect((await screen.findByRole("alert")).textContent).toContain("502");
  });
});

describe("what stands behind the service", () => {
  type Parts = Schema<"SystemTold">;
  const worker = (more: Partial<Parts["workers"][number]> = {}): Parts["workers"][number] => ({
    machine: "host",
    pid: 17,
    alive: true,
    version: "1.9.0",
    slots: 2,
    began: "2026-03-01T00:00:00Z",
    seen: "2026-03-01T01:00:00Z",
    jobs: [],
    ...more,
  });
  const parts = (more: Partial<Parts> = {}): Parts => ({
    workers: [worker()],
    backups: { base: null, archive: null, check: null },
    replica: null,
    replica_seen: "2026-03-01T01:00:00Z",
    links: [],
    ...more,
  });
  const show = (answer: Answer, lang: "zh" | "en" = "en") => {
    const sent = serve({
      "GET /health": { status: "ok", version: "1.9.0", suite: "international", checks: {} },
      "GET /processes": processes,
      "GET /system": answer,
    });
    return { sent, hands: open(<System />, { scopes: ["admin"], lang }) };
  };
  const fact = async (name: string) =>
    (await screen.findByText(name)).nextElementSibling?.textContent?.trim();

  it("tells which workers run, which are lost, and what they do", async () => {
    const job = { id: "j1", process: "delineate-zones", progress: 40, started: null };
    show(
      parts({
        workers: [worker({ jobs: [job] }), worker({ machine: "other", pid: 9, alive: false })],
      }),
    );
    await screen.findByRole("link", { name: "Delineate zones" });
    expect(await cellsOf("Workers")).toEqual([
      [
        "host (process 17)",
        "running",
        "2026-03-01 09:00",
        "Delineate zones 40%",
        "2",
        "1.9.0",
        "2026-03-01 08:00",
      ],
      [
        "other (process 9)",
        "lost",
        "2026-03-01 09:00",
        "nothing",
        "2",
        "1.9.0",
        "2026-03-01 08:00",
      ],
    ]);
    expect(screen.getByRole("heading", { name: "Workers: 1 running" })).toBeTruthy();
    expect(screen.getByRole("link", { name: "Delineate zones" }).getAttribute("href")).toBe(
      "/console/compute?job=j1",
    );
  });

  it("says what it means that there is no worker, no backup and no replica", async () => {
    show(parts({ workers: [], replica_seen: null }), "zh");
    expect(await screen.findByText("没有工作进程，作业会一直排队。")).toBeTruthy();
    expect(await fact("最近的整库备份")).toBe("尚无");
    expect(await fact("日志归档至")).toBe("尚无");
    expect(await fact("备份校验")).toBe("尚无");
    expect(await fact("数据库副本")).toBe("未知：没有工作进程在运行");
  });

  const base = "2026-03-01T04:00:00.000Z";
  const check = { at: "2026-03-02T04:00:00.000Z", opened: true, gaps: 0 };
  it.each([
    ["was never checked", { base, archive: null, check: null }, "not checked yet"],
    [
      "was checked after it was made",
      { base, archive: base, check },
      "2026-03-02 12:00 all decrypted and compared",
    ],
    [
      "was checked without the key",
      { base, archive: base, check: { ...check, opened: false } },
      "2026-03-02 12:00 files were all looked for",
    ],
    [
      "lacks files",
      { base, archive: base, check: { ...check, gaps: 3 } },
      "2026-03-02 12:00 3 files of the log missing",
    ],
    [
      "is newer than the last check",
      { base: "2026-03-03T04:00:00.000Z", archive: null, check },
      "2026-03-02 12:00 all decrypted and compared the last backup is not checked yet",
    ],
  ])("tells of a backup that %s", async (_, backups, words) => {
    show(parts({ backups }));
    expect(await fact("Check of the backups")).toBe(words);
    expect(await fact("Last base backup")).toMatch(/^2026-03-0[13] 12:00$/);
  });

  it.each([
    [null, "no replica"],
    [{ lag_bytes: 0 }, "up to date"],
    [{ lag_bytes: 3 * 1024 ** 2 }, "3.0 MiB behind"],
  ])("tells how far the replica is behind: %j", async (replica, words) => {
    show(parts({ replica }));
    expect(await fact("Replica of the database")).toBe(words);
  });

  it("looks again on demand", async () => {
    let now = parts({ workers: [] });
    const { hands } = show(() => now);
    await screen.findByText("No worker runs: jobs stay in the queue.");
    now = parts();
    const heading = screen.getByRole("heading", { name: "Workers: 0 running" });
    const panel = heading.closest("section") as HTMLElement;
    await hands.click(within(panel).getByRole("button", { name: "Look again" }));
    expect(await screen.findByRole("heading", { name: "Workers: 1 running" })).toBeTruthy();
  });

  it("is told to administrators alone", async () => {
    const sent = serve({
      "GET /health": { status: "ok", version: "1.9.0", suite: "international", checks: {} },
    });
    open(<System />, { scopes: ["read", "jobs", "write"] });
    await screen.findByText("all is well");
    expect(sent.map(({ path }) => path)).toEqual(["/health"]);
    expect(screen.queryByRole("heading", { name: /Workers/ })).toBeNull();
  });

  it("leaves the state of the service where it cannot be told", async () => {
    show(refused(503, "the database is away"));
    expect(await screen.findByText("the database is away")).toBeTruthy();
    expect(screen.getByText("all is well")).toBeTruthy();
  });
});
