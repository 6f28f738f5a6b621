import { useSignal } from "@preact/signals";
import { beforeEach, describe, expect, it } from "vitest";
import type { Schema } from "../../kit/api";
import { recall } from "../../kit/kept";
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
import { Templates } from "./templates";

type Template = Schema<"BulletinTemplate">;

const section = (kind: Schema<"Section">["kind"], zh: string, en: string): Schema<"Section"> => ({
  kind,
  heading_zh: zh,
  heading_en: en,
  text_zh: "",
  text_en: "",
});
const template = (code: string, version: number, more: Partial<Template> = {}): Template => ({
  code,
  version,
  created: null,
  created_by: null,
  name_zh: "季报",
  name_en: "Quarterly",
  title_zh: "生态公报",
  title_en: "Bulletin",
  issuer_zh: "某局",
  issuer_en: "A bureau",
  note_zh: "",
  note_en: "",
  sections: [section("summary", "概要", "Summary"), section("alerts", "预警", "Alerts")],
  links: [],
  ...more,
});
const named = (code: string, version: number, name: string, created: string | null) =>
  ({
    code,
    version,
    name,
    created,
    created_by: null,
    links: [],
  }) satisfies Schema<"TemplateNamed">;

const page = (words: string) => new Response(`<html><body><h1>${words}</h1></body></html>`);
type Who = Parameters<typeof open>[1];
const everywhere: Who = { scopes: ["read", "write"], roles: [{ role: "planner", region: null }] };
const somewhere: Who = {
  scopes: ["read", "write"],
  roles: [{ role: "planner", region: "xiamen" }],
};

/** The service with one template, `quarterly`, of so many versions. */
class Kept {
  version = 2;
  contents = template("quarterly", 2);
  readonly answers: Record<string, Answer> = {
    "GET /bulletin-templates": {
      templates: [
        named("default", 0, "Usual", null),
        named("quarterly", 2, "Quarterly", "2026-03-01T00:00:00Z"),
      ],
      links: [],
    } satisfies Schema<"BulletinTemplates">,
    "GET /bulletin-templates/default": template("default", 0, { name_en: "Usual" }),
    "GET /bulletin-templates/quarterly": ({ query }: Sent) =>
      query.get("version") === "1"
        ? template("quarterly", 1, { name_en: "First" })
        : withHeaders(this.contents, { ETag: `"${this.version}"` }),
    "GET /bulletin-templates/quarterly/versions": () => ({
      versions: [
        named("quarterly", this.version, "Quarterly", "2026-03-01T00:00:00Z"),
        named("quarterly", 1, "First", "2026-02-01T00:00:00Z"),
      ],
      links: [],
    }),
    "PUT /bulletin-templates/quarterly": ({ body }: Sent) => {
      this.version += 1;
      this.contents = { ...template("quarterly", this.version), ...(body as Template) };
      return withHeaders(this.contents, { ETag: `"${this.version}"` });
    },
    "POST /bulletin-templates/preview": ({ body }: Sent) => page((body as Template).title_en),
  };
}

function Chooser({ first }: { first: string | undefined }) {
  const chosen = useSignal(first);
  return (
    <>
      <Templates
        chosen={chosen.value}
        onChoose={(code) => {
          chosen.value = code;
        }}
      />
      <Notices />
    </>
  );
}

let kept = new Kept();
beforeEach(() => {
  kept = new Kept();
});

function show(
  chosen: string | undefined,
  answers: Record<string, Answer> = {},
  who: Who = everywhere,
) {
  const sent = serve({ ...kept.answers, ...answers });
  const hands = open(<Chooser first={chosen} />, who);
  return { sent, hands, writes: () => sent.filter(({ method }) => method === "PUT") };
}

async function editing(answers: Record<string, Answer> = {}) {
  const shown = show("quarterly", answers);
  const title = await screen.findByLabelText<HTMLInputElement>(/^Title in English/);
  const save = () => screen.getByRole("button", { name: "Keep as a new version" });
  return { ...shown, title, save };
}

