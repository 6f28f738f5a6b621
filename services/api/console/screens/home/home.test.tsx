import { describe, expect, it } from "vitest";
import type { Schema } from "../../kit/api";
import { account } from "../../kit/session";
import { type Answer, act, open, refused, screen, serve, within } from "../../kit/testing";
import { lang } from "../../kit/words";
import Home from "./home";

const counts = (reached: number, behind: number): Schema<"StatusCounts"> => ({
  reached,
  on_track: 0,
  behind,
  no_data: 0,
});
const project = (id: string, state: string, zh: string, en: string) => ({
  type: "Feature",
  id,
  geometry: null,
  properties: { state, state_name_zh: zh, state_name_en: en },
});
const collection = (features: object[]) => ({ type: "FeatureCollection", features, links: [] });

const judged = (indicator: string, order: number, value: number | null, remarks: object[]) => ({
  indicator,
  order,
  value,
  value_year: value === null ? null : 2021,
  unit: "%",
  remarks,
  name_zh: `${indicator}指标`,
  name_en: `Indicator ${indicator}`,
});

const forEverybody: Record<string, Answer> = {
  "GET /plans/xiamen-1/progress": {
    year: 2024,
    summary: { binding: counts(3, 1), expected: counts(2, 4) },
    indicators: [
      judged("forest", 2, 41.54, [
        { code: "no_target", zh: "无目标", en: "no target" },
        { code: "value_note", zh: "演示 Demonstration", en: "演示 Demonstration" },
      ]),
      judged("mines", 1, null, []),
    ],
  },
  "GET /collections/projects/items": collection([
    project("a", "reserve", "储备", "In reserve"),
    project("b", "reserve", "储备", "In reserve"),
    project("c", "implementation", "实施", "Under way"),
  ]),
  "GET /plans/xiamen-1/duty-board": { total: 5, states: { open: 2, late: 3 } },
  "GET /bulletins": {
    bulletins: [
      { code: "2024-q1", title: "First quarter", first: "2024-01-01", last: "2024-03-31" },
    ],
  },
};
const forPlanners: Record<string, Answer> = {
  ...forEverybody,
  "GET /compliance/exception-requests": { requests: [], links: [] },
  "GET /collections/zone_schemes/items": collection([
    {
      type: "Feature",
      id: "s",
      geometry: null,
      properties: {
        code: "s",
        version: 2,
        status: "review",
        name_zh: "五区",
        name_en: "Five zones",
        region: "xiamen",
      },
    },
  ]),
  "GET /cases": {
    cases: [{ code: "C-7", region: "xiamen", opened_at: "2024-05-06T02:00:00Z" }],
    links: [],
  },
  "GET /proposals": { proposals: [], links: [] },
  "GET /alerts": {
    alerts: [
      {
        id: 9,
        color: "#d00",
        level_name: "Red",
        subject_name: "Yuandang",
        rule_name: "Oxygen low",
        opened: "2024-05-06T02:00:00Z",
      },
    ],
  },
};

/** The panel of a title, once it has been answered. */
async function panel(name: string) {
  const head = await screen.findByRole("heading", { name });
  const found = head.closest("section");
  if (!found) throw new Error(`no panel ${name}`);
  return within(found as HTMLElement);
}

describe("home for everybody", () => {
  it("counts indicators over both kinds, and leads to those of a state", async () => {
    serve(forEverybody);
    open(<Home />);
    const indicators = await panel("Indicators");
    const reached = await indicators.findByRole("link", { name: /5\s*reached/ });
    expect(reached.getAttribute("href")).toBe("/console/projects?tab=indicators&status=reached");
    expect(indicators.getByRole("link", { name: /5\s*behind/ })).toBeTruthy();
    expect(indicators.getByText("2024; 4 binding, 6 expected")).toBeTruthy();
  });
  it("tells the values that are known, and what was noted with them", async () => {
    serve(forEverybody);
    open(<Home />);
    const indicators = await panel("Indicators");
    const known = await indicators.findByRole("link", { name: "Indicator forest" });
    expect(known.closest("li")?.textContent).toBe("Indicator forest 41.54 % (2021)");
    expect(indicators.queryByText("Indicator mines")).toBeNull();
    expect(indicators.getByText("演示 Demonstration")).toBeTruthy();
    expect(indicators.queryByText("no target")).toBeNull();
  });
  it("counts projects by state", async () => {
    serve(forEverybody);
    open(<Home />);
    const projects = await panel("Projects");
    expect(await projects.findByRole("link", { name: /2\s*In reserve/ })).toBeTruthy();
    expect(projects.getByRole("link", { name: /1\s*Under way/ }).getAttribute("href")).toBe(
      "/console/projects?state=implementation",
    );
  });
  it("counts all projects of a plan, however many", async () => {
    const one = { properties: { state: "reserve", state_name_en: "In reserve" } };
    const features = Array.from({ length: 10_002 }, () => one);
    serve({ ...forEverybody, "GET /collections/projects/items": { features, links: [] } });
    open(<Home />);
    const projects = await panel("Projects");
    expect(await projects.findByRole("link", { name: /^10,?002\s*In reserve/ })).toBeTruthy();
  });
  it("asks for nothing that needs somebody", async () => {
    const sent = serve(forEverybody);
    open(<Home />);
    await (await panel("Newest bulletins")).findByRole("link", { name: "First quarter" });
    expect(sent.map(({ path }) => path).sort()).toEqual([
      "/bulletins",
      "/collections/projects/items",
      "/plans/xiamen-1/duty-board",
      "/plans/xiamen-1/progress",
    ]);
    expect(screen.queryByRole("heading", { name: "Waiting for me" })).toBeNull();
    expect(sent.find(({ path }) => path === "/bulletins")?.query.get("region")).toBe("xiamen");
  });
  it("leads to each of the other screens", async () => {
    serve(forEverybody);
    open(<Home />);
    const ways = document.querySelectorAll(".ways a");
    expect(ways).toHaveLength(10);
    expect(new Set([...ways].map((way) => way.getAttribute("href"))).size).toBe(10);
  });
  it("asks again in the other language", async () => {
    const sent = serve(forEverybody);
    open(<Home />);
    await (await panel("Duties")).findByRole("link", { name: /3\s*late/ });
    const before = sent.length;
    await act(async () => {
      lang.value = "zh";
    });
    const duties = await panel("职责");
    expect(duties.getByRole("link", { name: /3\s*滞后/ })).toBeTruthy();
    expect(sent.slice(before).every(({ headers }) => headers.get("Accept-Language") === "zh")).toBe(
      true,
    );
    expect(sent.length).toBe(2 * before);
  });
});

