import { describe, expect, it } from "vitest";
import type { Schema } from "../../kit/api";
import {
  type Answer,
  cellsOf,
  open,
  refused,
  screen,
  serve,
  waitFor,
  withHeaders,
  within,
} from "../../kit/testing";
import { Funds } from "./funds";
import { ledger, measure } from "./testing";

const as = (role: string) => ({
  scopes: ["read", "projects"] as const,
  roles: [{ role, region: "xiamen" }],
});
const owner = as("owner");
const entry = (id: number, more: Partial<Schema<"LedgerLine">> = {}): Schema<"LedgerLine"> => ({
  id,
  kind: "payment",
  source: "central-2024",
  year: 2024,
  amount: "1250000.00",
  measure: null,
  paid_on: "2024-06-30",
  note: null,
  actor: "Li Wei",
  at: "2024-07-01T02:00:00Z",
  ...more,
});
const entries = [
  entry(1, { kind: "allocation", amount: "5000000.00", paid_on: null, at: "2024-03-31T17:00:00Z" }),
  entry(2, { note: "first instalment", measure: "plant" }),
  entry(3, { kind: "return", source: "old-7", amount: "0.50", measure: "gone" }),
];
const sources: Answer = {
  fund_sources: [
    { code: "central-2024", name_zh: "中央资金", name_en: "Central funds" },
    { code: "bond-2025", name_zh: "专项债券", name_en: "" },
  ] satisfies Schema<"fund_sources">[],
};

describe("the ledger of a project", () => {
  it("says what was allocated, paid and left, and each entry by day, kind and source", async () => {
    serve({ "GET /projects/P1/funds": ledger({ entries }) });
    open(<Funds code="P1" measures={[measure("plant")]} />, { scopes: ["read"] });
    expect(await cellsOf("Ledger")).toEqual([
      // Entered at one in the morning in Xiamen, which in London is the day before.
      ["1 Apr 2024", "allocated", "Central funds", "5,000,000.00 CNY", "", ""],
      [
        "30 Jun 2024",
        "paid",
        "Central funds",
        "1,250,000.00 CNY",
        "Planting mangroves",
        "first instalment",
      ],
      ["30 Jun 2024", "returned", "old-7", "0.50 CNY", "gone", ""],
    ]);
    for (const figure of ["Allocated 5,000,000.00", "Paid 1,250,000.00", "Balance 3,750,000.00"])
      expect(document.body.textContent).toContain(`${figure} CNY`);
    expect(screen.queryByRole("button", { name: "Add an entry" })).toBeNull();
  });
  it("is in Chinese for those who read it", async () => {
    serve({ "GET /projects/P1/funds": ledger({ entries }) });
    open(<Funds code="P1" measures={[measure("plant")]} />, { lang: "zh" });
    const rows = await cellsOf("资金台账");
    expect(rows.map((row) => row[1])).toEqual(["拨入", "支付", "退回"]);
    expect(rows[0]?.[2]).toBe("中央资金");
  });
  it.each([
    ["planner", ["allocated"]],
    ["owner", ["paid", "returned"]],
    ["approver", ["allocated", "returned"]],
    ["supervisor", null],
  ])("takes of the %s the entries that are theirs", async (role, kinds) => {
    serve({ "GET /projects/P1/funds": ledger({ entries }), "GET /fund-sources": sources });
    const hands = open(<Funds code="P1" measures={[]} />, as(role));
    await cellsOf("Ledger");
    const add = screen.queryByRole("button", { name: "Add an entry" });
    expect(Boolean(add)).toBe(kinds !== null);
    if (!add || !kinds) return;
    await hands.click(add);
    const dialog = within(await screen.findByRole("dialog"));
    const offered = within(dialog.getByRole("combobox", { name: /^Kind/ })).getAllByRole("option");
    expect(offered.map(({ textContent }) => textContent)).toEqual(kinds);
  });
  it("is refused to those who may not know of the money", async () => {
    serve({ "GET /projects/P1/funds": refused(403, "the ledger is for the project's region") });
    open(<Funds code="P1" measures={[measure("plant")]} />);
    expect((await screen.findByRole("alert")).textContent).toContain("the ledger is for");
  });
});

