import { describe, expect, it } from "vitest";
import type { Schema } from "../../kit/api";
import {
  type Answer,
  naming,
  open,
  refused,
  type Sent,
  screen,
  serve,
  waitFor,
  within,
} from "../../kit/testing";
import type { Lang } from "../../kit/words";
import { Audit, changesOf, filterOf } from "./audit";

const entry = (id: number, more: Partial<Schema<"AuditEntry">> = {}): Schema<"AuditEntry"> => ({
  id,
  at: "2026-03-01T00:00:00Z",
  actor: "key:a",
  action: "update",
  table: "project",
  object: `p${id}`,
  before: null,
  after: null,
  request: "r-1",
  address: "10.0.0.1",
  digest: "abc",
  ...more,
});

function show(answers: Record<string, Answer> = {}, lang: Lang = "en") {
  const entries = [
    entry(2, { before: { name: "Old", size: 1 }, after: { name: "New", size: 1, tags: ["a"] } }),
    entry(1, { actor: null, table: null, object: null, action: "read", address: null }),
  ];
  const sent = serve({
    "GET /audit": { entries, links: [] },
    "GET /actors": naming({ "key:a": "李伟" }),
    ...answers,
  });
  const hands = open(<Audit />, {
    lang,
    scopes: ["read"],
    roles: [{ role: "auditor", region: null }],
  });
  /** What was asked of the log. */
  const log = () => sent.filter(({ path }) => path === "/audit");
  return { log, hands };
}

const rows = () =>
  screen
    .getAllByRole("row")
    .slice(1)
    .map((row) => [...row.querySelectorAll("td")].map(({ textContent }) => textContent));

describe("the audit log", () => {
  it("tells who did what to what, and from where", async () => {
    show();
    expect((await screen.findByText("李伟")).title).toBe("key:a");
    expect(rows()).toEqual([
      ["2026-03-01 08:00", "李伟", "Changed", "Projects", "p2", "10.0.0.1"],
      ["2026-03-01 08:00", "the public", "Read", "", "", "–"],
    ]);
  });

  it("is in words, and what has none stays as it is logged", async () => {
    const entries = [
      entry(3, { action: "make-link", table: "api_key" }),
      entry(2, { action: "anything", table: "toString" }),
      entry(1, { action: "cancel", table: "job" }),
    ];
    show({ "GET /audit": { entries, links: [] } }, "zh");
    await screen.findByRole("table");
    expect(rows().map((cells) => cells.slice(2, 4))).toEqual([
      ["生成登录链接", "接口密钥"],
      ["anything", "toString"],
      ["取消", "作业"],
    ]);
  });

  it("shows what an entry changed, and leaves out what stayed", async () => {
    const { hands } = show();
    await hands.click((await screen.findAllByRole("button", { name: /2026-03-01/ }))[0] as never);
    const dialog = within(await screen.findByRole("dialog", { name: "2026-03-01 08:00" }));
    const changed = within(dialog.getByRole("table")).getAllByRole("row").slice(1);
    expect(changed.map(({ textContent }) => textContent)).toEqual(["nameOldNew", 'tags–["a"]']);
    expect(dialog.getByText("Who").nextElementSibling?.textContent).toBe("李伟 key:a");
    expect(dialog.getByText("Digest").nextElementSibling?.textContent).toBe("abc");
    await hands.click(dialog.getByRole("button", { name: "Close" }));
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  });

  it("goes on page after page", async () => {
    const next = { rel: "next", href: `${location.origin}/audit/older` };
    const { hands } = show({
      "GET /audit": { entries: [entry(9)], links: [next] },
      "GET /audit/older": { entries: [entry(8)], links: [] },
    });
    await hands.click(await screen.findByRole("button", { name: "More" }));
    await waitFor(() => expect(rows().map((cells) => cells[4])).toEqual(["p9", "p8"]));
  });

  it("is refused to whoever is no auditor", async () => {
    show({ "GET /audit": refused(403, "需要审计角色") }, "zh");
    expect(await screen.findByText("需要审计角色")).toBeTruthy();
    expect(screen.queryByRole("table")).toBeNull();
  });
});

