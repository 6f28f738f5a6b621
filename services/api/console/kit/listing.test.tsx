import { describe, expect, it } from "vitest";
import type { Schema } from "./api";
import { Ending } from "./editing";
import { type Hands, Listing } from "./listing";
import { type Answer, open, refused, screen, serve, waitFor, withHeaders, within } from "./testing";
import { Dialog, Notices } from "./ui";

type Named = Schema<"TemplateNamed">;
interface Page {
  templates: Named[];
  links: Schema<"Link">[];
}

const named = (code: string): Named => ({
  code,
  name: `Name of ${code}`,
  version: 1,
  created: null,
  created_by: null,
  links: [],
});
const page = (codes: string[], next?: string): Page => ({
  templates: codes.map(named),
  links: next ? [{ rel: "next", href: `${location.origin}${next}` } as Schema<"Link">] : [],
});

const list = async (): Promise<Page> => {
  const answer = await fetch(`${location.origin}/things`);
  if (!answer.ok) throw new Error("the list was refused");
  return answer.json();
};

function Things({ more = {} }: { more?: Partial<Parameters<typeof Listing<Named, Page>>[0]> }) {
  return (
    <>
      <Listing<Named, Page>
        label="Things"
        empty="No things yet."
        read={list}
        rowsOf={({ templates }) => templates}
        keyOf={({ code }) => code}
        columns={[{ id: "name", title: "Name", cell: ({ name }) => name }]}
        {...more}
      />
      <Notices />
    </>
  );
}

const shown = () =>
  screen
    .queryAllByRole("row")
    .slice(1)
    .map((row) => row.textContent);

const show = (answers: Record<string, Answer>, more = {}) => {
  const sent = serve(answers);
  return { sent, hands: open(<Things more={more} />) };
};

describe("a list", () => {
  it("says that it is empty, in its own words", async () => {
    show({ "GET /things": page([]) });
    expect(await screen.findByText("No things yet.")).toBeTruthy();
    expect(screen.queryByRole("button")).toBeNull();
  });

  it("tells why it cannot be read, and reads it on demand", async () => {
    let down = true;
    const { hands } = show({ "GET /things": () => (down ? refused(503, "away") : page(["a"])) });
    await screen.findByText(/the list was refused/);
    down = false;
    await hands.click(screen.getByRole("button", { name: "Try again" }));
    await waitFor(() => expect(shown()).toEqual(["Name of a"]));
    expect(screen.queryByRole("alert")).toBeNull();
  });

  it("goes on page after page, until there is none", async () => {
    const { hands } = show({
      "GET /things": page(["a", "b"], "/things/2"),
      "GET /things/2": page(["c"], "/things/3"),
      "GET /things/3": page(["d"]),
    });
    await hands.click(await screen.findByRole("button", { name: "More" }));
    await waitFor(() => expect(shown()).toHaveLength(3));
    await hands.click(screen.getByRole("button", { name: "More" }));
    await waitFor(() =>
      expect(shown()).toEqual(["Name of a", "Name of b", "Name of c", "Name of d"]),
    );
    expect(screen.queryByRole("button", { name: "More" })).toBeNull();
  });

  it("keeps what it has where the next page is refused", async () => {
    const { hands } = show({
      "GET /things": page(["a"], "/things/2"),
      "GET /things/2": refused(503, "page two is away"),
    });
    await hands.click(await screen.findByRole("button", { name: "More" }));
    expect(await screen.findByText("page two is away")).toBeTruthy();
    expect(shown()).toEqual(["Name of a"]);
    expect(screen.getByRole("button", { name: "More" })).toBeTruthy();
  });

  it("begins at its first page once it is read anew", async () => {
    const { hands } = show(
      { "GET /things": () => page(["a"], "/things/2"), "GET /things/2": page(["b"]) },
      {
        deeds: (_: Named, { done }: Hands<Named>) => (
          <button type="button" onClick={done}>
            anew
          </button>
        ),
      },
    );
    await hands.click(await screen.findByRole("button", { name: "More" }));
    await waitFor(() => expect(shown()).toHaveLength(2));
    await hands.click(screen.getAllByRole("button", { name: "anew" })[0] as HTMLElement);
    await waitFor(() => expect(shown()).toHaveLength(1));
    expect(screen.getByRole("button", { name: "More" })).toBeTruthy();
  });
});

