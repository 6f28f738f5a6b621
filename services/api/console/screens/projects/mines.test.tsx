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
import { MineRegister } from "./mines";
import { page } from "./testing";

const mine = (id: string, more = {}) => ({
  type: "Feature",
  id,
  geometry: null,
  properties: {
    name_zh: `${id}号矿`,
    name_en: `Mine ${id}`,
    kind: "producing",
    state: "in_work",
    region: "xiamen",
    area_ha: 1234.5678,
    listed_year: 2020,
    ...more,
  },
});
const choice = (titles: Record<string, string>) => ({
  type: "string",
  enum: Object.keys(titles),
  "x-enum-titles": titles,
});
const schema: Answer = {
  type: "object",
  required: ["name_zh", "kind", "region"],
  properties: {
    code: { title: "Code", type: "string", maxLength: 80 },
    name_zh: { title: "Chinese name", type: "string", maxLength: 200 },
    kind: { title: "Kind", ...choice({ legacy: "Legacy mine", producing: "Producing mine" }) },
    state: { title: "State", ...choice({ open: "Open", in_work: "In work" }) },
    region: { title: "Region", type: "string", maxLength: 80 },
    owner: { title: "Owner", type: "string", maxLength: 80 },
    area_ha: { title: "Stated area", type: "number", exclusiveMinimum: 0, "x-ogc-unit": "ha" },
  },
};
const deposit = (id: number, more: Partial<Schema<"DepositShown">> = {}) => ({
  id,
  kind: "due",
  year: 2024,
  amount: "125000.00",
  reverses: null,
  note: null,
  actor: "Li Wei",
  at: "2024-05-06T02:00:00Z",
  ...more,
});
const fund = (entries: object[] = []) => ({
  title: "",
  mine: "m1",
  currency: "CNY",
  fund_due: "125000.00",
  fund_paid: "50000.00",
  withdrawn: "0.00",
  forfeited: "0.00",
  balance: "50000.00",
  fund_missing: "75000.00",
  entries,
  links: [],
});
const report = (more: Partial<Schema<"MineReportShown">> = {}) => ({
  id: 1,
  year: 2023,
  disturbed_ha: "3",
  planned_ha: "2.5",
  restored_ha: "1.0625",
  area_missing_ha: "1.25",
  fund_due: "125000.00",
  fund_paid: "50000.00",
  fund_missing: "75000.00",
  case: null,
  newest: true,
  note: null,
  actor: "Li Wei",
  at: "2024-05-06T02:00:00Z",
  ...more,
});

const as = (...roles: string[]) => ({
  scopes: ["read", "projects"] as const,
  roles: roles.map((role) => ({ role, region: "xiamen" })),
});
const field = (name: string) => screen.findByLabelText<HTMLInputElement>(new RegExp(`^${name}`));
const button = (name: string) => screen.findByRole("button", { name });
const part = async (title: string) =>
  within((await screen.findByRole("heading", { name: title })).closest("section") as HTMLElement);
const writes = (sent: Sent[]) => sent.filter(({ method }) => method !== "GET");

function show(who: Parameters<typeof open>[1], more: Record<string, Answer> = {}) {
  let told = 0;
  const sent = serve({
    "GET /collections/mines/schema": schema,
    "GET /collections/mines/items": page([
      mine("m1"),
      mine("m2", { kind: "legacy", state: "open", area_ha: null, listed_year: null }),
    ]),
    "GET /mines/m1/deposits": fund([deposit(1)]),
    "GET /mines/m1/reports": { title: "", mine: "m1", reports: [report()], links: [] },
    ...more,
  });
  const hands = open(
    <>
      <MineRegister
        onChanged={() => {
          told += 1;
        }}
      />
      <Notices />
    </>,
    who,
  );
  return { sent, hands, told: () => told };
}

