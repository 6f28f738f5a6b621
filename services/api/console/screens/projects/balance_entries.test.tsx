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
  withHeaders,
  within,
} from "../../kit/testing";
import { BalanceEntries } from "./balance_entries";
import { feature, page, paper } from "./testing";

type Entry = Schema<"balance_entries">;

const entry = (code: string, more: Partial<Entry> = {}) =>
  ({
    code,
    title_zh: `${code}记录`,
    title_en: `Entry ${code}`,
    kind: "natural_shoreline",
    direction: "taken",
    amount: "300.0000",
    unit: "m",
    quality_grade: null,
    region: "xiamen",
    project: "P1",
    control_area: null,
    year: 2024,
    state: "proposed",
    accepted_on: null,
    evidence: null,
    reverses: null,
    ...more,
  }) as Entry;

const as = (role: string, region: string | null = "xiamen") => ({
  scopes: ["read", "projects"] as const,
  roles: [{ role, region }],
});
const field = (name: string) => screen.findByLabelText<HTMLInputElement>(new RegExp(`^${name}`));
const button = (name: string) => screen.findByRole("button", { name });
const writes = (sent: Sent[]) => sent.filter(({ method }) => method !== "GET");

function show(
  entries: Entry[],
  who: Parameters<typeof open>[1],
  more: Record<string, Answer> = {},
) {
  let told = 0;
  const sent = serve({
    "GET /balances/entries": { balance_entries: entries, links: [] },
    "GET /collections/projects/items": page([feature("P1"), feature("P2")]),
    "GET /projects/{project}/documents": ({ path }: Sent) => ({
      documents: path.includes("P1") ? [paper("d1"), paper("d2")] : [],
      links: [],
    }),
    ...more,
  });
  const hands = open(
    <BalanceEntries
      onChanged={() => {
        told += 1;
      }}
    />,
    who,
  );
  return { sent, hands, told: () => told };
}

describe("entries of the ledger", () => {
  it("are of the region and what lies below it, told in words", async () => {
    const more = { state: "accepted", amount: "1234.5678" } as const;
    const given = entry("b", { direction: "given", kind: "wetland", ...more });
    const { sent } = show([entry("a"), given], { lang: "zh" });
    expect(await cellsOf("台账记录")).toEqual([
      ["a记录", "2024", "自然岸线（米）", "占用", "300", "已申报"],
      ["b记录", "2024", "湿地（公顷）", "补充", "1,234.5678", "已采纳"],
    ]);
    expect(sent[0]?.query.get("filter")).toBe("region = 'xiamen' OR region LIKE 'xiamen.%'");
    expect(screen.queryByRole("button", { name: "记一笔" })).toBeNull();
  });
  it("lead to their project", async () => {
    const { hands } = show(
      [entry("a", { state: "accepted", accepted_on: "2024-05-06", amount: "1234.5678" })],
      {},
    );
    await hands.click(await button("Entry a"));
    expect(screen.getByText("1,234.5678 m")).toBeTruthy();
    expect(screen.getByText("Accepted on 6 May 2024")).toBeTruthy();
    const link = await screen.findByRole("link", { name: "Open the project" });
    expect(link.getAttribute("href")).toContain("project=P1");
    expect(screen.queryByRole("button", { name: "Propose to reverse it" })).toBeNull();
  });
  it.each([
    ["an approver", as("approver")],
    ["a planner of another city", as("planner", "banan")],
    ["who may only read", { ...as("planner"), scopes: ["read"] as const }],
  ])("are not added by %s", async (_, who) => {
    show([entry("a")], who);
    await cellsOf("Entries");
    expect(screen.queryByRole("button", { name: "Add an entry" })).toBeNull();
  });
});

describe("a new entry", () => {
  const fill = async (hands: ReturnType<typeof open>) => {
    await hands.click(await button("Add an entry"));
    await hands.type(await field("Title in Chinese"), "退还岸线");
    await hands.selectOptions(await field("Kind"), "Natural shoreline (m)");
    await hands.selectOptions(await field("Direction"), "Given back");
    await hands.type(await field("Amount"), "120.5");
    await hands.selectOptions(await field("Project"), "Project P1");
  };
  it("is sent in the unit of its kind, with the documents of its project", async () => {
    const { sent, hands, told } = show([], as("planner"), {
      "POST /balances/entries": withHeaders(entry("n"), {}, 201),
    });
    await fill(hands);
    await hands.click(await screen.findByRole("checkbox", { name: "Paper d2" }));
    await hands.click(await button("Propose"));
    await waitFor(() => expect(told()).toBe(1));
    const [post] = writes(sent);
    expect(post?.body).toEqual({
      title_zh: "退还岸线",
      kind: "natural_shoreline",
      direction: "given",
      amount: "120.5",
      unit: "m",
      region: "xiamen",
      project: "P1",
      year: expect.any(Number),
      evidence: ["d2"],
    });
    expect(post?.headers.get("Idempotency-Key")).toBeTruthy();
    expect(screen.queryByRole("dialog")).toBeNull();
  });
  it("has no documents of a project that was left", async () => {
    const { sent, hands } = show([], as("planner"), {
      "POST /balances/entries": withHeaders(entry("n"), {}, 201),
    });
    await fill(hands);
    const paperOne = await screen.findByRole("checkbox", { name: "Paper d1" });
    await hands.click(paperOne);
    await hands.click(paperOne);
    await hands.click(paperOne);
    await hands.selectOptions(await field("Project"), "Project P2");
    expect(await screen.findByText("The project has no documents yet.")).toBeTruthy();
    await hands.click(await button("Propose"));
    await waitFor(() => expect(writes(sent)).toHaveLength(1));
    expect(writes(sent)[0]?.body).not.toHaveProperty("evidence");
  });
  it("says at its field what is refused, and keeps what was typed", async () => {
    const wrong = [
      { pointer: "/quality_grade", detail: "is required for 'cultivated_land'" },
      { pointer: "/evidence", detail: "there is no document 'd9'" },
    ];
    const { hands } = show([], as("planner"), {
      "POST /balances/entries": refused(400, "the entry is not valid", wrong),
    });
    await fill(hands);
    await hands.click(await button("Propose"));
    const grade = await field("Quality grade");
    await waitFor(() => expect(grade.closest(".field")?.textContent).toContain("is required"));
    expect(screen.getAllByText("there is no document 'd9'")).toHaveLength(1);
    expect((await field("Amount")).value).toBe("120.5");
  });
});

