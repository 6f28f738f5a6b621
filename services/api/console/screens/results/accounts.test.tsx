import { describe, expect, it } from "vitest";
import type { Schema } from "../../kit/api";
import { regions } from "../../kit/place";
import {
  type Answer,
  act,
  open,
  placed,
  refused,
  screen,
  serve,
  waitFor,
  withHeaders,
  within,
} from "../../kit/testing";
import { Notices } from "../../kit/ui";
import type { Lang } from "../../kit/words";
import { Accounts } from "./accounts";

const account = (id: number, name: string, more: object = {}): Schema<"Account"> => ({
  id,
  name,
  issuer: "local",
  subject: `user.${id}`,
  email: null,
  party: null,
  roles: [],
  created: "2026-01-01T00:00:00Z",
  disabled: null,
  last_seen: null,
  signed_in: null,
  ...more,
});
const planner = account(1, "Li Wei", {
  email: "li@example.cn",
  roles: [
    { role: "planner", region: "xiamen" },
    { role: "viewer", region: null },
  ],
  signed_in: "2026-03-01T00:30:00Z",
});
const away = account(2, "Wang Fang", { disabled: "2026-02-01T00:00:00Z" });

const listed = (accounts: Schema<"Account">[]): Schema<"Accounts"> => ({ accounts, links: [] });
const given: Record<string, Answer> = {
  "GET /accounts": listed([planner, away]),
  "GET /accounts/1": withHeaders(planner, { ETag: '"4"' }),
};

function show(answers: Record<string, Answer> = {}, words: Lang = "en") {
  const sent = serve({ ...given, ...answers });
  const hands = open(
    <>
      <Accounts />
      <Notices />
    </>,
    { lang: words, scopes: ["admin"] },
  );
  const last = () => sent.filter(({ method }) => method !== "GET").at(-1);
  return { sent, hands, last };
}

/** Open the account of somebody. */
async function opened(answers: Record<string, Answer> = {}) {
  const shown = show(answers);
  await shown.hands.click(await screen.findByRole("button", { name: "Li Wei" }));
  const dialog = await screen.findByRole("dialog", { name: "Li Wei" });
  await within(dialog).findByLabelText("Name");
  return { ...shown, dialog: within(dialog) };
}

describe("the list of accounts", () => {
  it("tells who signs in as what, in which roles, and since when", async () => {
    show();
    const row = (await screen.findByRole("button", { name: "Li Wei" })).closest("tr");
    expect([...(row?.cells ?? [])].map(({ textContent }) => textContent)).toEqual([
      "Li Wei",
      "user.1",
      "Planner · Xiamen, Viewer · everywhere",
      "active",
      "2026-03-01 08:30",
    ]);
    const other = screen.getByRole("button", { name: "Wang Fang" }).closest("tr");
    expect(other?.textContent).toContain("disabled");
    expect(other?.textContent).toContain("–");
  });

  it("is in Chinese for who reads Chinese", async () => {
    show({}, "zh");
    expect(await screen.findByText("规划编制 · 厦门市、查看 · 全部区域")).toBeTruthy();
    expect(screen.getByText("已停用")).toBeTruthy();
  });

  it("is in order of names, either way", async () => {
    const { hands } = show();
    const names = () =>
      screen.getAllByRole("row").flatMap((row) => row.querySelector("td")?.textContent ?? []);
    await hands.click(await screen.findByRole("button", { name: "Name" }));
    expect(names()).toEqual(["Li Wei", "Wang Fang"]);
    await hands.click(screen.getByRole("button", { name: /^Name/ }));
    expect(names()).toEqual(["Wang Fang", "Li Wei"]);
  });
});

