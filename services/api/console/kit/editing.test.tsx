import { describe, expect, it } from "vitest";
import { Changing, type Kind, Making, mergedForm } from "./editing";
import type { Values } from "./features";
import { recall } from "./kept";
import {
  type Answer,
  act,
  fireEvent,
  open,
  refused,
  type Sent,
  screen,
  serve,
  waitFor,
  withHeaders,
  within,
} from "./testing";
import { type Lang, lang } from "./words";

const kind: Kind<Values> = {
  members: {
    name: { title: "Name", type: "string", maxLength: 40 },
    size: { title: "Size", type: "integer", minimum: 1 },
    note: { title: "Note", type: "string", maxLength: 40 },
  },
  required: ["name"],
  formOf: ({ name, size, note }) => ({ name, size, note }),
  bodyOf: (form) => form,
  method: "PUT",
};

const field = (name: string) => screen.getByLabelText<HTMLInputElement>(new RegExp(`^${name}`));
const save = () => screen.getByRole("button", { name: "Save" });

function make(answers: Record<string, Answer>, more: { method?: "PUT"; draft?: string } = {}) {
  const sent = serve(answers);
  const made: Values[] = [];
  const hands = open(
    <Making<Values>
      kind={kind}
      draft={more.draft ?? null}
      path="/things"
      first={{ size: 3 }}
      onDone={(written) => made.push(written)}
      {...(more.method ? { method: more.method } : {})}
    />,
    { scopes: ["write"] },
  );
  return { sent, made, hands };
}

describe("a form for something new", () => {
  it("sends what was typed with the first values, once, and tells what was made", async () => {
    const { sent, made, hands } = make({ "POST /things": { code: "t1" } });
    await hands.type(field("Name"), "Cove{Enter}");
    await waitFor(() => expect(made).toEqual([{ code: "t1" }]));
    expect(sent).toHaveLength(1);
    expect(sent[0]?.body).toEqual({ name: "Cove", size: 3 });
    expect(sent[0]?.headers.get("Idempotency-Key")).toMatch(/^[0-9a-f-]{36}$/);
    expect(sent[0]?.headers.get("X-CSRF-Token")).toBe("proof");
  });

  it("is not sent without what is needed", async () => {
    const { sent, hands } = make({});
    await hands.click(save());
    expect(field("Name").validity.valueMissing).toBe(true);
    expect(sent).toEqual([]);
  });

  it("shows a refusal at its field, and what is no field's below", async () => {
    const wrong = [
      { pointer: "/name", detail: "is taken" },
      { pointer: "/owner", detail: "is nobody" },
    ];
    const { hands } = make({ "POST /things": refused(400, "two are wrong", wrong) });
    await hands.type(field("Name"), "Cove");
    await hands.click(save());
    expect(await screen.findByText("two are wrong")).toBeTruthy();
    expect(field("Name").closest(".field")?.textContent).toContain("is taken");
    expect(screen.getAllByText("is taken")).toHaveLength(1);
    expect(screen.getByText("/owner").closest("li")?.textContent).toContain("is nobody");
    expect(field("Name").value).toBe("Cove");
  });

  it("calls the fields of a refusal by their titles", async () => {
    const wrong = [{ pointer: "/name", detail: "is taken" }];
    const { hands } = make({ "POST /things": refused(400, "it breaks: /name: is taken", wrong) });
    await hands.type(field("Name"), "Cove");
    await hands.click(save());
    expect(await screen.findByText("it breaks: Name: is taken")).toBeTruthy();
  });

  it("sends what was mended as another request", async () => {
    let first = true;
    const { sent, made, hands } = make({
      "POST /things": () => {
        const answer = first ? refused(400, "too short") : { code: "t1" };
        first = false;
        return answer;
      },
    });
    await hands.type(field("Name"), "C");
    await hands.click(save());
    await screen.findByText("too short");
    await hands.type(field("Name"), "ove");
    await hands.click(save());
    await waitFor(() => expect(made).toHaveLength(1));
    expect(screen.queryByText("too short")).toBeNull();
    const keys = sent.map(({ headers }) => headers.get("Idempotency-Key"));
    expect(new Set(keys).size).toBe(2);
  });

  it("leaves theirs as a version where it puts what somebody else has begun", async () => {
    const { sent, hands } = make({ "PUT /things": {} }, { method: "PUT" });
    await hands.type(field("Name"), "Cove");
    await hands.click(save());
    await waitFor(() => expect(sent).toHaveLength(1));
    expect(sent[0]?.headers.get("If-Match")).toBe("*");
    expect(sent[0]?.headers.has("Idempotency-Key")).toBe(false);
  });

  it("is a form for what is there as soon as it was put", async () => {
    const { sent, made, hands } = make(
      { "PUT /things": () => withHeaders({ name: "Cove", size: 3 }, { ETag: '"1"' }) },
      { method: "PUT" },
    );
    await hands.type(field("Name"), "Cove");
    await hands.click(save());
    await waitFor(() => expect(made).toHaveLength(1));
    await hands.click(save());
    await waitFor(() => expect(sent).toHaveLength(2));
    expect(sent[1]?.headers.get("If-Match")).toBe('"1"');
  });

  it("is there again after it was left, can be thrown away, and is forgotten once saved", async () => {
    const first = make({}, { draft: "thing" });
    await first.hands.type(field("Name"), "Half a na");
    expect(recall("draft.thing")).toMatchObject({ form: { name: "Half a na" } });
    document.body.replaceChildren();
    const second = make({ "POST /things": {} }, { draft: "thing" });
    expect(field("Name").value).toBe("Half a na");
    await second.hands.click(screen.getByRole("button", { name: "Throw away" }));
    expect(field("Name").value).toBe("");
    expect(field("Size").value).toBe("3");
    await second.hands.type(field("Name"), "Whole");
    await second.hands.click(save());
    await waitFor(() => expect(second.made).toHaveLength(1));
    expect(recall("draft.thing")).toBeNull();
  });

  it("keeps nothing of what may hold a secret", async () => {
    const { hands } = make({});
    await hands.type(field("Name"), "https://x/?token=1");
    expect(Object.keys(localStorage).filter((name) => name.includes("draft"))).toEqual([]);
  });
});

