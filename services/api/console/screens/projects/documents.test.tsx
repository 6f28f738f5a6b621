import { describe, expect, it } from "vitest";
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
import { dossier, measure, paper } from "./testing";

const planner = { scopes: ["read", "projects"] } as const;
const show = async (hands: ReturnType<typeof open>, name = "Documents") =>
  hands.click(await screen.findByRole("tab", { name }));
const card = (
  <>
    <ProjectCard code="P1" />
    <Notices />
  </>
);

describe("the documents of a project", () => {
  const documents = [
    paper("d1"),
    paper("d/2", { kind: "photo", title_en: null, bytes: 3 * 1024 * 1024, measure: "plant" }),
    paper("d3", { kind: "a kind of tomorrow", bytes: 512 }),
  ];
  it("are listed by title, kind, size and time, and can be read", async () => {
    serve({ "GET /projects/P1": dossier({ documents, measures: [measure("plant")] }) });
    const hands = open(card);
    await show(hands);
    expect(await cellsOf("Documents")).toEqual([
      ["Paper d1", "design", "", "2.0 KiB", "2024-05-06 10:00"],
      // Without an English title, the Chinese one is better than none.
      ["d/2文件", "photo", "Planting mangroves", "3.0 MiB", "2024-05-06 10:00"],
      ["Paper d3", "other", "", "512 B", "2024-05-06 10:00"],
    ]);
    expect(screen.getByRole("link", { name: "d/2文件" }).getAttribute("href")).toBe(
      `${location.origin}/documents/d%2F2/file`,
    );
    expect(screen.queryByLabelText("File")).toBeNull();
  });
  it("are named in Chinese", async () => {
    serve({ "GET /projects/P1": dossier({ documents }) });
    const hands = open(card, { lang: "zh" });
    await show(hands, "文件");
    expect((await cellsOf("文件")).map((row) => row[1])).toEqual(["设计文件", "照片", "其他"]);
  });
  it("say that there are none", async () => {
    serve({ "GET /projects/P1": dossier() });
    const hands = open(card, { scopes: ["read"] });
    await show(hands);
    expect(screen.getByText("No documents yet.")).toBeTruthy();
    expect(screen.queryByRole("heading", { name: "Add a document" })).toBeNull();
  });
});

describe("the photos of a project", () => {
  const photo = (code: string, more: Parameters<typeof paper>[1]) =>
    paper(code, { kind: "photo", media_type: "image/jpeg", ...more });
  const documents = [
    photo("late", { measure: "plant", period_to: "2024-04-01" }),
    photo("early", { period_from: "2021-03-02" }),
    photo("came", { measure: "gone" }),
    photo("raw", { media_type: "image/tiff" }),
    paper("plan", { media_type: "image/png" }),
  ];
  const figures = () =>
    within(screen.getByRole("heading", { name: "Photos" }).closest("section") as HTMLElement)
      .getAllByRole("figure")
      .map((one) => one.textContent);

  it("are shown small, by day, each with the measure it is of", async () => {
    serve({ "GET /projects/P1": dossier({ documents, measures: [measure("plant")] }) });
    const hands = open(card, { scopes: ["read"] });
    await show(hands);
    expect(figures()).toEqual([
      "Paper early 2 Mar 2021",
      "Paper late Planting mangroves · 1 Apr 2024",
      "Paper came gone · 6 May 2024",
    ]);
    const picture = screen.getByRole("img", { name: "Paper late" });
    expect(picture.getAttribute("src")).toBe(`${location.origin}/documents/late/file`);
    expect(picture.getAttribute("loading")).toBe("lazy");
    expect(picture.closest("a")?.getAttribute("href")).toBe(picture.getAttribute("src"));
    // What no browser draws, and what is no photo, stay files in the list.
    expect((await cellsOf("Documents")).map(([title]) => title)).toEqual([
      "Paper raw",
      "Paper plan",
    ]);
  });
  it("need no list of other documents", async () => {
    serve({ "GET /projects/P1": dossier({ documents: documents.slice(0, 1) }) });
    const hands = open(card, { scopes: ["read"] });
    await show(hands);
    expect(figures()).toHaveLength(1);
    expect(screen.queryByRole("region", { name: "Documents" })).toBeNull();
    expect(screen.queryByText("No documents yet.")).toBeNull();
  });
});