describe("the dialogs of a list", () => {
  const opened = (row: Named, { close, done }: Hands<Named>) => (
    <Dialog title={row.name} onClose={close}>
      <button type="button" onClick={done}>
        Finish
      </button>
    </Dialog>
  );

  it("opens by keyboard, marks what is open, and closes", async () => {
    const { sent, hands } = show({ "GET /things": page(["a", "b"]) }, { opened });
    await screen.findByRole("button", { name: "Name of b" });
    screen.getByRole("button", { name: "Name of b" }).focus();
    await hands.keyboard("{Enter}");
    const dialog = await screen.findByRole("dialog", { name: "Name of b" });
    expect(document.querySelector("tr.chosen")?.textContent).toBe("Name of b");
    await hands.click(within(dialog).getByRole("button", { name: "Close" }));
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    expect(document.querySelector("tr.chosen")).toBeNull();
    expect(sent).toHaveLength(1);
  });

  it("reads the list again when something was done in one", async () => {
    let codes = ["a"];
    const { hands } = show({ "GET /things": () => page(codes) }, { opened });
    await hands.click(await screen.findByRole("button", { name: "Name of a" }));
    codes = ["a", "new"];
    await hands.click(await screen.findByRole("button", { name: "Finish" }));
    await waitFor(() => expect(shown()).toEqual(["Name of a", "Name of new"]));
    expect(screen.queryByRole("dialog")).toBeNull();
  });

  it("offers to add only where there are words for it", async () => {
    show({ "GET /things": page(["a"]) }, { adding: () => <p>never</p> });
    await screen.findByText("Name of a");
    expect(screen.queryByText("never")).toBeNull();
    expect(document.querySelector(".button.main")).toBeNull();
  });

  it("shows what is told once, after the dialog that made it has closed", async () => {
    const adding = ({ done, tellOnce }: Hands<Named>) => (
      <button
        type="button"
        onClick={() => {
          done();
          tellOnce({ title: "Its secret", text: "s3cret", hint: "Keep it." });
        }}
      >
        Make
      </button>
    );
    const { hands } = show({ "GET /things": page([]) }, { add: "New thing", adding });
    await hands.click(screen.getByRole("button", { name: "New thing" }));
    const adder = await screen.findByRole("dialog", { name: "New thing" });
    await hands.click(within(adder).getByRole("button", { name: "Make" }));
    const secret = await screen.findByRole("dialog", { name: "Its secret" });
    expect(within(secret).getByRole("textbox", { name: "Its secret" })).toHaveProperty(
      "value",
      "s3cret",
    );
    expect(screen.queryByRole("dialog", { name: "New thing" })).toBeNull();
    await hands.click(within(secret).getByRole("button", { name: "Close" }));
    await waitFor(() => expect(document.body.textContent).not.toContain("Keep it."));
    expect(document.body.innerHTML).not.toContain("s3cret");
  });

  it("leaves opening to whoever asks for it, as for a screen of its own", async () => {
    const went: string[] = [];
    const { hands } = show(
      { "GET /things": page(["a"]) },
      { opened, onOpen: ({ code }: Named) => went.push(code) },
    );
    await hands.click(await screen.findByRole("button", { name: "Name of a" }));
    expect(went).toEqual(["a"]);
    expect(screen.queryByRole("dialog")).toBeNull();
  });
});

describe("a secret that cannot be copied", () => {
  it("is selected, to be copied by keyboard", async () => {
    const deeds = (_: Named, { tellOnce }: Hands<Named>) => (
      <button type="button" onClick={() => tellOnce({ title: "Key", text: "abc", hint: "" })}>
        Show
      </button>
    );
    const { hands } = show({ "GET /things": page(["a"]) }, { deeds });
    await hands.click(await screen.findByRole("button", { name: "Show" }));
    const denied = () => Promise.reject(new Error("no TLS"));
    Object.defineProperty(navigator, "clipboard", {
      value: { writeText: denied },
      configurable: true,
    });
    await hands.click(await screen.findByRole("button", { name: "Copy" }));
    expect(await screen.findByText("Selected: press Ctrl+C to copy it")).toBeTruthy();
    const box = screen.getByRole<HTMLInputElement>("textbox", { name: "Key" });
    expect([box.selectionStart, box.selectionEnd]).toEqual([0, 3]);
  });
});

describe("ending what is there", () => {
  const end = (answers: Record<string, Answer>) => {
    const done: string[] = [];
    const sent = serve(answers);
    const hands = open(
      <>
        <Ending path="/things/a" onDone={() => done.push("done")}>
          Nothing of it is kept.
        </Ending>
        <Notices />
      </>,
      { scopes: ["admin"] },
    );
    return { sent, hands, done };
  };

  it("asks first, and does nothing where one goes back", async () => {
    const { sent, hands, done } = end({});
    const begins = screen.getByRole("button", { name: "End" });
    await hands.click(begins);
    expect(
      within(await screen.findByRole("dialog")).getByText("Nothing of it is kept."),
    ).toBeTruthy();
    await hands.click(screen.getByRole("button", { name: "Back" }));
    expect(screen.queryByRole("dialog")).toBeNull();
    await waitFor(() => expect(document.activeElement).toBe(begins));
    expect([sent, done]).toEqual([[], []]);
  });

  it("names the state that it was just read in", async () => {
    const { sent, hands, done } = end({
      "GET /things/a": withHeaders({}, { ETag: '"7"' }),
      "DELETE /things/a": null,
    });
    await hands.click(screen.getByRole("button", { name: "End" }));
    await hands.click(await screen.findByRole("button", { name: "Confirm" }));
    await waitFor(() => expect(done).toEqual(["done"]));
    expect(sent[1]?.headers.get("If-Match")).toBe('"7"');
    expect(sent[1]?.headers.get("X-CSRF-Token")).toBe("proof");
  });

  it("stays open where it is refused", async () => {
    const { hands, done } = end({
      "GET /things/a": withHeaders({}, { ETag: '"7"' }),
      "DELETE /things/a": refused(403, "not yours to end"),
    });
    await hands.click(screen.getByRole("button", { name: "End" }));
    await hands.click(await screen.findByRole("button", { name: "Confirm" }));
    const dialog = within(await screen.findByRole("dialog"));
    expect(await dialog.findByText("not yours to end")).toBeTruthy();
    expect(done).toEqual([]);
  });
});