describe("a new entry", () => {
  const begin = async (hands: ReturnType<typeof open>) => {
    await hands.click(await screen.findByRole("button", { name: "Add an entry" }));
    return within(await screen.findByRole("dialog", { name: "An entry of funds" }));
  };
  const answers = (answer: Answer): Record<string, Answer> => ({
    "GET /projects/P1/funds": ledger(),
    "GET /fund-sources": sources,
    "POST /projects/P1/funds": answer,
  });
  type Dialog = Awaited<ReturnType<typeof begin>>;
  const fill = async (hands: ReturnType<typeof open>, dialog: Dialog, amount: string) => {
    await dialog.findByRole("option", { name: "专项债券" });
    await hands.selectOptions(dialog.getByRole("combobox", { name: /^Source/ }), "bond-2025");
    await hands.type(dialog.getByRole("textbox", { name: /^Amount/ }), amount);
    await hands.click(dialog.getByRole("button", { name: "Add" }));
  };
  const posts = (sent: ReturnType<typeof serve>) => sent.filter(({ method }) => method === "POST");

  it("is a payment if nothing else is said, and its amount goes as it was written", async () => {
    const sent = serve(answers(withHeaders({}, {}, 201)));
    const hands = open(<Funds code="P1" measures={[measure("plant")]} />, owner);
    const dialog = await begin(hands);
    // Numbers lose digits that yuan have.
    await fill(hands, dialog, "12345678901234.56");
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    const [post] = posts(sent);
    expect(post?.body).toEqual({
      kind: "payment",
      source: "bond-2025",
      amount: "12345678901234.56",
    });
    expect(post?.headers.get("Idempotency-Key")).toBeTruthy();
    expect(post?.headers.get("X-CSRF-Token")).toBe("proof");
    // The ledger is asked for again.
    await waitFor(() =>
      expect(sent.filter(({ path }) => path === "/projects/P1/funds")).toHaveLength(3),
    );
  });
  it("has a kind, a day and a note where they are given", async () => {
    const sent = serve(answers(withHeaders({}, {}, 201)));
    const hands = open(<Funds code="P1" measures={[measure("plant")]} />, { ...owner, lang: "zh" });
    await hands.click(await screen.findByRole("button", { name: "记一笔" }));
    const dialog = within(await screen.findByRole("dialog", { name: "记一笔资金" }));
    await dialog.findByRole("option", { name: "中央资金" });
    await hands.selectOptions(dialog.getByRole("combobox", { name: /^类别/ }), "退回");
    await hands.selectOptions(dialog.getByRole("combobox", { name: /^资金来源/ }), "中央资金");
    await hands.type(dialog.getByRole("textbox", { name: /^金额/ }), "30");
    await hands.type(dialog.getByLabelText(/^日期/), "2024-08-01");
    await hands.type(dialog.getByRole("textbox", { name: /^说明/ }), "结余退回");
    await hands.click(dialog.getByRole("button", { name: "记入" }));
    await waitFor(() =>
      expect(posts(sent)[0]?.body).toEqual({
        kind: "return",
        source: "central-2024",
        amount: "30",
        paid_on: "2024-08-01",
        note: "结余退回",
      } satisfies Schema<"FundEntryBody">),
    );
  });
  it("names the measure that earmarked money is paid for", async () => {
    const sent = serve(answers(withHeaders({}, {}, 201)));
    const hands = open(<Funds code="P1" measures={[measure("plant")]} />, owner);
    const dialog = await begin(hands);
    const select = dialog.getByRole("combobox", { name: /^Measure/ });
    await hands.selectOptions(select, "Planting mangroves");
    await fill(hands, dialog, "30");
    await waitFor(() => expect(posts(sent)[0]?.body).toMatchObject({ measure: "plant" }));
  });
  it("is there again after it was left", async () => {
    serve(answers(null));
    const hands = open(<Funds code="P1" measures={[]} />, owner);
    const dialog = await begin(hands);
    await hands.type(dialog.getByRole("textbox", { name: /^Amount/ }), "12");
    await hands.click(dialog.getByRole("button", { name: "Close" }));
    const again = await begin(hands);
    expect(again.getByRole<HTMLInputElement>("textbox", { name: /^Amount/ }).value).toBe("12");
  });
  it.each(["-5", "1.234", "ten", "1e6"])("of %s yuan is not sent", async (amount) => {
    const sent = serve(answers(null));
    const hands = open(<Funds code="P1" measures={[measure("plant")]} />, owner);
    const dialog = await begin(hands);
    await fill(hands, dialog, amount);
    expect(dialog.getByRole<HTMLInputElement>("textbox", { name: /^Amount/ }).validity.valid).toBe(
      false,
    );
    expect(posts(sent)).toHaveLength(0);
  });
  it("is not sent without its source", async () => {
    const sent = serve(answers(null));
    const hands = open(<Funds code="P1" measures={[measure("plant")]} />, owner);
    const dialog = await begin(hands);
    await hands.type(dialog.getByRole("textbox", { name: /^Amount/ }), "1");
    await hands.click(dialog.getByRole("button", { name: "Add" }));
    expect(posts(sent)).toHaveLength(0);
  });
  it("shows at its field what is refused, and the ledger stays as it was", async () => {
    const sent = serve(
      answers(
        refused(409, "there is not so much left", [
          { pointer: "/amount", detail: "3,750,000.00 are left of this source" },
        ]),
      ),
    );
    const hands = open(<Funds code="P1" measures={[measure("plant")]} />, owner);
    const dialog = await begin(hands);
    await fill(hands, dialog, "9000000");
    expect(await dialog.findByText("there is not so much left")).toBeTruthy();
    const amount = dialog.getByRole<HTMLInputElement>("textbox", { name: /^Amount/ });
    expect(amount.getAttribute("aria-invalid")).toBe("true");
    expect(amount.value).toBe("9000000");
    expect(
      sent.filter(({ method, path }) => method === "GET" && path.endsWith("/funds")),
    ).toHaveLength(1);
  });
  it("chooses among the sources of the ledger where the list of all is refused", async () => {
    serve({ ...answers(null), "GET /fund-sources": refused(403, "not for you") });
    const hands = open(<Funds code="P1" measures={[measure("plant")]} />, owner);
    const dialog = await begin(hands);
    const source = dialog.getByRole("combobox", { name: /^Source/ });
    expect(
      within(source)
        .getAllByRole("option")
        .map((one) => one.textContent),
    ).toEqual(["(choose)", "Central funds"]);
  });
});
