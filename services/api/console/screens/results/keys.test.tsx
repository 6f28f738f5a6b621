import { describe, expect, it } from "vitest";
import type { Schema } from "../../kit/api";
import { type Answer, open, refused, screen, serve, waitFor, within } from "../../kit/testing";
import { Notices } from "../../kit/ui";
import type { Lang } from "../../kit/words";
import { Keys, keyState } from "./keys";

const key = (id: string, name: string, more: Partial<Schema<"Key">> = {}): Schema<"Key"> => ({
  id,
  name,
  scopes: ["read"],
  roles: null,
  networks: null,
  created: "2026-01-01T00:00:00Z",
  expires: null,
  revoked: null,
  last_used: null,
  successor: null,
  ...more,
});
const feed = key("k1", "Water stations", {
  roles: [{ role: "feed", region: "xiamen" }],
  last_used: "2026-03-01T01:00:00Z",
});
const old = key("k2", "Desktop", { scopes: ["read", "observe"], revoked: "2026-02-01T00:00:00Z" });

function show(answers: Record<string, Answer> = {}, words: Lang = "en") {
  const keys: Schema<"Keys"> = { keys: [feed, old], links: [] };
  const sent = serve({ "GET /keys": keys, ...answers });
  const hands = open(
    <>
      <Keys />
      <Notices />
    </>,
    { lang: words, scopes: ["admin"] },
  );
  return { sent, hands, writes: () => sent.filter(({ method }) => method !== "GET") };
}

const row = async (name: string) => {
  const found = (await screen.findByText(name)).closest("tr");
  return within(found as HTMLElement);
};

describe("the list of keys", () => {
  it("tells by roles or by scopes what each may do", async () => {
    show();
    expect((await row("Water stations")).getByText("Feed · Xiamen")).toBeTruthy();
    expect((await row("Desktop")).getByText("read, observations")).toBeTruthy();
    expect((await row("Water stations")).getByText("2026-03-01 09:00")).toBeTruthy();
  });

  it("offers nothing to be done with a key that is revoked", async () => {
    show({}, "zh");
    expect((await row("Desktop")).queryByRole("button")).toBeNull();
    expect((await row("Desktop")).getByText("已撤销")).toBeTruthy();
    expect((await row("Water stations")).getByRole("button", { name: "轮换" })).toBeTruthy();
  });

  it("says that there are none yet", async () => {
    show({ "GET /keys": { keys: [], links: [] } });
    expect(await screen.findByText("No keys yet.")).toBeTruthy();
  });

  it("is refused to whoever is no administrator", async () => {
    show({ "GET /keys": refused(403, "needs the scope admin") });
    expect(await screen.findByText("needs the scope admin")).toBeTruthy();
    expect(screen.queryByRole("table")).toBeNull();
  });
});

describe("how a key stands", () => {
  const now = Date.parse("2026-03-01T00:00:00Z");
  it.each([
    ["is good until the moment it ends", { expires: "2026-03-01T00:00:01Z" }, "good"],
    ["is over from that moment on", { expires: "2026-03-01T00:00:00Z" }, "expired"],
    ["is being replaced while it still holds", { successor: "k9" }, "being replaced"],
    [
      "is over though it was replaced",
      { successor: "k9", expires: "2026-02-01T00:00:00Z" },
      "expired",
    ],
    [
      "is revoked whatever else it was",
      { successor: "k9", revoked: "2026-02-01T00:00:00Z" },
      "revoked",
    ],
  ])("%s", (_, more, text) => {
    serve({});
    open(null);
    expect(keyState(key("k", "k", more), now).text).toBe(text);
  });
});

describe("a new key", () => {
  const begin = async (answers: Record<string, Answer>) => {
    const shown = show(answers);
    await shown.hands.click(screen.getByRole("button", { name: "New key" }));
    const dialog = within(await screen.findByRole("dialog", { name: "New key" }));
    await shown.hands.type(dialog.getByLabelText(/^Who or what uses it/), "Harvester");
    return { ...shown, dialog };
  };

  it("is made for roles, networks and a last day, and shown once", async () => {
    const { hands, dialog, writes, sent } = await begin({
      "POST /keys": key("k3", "Harvester", { key: "shk_k3_secret" }),
    });
    await hands.selectOptions(dialog.getByRole("combobox", { name: "Role" }), "Feed");
    await hands.click(dialog.getByRole("button", { name: "Give" }));
    await hands.type(dialog.getByLabelText(/^Networks/), "10.20.0.0/16\n 10.30.0.1 \n\n");
    await hands.type(dialog.getByLabelText("Ends on"), "2027-06-30");
    await hands.click(dialog.getByRole("button", { name: "Make it" }));
    const secret = await screen.findByRole("dialog", { name: "Key: Harvester" });
    expect(within(secret).getByRole("textbox")).toHaveProperty("value", "shk_k3_secret");
    const { expires_at, ...body } = (writes()[0]?.body ?? {}) as Record<string, string>;
    expect(body).toEqual({
      name: "Harvester",
      roles: [{ role: "feed", region: null }],
      networks: ["10.20.0.0/16", "10.30.0.1"],
    });
    expect(expires_at).toMatch(/^2027-0[67]-\d\dT\d\d:59:59\.000Z$/);
    await hands.click(within(secret).getByRole("button", { name: "Close" }));
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    expect(document.documentElement.innerHTML).not.toContain("shk_k3_secret");
    expect(JSON.stringify([{ ...localStorage }, location.href])).not.toContain("shk_k3_secret");
    expect(sent.filter(({ method }) => method === "GET")).toHaveLength(2);
  });

  it("is told where it lacks roles", async () => {
    const { hands, dialog } = await begin({
      "POST /keys": refused(400, "the body breaks the rules", [
        { pointer: "/roles", detail: "needs at least one" },
      ]),
    });
    await hands.click(dialog.getByRole("button", { name: "Make it" }));
    const told = await dialog.findByText("needs at least one");
    expect(told.closest(".field")?.textContent).toContain("Roles");
    expect(dialog.getByLabelText(/^Who or what uses it/)).toHaveProperty("value", "Harvester");
  });
});