/** A service that holds one thing, which others change, too. */
class Held {
  version = 1;
  constructor(public contents: Values) {}
  readonly answers: Record<string, Answer> = {
    "GET /things/1": () => withHeaders(this.contents, { ETag: `"${this.version}"` }),
    "PUT /things/1": (sent) => this.put(sent),
  };
  put({ headers, body }: Sent) {
    if (headers.get("If-Match") !== `"${this.version}"`) return refused(412, "has changed");
    this.write(body as Values);
    return withHeaders(this.contents, { ETag: `"${this.version}"` });
  }
  write(contents: Values) {
    this.contents = contents;
    this.version += 1;
  }
}

async function change(held: Held, answers: Record<string, Answer> = {}, words: Lang = "en") {
  const sent = serve({ ...held.answers, ...answers });
  const done: Values[] = [];
  const hands = open(
    <Changing<Values>
      kind={kind}
      draft="thing.1"
      path="/things/1"
      onDone={(written) => done.push(written)}
    />,
    { scopes: ["write"], lang: words },
  );
  await waitFor(() => field("Name"));
  return { sent, done, hands };
}

describe("a form for what is there", () => {
  it("is sent with the state that it was read in", async () => {
    const held = new Held({ name: "Cove", size: 2 });
    const { sent, done, hands } = await change(held);
    await hands.clear(field("Size"));
    await hands.type(field("Size"), "5");
    await hands.click(save());
    await waitFor(() => expect(done).toEqual([{ name: "Cove", size: 5 }]));
    expect(sent.at(-1)?.headers.get("If-Match")).toBe('"1"');
  });

  it("goes on from what was written, with what was typed while it was sent", async () => {
    const held = new Held({ name: "Cove", size: 2, note: "old" });
    const { sent, done, hands } = await change(held, {
      "PUT /things/1": (request) => {
        if (held.version === 1) {
          fireEvent.input(field("Name"), { target: { value: "Cove A B" } });
          fireEvent.input(field("Note"), { target: { value: "" } });
        }
        return held.put(request);
      },
    });
    await hands.type(field("Name"), " A");
    await hands.click(save());
    await waitFor(() => expect(done).toHaveLength(1));
    expect(held.contents).toEqual({ name: "Cove A", size: 2, note: "old" });
    expect(recall("draft.thing.1")).toMatchObject({ form: { name: "Cove A B" }, etag: '"2"' });
    await hands.click(save());
    await waitFor(() => expect(held.contents).toEqual({ name: "Cove A B", size: 2 }));
    expect(sent.map(({ method }) => method)).toEqual(["GET", "PUT", "PUT"]);
    expect(sent.at(-1)?.headers.get("If-Match")).toBe('"2"');
    expect(recall("draft.thing.1")).toBeNull();
  });

  it("says why it cannot be read", async () => {
    serve({ "GET /things/1": refused(404, "there is no such thing") });
    open(<Changing<Values> kind={kind} draft={null} path="/things/1" onDone={() => {}} />);
    expect(await screen.findByText("there is no such thing")).toBeTruthy();
    expect(screen.queryByRole("button", { name: "Save" })).toBeNull();
  });

  it("goes back without sending where there is a way back", async () => {
    const went: string[] = [];
    const sent = serve({ "GET /things/1": withHeaders({ name: "Cove" }, { ETag: '"1"' }) });
    const hands = open(
      <Changing<Values>
        kind={kind}
        draft={null}
        path="/things/1"
        onDone={() => {}}
        onClose={() => went.push("back")}
      />,
    );
    await hands.click(await screen.findByRole("button", { name: "Back" }));
    expect(went).toEqual(["back"]);
    expect(sent).toHaveLength(1);
  });
});