describe("where there is nothing, or nothing to be had", () => {
  it("says so, and where to begin", async () => {
    serve({
      ...forEverybody,
      "GET /collections/projects/items": collection([]),
      "GET /plans/xiamen-1/duty-board": { total: 0, states: {} },
      "GET /bulletins": { bulletins: [] },
    });
    open(<Home />);
    const register = await (await panel("Projects")).findByRole("link", { name: /register/i });
    expect(register.getAttribute("href")).toBe("/console/projects");
    expect(await screen.findByText("The plan lists no duties.")).toBeTruthy();
    expect(await screen.findByText("No bulletins yet.")).toBeTruthy();
  });
  it("shows one panel's refusal there, and asks again on demand", async () => {
    let down = true;
    serve({
      ...forEverybody,
      "GET /bulletins": () => (down ? refused(503, "the database is away") : { bulletins: [] }),
    });
    const hands = open(<Home />);
    const bulletins = await panel("Newest bulletins");
    expect(await bulletins.findByText(/the database is away/)).toBeTruthy();
    expect(await screen.findByRole("link", { name: /2\s*In reserve/ })).toBeTruthy();
    down = false;
    await hands.click(bulletins.getByRole("button"));
    expect(await bulletins.findByText("No bulletins yet.")).toBeTruthy();
  });
});

const APPROVES = [{ role: "approver", region: "xiamen" }];

describe("what waits", () => {
  const row = (n: number) => ({ code: `C-${n}`, region: "xiamen", opened_at: null });
  it("is of open cases alone, told by their number where they are many", async () => {
    const sent = serve({
      ...forPlanners,
      "GET /cases": {
        cases: Array.from({ length: 12 }, (_, n) => row(n)),
        links: [{ rel: "next", href: "http://test/next" }],
      },
    });
    open(<Home />, { scopes: ["read"], roles: APPROVES });
    const waiting = await panel("Waiting for me");
    expect(await waiting.findByRole("link", { name: "All open cases: 12+" })).toBeTruthy();
    expect(waiting.getAllByRole("link", { name: /^Case/ })).toHaveLength(10);
    const asked = sent.find(({ path }) => path === "/cases");
    expect(asked?.query.get("filter")).toBe("state <> 'closed'");
  });
  it.each([
    ["planner", "xiamen"],
    ["approver", "banan"],
  ])("is nothing of an approver's of Xiamen for a %s of %s", async (role, region) => {
    serve(forPlanners);
    open(<Home />, { scopes: ["read", "write"], roles: [{ role, region }] });
    const waiting = await panel("Waiting for me");
    expect(await waiting.findByText("Nothing waits for you.")).toBeTruthy();
  });
  it("is what others propose, for who may decide it there", async () => {
    const proposal = (code: string, region: string, author: string) => ({
      ...{ code, region, author },
      title: `About ${code}`,
    });
    const sent = serve({
      ...forPlanners,
      "GET /proposals": {
        proposals: [
          proposal("p1", "xiamen.siming", "key:other"),
          proposal("p2", "xiamen", "key:test"),
          proposal("p3", "banan", "key:other"),
        ],
        links: [],
      },
    });
    open(<Home />, { scopes: ["read", "write"], roles: APPROVES });
    const waiting = await panel("Waiting for me");
    const found = await waiting.findByRole("link", { name: "Proposal to decide: About p1" });
    expect(found.getAttribute("href")).toMatch(/\/proposals\/p1\?f=html$/);
    expect(waiting.getAllByRole("link", { name: /^Proposal/ })).toHaveLength(1);
    const asked = sent.find(({ path }) => path === "/proposals");
    expect(asked?.query.get("filter")).toBe("state = 'submitted'");
  });
  it("is what others propose here, however much is proposed elsewhere", async () => {
    const proposal = (code: string, region: string) => ({
      ...{ code, region, author: "key:other" },
      title: `About ${code}`,
    });
    serve({
      ...forPlanners,
      "GET /proposals": ({ query }) =>
        query.has("cursor")
          ? { proposals: [proposal("p2", "xiamen")], links: [] }
          : {
              proposals: [proposal("p1", "banan")],
              links: [{ rel: "next", href: `${location.origin}/proposals?cursor=1` }],
            },
    });
    open(<Home />, { scopes: ["read", "write"], roles: APPROVES });
    const waiting = await panel("Waiting for me");
    expect(await waiting.findByRole("link", { name: "Proposal to decide: About p2" })).toBeTruthy();
    expect(waiting.getAllByRole("link", { name: /^Proposal/ })).toHaveLength(1);
  });
});