/** The template that was put first. */
const put = (writes: () => Sent[]) => (writes()[0] as Sent).body as Template;
const headings = () => [...document.querySelectorAll("summary")].map((one) => one.textContent);
const preview = () => screen.getByLabelText("Preview").shadowRoot?.textContent ?? "";

describe("the list of templates", () => {
  it("tells which come with the platform, and opens one", async () => {
    const { hands } = show(undefined);
    const usual = (await screen.findByRole("button", { name: "Usual" })).closest("tr");
    expect(usual?.textContent).toContain("built in");
    expect(screen.getByText("2026-03-01 08:00")).toBeTruthy();
    await hands.click(screen.getByRole("button", { name: "Quarterly" }));
    expect(await screen.findByLabelText(/^Title in English/)).toHaveProperty("value", "Bulletin");
  });

  it.each<[string, Who]>([
    ["whose role holds in a region alone", somewhere],
    ["who only views", { scopes: ["read"], roles: [{ role: "viewer", region: null }] }],
  ])("offers nothing to write to those %s", async (_, who) => {
    show(undefined, {}, who);
    await screen.findByRole("button", { name: "Usual" });
    expect(screen.queryByRole("button", { name: "New template" })).toBeNull();
  });
});

describe("a new template", () => {
  const begin = async (code: string, answers: Record<string, Answer> = {}) => {
    const shown = show(undefined, {
      [`GET /bulletin-templates/${code}`]: refused(404, "there is none"),
      [`GET /bulletin-templates/${code}/versions`]: refused(404, "there is none"),
      ...answers,
    });
    await shown.hands.click(screen.getByRole("button", { name: "New template" }));
    const dialog = within(await screen.findByRole("dialog", { name: "New template" }));
    await shown.hands.type(dialog.getByLabelText("Code of the new template"), `${code}{Enter}`);
    return shown;
  };

  it("begins with the contents of the platform's own, and is put under its code", async () => {
    const { hands, writes } = await begin("monthly", {
      "PUT /bulletin-templates/monthly": template("monthly", 1),
    });
    const name = await screen.findByDisplayValue("Usual");
    await hands.clear(name);
    await hands.type(name, "Monthly");
    await hands.click(screen.getByRole("button", { name: "Keep as a new version" }));
    expect(await screen.findByText("Kept as version 1")).toBeTruthy();
    expect(writes()[0]).toMatchObject({ path: "/bulletin-templates/monthly" });
    expect(writes()[0]?.headers.get("If-Match")).toBe("*");
    const body = writes()[0]?.body as Template;
    expect(body.name_en).toBe("Monthly");
    expect(body.sections.map(({ kind }) => kind)).toEqual(["summary", "alerts"]);
    expect(body).not.toHaveProperty("version");
    expect(body).not.toHaveProperty("links");
  });

  it.each(["Monthly", "1st", "a b"])("takes no code such as %s", async (code) => {
    const { hands } = show(undefined);
    await hands.click(screen.getByRole("button", { name: "New template" }));
    const dialog = within(await screen.findByRole("dialog", { name: "New template" }));
    await hands.type(dialog.getByLabelText("Code of the new template"), `${code}{Enter}`);
    expect(screen.getByRole("dialog", { name: "New template" })).toBeTruthy();
    expect(screen.queryByLabelText(/^Title in English/)).toBeNull();
  });

  it("is not begun where the service is away", async () => {
    await begin("monthly", { "GET /bulletin-templates/monthly": refused(503, "it is away") });
    expect(await screen.findByText("it is away")).toBeTruthy();
    expect(screen.queryByRole("button", { name: "Keep as a new version" })).toBeNull();
  });
});

