import { useSignal } from "@preact/signals";
import { describe, expect, it } from "vitest";
import type { Schema } from "../../kit/api";
import {
  type Answer,
  act,
  cleanup,
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
  edited: null,
  links: [],
  ...more,
});
const draft = head("b2", { state: "draft", state_name: "Draft", public: false });
const approver = {
  scopes: ["read", "write"],
  roles: [{ role: "approver", region: "xiamen" }],
} as const;

type Who = Parameters<typeof open>[1];

/** The list, or the words of one, as the address would say. */
function Shown({ first }: { first?: string }) {
  const chosen = useSignal<string | undefined>(first);
  return (
    <Bulletins
      chosen={chosen.value}
      onChoose={(code) => {
        chosen.value = code;
      }}
    />
  );
}

function show(answers: Record<string, Answer> = {}, who: Who = {}, first?: string) {
  const sent = serve({
    "GET /bulletins": { bulletins: [head("b1"), draft], links: [] } satisfies Schema<"Bulletins">,
    "GET /bulletins/b2": withHeaders(draft, { ETag: '"5"' }),
    ...answers,
  });
  const hands = open(
    <>
      <Shown {...(first ? { first } : {})} />
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
    const begins = within(await row("Bulletin b2")).getByRole("button", { name: "Publish" });
    await shown.hands.click(begins);
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

  it("tells when its words were last changed", async () => {
    const { dialog } = await begin({
      "GET /bulletins/b2": withHeaders(
        { ...draft, edited: "2026-01-05T02:00:00Z" },
        { ETag: '"5"' },
      ),
    });
    expect(await dialog.findByText("Words last changed 2026-01-05 10:00")).toBeTruthy();
  });

  it("warns where everybody will see it", async () => {
    const { dialog } = await begin({
      "GET /bulletins/b2": withHeaders({ ...draft, public: true }, { ETag: '"5"' }),
    });
    expect(await dialog.findByText(/^Everybody will see it/)).toBeTruthy();
  });

  it("publishes nothing that was made anew in the meantime, and shows it as it is now", async () => {
    const { sent, hands, dialog } = await begin({
      "POST /bulletins/b2/publish": refused(412, "the draft was made anew"),
    });
    await hands.click(await dialog.findByRole("button", { name: "Publish it" }));
    expect(await screen.findByText("the draft was made anew")).toBeTruthy();
    await waitFor(() => expect(sent.filter(({ path }) => path === "/bulletins")).toHaveLength(2));
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

const wording = {
  title_zh: "一季度公报",
  title_en: "First quarter",
  issuer_zh: "甲局",
  issuer_en: "",
  note_zh: "",
  note_en: "",
  sections: [
    { kind: "summary", heading_zh: "摘要", heading_en: "", text_zh: "总体向好。", text_en: "" },
  ],
  edited: null,
  edited_by: null,
  links: [],
} satisfies Schema<"BulletinWording">;
const words = "/bulletins/b2/wording";
const planner = {
  scopes: ["read", "write"],
  roles: [{ role: "planner", region: "xiamen" }],
} as const;

describe("the words of a draft", () => {
  const answers = (more: Record<string, Answer> = {}): Record<string, Answer> => ({
    [`GET ${words}`]: withHeaders(wording, { ETag: '"draft-0.x"' }),
    [`POST ${words}/preview`]: ({ body }: Sent) =>
      new Response(`<h1>${(body as typeof wording).title_zh}</h1>`),
    ...more,
  });
  const title = () => screen.findByLabelText(/Title in Chinese/);
  const save = () => screen.getByRole("button", { name: "Save the text" });

  it("are opened from the list, by who may change them", async () => {
    const { hands } = show(answers(), planner);
    expect(within(await row("Bulletin b1")).queryByRole("button")).toBeNull();
    await hands.click(within(await row("Bulletin b2")).getByRole("button"));
    expect(((await title()) as HTMLInputElement).value).toBe("一季度公报");
    await hands.click(screen.getByRole("button", { name: "Back" }));
    expect(await row("Bulletin b2")).toBeTruthy();
  });

  it.each<[string, Who]>([
    ["the public", {}],
    ["a viewer", { scopes: ["read", "write"], roles: [{ role: "viewer", region: "xiamen" }] }],
    ["a planner elsewhere", { ...planner, roles: [{ role: "planner", region: "banan" }] }],
  ])("are closed to %s", async (_, who) => {
    show(answers(), who);
    expect(within(await row("Bulletin b2")).queryByRole("button")).toBeNull();
    cleanup();
    show(answers(), who, "b2");
    expect(await screen.findByText(/needs the role of a planner/)).toBeTruthy();
    expect(screen.queryByLabelText(/Title in Chinese/)).toBeNull();
  });

  it("are closed once it is published", async () => {
    show(answers({ "GET /bulletins/b2": head("b2") }), planner, "b2");
    expect(await screen.findByText(/published and never changes/)).toBeTruthy();
    expect(screen.queryByLabelText(/Title in Chinese/)).toBeNull();
  });

  it("are sent whole for the state that was read, and the list says so", async () => {
    const { sent, hands } = show(
      answers({
        [`PUT ${words}`]: wording,
        "GET /bulletins": {
          bulletins: [{ ...draft, edited: "2026-04-02T00:00:00Z" }],
          links: [],
        },
      }),
      planner,
      "b2",
    );
    await hands.clear(await title());
    await hands.type(await title(), "新题");
    await hands.click(save());
    await waitFor(() => expect(sent.some(({ method }) => method === "PUT")).toBe(true));
    const put = sent.find(({ method }) => method === "PUT") as Sent;
    const { edited: _, edited_by: __, links: ___, ...own } = wording;
    expect(put.body).toEqual({ ...own, title_zh: "新题" });
    expect(put.headers.get("If-Match")).toBe('"draft-0.x"');
    expect(await screen.findByText("Saved; the files have the new words")).toBeTruthy();
    await hands.click(await screen.findByRole("button", { name: "Back" }));
    expect((await row("Bulletin b2")).textContent).toContain("Edited by hand");
  });

  it("stand beside what they make", async () => {
    const { sent } = show(answers(), planner, "b2");
    const page = await screen.findByRole("region", { name: "Preview" });
    await waitFor(() => expect(page.shadowRoot?.textContent).toContain("一季度公报"));
    expect(sent.find(({ method }) => method === "POST")?.path).toBe(`${words}/preview`);
  });

  it("are there again after a reload, until they are thrown away", async () => {
    const { hands } = show(answers(), planner, "b2");
    await hands.type(await title(), "续");
    cleanup();
    const { hands: again } = show(answers(), planner, "b2");
    expect(((await title()) as HTMLInputElement).value).toBe("一季度公报续");
    await again.click(screen.getByRole("button", { name: "Throw away" }));
    expect(((await title()) as HTMLInputElement).value).toBe("一季度公报");
  });

  it("are shown beside those of somebody who was faster", async () => {
    let stored: typeof wording = wording;
    const { sent, hands } = show(
      answers({
        [`GET ${words}`]: () =>
          withHeaders(stored, { ETag: stored === wording ? '"draft-0.x"' : '"draft-1.y"' }),
        [`PUT ${words}`]: ({ headers }: Sent) =>
          headers.get("If-Match") === '"draft-1.y"' ? wording : refused(412, "it has changed"),
      }),
      planner,
      "b2",
    );
    await hands.type(await title(), "我");
    stored = { ...wording, title_zh: "他题", issuer_zh: "乙局" };
    await hands.click(save());
    const dialog = within(await screen.findByRole("dialog"));
    expect(dialog.getByText("他题")).toBeTruthy();
    expect(dialog.getByText("一季度公报我")).toBeTruthy();
    await hands.click(dialog.getByRole("button", { name: "Send again as chosen" }));
    await waitFor(() => expect(sent.filter(({ method }) => method === "PUT")).toHaveLength(2));
    const last = sent.filter(({ method }) => method === "PUT").at(-1) as Sent;
    expect(last.body).toMatchObject({ title_zh: "一季度公报我", issuer_zh: "乙局" });
  });

  it("are refused where they are wrong", async () => {
    const fault = { pointer: "/sections/0/text_zh", detail: "line 1: unexpected end" };
    const { hands } = show(
      answers({ [`PUT ${words}`]: refused(400, "the text has faults", [fault]) }),
      planner,
      "b2",
    );
    await hands.type(await title(), "续");
    await hands.click(save());
    const at = await screen.findByLabelText(/Text in Chinese/);
    await waitFor(() => expect(at.closest("details")?.open).toBe(true));
    expect(at.closest(".field")?.textContent).toContain("line 1: unexpected end");
  });
});
