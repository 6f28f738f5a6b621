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
import { Notices } from "../../kit/ui";
import { ProjectCard } from "./card";
import { dossier, measure } from "./testing";

const PLANT = measure("plant");
const DREDGE = measure("dredge", {
  order: 2,
  name_zh: "清淤",
  name_en: "Dredging",
  planned: 4.5,
  done: null,
  unit: "10^4 m3",
  progress_percent: null,
});
const indicators = [
  { code: "mangrove_area", name_zh: "红树林面积", name_en: "Area of mangroves", unit: "ha" },
];

/** The measures of a project, which others change as well; each write is another state. */
class Held {
  version = 1;
  constructor(
    public rows: Schema<"Measure">[],
    private state = "design",
  ) {}
  get tag() {
    return `"${this.version}"`;
  }
  put(code: string, more: Partial<Schema<"Measure">>) {
    const found = this.rows.find((one) => one.measure === code) ?? measure(code, { done: null });
    const others = this.rows.filter((one) => one.measure !== code);
    this.rows = [...others, { ...found, ...more }].sort((a, b) => a.order - b.order);
    this.version += 1;
  }
  readonly answers: Record<string, Answer> = {
    "GET /projects/P1": () => dossier({ state: this.state, measures: this.rows }),
    "GET /projects/P1/measures": () => ({ project: "P1", measures: this.rows, links: [] }),
    "GET /indicators": { indicators, links: [] },
    "GET /projects/P1/measures/{measure}": ({ path }: Sent) => {
      const found = this.rows.find(({ measure }) => path.endsWith(`/${measure}`));
      return withHeaders({ ...found, project: "P1", links: [] }, { ETag: this.tag });
    },
    "POST /projects/P1/measures": ({ body }: Sent) => {
      const { measure: code, ...more } = body as Schema<"Measure">;
      this.put(code, more);
      return withHeaders(body, {}, 201);
    },
    "PUT /projects/P1/measures/{measure}": ({ path, headers, body }: Sent) => {
      if (headers.get("If-Match") !== this.tag) return refused(412, "has changed");
      this.put(path.split("/").at(-1) ?? "", body as Schema<"Measure">);
      return withHeaders(body, { ETag: this.tag });
    },
    "DELETE /projects/P1/measures/{measure}": ({ path, headers }: Sent) => {
      if (headers.get("If-Match") !== this.tag) return refused(412, "has changed");
      this.rows = this.rows.filter(({ measure }) => !path.endsWith(`/${measure}`));
      return null;
    },
  };
}

const planner = {
  scopes: ["read", "projects"],
  roles: [{ role: "planner", region: "xiamen" }],
} as const;

async function show(held: Held, who: Parameters<typeof open>[1] = planner, more = {}) {
  const sent = serve({ ...held.answers, ...more });
  const hands = open(
    <>
      <ProjectCard code="P1" />
      <Notices />
    </>,
    who,
  );
  await hands.click(
    await screen.findByRole("tab", { name: who?.lang === "zh" ? "措施" : "Measures" }),
  );
  return { sent, hands };
}
const field = (name: string) => screen.findByLabelText<HTMLInputElement>(new RegExp(`^${name}`));
const button = (name: string) => screen.findByRole("button", { name });
const writes = (sent: Sent[]) => sent.filter(({ method }) => method !== "GET");

