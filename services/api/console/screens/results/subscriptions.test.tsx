import { describe, expect, it } from "vitest";
import type { Schema } from "../../kit/api";
import {
  type Answer,
  open,
  refused,
  screen,
  serve,
  waitFor,
  withHeaders,
  within,
} from "../../kit/testing";
import { Notices } from "../../kit/ui";
import type { Lang } from "../../kit/words";
import { Subscriptions } from "./subscriptions";

const subscription = (
  id: number,
  name: string,
  more: Partial<Schema<"Subscription">> = {},
): Schema<"Subscription"> => ({
  id,
  name,
  address: "duty@example.cn",
  lang: "zh",
  levels: ["orange", "red"],
  time_zone: "Asia/Shanghai",
  endings: true,
  enabled: true,
  rules: null,
  region: "xiamen",
  digest_at: null,
  unsubscribed: null,
  created: "2026-01-01T00:00:00Z",
  links: [],
  ...more,
});
const duty = subscription(1, "Duty officer");
const mail = (id: string, more: Partial<Schema<"Sending">> = {}) =>
  ({
    id,
    type: "alerts",
    status: "delivered",
    status_name: "Delivered",
    attempts: 1,
    answered: null,
    reason: null,
    due: null,
    created: "2026-03-01T00:00:00Z",
    finished: null,
    ...more,
  }) as Schema<"Sending">;

let mails: Schema<"Sending">[] = [];

function show(answers: Record<string, Answer> = {}, words: Lang = "en") {
  const sent = serve({
    "GET /subscriptions": { subscriptions: [duty], links: [] } satisfies Schema<"Subscriptions">,
    "GET /subscriptions/1": withHeaders(duty, { ETag: '"2"' }),
    "GET /subscriptions/1/deliveries": () => ({ deliveries: mails, links: [] }),
    ...answers,
  });
  const hands = open(
    <>
      <Subscriptions />
      <Notices />
    </>,
    { lang: words, scopes: ["admin"] },
  );
  return { sent, hands, writes: () => sent.filter(({ method }) => method !== "GET") };
}

async function opened(answers: Record<string, Answer> = {}) {
  const shown = show(answers);
  await shown.hands.click(await screen.findByRole("button", { name: "Duty officer" }));
  const dialog = within(await screen.findByRole("dialog", { name: "Duty officer" }));
  await dialog.findByLabelText(/^Who is told/);
  return { ...shown, dialog };
}

const cells = async (name: string) => {
  const row = (await screen.findByText(name)).closest("tr");
  return [...(row?.cells ?? [])].slice(2).map(({ textContent }) => textContent);
};

describe("the list of subscriptions", () => {
  const all = [
    duty,
    subscription(2, "Bureau", { region: null, digest_at: "08:00", levels: ["blue"] }),
    subscription(3, "Left", { unsubscribed: "2026-02-01T00:00:00Z" }),
    subscription(4, "Silent", { enabled: false }),
  ];
  const answers = { "GET /subscriptions": { subscriptions: all, links: [] } };

  it("tells of which alerts, where, when, and whether at all", async () => {
    show(answers);
    expect(await cells("Duty officer")).toEqual(["orange, red", "Xiamen", "at once", "on"]);
    expect(await cells("Bureau")).toEqual(["blue", "everywhere", "daily at 08:00", "on"]);
    expect((await cells("Left")).at(-1)).toBe("unsubscribed");
    expect((await cells("Silent")).at(-1)).toBe("off");
  });

  it("is in Chinese for who reads Chinese", async () => {
    show(answers, "zh");
    expect(await cells("Bureau")).toEqual(["蓝色", "全部区域", "每天 08:00", "启用"]);
    expect((await cells("Left")).at(-1)).toBe("已退订");
  });
});