describe("a template", () => {
  it("is kept as a new version, in the state that was read", async () => {
    const { hands, title, save, writes } = await editing();
    await hands.type(title, " of the bay");
    await hands.click(save());
    expect(await screen.findByText("Kept as version 3")).toBeTruthy();
    expect(writes()[0]?.headers.get("If-Match")).toBe('"2"');
    expect(put(writes).title_en).toBe("Bulletin of the bay");
    expect(await screen.findByText(/^Version 3/)).toBeTruthy();
    expect(recall("draft.template.quarterly")).toBeNull();
  });

  it("is kept without English, and its sections are then called as in Chinese", async () => {
    const { hands, title, save, writes } = await editing();
    await hands.clear(title);
    await hands.clear(screen.getByLabelText(/^Name in English/));
    await hands.clear(screen.getByLabelText(/^Issued by, in English/));
    const first = within(document.querySelectorAll("details")[0] as HTMLElement);
    await hands.clear(first.getByLabelText(/^Heading in English/));
    expect(headings()[0]).toBe("1. 概要");
    await hands.click(save());
    await waitFor(() => expect(writes()).toHaveLength(1));
    expect(put(writes).title_en ?? "").toBe("");
    expect(put(writes).sections[0]?.heading_en ?? "").toBe("");
  });

  it("is not kept without a title", async () => {
    const { hands, save, writes } = await editing();
    await hands.clear(screen.getByLabelText(/^Title in Chinese/));
    await hands.click(save());
    expect(writes()).toEqual([]);
  });

  it("goes on from the new version, which is no conflict", async () => {
    const { hands, save, writes } = await editing();
    await hands.click(save());
    await screen.findByText("Kept as version 3");
    await screen.findByText(/^Version 3/);
    await hands.type(screen.getByLabelText(/^Title in English/), "!");
    await hands.click(save());
    await screen.findByText("Kept as version 4");
    expect(writes()[1]?.headers.get("If-Match")).toBe('"3"');
    expect(screen.queryByRole("dialog")).toBeNull();
  });

  it("has its unsaved texts after a reload", async () => {
    const first = await editing();
    await first.hands.type(first.title, " half");
    document.body.replaceChildren();
    const second = await editing();
    expect(second.title.value).toBe("Bulletin half");
    expect(screen.getByText(/not saved is here again/)).toBeTruthy();
  });

  it("tells those who may not edit it so, with its versions", async () => {
    const { sent } = show("quarterly", {}, somewhere);
    expect(await screen.findByText("Editing needs a role that holds everywhere.")).toBeTruthy();
    await screen.findByText(/^Version 1/);
    expect(screen.queryByRole("button", { name: "Put into the form" })).toBeNull();
    expect(screen.queryByLabelText(/^Title in English/)).toBeNull();
    expect(sent.some(({ method }) => method !== "GET")).toBe(false);
  });

  it("goes back to the list", async () => {
    const { hands } = await editing();
    await hands.click(screen.getByRole("button", { name: "Back" }));
    expect(await screen.findByRole("button", { name: "Usual" })).toBeTruthy();
  });
});

describe("sections of a template", () => {
  const deed = (at: number, name: string) =>
    within(document.querySelectorAll("details")[at] as HTMLElement).getByRole("button", {
      name,
      hidden: true,
    });

  it("move, and stay at the ends", async () => {
    const { hands, save, writes } = await editing();
    expect(headings()).toEqual(["1. Summary", "2. Alerts"]);
    expect(deed(0, "Up")).toHaveProperty("disabled", true);
    expect(deed(1, "Down")).toHaveProperty("disabled", true);
    await hands.click(deed(0, "Down"));
    expect(headings()).toEqual(["1. Alerts", "2. Summary"]);
    await hands.click(save());
    await waitFor(() => expect(writes()).toHaveLength(1));
    expect(put(writes).sections.map(({ kind }) => kind)).toEqual(["alerts", "summary"]);
  });

  it("are taken out, and can be added once each, texts as often as one likes", async () => {
    const { hands } = await editing();
    const more = () => screen.getByLabelText<HTMLSelectElement>("Add a section");
    const offered = () => [...more().options].map(({ text }) => text);
    expect(offered()).not.toContain("Alerts");
    await hands.click(deed(1, "Take out"));
    expect(offered()).toContain("Alerts");
    await hands.selectOptions(more(), "Text");
    await hands.selectOptions(more(), "Text");
    await hands.selectOptions(more(), "Water");
    expect(headings()).toEqual(["1. Summary", "2. Text", "3. Text", "4. Water"]);
    expect(offered()).toContain("Text");
    expect(offered()).not.toContain("Water");
  });

  it("have their headings and texts in both languages", async () => {
    const { hands, save, writes } = await editing();
    const first = within(document.querySelectorAll("details")[0] as HTMLElement);
    const heading = first.getByLabelText(/^Heading in English/);
    await hands.clear(heading);
    await hands.type(heading, "In short");
    await hands.type(first.getByLabelText("Text in Chinese"), "水质良好。");
    expect(headings()[0]).toBe("1. In short");
    await hands.click(save());
    await waitFor(() => expect(writes()).toHaveLength(1));
    expect(put(writes).sections[0]).toEqual({
      ...section("summary", "概要", "In short"),
      text_zh: "水质良好。",
    });
  });

  it("open where something in them was refused", async () => {
    const { hands, save } = await editing({
      "PUT /bulletin-templates/quarterly": refused(400, "a text is wrong", [
        { pointer: "/sections/1/text_zh", detail: "names {{ nobody }}" },
      ]),
    });
    await hands.click(save());
    await waitFor(() => expect(document.querySelectorAll("details")[1]?.open).toBe(true));
    expect(document.querySelectorAll("details")[0]?.open).toBe(false);
    const field = screen.getAllByText("names {{ nobody }}")[0]?.closest(".field");
    expect(field?.textContent).toContain("Text in Chinese");
  });
});