describe("home of an approver", () => {
  const APPROVER = { scopes: ["read", "write"], roles: [{ role: "approver", region: "xiamen" }] };
  it.each([
    [[], "3"],
    [[{ rel: "next", href: "http://test/next" }], "3+"],
  ])("counts the requests to decide, with more to come: %j", async (links, counted) => {
    const sent = serve({
      ...forPlanners,
      "GET /compliance/exception-requests": { requests: [{}, {}, {}], links },
    });
    open(<Home />, APPROVER as Parameters<typeof open>[1]);
    const waiting = await panel("Waiting for me");
    const found = await waiting.findByRole("link", {
      name: `Requests for exceptions to decide: ${counted}`,
    });
    expect(found.getAttribute("href")).toBe("/console/compliance?way=requests");
    const asked = sent.find(({ path }) => path === "/compliance/exception-requests");
    expect(asked?.query.get("decidable")).toBe("true");
  });
  it("says nothing of them where there are none", async () => {
    serve({ ...forPlanners, "GET /compliance/exception-requests": { requests: [], links: [] } });
    open(<Home />, APPROVER as Parameters<typeof open>[1]);
    await (await panel("Waiting for me")).findByRole("link", { name: "Case: C-7" });
    expect(screen.queryByText(/Requests for exceptions/)).toBeNull();
  });
});

describe("home of who is signed in", () => {
  it("tells what waits for them, and what is open", async () => {
    serve(forPlanners);
    open(<Home />, { scopes: ["read", "write"], roles: APPROVES });
    const waiting = await panel("Waiting for me");
    const zoning = await waiting.findByRole("link", {
      name: "Zoning to approve: Five zones · version 2",
    });
    expect(zoning.getAttribute("href")).toBe("/console/zones?scheme=s%402");
    expect(waiting.getByRole("link", { name: "Case: C-7" })).toBeTruthy();
    const alerts = await panel("Open alerts");
    const alert = await alerts.findByRole("link", { name: "Yuandang · Oxygen low" });
    expect(alert.getAttribute("href")).toBe("/console/monitoring?tab=alerts&alert=9");
  });
  it("writes what waits with the colon of the language", async () => {
    serve(forPlanners);
    open(<Home />, { scopes: ["read", "write"], roles: APPROVES, lang: "zh" });
    expect(
      await (await panel("等我处理")).findByRole("link", { name: /^待审批分区：/ }),
    ).toBeTruthy();
  });
  it("shows jobs to whoever may start some, with how far they are", async () => {
    serve({
      ...forPlanners,
      "GET /processes": { processes: [{ id: "delineate-zones", title: "Zones" }] },
      "GET /jobs": {
        jobs: [
          { jobID: "j1", processID: "delineate-zones", status: "running", progress: 40 },
          {
            jobID: "j2",
            processID: "delineate-zones",
            status: "successful",
            created: "2024-05-06T02:00:00Z",
            started: "2024-05-06T02:00:01Z",
            finished: "2024-05-06T02:00:31Z",
          },
        ],
      },
    });
    open(<Home />, { scopes: ["read", "jobs"] });
    const jobs = await panel("Jobs");
    const bar = await jobs.findByRole("progressbar", { name: "Zones" });
    expect((bar as HTMLProgressElement).value).toBe(40);
    expect(jobs.getAllByRole("link").map((link) => link.getAttribute("href"))).toEqual([
      "/console/compute?job=j1",
      "/console/compute?job=j2",
    ]);
  });
  it("forgets it when they leave", async () => {
    serve(forPlanners);
    open(<Home />, { scopes: ["read"], roles: APPROVES });
    await screen.findByRole("link", { name: "Case: C-7" });
    await act(async () => {
      account.value = null;
    });
    expect(screen.queryByRole("link", { name: "Case: C-7" })).toBeNull();
  });
});