describe("a new subscription", () => {
  const begin = async (answers: Record<string, Answer>, words: Lang = "en") => {
    const shown = show(answers, words);
    const name = words === "en" ? "New subscription" : "新建订阅";
    await shown.hands.click(screen.getByRole("button", { name }));
    return { ...shown, dialog: within(await screen.findByRole("dialog", { name })) };
  };

  it("begins in the language of whoever makes it and by the bureau's clock", async () => {
    const { hands, dialog, writes } = await begin({ "POST /subscriptions": duty });
    await hands.type(dialog.getByLabelText(/^Who is told/), "Chen");
    await hands.type(dialog.getByLabelText(/^E-mail/), "chen@example.cn");
    await hands.click(dialog.getByLabelText("red"));
    await hands.type(dialog.getByLabelText(/^Codes of rules/), "oxygen\n  algae\n");
    await hands.type(dialog.getByLabelText(/^One mail a day/), "07:30");
    await hands.click(dialog.getByLabelText(/^Tell of ends/));
    await hands.click(dialog.getByRole("button", { name: "Save" }));
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    expect(writes()[0]?.body).toEqual({
      time_zone: "Asia/Shanghai",
      lang: "en",
      name: "Chen",
      address: "chen@example.cn",
      levels: ["red"],
      rules: ["oxygen", "algae"],
      digest_at: "07:30",
      endings: false,
    });
  });

  it.each(["8:00", "24:00", "noon"])("does not take %s for a time", async (time) => {
    const { hands, dialog, writes } = await begin({});
    await hands.type(dialog.getByLabelText(/^Who is told/), "Chen");
    await hands.type(dialog.getByLabelText(/^E-mail/), "chen@example.cn");
    await hands.type(dialog.getByLabelText(/^One mail a day/), time);
    await hands.click(dialog.getByRole("button", { name: "Save" }));
    expect(writes()).toEqual([]);
  });

  it("says where no mail can be sent at all", async () => {
    const { hands, dialog } = await begin(
      { "POST /subscriptions": refused(409, "未配置邮件服务器") },
      "zh",
    );
    await hands.type(dialog.getByLabelText(/^收件人/), "陈");
    await hands.type(dialog.getByLabelText(/^邮箱/), "chen@example.cn");
    await hands.click(dialog.getByRole("button", { name: "保存" }));
    expect(await dialog.findByText("未配置邮件服务器")).toBeTruthy();
    expect(dialog.getByLabelText(/^收件人/)).toHaveProperty("value", "陈");
  });

  it("shows a faulty address at its field", async () => {
    const { hands, dialog } = await begin({
      "POST /subscriptions": refused(400, "refused", [
        { pointer: "/address", detail: "must be one e-mail address" },
      ]),
    });
    await hands.type(dialog.getByLabelText(/^Who is told/), "Chen");
    await hands.type(dialog.getByLabelText(/^E-mail/), "a@b.cn, c@d.cn");
    await hands.click(dialog.getByRole("button", { name: "Save" }));
    const told = await dialog.findByText("must be one e-mail address");
    expect(told.closest(".field")?.textContent).toContain("E-mail");
  });
});

describe("a subscription", () => {
  it("is replaced without what it does not say", async () => {
    const { hands, dialog, writes } = await opened({ "PUT /subscriptions/1": duty });
    await hands.click(dialog.getByLabelText("yellow"));
    await hands.click(dialog.getByRole("button", { name: "Save" }));
    await waitFor(() => expect(writes()).toHaveLength(1));
    expect(writes()[0]?.headers.get("If-Match")).toBe('"2"');
    expect(writes()[0]?.body).toEqual({
      name: "Duty officer",
      address: "duty@example.cn",
      lang: "zh",
      levels: ["yellow", "orange", "red"],
      time_zone: "Asia/Shanghai",
      endings: true,
      enabled: true,
      region: "xiamen",
    });
  });

  it("tells all levels where none is chosen", async () => {
    const { hands, dialog, writes } = await opened({ "PUT /subscriptions/1": duty });
    await hands.click(dialog.getByLabelText("orange"));
    await hands.click(dialog.getByLabelText("red"));
    await hands.click(dialog.getByRole("button", { name: "Save" }));
    await waitFor(() => expect(writes()).toHaveLength(1));
    expect(writes()[0]?.body).not.toHaveProperty("levels");
  });

  it("is tried, and the mail is there", async () => {
    mails = [];
    const { hands, dialog, writes } = await opened({
      "POST /subscriptions/1/test": () => {
        mails = [mail("m1", { status_name: "Waiting", reason: "busy" })];
        return duty;
      },
    });
    expect(await dialog.findByText("No mails yet.")).toBeTruthy();
    await hands.click(dialog.getByRole("button", { name: "Send a mail for trial" }));
    expect(await dialog.findByText("2026-03-01 08:00 Waiting busy")).toBeTruthy();
    expect(writes()[0]?.headers.get("Idempotency-Key")).toBeTruthy();
  });

  it("shows its former mails page by page", async () => {
    const next = { rel: "next", href: `${location.origin}/more-mails` };
    const { hands, dialog } = await opened({
      "GET /subscriptions/1/deliveries": {
        deliveries: [mail("m1", { status_name: "New" })],
        links: [next],
      },
      "GET /more-mails": { deliveries: [mail("m0", { status_name: "Old" })], links: [] },
    });
    await hands.click(await dialog.findByRole("button", { name: "More" }));
    await waitFor(() => expect(dialog.getAllByRole("listitem")).toHaveLength(2));
  });

  it("is ended, and gone from the list", async () => {
    let there = [duty];
    const { hands, dialog } = await opened({
      "GET /subscriptions": () => ({ subscriptions: there, links: [] }),
      "DELETE /subscriptions/1": () => {
        there = [];
        return null;
      },
    });
    await hands.click(dialog.getByRole("button", { name: "End" }));
    await hands.click(await dialog.findByRole("button", { name: "Confirm" }));
    expect(await screen.findByText("No subscriptions yet.")).toBeTruthy();
    expect(screen.queryByRole("dialog")).toBeNull();
  });
});