describe("adding a document", () => {
  const pdf = new File(["%PDF-1.7"], "design v2.pdf", { type: "application/pdf" });
  const adding = (answer: (sent: Sent) => object): Record<string, Answer> => {
    let documents = dossier().documents;
    return {
      "GET /projects/P1": () => dossier({ documents }),
      "POST /projects/P1/documents": (sent) => {
        const answered = answer(sent);
        const done = !(answered instanceof Response && !answered.ok);
        if (done) documents = [paper("new", { title_en: "New paper" })];
        return answered;
      },
    };
  };
  const made = () => withHeaders(paper("new"), {}, 201);
  const posts = (sent: Sent[]) => sent.filter(({ method }) => method === "POST");

  it("offers the kinds that the API knows", async () => {
    serve({ "GET /projects/P1": dossier() });
    const hands = open(card, planner);
    await show(hands);
    const kinds = within(screen.getByRole("combobox", { name: "Kind" }))
      .getAllByRole<HTMLOptionElement>("option")
      .map(({ value }) => value);
    expect(kinds).toEqual([
      "proposal",
      "design",
      "notice",
      "completion",
      "acceptance",
      "monitoring",
      "effect_evaluation",
      "after_care",
      "photo",
      "other",
    ]);
  });
  it("sends it as it is, of the kind that was chosen, by its name where it has no title", async () => {
    const sent = serve(adding(made));
    const hands = open(card, planner);
    await show(hands);
    await hands.selectOptions(screen.getByRole("combobox", { name: "Kind" }), "design");
    await hands.upload(screen.getByLabelText("File"), pdf);
    expect(await screen.findByRole("link", { name: "New paper" })).toBeTruthy();
    expect(screen.getByText("The document is there")).toBeTruthy();
    const [post] = posts(sent);
    expect(Object.fromEntries(post?.query ?? [])).toEqual({
      filename: "design v2.pdf",
      kind: "design",
      title_zh: "design v2.pdf",
    });
    expect(post?.body).toBe("%PDF-1.7");
    expect(post?.headers.get("Content-Type")).toBe("application/pdf");
    expect(post?.headers.get("Idempotency-Key")).toBeTruthy();
    expect(post?.headers.get("X-CSRF-Token")).toBe("proof");
  });
  it("says of a photo which measure it is of and when it was taken", async () => {
    const answers = adding(made);
    const sent = serve({
      ...answers,
      "GET /projects/P1": dossier({ measures: [measure("plant")] }),
    });
    const hands = open(card, planner);
    await show(hands);
    expect(screen.queryByLabelText("Day it was taken")).toBeNull();
    await hands.selectOptions(screen.getByRole("combobox", { name: "Kind" }), "photo");
    await hands.selectOptions(
      screen.getByRole("combobox", { name: "Measure" }),
      "Planting mangroves",
    );
    await hands.type(screen.getByLabelText("Day it was taken"), "2024-03-04");
    await hands.upload(screen.getByLabelText("File"), new File(["x"], "bay.jpg"));
    await waitFor(() => expect(posts(sent)).toHaveLength(1));
    const told = Object.fromEntries(posts(sent)[0]?.query ?? []);
    expect(told).toMatchObject({ kind: "photo", measure: "plant", period_to: "2024-03-04" });
    // The day is of the photo, and not of what follows.
    await hands.selectOptions(screen.getByRole("combobox", { name: "Kind" }), "design");
    await hands.upload(screen.getByLabelText("File"), pdf);
    await waitFor(() => expect(posts(sent)).toHaveLength(2));
    expect(posts(sent)[1]?.query.has("period_to")).toBe(false);
  });
  it("takes a title, and has none for the next one", async () => {
    const sent = serve(adding(made));
    const hands = open(card, { ...planner, lang: "zh" });
    await show(hands, "文件");
    const title = screen.getByRole<HTMLInputElement>("textbox", { name: "标题" });
    await hands.type(title, "施工图");
    await hands.upload(screen.getByLabelText("文件", { selector: "input" }), pdf);
    await waitFor(() => expect(title.value).toBe(""));
    expect(posts(sent)[0]?.query.get("title_zh")).toBe("施工图");
  });
  it("says what a file is even where the browser does not know", async () => {
    const sent = serve(adding(made));
    const hands = open(card, planner);
    await show(hands);
    await hands.upload(screen.getByLabelText("File"), new File(["x"], "plan.dwg"));
    await waitFor(() => expect(posts(sent)).toHaveLength(1));
    expect(posts(sent)[0]?.headers.get("Content-Type")).toBe("application/octet-stream");
  });
  it("tells why a file is refused, and takes the same one again", async () => {
    let wrong = true;
    const sent = serve(
      adding(() => (wrong ? refused(403, "an approver adds papers of acceptance") : made())),
    );
    const hands = open(card, planner);
    await show(hands);
    const file = screen.getByLabelText<HTMLInputElement>("File");
    await hands.type(screen.getByRole("textbox", { name: "Title" }), "Accepted");
    await hands.upload(file, pdf);
    expect(await screen.findByText("an approver adds papers of acceptance")).toBeTruthy();
    await waitFor(() => expect(file.disabled).toBe(false));
    // A browser tells of the same file only where the box is empty.
    expect(file.value).toBe("");
    wrong = false;
    await hands.upload(file, pdf);
    expect(await screen.findByRole("link", { name: "New paper" })).toBeTruthy();
    expect(posts(sent).map(({ query }) => query.get("title_zh"))).toEqual(["Accepted", "Accepted"]);
  });
  it("takes no second file before the first one is there", async () => {
    let answer = (_: Response) => {};
    const waiting = new Promise<Response>((resolve) => {
      answer = resolve;
    });
    serve({
      "GET /projects/P1": dossier(),
      "POST /projects/P1/documents": () => waiting,
    });
    const hands = open(card, planner);
    await show(hands);
    const file = screen.getByLabelText<HTMLInputElement>("File");
    await hands.upload(file, pdf);
    expect(file.disabled).toBe(true);
    answer(made());
    await waitFor(() => expect(file.disabled).toBe(false));
  });
});