describe("the measures of a project", () => {
  it("are told as planned and done, in units that people write", async () => {
    await show(new Held([PLANT, DREDGE]), { scopes: ["read"] });
    expect(await cellsOf("Measures")).toEqual([
      ["Planting mangroves", "120 ha", "30 ha", ""],
      ["Dredging", "4.5 ×10⁴ m³", "–", "–"],
    ]);
    expect(screen.getByRole("progressbar", { name: "25%" })).toBeTruthy();
  });
  it("are called by their code where nobody has named them", async () => {
    await show(new Held([measure("m-3", { name_zh: null, name_en: null })]));
    expect((await cellsOf("Measures"))[0]?.[0]).toBe("m-3");
  });
  it("say that there are none", async () => {
    await show(new Held([]), { lang: "zh" });
    expect(await screen.findByText("没有列出措施。")).toBeTruthy();
  });
  it.each([
    ["who may only read", { scopes: ["read"], roles: planner.roles }, "design"],
    [
      "an approver",
      { scopes: ["projects"], roles: [{ role: "approver", region: null }] },
      "design",
    ],
    ["anybody once the work is over", planner, "acceptance"],
  ] as const)("are not changed by %s", async (_, who, state) => {
    await show(new Held([PLANT], state), who);
    const table = await screen.findByRole("region", { name: "Measures" });
    expect(within(table).queryByRole("button", { name: "Planting mangroves" })).toBeNull();
    expect(screen.queryByRole("button", { name: "Add a measure" })).toBeNull();
  });
  it("are planned by whoever may write at all, in a role that plans", async () => {
    await show(new Held([PLANT]), {
      scopes: ["write"],
      roles: [{ role: "owner", region: "xiamen" }],
    });
    expect(await button("Add a measure")).toBeTruthy();
  });
});

describe("adding a measure", () => {
  it("sends it once, and lists it after those there are", async () => {
    const held = new Held([PLANT]);
    const { sent, hands } = await show(held);
    await hands.click(await button("Add a measure"));
    await hands.type(await field("Code of the measure"), "dredging");
    await hands.type(await field("Name in Chinese"), "清淤");
    await hands.type(await field("Planned amount"), "4.5");
    await hands.selectOptions(await field("Unit"), "×10⁴ m³");
    await hands.selectOptions(await field("Indicator"), "Area of mangroves · ha");
    await hands.click(await button("Add"));
    await waitFor(async () => expect(await cellsOf("Measures")).toHaveLength(2));
    const [post] = writes(sent);
    expect(post?.body).toEqual({
      measure: "dredging",
      name_zh: "清淤",
      planned: 4.5,
      unit: "10^4 m3",
      indicator: "mangrove_area",
      order: 2,
    });
    expect(post?.headers.get("Idempotency-Key")).toBeTruthy();
    expect(screen.queryByRole("dialog")).toBeNull();
    // The steps may ask for measures: the card is read again.
    expect(sent.filter(({ path }) => path === "/projects/P1")).toHaveLength(2);
  });
  it("is not sent without code, name and amount", async () => {
    const { sent, hands } = await show(new Held([]));
    await hands.click(await button("Add a measure"));
    await hands.click(await button("Add"));
    expect((await field("Code of the measure")).validity.valueMissing).toBe(true);
    expect((await field("Planned amount")).required).toBe(true);
    expect(writes(sent)).toEqual([]);
  });
  it("tells nothing of what is done before the work, and says why it is refused", async () => {
    const taken = [{ pointer: "/measure", detail: "项目已有该措施" }];
    const { hands } = await show(
      new Held([PLANT]),
      { ...planner, lang: "zh" },
      { "POST /projects/P1/measures": refused(409, "不得重复", taken) },
    );
    await hands.click(await button("添加措施"));
    await field("计划量");
    expect(screen.queryByLabelText(/^完成量/)).toBeNull();
    await hands.type(await field("措施代码"), "plant");
    await hands.type(await field("中文名称"), "种植");
    await hands.type(await field("计划量"), "1");
    await hands.click(await button("添加"));
    const code = await field("措施代码");
    await waitFor(() => expect(code.closest(".field")?.textContent).toContain("项目已有该措施"));
    expect(code.value).toBe("plant");
  });
  it("is there again after it was left", async () => {
    const held = new Held([]);
    const { hands } = await show(held);
    await hands.click(await button("Add a measure"));
    await hands.type(await field("Name in Chinese"), "清淤");
    await hands.click(await button("Close"));
    await hands.click(await button("Add a measure"));
    expect((await field("Name in Chinese")).value).toBe("清淤");
    expect(screen.getByText("What you had not saved is here again.")).toBeTruthy();
  });
});

