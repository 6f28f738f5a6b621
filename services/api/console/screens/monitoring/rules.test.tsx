import { beforeEach, describe, expect, it } from "vitest";
import type { Schema } from "../../kit/api";
import { plans, regions } from "../../kit/place";
import {
  type Answer,
  cellsOf,
  open,
  placed,
  refused,
  type Sent,
  screen,
  serve,
  waitFor,
  withHeaders,
  within,
} from "../../kit/testing";
import { Notices } from "../../kit/ui";
import { lang } from "../../kit/words";
import type { Rule } from "./readings";
import { contentsOf, limitsText, Rules, ruleSent } from "./rules";
import { PROPERTIES, rule } from "./testing";

const planner = {
  scopes: ["read", "write"],
  roles: [{ role: "planner", region: null }],
} as const;
const screenOf = (
  <>
    <Rules />
    <Notices />
  </>
);
const areas = ({ headers }: Sent) => ({
  type: "object",
  properties: {
    kind: {
      title: headers.get("Accept-Language") === "zh" ? "类型" : "Kind",
      type: "string",
      enum: ["eco_red_line", "farmland"],
      "x-enum-titles": { eco_red_line: "Ecological red line", farmland: "Permanent farmland" },
      readOnly: true,
    },
  },
});

/** Rules as the service keeps them: each change makes another tag. */
function kept(...rules: Rule[]) {
  const state = { rules, version: 1 };
  const tag = () => `"${state.version}"`;
  /** Change one as somebody else would. */
  const change = (more: Partial<Rule>) => {
    state.rules = state.rules.map((one, at) => (at ? one : { ...one, ...more }));
    state.version += 1;
  };
  const answers: Record<string, Answer> = {
    "GET /alert-rules": () => ({ rules: state.rules, links: [] }),
    "GET /alert-rules/{}": ({ path }) => {
      const found = state.rules.find(({ code }) => path.endsWith(`/${code}`));
      return found ? withHeaders(found, { ETag: tag() }) : refused(404, "there is no such rule");
    },
    "GET /properties": PROPERTIES,
    "GET /collections/control_areas/schema": areas,
    "POST /alert-rules": ({ body }) => {
      state.rules = [...state.rules, rule(body as Partial<Rule>)];
      return withHeaders(state.rules.at(-1), {}, 201);
    },
    "PUT /alert-rules/{}": ({ body, headers }) => {
      if (headers.get("If-Match") !== tag()) return refused(412, "the rule has changed");
      change(body as Partial<Rule>);
      return withHeaders(state.rules[0], { ETag: tag() });
    },
    "DELETE /alert-rules/{}": ({ headers }) => {
      if (headers.get("If-Match") !== tag()) return refused(412, "the rule has changed");
      state.rules = [];
      return null;
    },
  };
  return { answers, change, state };
}
const writes = (sent: Sent[]) => sent.filter(({ method }) => method !== "GET");
const box = (name: RegExp) => screen.findByRole<HTMLInputElement>("textbox", { name });
const save = () => screen.getByRole("button", { name: "Save" });
const begin = async (hands: ReturnType<typeof open>) => {
  await hands.click(await screen.findByRole("button", { name: "New rule" }));
  return box(/^Code ?$/);
};

beforeEach(() => {
  lang.value = "en";
});

describe("a rule that is sent", () => {
  it("has no members that are only read", () => {
    const { limits, ...sent } = contentsOf(rule({ links: [] }));
    expect(limits).toEqual({ red: 2, yellow: 5 });
    for (const name of ["code", "name", "kind_name", "unit", "links"])
      expect(Object.keys(sent)).not.toContain(name);
  });
  it("keeps what its kind takes, and no member of another kind", () => {
    const typed = {
      kind: "no_data",
      property: "do",
      stations: ["a"],
      limits: { red: 60 },
      plan: "p",
    };
    expect(ruleSent(typed)).toEqual({ kind: "no_data", stations: ["a"], limits: { red: 60 } });
  });
  it("keeps 0 and off, and leaves out what is empty", () =>
    expect(ruleSent({ kind: "above", reset: 0, enabled: false, name_en: "", quiet: null })).toEqual(
      {
        kind: "above",
        reset: 0,
        enabled: false,
      },
    ));
  it("of a kind that the form does not make goes back as it came", () => {
    const later = { kind: "later_kind", later_member: "sea_area", limits: { red: 1 } };
    expect(ruleSent(later)).toEqual(later);
  });
  it("keeps what settlements wait in, which the form does not ask", () => {
    const waiting = {
      kind: "settlement_waiting",
      settlement_state: "disputed",
      limits: { red: 1 },
    };
    expect(ruleSent(waiting)).toEqual(waiting);
  });
});

