import { describe, expect, it } from "vitest";
import type { Schema } from "../../kit/api";
import { region } from "../../kit/place";
import {
  type Answer,
  act,
  cellsOf,
  naming,
  open,
  refused,
  type Sent,
  screen,
  serve,
  waitFor,
  withHeaders,
  within,
} from "../../kit/testing";
import { Notices } from "../../kit/ui";
import { AlertDetails, AlertInbox } from "./alerts";
import type { Alert } from "./readings";
import { alert } from "./testing";

const member = { scopes: ["read"] } as const;
const planner = {
  scopes: ["read", "write"],
  roles: [{ role: "planner", region: "xiamen" }],
} as const;
const list = (alerts: readonly Alert[], next = false) => ({
  alerts,
  links: next ? [{ rel: "next", href: "http://localhost:3000/alerts?before=1" }] : [],
});

describe("the inbox of alerts", () => {
  const inbox = (onOpen = (_: number) => {}) => <AlertInbox onOpen={onOpen} />;

  it("begins with what is open, and tells what, by which rule, how bad and when", async () => {
    const sent = serve({
      "GET /alerts": list([alert(), alert({ id: 3, subject_name: "Duty 4" })]),
    });
    open(inbox(), member);
    expect(await cellsOf("Alerts")).toEqual([
      ["Yuandang", "Oxygen low", "Orange", "Open", "2026-01-02 11:00"],
      ["Duty 4", "Oxygen low", "Orange", "Open", "2026-01-02 11:00"],
    ]);
    expect(Object.fromEntries(sent[0]?.query ?? [])).toEqual({
      limit: "100",
      status: "open",
      region: "xiamen",
    });
  });
  it("is narrowed by state and level, or by neither", async () => {
    const sent = serve({ "GET /alerts": list([alert()]) });
    const hands = open(inbox(), { ...member, lang: "zh" });
    await cellsOf("预警");
    await hands.selectOptions(screen.getByRole("combobox", { name: "状态" }), "已关闭");
    await hands.selectOptions(screen.getByRole("combobox", { name: "级别" }), "红色");
    await hands.selectOptions(screen.getByRole("combobox", { name: "状态" }), "全部状态");
    await waitFor(() =>
      expect(sent.map(({ query }) => [query.get("status"), query.get("level")])).toEqual([
        ["open", null],
        ["closed", null],
        ["closed", "red"],
        [null, "red"],
      ]),
    );
  });
  it("tells of the chosen region and those below it, and of all regions where that is asked", async () => {
    const sent = serve({
      "GET /alerts": ({ query }) =>
        list(query.has("region") ? [alert()] : [alert(), alert({ id: 3, subject_name: "Beyond" })]),
    });
    const hands = open(inbox(), { ...member, lang: "zh" });
    expect(await cellsOf("预警")).toHaveLength(1);
    const where = screen.getByRole<HTMLSelectElement>("combobox", { name: "范围" });
    expect(where.selectedOptions[0]?.text).toBe("厦门市及下级区域");
    await hands.selectOptions(where, "全部区域");
    expect(await screen.findByRole("button", { name: "Beyond" })).toBeTruthy();
    expect(sent.map(({ query }) => query.get("region"))).toEqual(["xiamen", null]);
  });
  it("begins with the newest of another region", async () => {
    const sent = serve({
      "GET /alerts": ({ query }) => list([alert()], !query.has("before")),
    });
    const hands = open(inbox(), member);
    await hands.click(await screen.findByRole("button", { name: "Older" }));
    await waitFor(() => expect(sent.at(-1)?.query.get("before")).toBe("9"));
    act(() => {
      region.value = "xiamen.siming";
    });
    await waitFor(() => expect(sent.at(-1)?.query.get("region")).toBe("xiamen.siming"));
    expect(sent.at(-1)?.query.has("before")).toBe(false);
    await waitFor(() => expect(screen.queryByRole("button", { name: "Newer" })).toBeNull());
  });
  it("is whole where no region is chosen", async () => {
    const sent = serve({ "GET /alerts": list([alert()]) });
    open(inbox(), member);
    await cellsOf("Alerts");
    act(() => {
      region.value = "";
    });
    await waitFor(() => expect(sent.at(-1)?.query.has("region")).toBe(false));
    expect(screen.queryByRole("combobox", { name: "Where" })).toBeNull();
  });
  it("goes to older ones and back, page by page", async () => {
    // Three pages of two: 6 5, 4 3, 2 1.
    const sent = serve({
      "GET /alerts": ({ query }) => {
        const before = Number(query.get("before") ?? 7);
        const ids = [before - 1, before - 2];
        return list(
          ids.map((id) => alert({ id, subject_name: `Alert ${id}` })),
          before > 3,
        );
      },
    });
    const hands = open(inbox(), member);
    const subjects = async () => (await cellsOf("Alerts")).map(([name]) => name);
    expect(await subjects()).toEqual(["Alert 6", "Alert 5"]);
    expect(screen.queryByRole("button", { name: "Newer" })).toBeNull();
    await hands.click(screen.getByRole("button", { name: "Older" }));
    await waitFor(async () => expect(await subjects()).toEqual(["Alert 4", "Alert 3"]));
    await hands.click(screen.getByRole("button", { name: "Older" }));
    await waitFor(async () => expect(await subjects()).toEqual(["Alert 2", "Alert 1"]));
    expect(screen.queryByRole("button", { name: "Older" })).toBeNull();
    await hands.click(screen.getByRole("button", { name: "Newer" }));
    await waitFor(async () => expect(await subjects()).toEqual(["Alert 4", "Alert 3"]));
    // Another choice begins with the newest again.
    await hands.selectOptions(screen.getByRole("combobox", { name: "Level" }), "red");
    await waitFor(() => expect(sent.at(-1)?.query.get("level")).toBe("red"));
    expect(sent.at(-1)?.query.has("before")).toBe(false);
  });
  it("opens an alert", async () => {
    const opened: number[] = [];
    serve({ "GET /alerts": list([alert()]) });
    const hands = open(
      inbox((id) => opened.push(id)),
      member,
    );
    await hands.click(await screen.findByRole("button", { name: "Yuandang" }));
    expect(opened).toEqual([9]);
  });
  it("goes from the least to the most serious by level", async () => {
    const levels = ["red", "blue", "orange"] as const;
    serve({
      "GET /alerts": list(levels.map((level, id) => alert({ id, level, level_name: level }))),
    });
    const hands = open(inbox(), member);
    await hands.click(await screen.findByRole("button", { name: "Level" }));
    expect((await cellsOf("Alerts")).map((row) => row[2])).toEqual(["blue", "orange", "red"]);
  });
  it("is empty where nothing is open, and says what is refused", async () => {
    let ended = false;
    serve({ "GET /alerts": () => (ended ? refused(403, "roles are needed") : list([])) });
    const hands = open(inbox(), member);
    expect(await screen.findByText("No such alerts.")).toBeTruthy();
    ended = true;
    await hands.selectOptions(screen.getByRole("combobox", { name: "Level" }), "red");
    expect((await screen.findByRole("alert")).textContent).toContain("roles are needed");
  });
});