describe("replacing a key", () => {
  const begin = async (answers: Record<string, Answer>) => {
    const shown = show(answers);
    await shown.hands.click((await row("Water stations")).getByRole("button", { name: "Replace" }));
    const dialog = within(await screen.findByRole("dialog", { name: "Replace: Water stations" }));
    return { ...shown, dialog, hours: dialog.getByRole("spinbutton") };
  };

  it("lets both hold for the hours that are asked for, and shows the new one", async () => {
    const { hands, dialog, hours, writes } = await begin({
      "POST /keys/k1/rotate": key("k9", "Water stations", { key: "shk_k9_new" }),
    });
    await hands.clear(hours);
    await hands.type(hours, "48");
    await hands.click(dialog.getByRole("button", { name: "Replace" }));
    expect(await screen.findByDisplayValue("shk_k9_new")).toBeTruthy();
    expect(writes()).toHaveLength(1);
    expect(writes()[0]?.body).toEqual({ overlap_hours: 48 });
    expect(writes()[0]?.headers.get("Idempotency-Key")).toBeTruthy();
  });

  it("is one request however often it is tried, and another for other hours", async () => {
    const { hands, dialog, hours, writes } = await begin({
      "POST /keys/k1/rotate": refused(503, "the rotation waits"),
    });
    const replace = () => hands.click(dialog.getByRole("button", { name: "Replace" }));
    await replace();
    await screen.findByText("the rotation waits");
    await replace();
    await waitFor(() => expect(writes()).toHaveLength(2));
    await hands.type(hours, "0");
    await replace();
    await waitFor(() => expect(writes()).toHaveLength(3));
    const keys = writes().map(({ headers }) => headers.get("Idempotency-Key"));
    expect(keys[1]).toBe(keys[0]);
    expect(keys[2]).not.toBe(keys[0]);
  });

  it("takes no hours beyond ninety days", async () => {
    const { hands, dialog, hours, writes } = await begin({});
    await hands.clear(hours);
    await hands.type(hours, "2161");
    await hands.click(dialog.getByRole("button", { name: "Replace" }));
    expect(writes()).toEqual([]);
    expect((hours as HTMLInputElement).validity.rangeOverflow).toBe(true);
  });

  it("does not end the former key at once where no hours are given", async () => {
    const { hands, dialog, hours, writes } = await begin({});
    await hands.clear(hours);
    await hands.click(dialog.getByRole("button", { name: "Replace" }));
    expect(writes()).toEqual([]);
  });
});

describe("revoking a key", () => {
  const begin = async (answers: Record<string, Answer>) => {
    const shown = show(answers);
    await shown.hands.click((await row("Water stations")).getByRole("button", { name: "Revoke" }));
    return { ...shown, dialog: within(await screen.findByRole("dialog")) };
  };

  it("asks again, and does nothing where one goes back", async () => {
    const { hands, dialog, writes } = await begin({});
    expect(dialog.getByText(/"Water stations" ends at once, and for good/)).toBeTruthy();
    await hands.click(dialog.getByRole("button", { name: "Back" }));
    expect(screen.queryByRole("dialog")).toBeNull();
    expect(writes()).toEqual([]);
  });

  it("is done by keyboard, and the list is read again", async () => {
    const { hands, dialog, writes, sent } = await begin({ "DELETE /keys/k1": null });
    dialog.getByRole("button", { name: "Confirm" }).focus();
    await hands.keyboard("{Enter}");
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    expect(writes()[0]).toMatchObject({ method: "DELETE", path: "/keys/k1" });
    expect(writes()[0]?.headers.get("X-CSRF-Token")).toBe("proof");
    await waitFor(() => expect(sent.filter(({ method }) => method === "GET")).toHaveLength(2));
  });

  it("says why where it is refused", async () => {
    const { hands, dialog } = await begin({ "DELETE /keys/k1": refused(404, "no such key now") });
    await hands.click(await dialog.findByRole("button", { name: "Confirm" }));
    expect(await dialog.findByText("no such key now")).toBeTruthy();
  });
});
