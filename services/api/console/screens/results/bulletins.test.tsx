import { describe, expect, it } from "vitest";
import type { Schema } from "../../kit/api";
import {
  type Answer,
  act,
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
import { lang } from "../../kit/words";
import { Bulletins } from "./bulletins";

type Head = Schema<"BulletinHead">;

const head = (code: string, more: Partial<Head> = {}): Head => ({
  code,
  title: `Bulletin ${code}`,
  region: "xiamen",
  region_name: "Xiamen",
  plan: null,
  first: "2026-01-01",
  last: "2026-03-31",
  year: 2026,
  issue: 1,
  version: 1,
  corrects: null,
  state: "published",
  state_name: "Published",
  public: true,
  created: "2026-04-01T00:00:00Z",
  published: null,
  links: [],
  ...more,
});
const draft = head("b2", { state: "draft", state_name: "Draft", public: false });
const approver = {
  scopes: ["read", "write"],
  roles: [{ role: "approver", region: "xiamen" }],
} as const;

type Who = Parameters<typeof open>[1];

function show(answers: Record<string, Answer> = {}, who: Who = {}) {
  const sent = serve({
    "GET /bulletins": { bulletins: [head("b1"), draft], links: [] } satisfies Schema<"Bulletins">,
    "GET /bulletins/b2": withHeaders(draft, { ETag: '"5"' }),
    ...answers,
  });
  const hands = open(
    <>
      <Bulletins />
      <Notices />
    </>,
    who,
  );
  return { sent, hands };
}

const row = async (title: string) =>
  (await screen.findByRole("link", { name: title })).closest("tr") as HTMLTableRowElement;

describe("the list of bulletins", () => {
  it("leads to each as page and as files in the language of whoever reads", async () => {
    show();
    const links = within(await row("Bulletin b1")).getAllByRole("link");
    expect(links.map((link) => link.getAttribute("href")?.replace(location.origin, ""))).toEqual([
      "/bulletins/b1?f=html&lang=en",
      "/bulletins/b1?f=pdf&lang=en",
      "/bulletins/b1?f=docx&lang=en",
    ]);
    await act(async () => {
      lang.value = "zh";
    });
    expect(
      within(await row("Bulletin b1"))
        .getByText("PDF")
        .getAttribute("href"),
    ).toContain("lang=zh");
    expect((await row("Bulletin b1")).textContent).toContain("2026 年第 1 期");
  });

  it("tells what each is of, and what is for those inside alone", async () => {
    show();
    expect((await row("Bulletin b1")).textContent).toContain("1 Jan 2026 – 31 Mar 2026");
    expect((await row("Bulletin b1")).textContent).not.toContain("Internal");
    expect((await row("Bulletin b2")).textContent).toContain("DraftInternal");
  });

  it("is of the region one works in, or of all, and of a state", async () => {
    const { sent, hands } = show();
    const asked = () => Object.fromEntries(sent.at(-1)?.query ?? []);
    await row("Bulletin b1");
    expect(asked()).toEqual({ limit: "50", region: "xiamen" });
    await hands.selectOptions(screen.getByLabelText("State"), "Drafts");
    await waitFor(() => expect(asked()).toEqual({ limit: "50", region: "xiamen", state: "draft" }));
    await hands.selectOptions(screen.getByLabelText("Region"), "All regions");
    await waitFor(() => expect(asked()).toEqual({ limit: "50", state: "draft" }));
    await hands.selectOptions(screen.getByLabelText("State"), "All states");
    await waitFor(() => expect(asked()).toEqual({ limit: "50" }));
  });

  it("begins anew at its first page where another state is chosen", async () => {
    const next = { rel: "next", href: `${location.origin}/bulletins/page-2` };
    const { hands } = show({
      "GET /bulletins": ({ query }: Sent) =>
        query.has("state")
          ? { bulletins: [draft], links: [] }
          : { bulletins: [head("b1")], links: [next] },
      "GET /bulletins/page-2": { bulletins: [head("b0")], links: [] },
    });
    await hands.click(await screen.findByRole("button", { name: "More" }));
    await row("Bulletin b0");
    await hands.selectOptions(screen.getByLabelText("State"), "Drafts");
    await row("Bulletin b2");
    expect(screen.queryByRole("link", { name: "Bulletin b0" })).toBeNull();
    expect(screen.queryByRole("button", { name: "More" })).toBeNull();
  });

  it("says that there are none", async () => {
    show({ "GET /bulletins": { bulletins: [], links: [] } });
    expect(await screen.findByText("No bulletins yet.")).toBeTruthy();
  });

  it("offers making one to those who may start jobs", async () => {
    show({}, { scopes: ["read", "jobs"] });
    expect(screen.getByRole("link", { name: "Make a bulletin" }).getAttribute("href")).toBe(
      "/console/compute?process=publish-bulletin",
    );
  });
});

describe("who may publish", () => {
  it.each<[string, Who]>([
    ["the public", {}],
    ["a viewer", { scopes: ["read"], roles: [{ role: "viewer", region: "xiamen" }] }],
    ["a planner", { scopes: ["read", "write"], roles: [{ role: "planner", region: "xiamen" }] }],
    [
      "an approver of another region",
      { scopes: ["read", "write"], roles: [{ role: "approver", region: "banan" }] },
    ],
  ])("%s may not", async (_, who) => {
    show({}, who);
    await row("Bulletin b2");
    expect(screen.queryByRole("button", { name: "Publish" })).toBeNull();
  });

  it("an approver may, what is a draft", async () => {
    show({}, approver);
    expect(within(await row("Bulletin b2")).getByRole("button", { name: "Publish" })).toBeTruthy();
    expect(within(await row("Bulletin b1")).queryByRole("button")).toBeNull();
  });
});

describe("publishing", () => {
  const begin = async (answers: Record<string, Answer> = {}) => {
    const shown = show(answers, approver);
    await shown.hands.click(within(await row("Bulletin b2")).getByRole("button"));
    const dialog = within(await screen.findByRole("dialog", { name: "Publish a bulletin" }));
    return { ...shown, dialog };
  };

  it("tells who will see it, and sends the state that was looked at", async () => {
    const { sent, hands, dialog } = await begin({ "POST /bulletins/b2/publish": draft });
    expect(await dialog.findByText(/Those who work in the region will see it/)).toBeTruthy();
    await hands.click(dialog.getByRole("button", { name: "Publish it" }));
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    const posted = sent.find(({ method }) => method === "POST");
    expect(posted?.headers.get("If-Match")).toBe('"5"');
    await waitFor(() => expect(sent.filter(({ path }) => path === "/bulletins")).toHaveLength(2));
  });

  it("warns where everybody will see it", async () => {
    const { dialog } = await begin({
      "GET /bulletins/b2": withHeaders({ ...draft, public: true }, { ETag: '"5"' }),
    });
    expect(await dialog.findByText(/^Everybody will see it/)).toBeTruthy();
  });

  it("publishes nothing that was made anew in the meantime", async () => {
    const { sent, hands, dialog } = await begin({
      "POST /bulletins/b2/publish": refused(412, "the draft was made anew"),
    });
    await hands.click(await dialog.findByRole("button", { name: "Publish it" }));
    expect(await screen.findByText("the draft was made anew")).toBeTruthy();
    expect(sent.filter(({ path }) => path === "/bulletins")).toHaveLength(1);
  });

  it("can be left", async () => {
    const { sent, hands, dialog } = await begin();
    await hands.click(await dialog.findByRole("button", { name: "Back" }));
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    expect(sent.every(({ method }) => method === "GET")).toBe(true);
  });

  it("says where it cannot be read, and publishes nothing", async () => {
    const { dialog } = await begin({ "GET /bulletins/b2": refused(404, "it is gone") });
    expect(await dialog.findByText("it is gone")).toBeTruthy();
    expect(dialog.queryByRole("button", { name: "Publish it" })).toBeNull();
  });
});
