import { describe, expect, it } from "vitest";
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
import { ProjectCard } from "./card";
import { condition, dossier, paper, step } from "./testing";

const approver = {
  scopes: ["read", "projects"],
  roles: [{ role: "approver", region: "xiamen" }],
} as const;

const panel = async (name: string) => {
  const head = await screen.findByRole("heading", { name });
  return within(head.closest("section") as HTMLElement);
};

describe("the steps from where a project stands", () => {
  const steps = [
    step({
      conditions: [
        condition("geometry", true),
        condition("notice", false),
        condition("reason", null),
      ],
      allowed: false,
    }),
    step({ to: "draft", name: "Draft", name_zh: "草稿", name_en: "Draft" }),
  ];
  it("say what each asks, and what of that is met, lacking or still to be given", async () => {
    serve({ "GET /projects/P1": dossier({ transitions: steps }) });
    open(<ProjectCard code="P1" />, approver);
    const approved = await panel("→ Approved");
    expect(approved.getAllByRole("listitem").map((one) => one.textContent)).toEqual([
      "met geometry is there",
      "lacks notice is there",
      "to give reason is there",
    ]);
    expect((await panel("→ Draft")).queryAllByRole("listitem")).toHaveLength(0);
  });
  it("say so in Chinese", async () => {
    serve({ "GET /projects/P1": dossier({ transitions: steps }) });
    open(<ProjectCard code="P1" />, { ...approver, lang: "zh" });
    const approved = await panel("→ 已批准");
    expect(approved.getAllByRole("listitem").map((one) => one.textContent)).toEqual([
      "已满足 须有 geometry",
      "缺 须有 notice",
      "待填 须有 reason",
    ]);
  });
  it.each([
    ["the public", null],
    ["a viewer", ["read"] as const],
  ])("are read, and not taken, by %s", async (_, scopes) => {
    serve({ "GET /projects/P1": dossier({ transitions: steps }) });
    open(<ProjectCard code="P1" />, { scopes });
    expect((await panel("→ Approved")).getByText("notice is there")).toBeTruthy();
    expect(screen.queryByRole("button", { name: "Take" })).toBeNull();
  });
  it("are not offered to a planner where an approver is needed, with the reason", async () => {
    const role = { ...step().role, met: false };
    serve({ "GET /projects/P1": dossier({ transitions: [step({ role, allowed: false })] }) });
    open(<ProjectCard code="P1" />, {
      scopes: ["read", "projects"],
      roles: [{ role: "planner", region: "xiamen" }],
    });
    const approved = await panel("→ Approved");
    expect(approved.getByRole("listitem").textContent).toBe(
      "lacks needs an approver or supervisor",
    );
    expect(approved.queryByRole("button")).toBeNull();
  });
  it("are none where the project has ended", async () => {
    serve({ "GET /projects/P1": dossier({ transitions: [] }) });
    open(<ProjectCard code="P1" />, approver);
    expect(await screen.findByText("No step is left: the project has ended.")).toBeTruthy();
  });
});

