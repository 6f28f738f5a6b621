import { beforeEach, describe, expect, it } from "vitest";
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
import { Webhooks } from "./webhooks";

const webhook = (more: Partial<Schema<"Webhook">> = {}): Schema<"Webhook"> => ({
  id: "w1",
  name: "Duty desk",
  url: "https://hooks.example.cn/x",
  events: ["alert.opened"],
  event_names: ["Alert opened"],
  region: "xiamen",
  lang: "zh",
  enabled: true,
  disabled_reason: null,
  former_secret_until: null,
  created: "2026-01-01T00:00:00Z",
  created_by: "key:a",
  updated: "2026-01-01T00:00:00Z",
  links: [],
  ...more,
});
const delivery = (
  id: string,
  more: Partial<Schema<"WebhookDelivery">> = {},
): Schema<"WebhookDelivery"> => ({
  id,
  type: "alert.opened",
  type_name: "Alert opened",
  status: "delivered",
  status_name: "Delivered",
  attempts: 1,
  answered: 204,
  reason: null,
  due: null,
  created: "2026-03-01T00:00:00Z",
  finished: null,
  links: [],
  ...more,
});

let deliveries: Schema<"WebhookDelivery">[] = [];
beforeEach(() => {
  deliveries = [delivery("d1", { status: "dead", status_name: "Given up", attempts: 8 })];
});

interface Who {
  lang?: Lang;
  roles?: { role: string; region: string | null }[];
  scopes?: Schema<"Scope">[];
}

function show(answers: Record<string, Answer> = {}, { lang, roles, scopes }: Who = {}) {
  const sent = serve({
    "GET /webhooks": { webhooks: [webhook()], links: [] } satisfies Schema<"Webhooks">,
    "GET /webhooks/w1": withHeaders(webhook(), { ETag: '"3"' }),
    "GET /webhooks/w1/deliveries": () => ({ deliveries, links: [] }),
    ...answers,
  });
  const hands = open(
    <>
      <Webhooks />
      <Notices />
    </>,
    { lang: lang ?? "en", scopes: scopes ?? ["admin"], roles: roles ?? [] },
  );
  return { sent, hands, writes: () => sent.filter(({ method }) => method !== "GET") };
}

async function opened(answers: Record<string, Answer> = {}) {
  const shown = show(answers);
  await shown.hands.click(await screen.findByRole("button", { name: "Duty desk" }));
  await screen.findByLabelText(/^Who or what receives/);
  return shown;
}

describe("the list of webhooks", () => {
  it("tells what each is told of, where, and why it is off", async () => {
    const off = webhook({
      region: null,
      event_names: ["Alert opened", "Alert closed"],
      enabled: false,
      disabled_reason: "refused for three days",
    });
    show({ "GET /webhooks": { webhooks: [off], links: [] } });
    const row = (await screen.findByText("Duty desk")).closest("tr");
    expect(row?.textContent).toContain("Alert opened, Alert closed");
    expect(row?.textContent).toContain("everywhere");
    expect(row?.textContent).toContain("off refused for three days");
  });

  it("tells why there can be none here", async () => {
    show({ "GET /webhooks": refused(409, "the operator has set no secret") });
    expect(await screen.findByText("the operator has set no secret")).toBeTruthy();
  });
});

describe("a new webhook", () => {
  const begin = async (answers: Record<string, Answer>, who: Who = {}) => {
    const shown = show(answers, who);
    await shown.hands.click(screen.getByRole("button", { name: "New webhook" }));
    const dialog = within(await screen.findByRole("dialog", { name: "New webhook" }));
    await shown.hands.type(dialog.getByLabelText(/^Who or what receives/), "Board");
    await shown.hands.type(dialog.getByLabelText(/^Address/), "https://hooks.example.cn/t?key=7");
    return { ...shown, dialog, save: () => dialog.getByRole("button", { name: "Save" }) };
  };

  it("is sent with its events in their own order, and its secret is shown once", async () => {
    const { hands, dialog, save, writes } = await begin({
      "POST /webhooks": webhook({ id: "w2", name: "Board", secret: "whsec_once" }),
    });
    await hands.click(dialog.getByLabelText("A bulletin was published"));
    await hands.click(dialog.getByLabelText("An alert was opened"));
    await hands.click(save());
    const secret = await screen.findByRole("dialog", { name: "Secret of Board" });
    expect(within(secret).getByRole("textbox")).toHaveProperty("value", "whsec_once");
    expect(writes()[0]?.body).toEqual({
      name: "Board",
      url: "https://hooks.example.cn/t?key=7",
      events: ["alert.opened", "bulletin.published"],
      lang: "en",
    });
  });

  it("is kept nowhere while it is typed: its address may hold a secret", async () => {
    await begin({});
    expect(JSON.stringify({ ...localStorage })).not.toContain("key=7");
  });

  it.each<[string, Who, string]>([
    [
      "begins in the region of a planner",
      { scopes: ["read", "write"], roles: [{ role: "planner", region: "xiamen" }] },
      "xiamen",
    ],
    [
      "begins everywhere for a supervisor of everywhere",
      { scopes: ["read", "write"], roles: [{ role: "supervisor", region: null }] },
      "",
    ],
  ])("%s", async (_, who, region) => {
    const { dialog } = await begin({}, who);
    expect(dialog.getByLabelText("Region")).toHaveProperty("value", region);
  });

  it("chooses no event by a click on their title", async () => {
    const { hands, dialog } = await begin({});
    await hands.click(dialog.getByText("Events"));
    expect(dialog.queryAllByRole("checkbox", { checked: true, name: /alert|case|bull/ })).toEqual(
      [],
    );
  });

  it("says what is wrong with its address there", async () => {
    const { hands, dialog, save } = await begin({
      "POST /webhooks": refused(400, "refused", [
        { pointer: "/url", detail: "the host is not on the operator's list" },
      ]),
    });
    await hands.click(save());
    const told = await dialog.findByText("the host is not on the operator's list");
    expect(told.closest(".field")?.querySelector("input")?.getAttribute("aria-invalid")).toBe(
      "true",
    );
  });
});