describe("inviting somebody", () => {
  const fill = async (hands: ReturnType<typeof show>["hands"]) => {
    await hands.click(screen.getByRole("button", { name: "Invite somebody" }));
    await screen.findByRole("dialog", { name: "Invite somebody" });
    await hands.type(screen.getByLabelText(/^Name to sign in by/), "zhao");
    await hands.type(screen.getByLabelText("Name"), "Zhao Min");
  };
  const make = () => screen.getByRole("button", { name: "Make the account and its link" });

  it("makes the account with its roles, and shows its link once", async () => {
    const { hands, sent } = show({
      "POST /accounts": account(3, "Zhao Min"),
      "POST /accounts/3/link": {
        link: "http://x/sign-in?token=once",
        expires: "2026-03-02T04:00:00Z",
      } satisfies Schema<"SignInLink">,
    });
    await fill(hands);
    await hands.selectOptions(screen.getByRole("combobox", { name: "Role" }), "Approver");
    await hands.selectOptions(
      screen.getByRole("combobox", { name: "Region of the role" }),
      "Xiamen",
    );
    await hands.click(screen.getByRole("button", { name: "Give" }));
    await hands.click(make());
    const secret = await screen.findByRole("dialog", { name: "One-time link for Zhao Min" });
    expect(within(secret).getByRole("textbox")).toHaveProperty(
      "value",
      "http://x/sign-in?token=once",
    );
    expect(secret.textContent).toContain("Good once, until 2026-03-02 12:00.");
    const posted = sent.filter(({ method }) => method === "POST");
    expect(posted.map(({ path }) => path)).toEqual(["/accounts", "/accounts/3/link"]);
    expect(posted[0]?.body).toEqual({
      subject: "zhao",
      name: "Zhao Min",
      roles: [{ role: "approver", region: "xiamen" }],
    });
    expect(JSON.stringify({ ...localStorage })).not.toContain("once");
    expect(sent.filter(({ path }) => path === "/accounts")).toHaveLength(3);
  });

  it("says where the name is taken, and keeps what was typed over a reload", async () => {
    const wrong = [{ pointer: "/subject", detail: "somebody signs in so" }];
    const first = show({ "POST /accounts": refused(409, "taken", wrong) });
    await fill(first.hands);
    await first.hands.click(make());
    expect(await screen.findByText("somebody signs in so")).toBeTruthy();
    document.body.replaceChildren();
    const second = show();
    await second.hands.click(screen.getByRole("button", { name: "Invite somebody" }));
    expect(await screen.findByText(/not saved is here again/)).toBeTruthy();
    expect(screen.getByLabelText("Name")).toHaveProperty("value", "Zhao Min");
  });

  it("has the account even where its link is refused", async () => {
    const { hands } = show({
      "POST /accounts": account(3, "Zhao Min"),
      "POST /accounts/3/link": refused(409, "signs in elsewhere"),
    });
    await fill(hands);
    await hands.click(make());
    expect(await screen.findByText("signs in elsewhere")).toBeTruthy();
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  });
});