describe("filters of the log", () => {
  const asked = (log: () => Sent[]) => Object.fromEntries(log().at(-1)?.query ?? []);
  const csv = () => new URL(screen.getByRole<HTMLAnchorElement>("link", { name: "As CSV" }).href);

  it("are asked for by Enter, not with each key, and hold for the CSV", async () => {
    const { log, hands } = show();
    await screen.findByRole("table");
    await hands.type(screen.getByLabelText("Who"), " key:b ");
    await hands.type(screen.getByLabelText("Kind of object"), "Projects");
    expect(log()).toHaveLength(1);
    expect([...csv().searchParams]).toEqual([["f", "csv"]]);
    await hands.keyboard("{Enter}");
    await waitFor(() => expect(log()).toHaveLength(2));
    expect(asked(log)).toEqual({ limit: "100", actor: "key:b", table: "project" });
    expect(Object.fromEntries(csv().searchParams)).toEqual({
      actor: "key:b",
      table: "project",
      f: "csv",
    });
  });

  it("are taken from an entry: who it was, and to what", async () => {
    const { log, hands } = show();
    await hands.type(screen.getByLabelText("From"), "10.0.0.1");
    await hands.click((await screen.findAllByRole("button", { name: /2026-03-01/ }))[0] as never);
    await hands.click(await screen.findByRole("button", { name: "Only what they did" }));
    await waitFor(() => expect(log()).toHaveLength(2));
    expect(asked(log)).toEqual({ limit: "100", address: "10.0.0.1", actor: "key:a" });
    expect(screen.queryByRole("dialog")).toBeNull();
    await hands.click((await screen.findAllByRole("button", { name: /2026-03-01/ }))[0] as never);
    await hands.click(await screen.findByRole("button", { name: "Only what became of it" }));
    await waitFor(() => expect(log()).toHaveLength(3));
    expect(asked(log)).toMatchObject({ actor: "key:a", table: "project", object: "p2" });
    expect(screen.getByLabelText("Kind of object")).toHaveProperty("value", "Projects");
    await hands.click((await screen.findAllByRole("button", { name: /2026-03-01/ }))[1] as never);
    await screen.findByRole("dialog");
    expect(screen.queryByRole("button", { name: /^Only what/ })).toBeNull();
  });

  it("are taken in words of either language and in codes", () =>
    expect(
      ["修改", "Changed", "update", " 其他 "].map((action) => filterOf({ action }).action),
    ).toEqual(["update", "update", "update", "其他"]));

  it("are offered in words", async () => {
    show({}, "zh");
    const list = screen.getByLabelText<HTMLInputElement>("对象类型").getAttribute("list");
    const offered = document.querySelectorAll<HTMLOptionElement>(`#${list} option`);
    expect([...offered].map(({ value }) => value)).toContain("分区方案");
  });

  it("are taken away again", async () => {
    const { log, hands } = show();
    await hands.type(screen.getByLabelText("From"), "10.0.0.9{Enter}");
    await waitFor(() => expect(asked(log).address).toBe("10.0.0.9"));
    await hands.clear(screen.getByLabelText("From"));
    await hands.click(screen.getByRole("button", { name: "Filter" }));
    await waitFor(() => expect(asked(log)).toEqual({ limit: "100" }));
  });

  it("that find nothing say so", async () => {
    const { hands } = show({
      "GET /audit": ({ query }: Sent) => ({
        entries: query.has("object") ? [] : [entry(1)],
        links: [],
      }),
    });
    await screen.findByRole("table");
    await hands.type(screen.getByLabelText("Object"), "nothing{Enter}");
    expect(await screen.findByText("No such entries.")).toBeTruthy();
  });

  it("of time are whole moments", async () => {
    const { log, hands } = show();
    await hands.type(screen.getByLabelText("Since"), "2026-03-01T08:00");
    await hands.click(screen.getByRole("button", { name: "Filter" }));
    await waitFor(() => expect(asked(log).since).toMatch(/^2026-0[23]-\d\dT\d\d:00:00.000Z$/));
  });
});

it.each([
  ["a member that came is shown beside a dash", null, { a: 0 }, [["a", "–", "0"]]],
  ["a member that went likewise", { a: false }, null, [["a", "false", "–"]]],
  ["an order of members is no change of a text", { a: "1" }, { a: "1" }, []],
  ["a number is another than its text", { a: 1 }, { a: "1" }, [["a", "1", "1"]]],
])("changes: %s", (_, before, after, told) => {
  expect(
    changesOf({ before, after }).map(({ name, before, after }) => [name, before, after]),
  ).toEqual(told);
});