describe("the rules", () => {
  it("say what is watched, where, beyond which limits, and whether they are on", async () => {
    serve(
      kept(
        rule(),
        rule({
          code: "hot",
          name_en: "",
          name_zh: "水温偏高",
          kind: "above",
          kind_name: "Above a limit",
          region: "xiamen",
          limits: { orange: 30.5 },
          unit: "Cel",
          enabled: false,
        }),
      ).answers,
    );
    open(screenOf, { scopes: ["read"] });
    expect(await cellsOf("Alert rules")).toEqual([
      ["Oxygen low", "Below a limit", "anywhere", "yellow 5 mg/L; red 2 mg/L", "on"],
      ["水温偏高", "Above a limit", "Xiamen", "orange 30.5 °C", "off"],
    ]);
    expect(screen.getByRole("heading", { name: "2 rules" })).toBeTruthy();
  });
  it("are told in Chinese", () => {
    lang.value = "zh";
    expect(limitsText(rule())).toBe("黄色 5 mg/L；红色 2 mg/L");
  });
  it("are read alone by those who may not change them", async () => {
    serve(kept(rule()).answers);
    open(screenOf, { scopes: ["read"] });
    await cellsOf("Alert rules");
    expect(screen.queryByRole("button")).toBeNull();
  });
  it.each(["approver", "surveyor", "analyst"])("are read alone by an %s", async (role) => {
    serve(kept(rule()).answers);
    open(screenOf, { scopes: ["read", "write", "projects"], roles: [{ role, region: null }] });
    await cellsOf("Alert rules");
    expect(screen.queryByRole("button")).toBeNull();
  });
  it("are opened by those who plan where they hold", async () => {
    serve(
      kept(
        rule({ code: "a", name_en: "Anywhere" }),
        rule({ code: "b", name_en: "In Xiamen", region: "xiamen" }),
        rule({ code: "c", name_en: "Below it", region: "xiamen.siming" }),
        rule({ code: "d", name_en: "Elsewhere", region: "banan" }),
        rule({ code: "e", name_en: "Of the plan", plan: "xiamen-1" }),
        rule({ code: "f", name_en: "Of a plan elsewhere", plan: "banan-1" }),
        rule({ code: "g", name_en: "At stations", stations: ["yd"] }),
      ).answers,
    );
    open(screenOf, { ...planner, roles: [{ role: "planner", region: "xiamen" }] });
    plans.value = [...plans.value, placed("banan-1", { region: "banan" })];
    await cellsOf("Alert rules");
    const table = within(screen.getByRole("region", { name: "Alert rules" }));
    const opened = table.getAllByRole("button").map(({ textContent }) => textContent);
    expect(opened).toEqual(["In Xiamen", "Below it", "Of the plan", "At stations"]);
  });
  it("are none at first", async () => {
    serve(kept().answers);
    open(screenOf, { scopes: ["read"], lang: "zh" });
    expect(await screen.findByText("还没有规则。")).toBeTruthy();
  });
  it("are refused with the reason, and asked for again", async () => {
    let down = true;
    const { answers } = kept(rule());
    serve({
      ...answers,
      "GET /alert-rules": () => (down ? refused(503, "try later") : { rules: [rule()], links: [] }),
    });
    const hands = open(screenOf, { scopes: ["read"] });
    expect(await screen.findByText("try later")).toBeTruthy();
    down = false;
    await hands.click(screen.getByRole("button", { name: "Try again" }));
    expect(await cellsOf("Alert rules")).toHaveLength(1);
  });
});