const happened = (
  event: Schema<"AlertEvent">["event"],
  event_name: string,
  note: string | null = null,
): Schema<"AlertEvent"> => ({
  at: "2026-01-02T03:00:00Z",
  event,
  event_name,
  level: "orange",
  actor: note && "key:li",
  note,
  time: null,
  measure: null,
});

/** An alert as the service keeps it: each answer makes another tag. */
function kept(more: Partial<Alert> = {}) {
  const state = { alert: alert({ events: [happened("opened", "Opened")], ...more }), version: 1 };
  const tag = () => `"${state.version}"`;
  const move = (
    status: Alert["status"],
    status_name: string,
    note: string,
    event: Schema<"AlertEvent"> = happened("acknowledged", status_name, note),
  ) => {
    const events = [...(state.alert.events ?? []), event];
    state.alert = { ...state.alert, status, status_name, events };
    state.version += 1;
  };
  const answer =
    (status: Alert["status"], name: string): Answer =>
    ({ headers, body }) => {
      if (headers.get("If-Match") !== tag()) return refused(412, "the alert has changed");
      move(status, name, (body as { note: string }).note);
      return withHeaders(state.alert, { ETag: tag() });
    };
  return {
    move,
    answers: {
      "GET /actors": naming({ "key:li": "Li Wei" }),
      "GET /alerts/9": () => withHeaders(state.alert, { ETag: tag() }),
      "POST /alerts/9/comments": ({ body }) => {
        const { note } = body as { note: string };
        const { status, status_name } = state.alert;
        move(status, status_name, note, happened("commented", "Comment", note));
        return withHeaders(state.alert, { ETag: tag() }, 201);
      },
      "POST /alerts/9/acknowledge": answer("acknowledged", "Acknowledged"),
      "POST /alerts/9/close": answer("closed", "Closed"),
    } as Record<string, Answer>,
  };
}
const details = (onStation = (_: string, __: string | undefined) => {}) => (
  <>
    <AlertDetails id={9} onBack={() => {}} onStation={onStation} />
    <Notices />
  </>
);
const posts = (sent: Sent[]) => sent.filter(({ method }) => method === "POST");
const note = (name = "What was found or done") =>
  screen.findByRole<HTMLTextAreaElement>("textbox", { name: new RegExp(`^${name}`) });