describe("an account", () => {
  it("is sent what has changed alone", async () => {
    const { hands, dialog, last } = await opened({ "PATCH /accounts/1": planner });
    await hands.clear(dialog.getByLabelText("Name"));
    await hands.type(dialog.getByLabelText("Name"), "Li Wei-Min");
    await hands.click(dialog.getByLabelText("Disabled"));
    await hands.click(dialog.getByRole("button", { name: "Save" }));
    await waitFor(() => expect(last()?.method).toBe("PATCH"));
    expect(last()?.body).toEqual({ name: "Li Wei-Min", disabled: true });
    expect(last()?.headers.get("If-Match")).toBe('"4"');
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  });

  it("loses a role, and is given another one", async () => {
    const { hands, dialog, last } = await opened({ "PATCH /accounts/1": planner });
    await hands.click(dialog.getByRole("button", { name: "Take away: Planner · Xiamen" }));
    await hands.selectOptions(dialog.getByRole("combobox", { name: "Role" }), "Auditor");
    await hands.click(dialog.getByRole("button", { name: "Give" }));
    await hands.click(dialog.getByRole("button", { name: "Save" }));
    await waitFor(() => expect(last()).toBeTruthy());
    expect(last()?.body).toEqual({
      roles: [
        { role: "viewer", region: null },
        { role: "auditor", region: null },
      ],
    });
  });

  it("can be left without any role", async () => {
    const { hands, dialog, last } = await opened({ "PATCH /accounts/1": planner });
    for (const name of ["Take away: Planner · Xiamen", "Take away: Viewer · everywhere"])
      await hands.click(dialog.getByRole("button", { name }));
    await hands.click(dialog.getByRole("button", { name: "Save" }));
    await waitFor(() => expect(last()?.body).toEqual({ roles: [] }));
  });

  it("is not given a role that it has", async () => {
    const { hands, dialog } = await opened();
    expect(dialog.getByRole("combobox", { name: "Role" })).toHaveProperty("value", "viewer");
    expect(dialog.getByRole("button", { name: "Give" })).toHaveProperty("disabled", true);
    await hands.selectOptions(
      dialog.getByRole("combobox", { name: "Region of the role" }),
      "Xiamen",
    );
    expect(dialog.getByRole("button", { name: "Give" })).toHaveProperty("disabled", false);
  });

  it.each(["Roles", "Planner · Xiamen"])(
    "keeps its roles where one clicks on %s",
    async (words) => {
      const { hands, dialog } = await opened();
      await hands.click(dialog.getByText(words));
      expect(dialog.getAllByRole("button", { name: /^Take away: / })).toHaveLength(2);
    },
  );

  it("shows theirs with roles in words where two change it", async () => {
    const theirs = { ...planner, roles: [{ role: "auditor", region: "banan" }] };
    let reads = 0;
    const { hands, dialog } = await opened({
      "GET /accounts/1": () => withHeaders(reads++ ? theirs : planner, { ETag: `"${reads}"` }),
      "PATCH /accounts/1": refused(412, "changed since"),
    });
    await act(async () => {
      regions.value = [...regions.value, placed("banan", { name_zh: "巴南区", name_en: "Banan" })];
    });
    await hands.click(dialog.getByRole("button", { name: "Take away: Planner · Xiamen" }));
    await hands.click(dialog.getByRole("button", { name: "Save" }));
    const conflict = await screen.findByRole("dialog", { name: "Somebody else has changed this" });
    expect(within(conflict).getByText("Auditor · Banan")).toBeTruthy();
    expect(within(conflict).getByText("Viewer · everywhere")).toBeTruthy();
  });

  it("has its address taken away, and no name of nothing", async () => {
    const { hands, dialog, last } = await opened({
      "PATCH /accounts/1": refused(400, "name is too short", [
        { pointer: "/name", detail: "at least one sign" },
      ]),
    });
    await hands.clear(dialog.getByLabelText("E-mail"));
    await hands.clear(dialog.getByLabelText("Name"));
    await hands.click(dialog.getByRole("button", { name: "Save" }));
    expect(await dialog.findByText("at least one sign")).toBeTruthy();
    expect(last()?.body).toEqual({ email: null, name: "" });
  });

  it.each([
    ["End its sessions", "/accounts/1/sessions", "All its sessions have ended"],
    ["Take a lost second factor away", "/accounts/1/factor", "The second factor is taken away"],
  ])("%s", async (name, path, told) => {
    const { hands, dialog, last } = await opened({ [`DELETE ${path}`]: null });
    await hands.click(dialog.getByRole("button", { name }));
    if (path.endsWith("factor"))
      await hands.click(await dialog.findByRole("button", { name: "Confirm" }));
    expect(await screen.findByText(told)).toBeTruthy();
    expect(last()).toMatchObject({ method: "DELETE", path });
  });

  it("gets a new link, for which its dialog gives way", async () => {
    const { hands, dialog } = await opened({
      "POST /accounts/1/link": { link: "http://x/again", expires: "2026-03-02T04:00:00Z" },
    });
    await hands.click(dialog.getByRole("button", { name: "New one-time link" }));
    expect(await screen.findByRole("dialog", { name: "One-time link for Li Wei" })).toBeTruthy();
    expect(screen.getAllByRole("dialog")).toHaveLength(1);
  });
});