describe("a new rule", () => {
  it("is made of what was typed, and stands in the list", async () => {
    const sent = serve(kept().answers);
    const hands = open(screenOf, planner);
    await hands.type(await begin(hands), "hot");
    await hands.type(await box(/^Chinese name/), "水温偏高");
    await hands.selectOptions(
      screen.getByRole("combobox", { name: /^Property/ }),
      "Water temperature °C",
    );
    await hands.selectOptions(screen.getByRole("combobox", { name: /^Region/ }), "Xiamen");
    await hands.click(screen.getByText("Limit of each level"));
    await hands.type(screen.getByRole("spinbutton", { name: "orange" }), "30.5");
    await hands.type(screen.getByRole("spinbutton", { name: "red" }), "33");
    await hands.click(save());
    await waitFor(async () => expect((await cellsOf("Alert rules"))[0]?.[0]).toBe("Oxygen low"));
    const [post] = writes(sent);
    expect([post?.method, post?.path]).toEqual(["POST", "/alert-rules"]);
    expect(post?.body).toEqual({
      kind: "above",
      enabled: true,
      code: "hot",
      name_zh: "水温偏高",
      property: "temperature",
      region: "xiamen",
      limits: { orange: 30.5, red: 33 },
    } satisfies Schema<"NewRule">);
    expect(post?.headers.get("X-CSRF-Token")).toBe("proof");
    expect(post?.headers.get("Idempotency-Key")).toBeTruthy();
    expect(screen.queryByRole("button", { name: "Save" })).toBeNull();
  });
  it("is of the region that one plans, and offers no other", async () => {
    serve(kept().answers);
    const hands = open(screenOf, { ...planner, roles: [{ role: "planner", region: "xiamen" }] });
    regions.value = [...regions.value, placed("banan", { name_zh: "巴南区", name_en: "Banan" })];
    await begin(hands);
    const chosen = screen.getByRole<HTMLSelectElement>("combobox", { name: "Region" });
    expect(chosen.value).toBe("xiamen");
    expect([...chosen.options].map(({ text }) => text)).toEqual(["anywhere", "Xiamen"]);
  });
  it("asks what its kind takes, and says of what its limits are", async () => {
    serve(kept().answers);
    const hands = open(screenOf, planner);
    await begin(hands);
    const kind = screen.getByRole("combobox", { name: "Kind" });
    const offered = () =>
      ["Property", "Plan", "Kind of control area"].filter((name) =>
        screen.queryByRole("combobox", { name }),
      );
    expect(offered()).toEqual(["Property"]);
    const property = screen.getByRole("combobox", { name: "Property" });
    await hands.selectOptions(property, "Water temperature °C");
    expect(screen.getByText("in °C")).toBeTruthy();
    await hands.selectOptions(kind, "changing too fast");
    expect(screen.getByText("change per hour, in °C")).toBeTruthy();
    await hands.selectOptions(kind, "indicator behind its target");
    expect(offered()).toEqual(["Plan"]);
    expect(screen.getByText("per cent behind")).toBeTruthy();
    await hands.selectOptions(kind, "change found in a control area");
    expect(offered()).toEqual(["Kind of control area"]);
    expect(screen.getByRole("option", { name: "Ecological red line" })).toBeTruthy();
    await hands.selectOptions(kind, "balance short");
    expect(screen.getByRole("combobox", { name: "Kind of balance" })).toBeTruthy();
    expect(screen.getByRole("option", { name: "Sea area (ha)" })).toBeTruthy();
    expect(screen.getByText("lacking, in the unit of the kind")).toBeTruthy();
    await hands.selectOptions(kind, "settlement waiting");
    expect(screen.getByText("days since the last step")).toBeTruthy();
    await hands.selectOptions(kind, "yearly report of a mine due");
    expect(offered()).toEqual([]);
    expect(screen.getByText("days overdue")).toBeTruthy();
  });
  it.each(["中文", "a b", "-begins"])("is not made with the code %s", async (code) => {
    const sent = serve(kept().answers);
    const hands = open(screenOf, planner);
    const text = await begin(hands);
    await hands.type(text, code);
    await hands.type(await box(/^Chinese name/), "名");
    await hands.selectOptions(
      screen.getByRole("combobox", { name: "Property" }),
      "Water temperature °C",
    );
    await hands.click(save());
    expect(text.validity.valid).toBe(false);
    expect(writes(sent)).toEqual([]);
  });
  it("shows at its field what was refused, and is the same one when it is sent again", async () => {
    const { answers } = kept();
    const sent = serve({
      ...answers,
      "POST /alert-rules": refused(409, "/code: there is a rule with this code", [
        { pointer: "/code", detail: "there is a rule with this code" },
      ]),
    });
    const hands = open(screenOf, planner);
    const code = await begin(hands);
    await hands.type(code, "do-low");
    await hands.type(await box(/^Chinese name/), "名");
    await hands.selectOptions(
      screen.getByRole("combobox", { name: "Property" }),
      "Dissolved oxygen mg/L",
    );
    await hands.click(save());
    expect(await screen.findByText("Code: there is a rule with this code")).toBeTruthy();
    expect(code.getAttribute("aria-invalid")).toBe("true");
    await hands.click(save());
    await waitFor(() => expect(writes(sent)).toHaveLength(2));
    expect(new Set(writes(sent).map(({ headers }) => headers.get("Idempotency-Key"))).size).toBe(1);
  });
  it("is put away, and there again as it was typed", async () => {
    serve(kept().answers);
    const hands = open(screenOf, { ...planner, lang: "zh" });
    const create = await screen.findByRole("button", { name: "新建规则" });
    await hands.click(create);
    await hands.type(await box(/^中文名称/), "半个名");
    await hands.click(screen.getByRole("button", { name: "取消" }));
    expect(screen.queryByRole("textbox")).toBeNull();
    await hands.click(screen.getByRole("button", { name: "新建规则" }));
    expect((await box(/^中文名称/)).value).toBe("半个名");
    await hands.click(screen.getByRole("button", { name: "放弃" }));
    expect((await box(/^中文名称/)).value).toBe("");
  });
});