describe("the preview of a template", () => {
  it("follows what is typed", async () => {
    const { hands, title, sent } = await editing();
    await waitFor(() => expect(preview()).toContain("Bulletin"));
    await hands.type(title, " 2026");
    await waitFor(() => expect(preview()).toContain("Bulletin 2026"), { timeout: 3000 });
    const asked = sent.filter(({ path }) => path.endsWith("/preview"));
    // One at first and one after the last key: not one a key.
    expect(asked.length).toBeLessThan(4);
    expect(asked[0]?.headers.get("X-CSRF-Token")).toBe("proof");
  });

  it("says what is wrong, and keeps the page of before", async () => {
    const { hands, title } = await editing({
      "POST /bulletin-templates/preview": ({ body }: Sent) =>
        (body as Template).title_en.includes("~")
          ? refused(400, "/title_en: names nobody", [
              { pointer: "/title_en", detail: "names nobody" },
            ])
          : page("fine"),
    });
    await waitFor(() => expect(preview()).toBe("fine"));
    await hands.type(title, "~");
    expect(
      await screen.findByText("Title in English: names nobody", undefined, { timeout: 3000 }),
    ).toBeTruthy();
    expect(preview()).toBe("fine");
  });

  it("is asked for in the other language", async () => {
    const { sent } = await editing();
    await waitFor(() => expect(preview()).toContain("Bulletin"));
    await act(async () => {
      lang.value = "zh";
    });
    await waitFor(
      () =>
        expect(
          sent.some(({ path, query }) => path.endsWith("/preview") && query.get("lang") === "zh"),
        ).toBe(true),
      { timeout: 3000 },
    );
  });
});

describe("former versions", () => {
  const take = async (hands: Awaited<ReturnType<typeof editing>>["hands"]) => {
    const line = (await screen.findByText(/^Version 1 /)).closest("li") as HTMLElement;
    await hands.click(within(line).getByRole("button", { name: "Put into the form" }));
  };

  it("come into the form, and are kept as a newer one", async () => {
    const { hands, save, writes } = await editing();
    await take(hands);
    expect(await screen.findByDisplayValue("First")).toBeTruthy();
    expect(screen.getByText("Version 1 is in the form")).toBeTruthy();
    expect(writes()).toEqual([]);
    await hands.click(save());
    await screen.findByText("Kept as version 3");
    expect(put(writes).name_en).toBe("First");
  });

  it("leave the form as it is where they cannot be read", async () => {
    const { hands, title } = await editing({
      "GET /bulletin-templates/quarterly": ({ query }: Sent) =>
        query.has("version")
          ? refused(503, "no versions now")
          : withHeaders(kept.contents, { ETag: '"2"' }),
    });
    await take(hands);
    expect(await screen.findByText("no versions now")).toBeTruthy();
    expect(title.value).toBe("Bulletin");
  });
});