describe("two people at one thing", () => {
  it("shows theirs and mine, and sends mine on top of theirs", async () => {
    const held = new Held({ name: "Cove", size: 2, note: "old" });
    const { sent, done, hands } = await change(held);
    await hands.clear(field("Name"));
    await hands.type(field("Name"), "Mine");
    held.write({ name: "Theirs", size: 2, note: "theirs, too" });
    await hands.click(save());
    const dialog = await screen.findByRole("dialog");
    expect(within(dialog).getByText("Theirs", { selector: "td span" })).toBeTruthy();
    expect(within(dialog).getByText("Mine", { selector: "td span" })).toBeTruthy();
    await hands.click(within(dialog).getByRole("button", { name: "Send again as chosen" }));
    await waitFor(() => expect(done).toHaveLength(1));
    expect(sent.at(-1)?.headers.get("If-Match")).toBe('"2"');
    expect(held.contents).toEqual({ name: "Mine", size: 2, note: "theirs, too" });
  });

  it("leaves to them what I choose to leave", async () => {
    const held = new Held({ name: "Cove", size: 2 });
    const { done, hands } = await change(held);
    await hands.type(field("Name"), " A");
    await hands.clear(field("Size"));
    await hands.type(field("Size"), "9");
    held.write({ name: "Cove B", size: 2 });
    await hands.click(save());
    await hands.click(await screen.findByRole("radio", { name: "Name: theirs" }));
    await hands.click(await screen.findByRole("button", { name: "Send again as chosen" }));
    await waitFor(() => expect(done).toHaveLength(1));
    expect(held.contents).toEqual({ name: "Cove B", size: 9 });
  });

  it("shows what I took away, and takes it away from theirs", async () => {
    const held = new Held({ name: "Cove", size: 2, note: "old" });
    const { done, hands } = await change(held);
    await hands.clear(field("Note"));
    held.write({ name: "Theirs", size: 2, note: "old" });
    await hands.click(save());
    const dialog = await screen.findByRole("dialog");
    const rows = within(dialog).getAllByRole("row").slice(1);
    expect(rows.map(({ textContent }) => textContent)).toEqual([
      "Note (only I changed it)old(empty)",
    ]);
    await hands.click(within(dialog).getByRole("button", { name: "Send again as chosen" }));
    await waitFor(() => expect(done).toHaveLength(1));
    expect(held.contents).toEqual({ name: "Theirs", size: 2 });
  });

  it("leaves to them what I took away, where I choose so", async () => {
    const held = new Held({ name: "Cove", note: "old" });
    const { done, hands } = await change(held);
    await hands.clear(field("Note"));
    await hands.type(field("Name"), "!");
    held.write({ name: "Cove", note: "theirs" });
    await hands.click(save());
    await hands.click(await screen.findByRole("radio", { name: "Note: theirs" }));
    await hands.click(await screen.findByRole("button", { name: "Send again as chosen" }));
    await waitFor(() => expect(done).toHaveLength(1));
    expect(held.contents).toEqual({ name: "Cove!", note: "theirs" });
  });

  it("goes back to the form with nothing lost, and asks again at the next try", async () => {
    const held = new Held({ name: "Cove" });
    const { hands } = await change(held, {}, "zh");
    await hands.type(field("Name"), "湾");
    held.write({ name: "Bay" });
    await hands.click(screen.getByRole("button", { name: "保存" }));
    await hands.click(await screen.findByRole("button", { name: "返回继续编辑" }));
    expect(screen.queryByRole("dialog")).toBeNull();
    expect(field("Name").value).toBe("Cove湾");
    expect(held.contents).toEqual({ name: "Bay" });
    await hands.click(screen.getByRole("button", { name: "保存" }));
    expect(await screen.findByRole("dialog", { name: "他人已修改此对象" })).toBeTruthy();
  });

  it("asks anew where they change it once more in the meantime", async () => {
    const held = new Held({ name: "Cove" });
    const { done, hands } = await change(held);
    await hands.type(field("Name"), "!");
    held.write({ name: "Second" });
    await hands.click(save());
    await screen.findByText("Second");
    held.write({ name: "Third" });
    await hands.click(await screen.findByRole("button", { name: "Send again as chosen" }));
    expect(await screen.findByText("Third")).toBeTruthy();
    expect(done).toEqual([]);
    await hands.click(await screen.findByRole("button", { name: "Send again as chosen" }));
    await waitFor(() => expect(held.contents).toEqual({ name: "Cove!" }));
  });

  it("keeps my form where theirs cannot be read", async () => {
    const held = new Held({ name: "Cove" });
    let gone = false;
    const { hands } = await change(held, {
      "GET /things/1": () =>
        gone ? refused(404, "they took it away") : withHeaders(held.contents, { ETag: '"1"' }),
    });
    await hands.type(field("Name"), " mine");
    held.write({});
    gone = true;
    await hands.click(save());
    expect(await screen.findByText("they took it away")).toBeTruthy();
    expect(field("Name").value).toBe("Cove mine");
    expect(recall("draft.thing.1")).toMatchObject({ form: { name: "Cove mine" } });
  });
});

it("a form read again in the other language keeps what was typed", async () => {
  const held = new Held({ name: "Cove" });
  const { hands } = await change(held);
  await hands.type(field("Name"), " mine");
  await act(async () => {
    lang.value = "zh";
  });
  await screen.findByRole("button", { name: "保存" });
  expect(field("Name").value).toBe("Cove mine");
});

it.each([
  ["what I took away is taken away", { a: 1, b: 2 }, { b: null }, { a: 1 }],
  ["what I did not change stays theirs", { a: 1, b: 5 }, {}, { a: 1, b: 5 }],
  ["what I changed is mine", { a: 1, b: 5 }, { b: 0 }, { a: 1, b: 0 }],
  ["what only I added is added", { a: 1, b: 5 }, { c: [1] }, { a: 1, b: 5, c: [1] }],
])("their form with mine: %s", (_, theirs, chosen, merged) => {
  expect(mergedForm(theirs, chosen)).toEqual(merged);
});