describe("deciding on an entry", () => {
  const held = (now: () => Entry, tag: () => string): Record<string, Answer> => ({
    "GET /balances/entries/a": () => withHeaders(now(), { ETag: tag() }),
  });
  it("accepts it as of a day, in the state it was read in", async () => {
    const { sent, hands, told } = show([entry("a")], as("supervisor"), {
      ...held(
        () => entry("a"),
        () => '"1"',
      ),
      "PATCH /balances/entries/a": entry("a", { state: "accepted" }),
    });
    await hands.click(await button("Entry a"));
    await hands.selectOptions(await field("Decision"), "Accept");
    await hands.type(await field("Accepted on"), "2024-05-06");
    await hands.click(await button("Decide"));
    await waitFor(() => expect(told()).toBe(1));
    const [patch] = writes(sent);
    expect(patch?.body).toEqual({ state: "accepted", accepted_on: "2024-05-06" });
    expect(patch?.headers.get("If-Match")).toBe('"1"');
  });
  it("rejects it without a day", async () => {
    const { sent, hands } = show([entry("a")], as("approver", null), {
      ...held(
        () => entry("a"),
        () => '"1"',
      ),
      "PATCH /balances/entries/a": entry("a", { state: "rejected" }),
    });
    await hands.click(await button("Entry a"));
    await hands.type(await field("Accepted on"), "2024-05-06");
    await hands.selectOptions(await field("Decision"), "Reject");
    await hands.click(await button("Decide"));
    await waitFor(() => expect(writes(sent)).toHaveLength(1));
    expect(writes(sent)[0]?.body).toEqual({ state: "rejected" });
  });
  it("shows that somebody else has decided meanwhile", async () => {
    let now = entry("a");
    const { hands } = show([entry("a")], as("supervisor"), {
      ...held(
        () => now,
        () => (now.state === "proposed" ? '"1"' : '"2"'),
      ),
      "PATCH /balances/entries/a": refused(412, "has changed"),
    });
    await hands.click(await button("Entry a"));
    await hands.selectOptions(await field("Decision"), "Accept");
    now = entry("a", { state: "rejected" });
    await hands.click(await button("Decide"));
    const dialog = await screen.findByRole("dialog", { name: "Somebody else has changed this" });
    expect(within(dialog).getByText("Reject")).toBeTruthy();
  });
  it("is not for who has proposed it", async () => {
    const { hands } = show([entry("a")], as("planner"));
    await hands.click(await button("Entry a"));
    expect(screen.queryByRole("button", { name: "Decide" })).toBeNull();
  });
});

describe("reversing an entry", () => {
  it("proposes another one that is as it was", async () => {
    const before = entry("a", { state: "accepted", kind: "cultivated_land", quality_grade: 5 });
    const { sent, hands, told } = show([before], as("planner"), {
      "POST /balances/entries": withHeaders(entry("n"), {}, 201),
    });
    await hands.click(await button("Entry a"));
    await hands.type(await field("Title in Chinese"), "冲销");
    await hands.click(await button("Propose to reverse it"));
    await waitFor(() => expect(told()).toBe(1));
    expect(writes(sent)[0]?.body).toEqual({
      title_zh: "冲销",
      year: expect.any(Number),
      kind: "cultivated_land",
      direction: "taken",
      amount: "300.0000",
      unit: "m",
      quality_grade: 5,
      region: "xiamen",
      project: "P1",
      control_area: null,
      reverses: "a",
    });
  });
  it.each([
    ["was not accepted", { state: "proposed" as const }],
    ["reverses another itself", { state: "accepted" as const, reverses: "z" }],
  ])("is not offered of one that %s", async (_, more) => {
    const { hands } = show([entry("a", more)], as("planner"));
    await hands.click(await button("Entry a"));
    await screen.findByRole("dialog");
    expect(screen.queryByRole("button", { name: "Propose to reverse it" })).toBeNull();
  });
});