describe("the register of mines", () => {
  it("is of the region and what lies below it, in the words of the collection", async () => {
    const { sent } = show(undefined);
    expect(await cellsOf("Mines")).toEqual([
      ["Mine m1", "Producing mine", "In work", "1,234.5678", "2020"],
      ["Mine m2", "Legacy mine", "Open", "–", "–"],
    ]);
    const asked = sent.find(({ path }) => path.endsWith("/items"));
    expect(asked?.query.get("filter")).toBe("region = 'xiamen' OR region LIKE 'xiamen.%'");
    expect(screen.queryByRole("button", { name: "Add a mine" })).toBeNull();
  });
  it("tells the public what a mine is, but not of its fund and reports", async () => {
    const { sent, hands } = show(undefined);
    await hands.click(await button("Mine m1"));
    const told = (await screen.findByText("In work", { selector: "dd" })).closest("dl");
    expect(told?.textContent).toContain("1,234.5678 ha");
    // What is not known of it takes no line.
    expect(told?.querySelectorAll("dt")).toHaveLength(4);
    expect(screen.queryByText("Change it or draw its shape")).toBeNull();
    expect(sent.some(({ path }) => path.startsWith("/mines/"))).toBe(false);
  });
  it("takes a new mine, and is read again with it", async () => {
    const { sent, hands, told } = show(as("planner"), {
      "POST /collections/mines/items": withHeaders(mine("m3"), {}, 201),
      "GET /parties": {
        parties: [{ code: "quarry-co", name_zh: "采石公司", name_en: "Quarry Company" }],
        links: [],
      },
    });
    await hands.click(await button("Add a mine"));
    await hands.type(await field("Code"), "m3");
    await hands.type(await field("Chinese name"), "三号矿");
    await hands.selectOptions(await field("Kind"), "Producing mine");
    await hands.selectOptions(await field("Owner"), "Quarry Company");
    const places = within(await field("Region")).getAllByRole("option");
    expect(places.map(({ textContent }) => textContent)).toEqual(["Xiamen"]);
    await hands.click(await button("Make"));
    await waitFor(() => expect(told()).toBe(1));
    expect(writes(sent)[0]?.body).toEqual({
      type: "Feature",
      geometry: null,
      properties: {
        code: "m3",
        name_zh: "三号矿",
        kind: "producing",
        region: "xiamen",
        owner: "quarry-co",
      },
    });
    expect(await screen.findByText("The mine is in the register")).toBeTruthy();
    await waitFor(() =>
      expect(sent.filter(({ path }) => path.endsWith("/items")).length).toBeGreaterThan(2),
    );
  });
  it("says at its field what a producing mine lacks", async () => {
    const wrong = [{ pointer: "/properties/owner", detail: "a producing mine needs its owner" }];
    const { hands } = show(as("planner"), {
      "POST /collections/mines/items": refused(
        409,
        `${wrong[0]?.pointer}: ${wrong[0]?.detail}`,
        wrong,
      ),
      "GET /parties": { parties: [], links: [] },
    });
    await hands.click(await button("Add a mine"));
    await hands.type(await field("Code"), "m3");
    await hands.type(await field("Chinese name"), "三号矿");
    await hands.click(await button("Make"));
    const owner = await field("Owner");
    await waitFor(() => expect(owner.closest(".field")?.textContent).toContain("needs its owner"));
    expect((await field("Chinese name")).value).toBe("三号矿");
    expect(screen.getByText("Owner: a producing mine needs its owner")).toBeTruthy();
  });
  it("leads who may change a mine to where it is drawn", async () => {
    const { hands } = show(as("planner"));
    await hands.click(await button("Mine m2"));
    const link = (await screen.findByText("Change it or draw its shape")).closest("a");
    expect(link?.getAttribute("href")).toBe("/console/digitise?collection=mines&object=m2");
  });
  it("says that a legacy mine has neither fund nor reports", async () => {
    const { hands } = show(as("viewer"));
    await hands.click(await button("Mine m2"));
    expect(await screen.findByText(/^Only a producing mine/)).toBeTruthy();
    expect(screen.queryByText("Change it or draw its shape")).toBeNull();
    expect(screen.queryByRole("heading", { name: "Restoration fund" })).toBeNull();
  });
});