describe("one alert", () => {
  it("tells what was measured, since when, and all that happened", async () => {
    serve(kept().answers);
    open(details(), member);
    expect(await screen.findByRole("heading", { name: /Yuandang · Oxygen low/ })).toBeTruthy();
    const facts = document.querySelector("dl")?.textContent;
    expect(facts).toContain("Measure1.75 mg/L");
    expect(facts).toContain("Began2026-01-02 09:00");
    const story = screen.getByRole("heading", { name: "What happened" }).closest("section");
    expect(
      within(story as HTMLElement)
        .getByRole("listitem")
        .textContent?.trim(),
    ).toBe("Opened 2026-01-02 11:00");
  });
  it.each([
    ["the public", null, []],
    ["a viewer", ["read"] as const, [{ role: "viewer", region: "xiamen" }]],
    ["a feed", ["read", "write"] as const, [{ role: "feed", region: "xiamen" }]],
  ])("cannot be answered by %s", async (_, scopes, roles) => {
    serve(kept().answers);
    open(details(), { scopes, roles });
    await screen.findByRole("heading", { name: "What happened" });
    expect(screen.queryByRole("textbox")).toBeNull();
    expect(screen.queryByRole("button", { name: /Acknowledge|Close|Comment/ })).toBeNull();
  });
  it("that is closed takes comments, but no more answers", async () => {
    const sent = serve(kept({ status: "closed", status_name: "Closed" }).answers);
    const hands = open(details(), planner);
    await hands.type(await note(), "it was a leak");
    expect(screen.queryByRole("button", { name: /Acknowledge|Close/ })).toBeNull();
    await hands.click(screen.getByRole("button", { name: "Comment only" }));
    expect(await screen.findByText("it was a leak", { selector: "p" })).toBeTruthy();
    expect(posts(sent).map(({ path }) => path)).toEqual(["/alerts/9/comments"]);
  });
  it("leads to the chart of its station", async () => {
    const opened: unknown[] = [];
    serve(kept().answers);
    const hands = open(
      details((...at) => opened.push(at)),
      member,
    );
    await hands.click(await screen.findByRole("button", { name: "Chart of the station" }));
    expect(opened).toEqual([["yd", "do"]]);
    expect(screen.queryByRole("link", { name: "The case" })).toBeNull();
  });
  it("leads to its case where it is about one", async () => {
    serve(kept({ station: null, property: null, case: "C-7", unit: "m2", measure: 5200 }).answers);
    open(details(), { ...member, lang: "zh" });
    const link = await screen.findByRole("link", { name: "查看案件" });
    expect(link.getAttribute("href")).toBe("/console/monitoring?tab=cases&case=C-7");
    expect(screen.queryByRole("button", { name: "查看站点曲线" })).toBeNull();
    expect(document.querySelector("dl")?.textContent).toContain("5,200 平方米");
  });
  it("says that there is none of this number", async () => {
    serve({ "GET /alerts/9": refused(404, "there is no alert 9") });
    open(details(), member);
    expect((await screen.findByRole("alert")).textContent).toContain("there is no alert 9");
  });
});

