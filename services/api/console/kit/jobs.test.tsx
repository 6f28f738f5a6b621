import { signal } from "@preact/signals";
import { beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { Fault, type Schema } from "./api";
import { cancel, execute, follow, isOver, type Job, processTitle, StatusBadge } from "./jobs";
import { act, open, refused, screen, serve } from "./testing";
import { lang } from "./words";

const job = (status: Schema<"JobStatus">, progress = 0): Job => ({
  processID: "delineate-zones",
  type: "process",
  jobID: "j1",
  status,
  message: "",
  progress,
  attempt: 1,
  priority: 0,
  links: [],
});

/** Stands where the browser's stream of events is; a test says what comes. */
class Stream extends EventTarget {
  static readonly CLOSED = 2;
  static opened: Stream[] = [];
  readyState = 1;
  onopen: (() => void) | null = null;
  onerror: (() => void) | null = null;
  constructor(readonly url: string) {
    super();
    Stream.opened.push(this);
  }
  close(): void {
    this.readyState = Stream.CLOSED;
  }
  tell(told: Job): void {
    this.dispatchEvent(new MessageEvent("status", { data: JSON.stringify(told) }));
  }
  breakOff(forGood: boolean): void {
    if (forGood) this.readyState = Stream.CLOSED;
    this.onerror?.();
  }
}

function following() {
  vi.stubGlobal("EventSource", Stream);
  const told = signal<Job | null>(null);
  const fault = signal<Fault | null>(null);
  const stop = follow("j1", told, fault);
  onTestFinished(stop);
  return { told, fault, stop, stream: Stream.opened.at(-1) as Stream };
}

beforeEach(() => {
  Stream.opened = [];
});

describe("starting a process", () => {
  it("asks not to wait, with a key that starts one job alone", async () => {
    const sent = serve({ "POST /processes/delineate-zones/execution": job("accepted") });
    expect((await execute("delineate-zones", { plan: "xiamen-1" }, "k")).jobID).toBe("j1");
    expect(sent[0]?.body).toEqual({ inputs: { plan: "xiamen-1" } });
    expect(sent[0]?.headers.get("Prefer")).toBe("respond-async");
    expect(sent[0]?.headers.get("Idempotency-Key")).toBe("k");
  });
  it("that is refused says which input is wrong", async () => {
    const at = [{ pointer: "/inputs/cell_m", detail: "at least 10" }];
    serve({ "POST /processes/delineate-zones/execution": refused(400, "inputs are wrong", at) });
    const fault = await execute("delineate-zones", {}, "k").catch((error: Fault) => error);
    expect(fault).toBeInstanceOf(Fault);
    expect((fault as Fault).at).toEqual(at);
  });
});

it("a job is cancelled by its address", async () => {
  const sent = serve({ "DELETE /jobs/j1": job("dismissed") });
  expect((await cancel("j1")).data.status).toBe("dismissed");
  expect(sent[0]?.method).toBe("DELETE");
});

describe("following a job", () => {
  it("tells each state until it is over, and then lets go", () => {
    const { told, stream } = following();
    expect(new URL(stream.url).pathname).toBe("/jobs/j1/events");
    stream.tell(job("running", 40));
    expect(told.value?.progress).toBe(40);
    expect(stream.readyState).toBe(1);
    stream.tell(job("successful", 100));
    expect(told.value?.status).toBe("successful");
    expect(stream.readyState).toBe(Stream.CLOSED);
    stream.tell(job("running", 50));
    expect(told.value?.status).toBe("successful");
  });
  it.each(["zh", "en"] as const)("is told in the language of the console, %s", (words) => {
    lang.value = words;
    expect(new URL(following().stream.url).searchParams.get("lang")).toBe(words);
  });
  it("hears no more once the screen is left", () => {
    const { told, stop, stream } = following();
    stop();
    stream.tell(job("running", 40));
    expect(told.value).toBeNull();
    expect(stream.readyState).toBe(Stream.CLOSED);
  });
  it("leaves it to the browser where the stream breaks off for a moment", async () => {
    vi.useFakeTimers();
    const sent = serve({});
    following().stream.breakOff(false);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(sent).toEqual([]);
  });
  it("asks by itself where the stream is gone, until the job is over", async () => {
    vi.useFakeTimers();
    const states = [job("running", 60), job("failed", 60)];
    const sent = serve({ "GET /jobs/j1": () => states.shift() ?? job("failed") });
    const { told, stream } = following();
    stream.breakOff(true);
    await vi.advanceTimersByTimeAsync(2100);
    expect(told.value?.progress).toBe(60);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(told.value?.status).toBe("failed");
    expect(sent).toHaveLength(2);
  });
  it("goes on asking while nobody answers", async () => {
    vi.useFakeTimers();
    const { told, fault, stream } = following();
    let down = true;
    serve({ "GET /jobs/j1": () => (down ? refused(503, "away") : job("successful")) });
    stream.breakOff(true);
    await vi.advanceTimersByTimeAsync(4100);
    expect(told.value).toBeNull();
    expect(fault.value?.message).toMatch(/lost since/);
    down = false;
    await vi.advanceTimersByTimeAsync(2000);
    expect(told.value?.status).toBe("successful");
    expect(fault.value).toBeNull();
  });
  it.each([
    ["zh", "与服务的连接自 2026-12-01 10:32 起中断；恢复后自动接着显示。"],
    ["en", "The connection has been lost since 2026-12-01 10:32; it is taken up again by itself."],
  ] as const)("tells since when it cannot be followed, until it is again, in %s", (words, says) => {
    vi.useFakeTimers({ now: Date.parse("2026-12-01T02:32:00Z") });
    lang.value = words;
    const { fault, stream } = following();
    stream.tell(job("running", 40));
    stream.breakOff(false);
    // It may be there again at once, which is no news.
    expect(fault.value).toBeNull();
    vi.advanceTimersByTime(180_000);
    stream.breakOff(false);
    expect(fault.value?.message).toBe(says);
    stream.onopen?.();
    expect(fault.value).toBeNull();
    stream.breakOff(false);
    expect(fault.value).toBeNull();
  });
  it("notices a service that hangs, whose stream does not end, and goes on when it answers", async () => {
    vi.useFakeTimers({ now: Date.parse("2026-12-01T02:32:00Z") });
    const limits = vi.spyOn(AbortSignal, "timeout").mockImplementation((ms) => {
      const limit = new AbortController();
      setTimeout(() => limit.abort(), ms);
      return limit.signal;
    });
    onTestFinished(() => limits.mockRestore());
    const { told, fault, stream } = following();
    stream.tell(job("running", 40));
    let hangs = true;
    vi.stubGlobal("fetch", ({ signal }: Request) =>
      hangs
        ? new Promise((_, fail) => signal.addEventListener("abort", fail))
        : Promise.resolve(Response.json(job("successful"))),
    );
    await vi.advanceTimersByTimeAsync(54_000);
    expect(fault.value).toBeNull();
    await vi.advanceTimersByTimeAsync(2000);
    expect(fault.value?.message).toMatch(/lost since 2026-12-01 10:32/);
    hangs = false;
    await vi.advanceTimersByTimeAsync(10_000);
    expect(told.value?.status).toBe("successful");
    expect(fault.value).toBeNull();
  });
  it("asks now and then where there is no news, which is no loss while it is answered", async () => {
    vi.useFakeTimers();
    const sent = serve({ "GET /jobs/j1": job("running", 40) });
    const { fault, stream } = following();
    stream.tell(job("running", 40));
    await vi.advanceTimersByTimeAsync(100_000);
    expect(sent).toHaveLength(2);
    expect(fault.value).toBeNull();
    expect(stream.readyState).toBe(1);
  });
  it("keeps a stream that speaks, whatever becomes of a question asked meanwhile", async () => {
    vi.useFakeTimers();
    let answer: (found: Response) => void = () => {};
    vi.stubGlobal("fetch", () => new Promise((done) => (answer = done)));
    const { told, fault, stream } = following();
    stream.tell(job("running", 40));
    for (const found of [refused(503, "busy"), job("running", 50)]) {
      await vi.advanceTimersByTimeAsync(46_000);
      stream.tell(job("running", 60));
      answer(found instanceof Response ? found : Response.json(found));
      await vi.advanceTimersByTimeAsync(100);
      expect(told.value?.progress).toBe(60);
      expect(fault.value).toBeNull();
      expect(stream.readyState).toBe(1);
    }
  });
  it("asks as seldom as before once it has been answered again", async () => {
    vi.useFakeTimers();
    const states = [refused(503, "busy"), job("running", 50), job("running", 50)];
    const sent = serve({ "GET /jobs/j1": () => states.shift() ?? job("running", 50) });
    const { fault, stream } = following();
    await vi.advanceTimersByTimeAsync(46_000);
    expect(fault.value?.message).toMatch(/lost since/);
    await vi.advanceTimersByTimeAsync(42_000);
    expect(fault.value).toBeNull();
    expect([sent.length, stream.readyState]).toEqual([2, 1]);
  });
  it("tells nothing once the screen is left", async () => {
    vi.useFakeTimers();
    serve({ "GET /jobs/j1": refused(503, "away") });
    const { fault, stop, stream } = following();
    stream.breakOff(true);
    await vi.advanceTimersByTimeAsync(2000);
    stop();
    fault.value = null;
    stream.breakOff(true);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(fault.value).toBeNull();
  });
  it.each([
    ["has been forgotten", 404],
    ["is not theirs any more", 403],
    ["nobody is signed in for", 401],
  ])("asks no more of a job that %s, and tells why", async (_, status) => {
    vi.useFakeTimers();
    const sent = serve({ "GET /jobs/j1": refused(status, "no") });
    const { fault, stream } = following();
    stream.breakOff(true);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(sent).toHaveLength(1);
    expect(fault.value?.message).toBe("no");
  });
});

describe("a state", () => {
  it.each([
    ["accepted", "排队中", "queued"],
    ["running", "运行中", "running"],
    ["successful", "完成", "done"],
    ["failed", "失败", "failed"],
    ["dismissed", "已取消", "cancelled"],
  ] satisfies [Schema<"JobStatus">, string, string][])(
    "%s is %s, or %s",
    async (status, zh, en) => {
      open(<StatusBadge status={status} />, { lang: "zh" });
      expect(screen.getByText(zh)).toBeTruthy();
      await act(async () => {
        lang.value = "en";
      });
      expect(screen.getByText(en)).toBeTruthy();
    },
  );
  it("that is waiting or under way is not the last", () => {
    const all = ["accepted", "running", "successful", "failed", "dismissed"];
    expect(all.filter(isOver)).toEqual(["successful", "failed", "dismissed"]);
  });
});

describe("what a process is called", () => {
  const Title = () => <p>{processTitle("delineate-zones")}</p>;
  const named = (title: string) => ({ processes: [{ id: "delineate-zones", title }], links: [] });

  it("is its code until the names are here, in each language by itself", async () => {
    const sent = serve({
      "GET /processes": ({ headers }) =>
        named(headers.get("Accept-Language") === "zh" ? "生态分区" : "Zoning"),
    });
    open(<Title />, { lang: "zh" });
    expect(screen.getByText("delineate-zones")).toBeTruthy();
    expect(await screen.findByText("生态分区")).toBeTruthy();
    await act(async () => {
      lang.value = "en";
    });
    expect(await screen.findByText("Zoning")).toBeTruthy();
    expect(sent).toHaveLength(2);
  });
  it("is not overwritten by a late answer in the other language", async () => {
    const late = Promise.withResolvers<Response>();
    vi.stubGlobal("fetch", async ({ headers }: Request) =>
      headers.get("Accept-Language") === "zh"
        ? late.promise
        : Response.json(named("Zoning of the city")),
    );
    open(<Title />, { lang: "zh" });
    await act(async () => {
      lang.value = "en";
    });
    expect(await screen.findByText("Zoning of the city")).toBeTruthy();
    await act(async () => late.resolve(Response.json(named("晚到"))));
    expect(screen.queryByText("晚到")).toBeNull();
  });
});