describe("the fund of a mine", () => {
  it("tells its sums and entries to whoever works there, who may not write", async () => {
    const { hands } = show({ ...as("planner"), lang: "zh" });
    await hands.click(await button("m1号矿"));
    expect(await cellsOf("基金记录")).toEqual([
      ["2024", "应计提", "125,000.00 元", "", "2024年5月6日"],
    ]);
    const panel = await part("矿山恢复基金");
    expect(panel.getByText("尚缺").parentElement?.textContent).toBe("尚缺 75,000.00 元");
    expect(panel.queryByRole("button", { name: "记一笔" })).toBeNull();
    expect(panel.queryByRole("button", { name: "冲销" })).toBeNull();
  });
  it.each([
    ["owner", ["Paid in"]],
    ["supervisor", ["Due", "Paid in"]],
    ["approver", ["Due", "Withdrawn", "Forfeited"]],
  ])("offers %s the kinds of entries that are theirs", async (role, kinds) => {
    const { hands } = show(as(role));
    await hands.click(await button("Mine m1"));
    await hands.click((await part("Restoration fund")).getByRole("button", { name: /Add/ }));
    const offered = await within(await field("Kind")).findAllByRole("option");
    expect(offered.map(({ textContent }) => textContent)).toEqual(kinds);
  });
  it("takes an entry, and says at its field why money is not let out", async () => {
    let wrong = true;
    const told = [{ pointer: "/amount", detail: "the fund holds 50000.00, and no more" }];
    const { sent, hands } = show(as("approver"), {
      "POST /mines/m1/deposits": () =>
        wrong ? refused(409, "refused", told) : withHeaders(deposit(2), {}, 201),
    });
    await hands.click(await button("Mine m1"));
    await hands.click((await part("Restoration fund")).getByRole("button", { name: /Add/ }));
    await hands.selectOptions(await field("Kind"), "Withdrawn");
    await hands.type(await field("Amount"), "60000");
    await hands.click(await button("Add"));
    const amount = await field("Amount");
    await waitFor(() => expect(amount.closest(".field")?.textContent).toContain("and no more"));
    wrong = false;
    await hands.clear(amount);
    await hands.type(amount, "40000.50");
    await hands.click(await button("Add"));
    await waitFor(() => expect(screen.queryByLabelText(/^Amount/)).toBeNull());
    expect(writes(sent).at(-1)?.body).toEqual({
      kind: "withdrawn",
      year: expect.any(Number),
      amount: "40000.50",
    });
    // Read, refused, sent, and read again.
    await waitFor(() =>
      expect(sent.filter(({ path }) => path === "/mines/m1/deposits")).toHaveLength(4),
    );
  });
  it("takes an entry back once, and none that takes back another", async () => {
    let entries = [deposit(1), deposit(2, { kind: "paid" })];
    const { sent, hands } = show(as("supervisor"), {
      "GET /mines/m1/deposits": () => fund(entries),
      "POST /mines/m1/deposits": () => {
        entries = [...entries, deposit(3, { amount: "-125000.00", reverses: 1 })];
        return withHeaders(deposit(3), {}, 201);
      },
    });
    await hands.click(await button("Mine m1"));
    const [first] = await screen.findAllByRole("button", { name: "Take back" });
    await hands.click(first as HTMLElement);
    await waitFor(async () => expect(await cellsOf("Entries of the fund")).toHaveLength(3));
    expect(writes(sent)[0]?.body).toEqual({ reverses: 1 });
    expect(screen.getAllByRole("button", { name: "Take back" })).toHaveLength(1);
  });
});

describe("the yearly reports of a mine", () => {
  it("tell what was done and what is missing", async () => {
    const reports = [report({ case: "C-7" }), report({ id: 2, newest: false })];
    const { hands } = show(as("planner"), {
      "GET /mines/m1/reports": { title: "", mine: "m1", reports, links: [] },
    });
    await hands.click(await button("Mine m1"));
    expect(await cellsOf("Yearly reports")).toEqual([
      ["2023", "3", "2.5", "1.0625", "75,000.00 CNY", "The case"],
      ["2023 (replaced)", "3", "2.5", "1.0625", "75,000.00 CNY", "–"],
    ]);
    const link = screen.getByRole("link", { name: "The case" });
    expect(link.getAttribute("href")).toContain("case=C-7");
    expect(screen.queryByRole("button", { name: "Report a year" })).toBeNull();
  });
  it("are sent by the owner, in hectares", async () => {
    const { sent, hands } = show(as("owner"), {
      "POST /mines/m1/reports": withHeaders(report(), {}, 201),
    });
    await hands.click(await button("Mine m1"));
    await hands.click(await button("Report a year"));
    await hands.type(await field("Area disturbed"), "3");
    await hands.type(await field("Area planned"), "2.5");
    await hands.click(await button("Send"));
    // What was restored must be told, if it is nothing.
    expect(writes(sent)).toEqual([]);
    await hands.type(await field("Area restored"), "0");
    await hands.click(await button("Send"));
    await waitFor(() => expect(writes(sent)).toHaveLength(1));
    expect(writes(sent)[0]?.body).toEqual({
      year: expect.any(Number),
      disturbed_ha: 3,
      planned_ha: 2.5,
      restored_ha: 0,
    });
  });
});