describe("changing a rule", () => {
  const edit = async (hands: ReturnType<typeof open>, name = "Oxygen low") => {
    await hands.click(await screen.findByRole("button", { name }));
    return box(/^English name/);
  };
  it("replaces it over the state that was read, and warns of what that does", async () => {
    const sent = serve(kept(rule({ quiet: { from: "22:00", to: "06:00" } })).answers);
    const hands = open(screenOf, {
      scopes: ["read", "projects"],
      roles: [{ role: "supervisor", region: null }],
    });
    await hands.type(await edit(hands), " at night");
    expect(screen.getByText(/closes its open alerts/)).toBeTruthy();
    expect(screen.queryByRole("textbox", { name: /^Code ?$/ })).toBeNull();
    await hands.click(save());
    await waitFor(async () =>
      expect((await cellsOf("Alert rules"))[0]?.[0]).toBe("Oxygen low at night"),
    );
    const [put] = writes(sent);
    expect([put?.method, put?.path]).toEqual(["PUT", "/alert-rules/do-low"]);
    expect(put?.headers.get("If-Match")).toBe('"1"');
    // What the form does not show stays as it is.
    expect(put?.body).toEqual({
      name_zh: "溶解氧偏低",
      name_en: "Oxygen low at night",
      kind: "below",
      property: "do",
      limits: { red: 2, yellow: 5 },
      reset: 5,
      min_duration_s: 0,
      max_age_s: 604_800,
      any_quality: false,
      enabled: true,
      quiet: { from: "22:00", to: "06:00" },
    } satisfies Schema<"RuleContents">);
  });
  it("takes a limit away", async () => {
    const sent = serve(kept(rule()).answers);
    const hands = open(screenOf, planner);
    await edit(hands);
    await hands.clear(screen.getByRole("spinbutton", { name: "yellow" }));
    const limits = () => writes(sent).map(({ body }) => (body as Rule).limits)[0];
    await hands.click(save());
    await waitFor(() => expect(limits()).toEqual({ red: 2 }));
  });
  const conflict = async () =>
    within(await screen.findByRole("dialog", { name: "Somebody else has changed this" }));
  it("shows another's change beside mine, and takes nothing of theirs back", async () => {
    const rules = kept(rule());
    const sent = serve(rules.answers);
    const hands = open(screenOf, planner);
    await hands.type(await edit(hands), "!");
    rules.change({ limits: { red: 1 } });
    await hands.click(save());
    const dialog = await conflict();
    expect(dialog.getByText("Oxygen low!", { selector: "td span" })).toBeTruthy();
    await hands.click(dialog.getByRole("button", { name: "Send again as chosen" }));
    await waitFor(() => expect(rules.state.rules[0]?.name_en).toBe("Oxygen low!"));
    expect(rules.state.rules[0]?.limits).toEqual({ red: 1 });
    expect(writes(sent).map(({ headers }) => headers.get("If-Match"))).toEqual(['"1"', '"2"']);
  });
  it("of the same as another asks which stays, as often as it is sent", async () => {
    const rules = kept(rule());
    const sent = serve(rules.answers);
    const hands = open(screenOf, planner);
    await hands.type(await edit(hands), " of mine");
    rules.change({ name_en: "Theirs" });
    await hands.click(save());
    await hands.click((await conflict()).getByRole("button", { name: "Back to editing" }));
    expect((await box(/^English name/)).value).toBe("Oxygen low of mine");
    await hands.click(save());
    const dialog = await conflict();
    await hands.click(dialog.getByRole("radio", { name: "English name: theirs" }));
    await hands.click(dialog.getByRole("button", { name: "Send again as chosen" }));
    await waitFor(() => expect(writes(sent)).toHaveLength(3));
    expect(rules.state.rules[0]?.name_en).toBe("Theirs");
  });
  it("that was put away asks about what came meanwhile", async () => {
    const rules = kept(rule());
    serve(rules.answers);
    const hands = open(screenOf, planner);
    await hands.type(await edit(hands), " of mine");
    await hands.click(screen.getByRole("button", { name: "Cancel" }));
    rules.change({ name_en: "Theirs" });
    await edit(hands);
    await hands.click(save());
    expect((await conflict()).getByText("Theirs", { selector: "td span" })).toBeTruthy();
    expect(rules.state.rules[0]?.name_en).toBe("Theirs");
  });
  it("tells where theirs cannot be read, and keeps what was typed", async () => {
    const rules = kept(rule());
    let gone = false;
    const read = rules.answers["GET /alert-rules/{}"] as (sent: Sent) => object;
    serve({
      ...rules.answers,
      "GET /alert-rules/{}": (one) => (gone ? refused(404, "they ended it") : read(one)),
    });
    const hands = open(screenOf, planner);
    await hands.type(await edit(hands), "!");
    rules.change({});
    gone = true;
    await hands.click(save());
    expect(await screen.findByText("they ended it")).toBeTruthy();
    expect((await box(/^English name/)).value).toBe("Oxygen low!");
  });
  it("cannot make another kind of what the form does not know", async () => {
    const balance = rule({
      code: "sea",
      name_en: "Sea short",
      kind: "later_kind" as Rule["kind"],
      kind_name: "Balance short",
      property: null,
      unit: null,
      balance_kind: "sea_area",
      limits: { red: 1 },
    });
    const sent = serve(kept(balance).answers);
    const hands = open(screenOf, planner);
    await hands.type(await edit(hands, "Sea short"), "?");
    expect(screen.queryByRole("combobox", { name: "Kind" })).toBeNull();
    await hands.click(save());
    await waitFor(() =>
      expect(writes(sent)[0]?.body).toMatchObject({
        kind: "later_kind",
        balance_kind: "sea_area",
      }),
    );
  });
  it("ends a rule over the state that was read", async () => {
    const sent = serve(kept(rule()).answers);
    const hands = open(screenOf, planner);
    await edit(hands);
    await hands.click(screen.getByRole("button", { name: "End the rule" }));
    await hands.click(await screen.findByRole("button", { name: "Confirm" }));
    expect(await screen.findByText("There are no rules yet.")).toBeTruthy();
    const [end] = writes(sent);
    expect([end?.method, end?.path, end?.headers.get("If-Match")]).toEqual([
      "DELETE",
      "/alert-rules/do-low",
      '"1"',
    ]);
    expect(end?.headers.get("X-CSRF-Token")).toBe("proof");
  });
  it("does not end a rule where that is refused", async () => {
    const { answers } = kept(rule());
    serve({ ...answers, "DELETE /alert-rules/{}": refused(403, "your roles are elsewhere") });
    const hands = open(screenOf, planner);
    await edit(hands);
    await hands.click(screen.getByRole("button", { name: "End the rule" }));
    await hands.click(await screen.findByRole("button", { name: "Confirm" }));
    expect(await screen.findByText("your roles are elsewhere")).toBeTruthy();
    const table = await screen.findByRole("region", { name: "Alert rules" });
    expect(within(table).getByRole("button", { name: "Oxygen low" })).toBeTruthy();
  });
});