describe("changing a measure", () => {
  it("takes what was done during the work, with all that was said before", async () => {
    const held = new Held([PLANT], "implementation");
    const { sent, hands } = await show(held);
    await hands.click(await button("Planting mangroves"));
    await hands.clear(await field("Amount done"));
    await hands.type(await field("Amount done"), "60.5");
    await hands.click(await button("Save"));
    await waitFor(async () => expect((await cellsOf("Measures"))[0]?.[2]).toBe("60.5 ha"));
    const [put] = writes(sent);
    expect(put?.headers.get("If-Match")).toBe('"1"');
    expect(put?.body).toEqual({
      order: 1,
      name_zh: "种植红树林",
      name_en: "Planting mangroves",
      planned: 120,
      done: 60.5,
      unit: "ha",
    });
    expect(screen.queryByRole("button", { name: "End" })).toBeNull();
  });
  it("takes back what was told by mistake: an empty box is no amount, and not 0", async () => {
    const held = new Held([PLANT], "implementation");
    const { sent, hands } = await show(held);
    await hands.click(await button("Planting mangroves"));
    await hands.clear(await field("Amount done"));
    await hands.click(await button("Save"));
    await waitFor(() => expect(writes(sent)).toHaveLength(1));
    expect(writes(sent)[0]?.body).not.toHaveProperty("done");
  });
  it("leaves what was done as it is when it is planned anew", async () => {
    const { sent, hands } = await show(new Held([PLANT], "design"));
    await hands.click(await button("Planting mangroves"));
    await hands.clear(await field("Planned amount"));
    await hands.type(await field("Planned amount"), "90");
    await hands.click(await button("Save"));
    await waitFor(() => expect(writes(sent)).toHaveLength(1));
    expect(writes(sent)[0]?.body).toMatchObject({ planned: 90, done: 30 });
  });
  it("keeps a unit that the list does not have", async () => {
    const { hands } = await show(new Held([measure("plant", { unit: "plots" })]));
    await hands.click(await button("Planting mangroves"));
    const unit = (await field("Unit")) as unknown as HTMLSelectElement;
    expect(unit.value).toBe("plots");
  });
  it("shows theirs beside mine where somebody was quicker, by names", async () => {
    const held = new Held([PLANT]);
    const { hands } = await show(held);
    await hands.click(await button("Planting mangroves"));
    await hands.clear(await field("Planned amount"));
    await hands.type(await field("Planned amount"), "90");
    await hands.selectOptions(await field("Indicator"), "Area of mangroves · ha");
    held.put("plant", { planned: 150 });
    await hands.click(await button("Save"));
    const dialog = await screen.findByRole("dialog", { name: "Somebody else has changed this" });
    expect(within(dialog).getByText("150")).toBeTruthy();
    expect(within(dialog).getByText("Area of mangroves · ha")).toBeTruthy();
    await hands.click(within(dialog).getByRole("radio", { name: "Planned amount: theirs" }));
    await hands.click(within(dialog).getByRole("button", { name: "Send again as chosen" }));
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    expect(held.rows[0]).toMatchObject({ planned: 150, indicator: "mangrove_area" });
  });
});

describe("taking a measure off", () => {
  it("is for as long as there is no work on it", async () => {
    const held = new Held([PLANT, DREDGE]);
    const { sent, hands } = await show(held);
    await hands.click(await button("Dredging"));
    await hands.click(await button("End"));
    await hands.click(await screen.findByRole("button", { name: "Confirm" }));
    await waitFor(async () => expect(await cellsOf("Measures")).toHaveLength(1));
    expect(writes(sent)[0]?.headers.get("If-Match")).toBe('"1"');
    expect(screen.queryByRole("dialog")).toBeNull();
  });
  it("says why it stays", async () => {
    const { hands } = await show(new Held([PLANT]), planner, {
      "DELETE /projects/P1/measures/{measure}": refused(
        409,
        "the ledger has entries for the measure",
      ),
    });
    await hands.click(await button("Planting mangroves"));
    await hands.click(await button("End"));
    await hands.click(await screen.findByRole("button", { name: "Confirm" }));
    expect(await screen.findByText("the ledger has entries for the measure")).toBeTruthy();
    expect(await cellsOf("Measures")).toHaveLength(1);
  });
});