describe("a webhook", () => {
  it("is replaced as a whole, in the state that was read", async () => {
    const { hands, writes } = await opened({ "PUT /webhooks/w1": webhook() });
    await hands.click(screen.getByLabelText("An alert was closed"));
    await hands.selectOptions(screen.getByLabelText("Region"), "everywhere");
    await hands.click(screen.getByLabelText("On"));
    await hands.click(screen.getByRole("button", { name: "Save" }));
    await waitFor(() => expect(writes()).toHaveLength(1));
    expect(writes()[0]?.headers.get("If-Match")).toBe('"3"');
    expect(writes()[0]?.body).toEqual({
      name: "Duty desk",
      url: "https://hooks.example.cn/x",
      events: ["alert.opened", "alert.closed"],
      lang: "zh",
      enabled: false,
    });
  });

  it("shows what became of its messages", async () => {
    deliveries = [
      delivery("d1", {
        status: "dead",
        status_name: "Given up",
        attempts: 8,
        answered: 500,
        reason: "no luck",
      }),
    ];
    await opened();
    const row = (await screen.findByText("Given up")).closest("tr");
    expect([...(row?.cells ?? [])].slice(0, 5).map(({ textContent }) => textContent)).toEqual([
      "Alert opened",
      "Given up",
      "2026-03-01 08:00",
      "8",
      "500 no luck",
    ]);
  });

  it("sends one again, and shows that it waits", async () => {
    const { hands, writes } = await opened({
      "POST /webhooks/w1/deliveries/d1/redeliver": () => {
        deliveries = [delivery("d1", { status: "waiting", status_name: "Waiting" })];
        return deliveries[0] ?? null;
      },
    });
    await hands.click(await screen.findByRole("button", { name: "Send again" }));
    expect(await screen.findByText("Waiting")).toBeTruthy();
    expect(writes()[0]?.headers.get("Idempotency-Key")).toBeTruthy();
  });

  it("is tried, and the message is there; what is being typed stays", async () => {
    const { hands } = await opened({
      "POST /webhooks/w1/test": () => {
        deliveries = [delivery("d2", { type_name: "Test" }), ...deliveries];
        return delivery("d2");
      },
    });
    await hands.type(screen.getByLabelText(/^Who or what receives/), " two");
    await hands.click(screen.getByRole("button", { name: "Send a test" }));
    expect(await screen.findByRole("cell", { name: "Test" })).toBeTruthy();
    expect(screen.getByLabelText(/^Who or what receives/)).toHaveProperty("value", "Duty desk two");
  });

  it("gets a new secret, the former one holding for a day", async () => {
    const { hands, writes } = await opened({
      "POST /webhooks/w1/rotate": webhook({ secret: "whsec_new" }),
    });
    await hands.click(screen.getByRole("button", { name: "New secret" }));
    expect(await screen.findByDisplayValue("whsec_new")).toBeTruthy();
    expect(writes()[0]?.body).toEqual({ overlap_hours: 24 });
  });

  it("looks again for messages on demand", async () => {
    const { hands } = await opened();
    await screen.findByText("Given up");
    deliveries = [];
    await hands.click(screen.getByRole("button", { name: "Look again" }));
    expect(await screen.findByText("Nothing was sent yet.")).toBeTruthy();
  });

  it("is ended, and its panel closes", async () => {
    const { hands, writes } = await opened({ "DELETE /webhooks/w1": null });
    await hands.click(screen.getByRole("button", { name: "End" }));
    await hands.click(await screen.findByRole("button", { name: "Confirm" }));
    await waitFor(() => expect(screen.queryByLabelText(/^Who or what receives/)).toBeNull());
    expect(writes()[0]).toMatchObject({ method: "DELETE", path: "/webhooks/w1" });
    expect(writes()[0]?.headers.get("If-Match")).toBe('"3"');
  });

  it("stays where ending it is refused", async () => {
    const { hands } = await opened({ "DELETE /webhooks/w1": refused(403, "it is of another") });
    await hands.click(screen.getByRole("button", { name: "End" }));
    await hands.click(await screen.findByRole("button", { name: "Confirm" }));
    expect(await screen.findByText("it is of another")).toBeTruthy();
    expect(screen.getByLabelText(/^Who or what receives/)).toBeTruthy();
  });

  it("gives way to the one that is opened after it", async () => {
    const other = webhook({ id: "w2", name: "Board", url: "https://b.example.cn" });
    const { hands } = await opened({
      "GET /webhooks": { webhooks: [webhook(), other], links: [] },
      "GET /webhooks/w2": withHeaders(other, { ETag: '"1"' }),
      "GET /webhooks/w2/deliveries": { deliveries: [], links: [] },
    });
    await hands.click(screen.getByRole("button", { name: "Board" }));
    expect(await screen.findByDisplayValue("https://b.example.cn")).toBeTruthy();
    expect(screen.queryByDisplayValue("https://hooks.example.cn/x")).toBeNull();
    expect(screen.getByText("Nothing was sent yet.")).toBeTruthy();
  });
});