describe("taking a step", () => {
  const documents = [paper("d1"), paper("d2"), paper("d3")];
  const take = async (hands: ReturnType<typeof open>) => {
    await hands.click(await screen.findByRole("button", { name: "Take" }));
    return within(await screen.findByRole("dialog", { name: "Mangroves of Xiatanwei → Approved" }));
  };
  const taking = (answer: Answer, before = dossier({ documents })): Record<string, Answer> => {
    let taken = false;
    return {
      "GET /projects/P1": () =>
        taken ? dossier({ state: "approved", state_name: "Approved", transitions: [] }) : before,
      "POST /projects/P1/transitions": (sent) => {
        const answered = typeof answer === "function" ? answer(sent) : answer;
        taken = !(answered instanceof Response && !answered.ok);
        return answered;
      },
    };
  };
  const posts = (sent: ReturnType<typeof serve>) => sent.filter(({ method }) => method === "POST");

  it("sends the note and the documents that were chosen, and shows where the project stands then", async () => {
    const sent = serve(taking(withHeaders({}, {}, 201)));
    const hands = open(<ProjectCard code="P1" />, approver);
    const dialog = await take(hands);
    await hands.type(dialog.getByRole("textbox", { name: "Note" }), "as discussed");
    for (const name of ["Paper d1", "Paper d2", "Paper d3"])
      await hands.click(dialog.getByRole("checkbox", { name }));
    await hands.click(dialog.getByRole("checkbox", { name: "Paper d2" }));
    await hands.click(dialog.getByRole("button", { name: "Take the step" }));
    expect(await screen.findByText("No step is left: the project has ended.")).toBeTruthy();
    expect(screen.queryByRole("dialog")).toBeNull();
    const [post] = posts(sent);
    expect(post?.body).toEqual({ to: "approved", note: "as discussed", documents: ["d1", "d3"] });
    expect(post?.headers.get("X-CSRF-Token")).toBe("proof");
  });
  it("sends nothing that was not said", async () => {
    const sent = serve(taking(withHeaders({}, {}, 201), dossier()));
    const hands = open(<ProjectCard code="P1" />, approver);
    const dialog = await take(hands);
    expect(dialog.queryByRole("checkbox")).toBeNull();
    await hands.click(dialog.getByRole("button", { name: "Take the step" }));
    await waitFor(() => expect(posts(sent)[0]?.body).toEqual({ to: "approved" }));
  });
  it("tells the reasons for which it is refused, and keeps what was typed", async () => {
    const sent = serve(
      taking(
        refused(409, "the step is not allowed yet", [
          { pointer: "/note", detail: "a reason must be given in `note`" },
          { pointer: "", detail: "geometry must be given" },
        ]),
      ),
    );
    const hands = open(<ProjectCard code="P1" />, approver);
    const dialog = await take(hands);
    await hands.type(dialog.getByRole("textbox", { name: "Note" }), "please");
    await hands.click(dialog.getByRole("button", { name: "Take the step" }));
    const alert = await dialog.findByRole("alert");
    expect(within(alert).getByText("the step is not allowed yet")).toBeTruthy();
    expect(
      within(alert)
        .getAllByRole("listitem")
        .map((one) => one.textContent),
    ).toEqual(["/note a reason must be given in `note`", " geometry must be given"]);
    expect(dialog.getByRole<HTMLTextAreaElement>("textbox", { name: "Note" }).value).toBe("please");
    await hands.click(dialog.getByRole("button", { name: "Take the step" }));
    await waitFor(() => expect(posts(sent)).toHaveLength(2));
    const keys = posts(sent).map(({ headers }) => headers.get("Idempotency-Key"));
    expect(keys[0]).toBe(keys[1]);
  });
  it("is the same step when it is sent again after no answer came", async () => {
    let away = true;
    const sent = serve(
      taking(() => {
        if (away) throw new TypeError("network");
        return withHeaders({}, {}, 201);
      }),
    );
    const hands = open(<ProjectCard code="P1" />, approver);
    const dialog = await take(hands);
    await hands.click(dialog.getByRole("button", { name: "Take the step" }));
    expect((await dialog.findByRole("alert")).textContent).toContain("does not answer");
    away = false;
    await hands.click(dialog.getByRole("button", { name: "Take the step" }));
    await screen.findByText("No step is left: the project has ended.");
    const keys = new Set(posts(sent).map(({ headers }) => headers.get("Idempotency-Key")));
    expect([posts(sent).length, keys.size]).toEqual([2, 1]);
  });
  it("is taken in the state that was looked at, and shows another one first", async () => {
    let state = '"seen"';
    const sent = serve({
      ...taking(null),
      "GET /projects/P1": () => withHeaders(dossier(), { ETag: state }),
      "POST /projects/P1/transitions": ({ headers }) =>
        headers.get("If-Match") === state
          ? withHeaders({}, {}, 201)
          : refused(412, "it has changed since it was read"),
    });
    const hands = open(<ProjectCard code="P1" />, approver);
    const dialog = await take(hands);
    state = '"dearer"';
    await hands.click(dialog.getByRole("button", { name: "Take the step" }));
    expect((await dialog.findByRole("alert")).textContent).toContain("has changed since");
    await waitFor(() => expect(sent.filter(({ method }) => method === "GET")).toHaveLength(2));
    await hands.click(dialog.getByRole("button", { name: "Take the step" }));
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    const states = posts(sent).map(({ headers }) => headers.get("If-Match"));
    expect(states).toEqual(['"seen"', '"dearer"']);
  });
  it("ends where one closes the dialog, and has changed nothing", async () => {
    const sent = serve(taking(null));
    const hands = open(<ProjectCard code="P1" />, approver);
    const dialog = await take(hands);
    await hands.click(dialog.getByRole("button", { name: "Close" }));
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    expect(sent).toHaveLength(1);
  });
});