describe("answering an alert", () => {
  it("acknowledges it with words, over the state that was read, and shows what happened then", async () => {
    const sent = serve(kept().answers);
    const hands = open(details(), planner);
    await hands.type(await note(), "boat is on its way");
    await hands.click(screen.getByRole("button", { name: "Acknowledge" }));
    expect(await screen.findByText("boat is on its way", { selector: "p" })).toBeTruthy();
    const [post] = posts(sent);
    expect([post?.path, post?.body]).toEqual([
      "/alerts/9/acknowledge",
      { note: "boat is on its way" },
    ]);
    expect(post?.headers.get("If-Match")).toBe('"1"');
    expect(post?.headers.get("X-CSRF-Token")).toBe("proof");
    expect(post?.headers.get("Idempotency-Key")).toBeTruthy();
    expect((await note()).value).toBe("");
    // What is acknowledged can only be closed.
    expect(screen.queryByRole("button", { name: "Acknowledge" })).toBeNull();
  });
  it("may be a comment alone: it stays open, and the comment is told with who and when", async () => {
    const sent = serve(kept().answers);
    const hands = open(details(), { ...planner, lang: "zh" });
    await hands.type(await note("处理意见"), "已通知街道");
    await hands.click(screen.getByRole("button", { name: "仅发表意见" }));
    const said = await screen.findByText("已通知街道", { selector: "p" });
    expect((await screen.findByText("Li Wei")).title).toBe("key:li");
    expect(said.closest("li")?.textContent).toBe("Comment 2026-01-02 11:00 Li Wei已通知街道");
    expect(screen.getByText("意见已保存")).toBeTruthy();
    const [post] = posts(sent);
    expect([post?.path, post?.body]).toEqual(["/alerts/9/comments", { note: "已通知街道" }]);
    // What others said meanwhile is no reason to refuse it.
    expect(post?.headers.has("If-Match")).toBe(false);
    expect(post?.headers.get("Idempotency-Key")).toBeTruthy();
    expect((await note("处理意见")).value).toBe("");
    expect(screen.getByRole("button", { name: "确认" })).toBeTruthy();
  });
  it("says at the field what is wrong with a comment, and keeps it", async () => {
    const wrong = [{ pointer: "/note", detail: "at most 2000 characters" }];
    serve({ ...kept().answers, "POST /alerts/9/comments": refused(400, "wrong", wrong) });
    const hands = open(details(), planner);
    await hands.type(await note(), "x");
    await hands.click(screen.getByRole("button", { name: "Comment only" }));
    await waitFor(async () => expect((await note()).getAttribute("aria-invalid")).toBe("true"));
    const told = (await note()).getAttribute("aria-describedby") ?? "";
    expect(document.getElementById(told)?.textContent).toBe("at most 2000 characters");
    expect((await note()).value).toBe("x");
  });
  it("is another deed where another button is pressed after none was answered", async () => {
    const away = () => {
      throw new TypeError("network");
    };
    const { answers } = kept();
    const sent = serve({ ...answers, "POST /alerts/9/comments": away });
    const hands = open(details(), planner);
    await hands.type(await note(), "seen");
    await hands.click(screen.getByRole("button", { name: "Comment only" }));
    expect((await screen.findByRole("alert")).textContent).toContain("does not answer");
    await hands.click(screen.getByRole("button", { name: "Acknowledge" }));
    expect(await screen.findByText("seen", { selector: "p" })).toBeTruthy();
    const keys = posts(sent).map(({ headers }) => headers.get("Idempotency-Key"));
    expect([keys.length, new Set(keys).size]).toEqual([2, 2]);
  });
  it("is closed at once, or after it was acknowledged, each time as another deed", async () => {
    const sent = serve(kept().answers);
    const roles = [{ role: "supervisor", region: "xiamen" }];
    const hands = open(details(), { scopes: ["read", "projects"], roles, lang: "zh" });
    await hands.type(await note("处理意见"), "已派船");
    await hands.click(screen.getByRole("button", { name: "确认" }));
    await waitFor(() => expect(screen.queryByRole("button", { name: "确认" })).toBeNull());
    await hands.type(await note("处理意见"), "已恢复");
    await hands.click(screen.getByRole("button", { name: "关闭预警" }));
    await waitFor(() => expect(screen.queryByRole("button", { name: "关闭预警" })).toBeNull());
    expect(posts(sent).map(({ path }) => path)).toEqual([
      "/alerts/9/acknowledge",
      "/alerts/9/close",
    ]);
    expect(posts(sent).map(({ headers }) => headers.get("If-Match"))).toEqual(['"1"', '"2"']);
    expect(new Set(posts(sent).map(({ headers }) => headers.get("Idempotency-Key"))).size).toBe(2);
  });
  it("needs words: nothing, or nothing but blanks, closes no alert", async () => {
    const sent = serve(kept().answers);
    const hands = open(details(), planner);
    const text = await note();
    const close = () => screen.getByRole<HTMLButtonElement>("button", { name: "Close the alert" });
    const comment = () => screen.getByRole<HTMLButtonElement>("button", { name: "Comment only" });
    await hands.click(screen.getByRole("button", { name: "Acknowledge" }));
    await hands.type(text, "   ");
    expect([close().disabled, comment().disabled]).toEqual([true, true]);
    await hands.type(text, "x");
    expect([close().disabled, comment().disabled]).toEqual([false, false]);
    expect(posts(sent)).toEqual([]);
  });
  it("shows who was first, and keeps what was typed for the answer that is left", async () => {
    const one = kept();
    const sent = serve(one.answers);
    const hands = open(details(), planner);
    await hands.type(await note(), "boat is on its way");
    one.move("acknowledged", "Acknowledged", "seen from the bridge");
    await hands.click(screen.getByRole("button", { name: "Acknowledge" }));
    expect(await screen.findByText("seen from the bridge")).toBeTruthy();
    expect(screen.getByText("the alert has changed")).toBeTruthy();
    expect((await note()).value).toBe("boat is on its way");
    await hands.click(screen.getByRole("button", { name: "Close the alert" }));
    await waitFor(() =>
      expect(screen.queryByRole("button", { name: "Close the alert" })).toBeNull(),
    );
    expect(posts(sent).map(({ headers }) => headers.get("If-Match"))).toEqual(['"1"', '"2"']);
  });
  it("is the same answer when it is sent again after none came", async () => {
    let away = true;
    const one = kept();
    const answer = one.answers["POST /alerts/9/acknowledge"] as (sent: Sent) => object;
    const sent = serve({
      ...one.answers,
      "POST /alerts/9/acknowledge": (asked) => {
        if (away) throw new TypeError("network");
        return answer(asked);
      },
    });
    const hands = open(details(), planner);
    await hands.type(await note(), "seen");
    await hands.click(screen.getByRole("button", { name: "Acknowledge" }));
    expect((await screen.findByRole("alert")).textContent).toContain("does not answer");
    away = false;
    await hands.click(screen.getByRole("button", { name: "Acknowledge" }));
    expect(await screen.findByText("seen", { selector: "p" })).toBeTruthy();
    const keys = posts(sent).map(({ headers }) => headers.get("Idempotency-Key"));
    expect([keys.length, new Set(keys).size]).toEqual([2, 1]);
  });
  it("is refused with the reason to who may not in this region", async () => {
    const { answers } = kept();
    serve({ ...answers, "POST /alerts/9/close": refused(403, "a role in Xiamen is needed") });
    const hands = open(details(), planner);
    await hands.type(await note(), "all well");
    await hands.click(screen.getByRole("button", { name: "Close the alert" }));
    expect(await screen.findByText("a role in Xiamen is needed")).toBeTruthy();
    expect((await note()).value).toBe("all well");
  });
  it("finds again what was typed before the page was left", async () => {
    localStorage.setItem("shanhai.draft.alert.9", JSON.stringify({ note: "half a sen" }));
    serve(kept().answers);
    open(details(), planner);
    expect((await note()).value).toBe("half a sen");
  });
});
