import { useState } from "preact/hooks";
import { describe, expect, it } from "vitest";
import { Fault } from "./api";
import { useAsked } from "./asked";
import { act, open, screen, waitFor } from "./testing";
import { Found } from "./ui";
import { lang } from "./words";

interface Question {
  about: string;
  signal: AbortSignal;
  found: (text: string) => Promise<void>;
  refuse: (fault: Error) => Promise<void>;
}

/** Questions that a test answers when it likes, in any order. */
function questions() {
  const asked: Question[] = [];
  const ask = (about: string) => (signal: AbortSignal) => {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    asked.push({
      about,
      signal,
      found: (text) => act(async () => resolve(text)),
      refuse: (fault) => act(async () => reject(fault)),
    });
    return promise;
  };
  return { asked, ask };
}

function Probe({ about, ask }: { about: string | null; ask: ReturnType<typeof questions>["ask"] }) {
  const { asked, again } = useAsked(ask(about ?? ""), [about]);
  return (
    <Found asked={asked} again={again}>
      {(text) => <p>Found: {text}</p>}
    </Found>
  );
}

/** Wait until so many questions have been asked. */
const until = (asked: Question[], count: number) =>
  waitFor(() => expect(asked).toHaveLength(count));

/** A probe whose subject changes by a click on its name. */
function Subjects({ ask, names }: { ask: ReturnType<typeof questions>["ask"]; names: string[] }) {
  const [about, turn] = useState(names[0] ?? "");
  return (
    <>
      {names.map((name) => (
        <button key={name} type="button" onClick={() => turn(name)}>
          {name}
        </button>
      ))}
      <Probe about={about} ask={ask} />
    </>
  );
}

describe("what is asked", () => {
  it("is waited for, and shown once it is there", async () => {
    const { asked, ask } = questions();
    open(<Probe about="a" ask={ask} />);
    expect(screen.getByRole("status").textContent).toBe("Loading…");
    await asked[0]?.found("one");
    expect(screen.getByText("Found: one")).toBeTruthy();
    expect(screen.queryByRole("status")).toBeNull();
  });
  it("is not asked where something is not known yet", () => {
    const { asked, ask } = questions();
    open(<Probe about={null} ask={ask} />);
    expect(asked).toEqual([]);
    expect(screen.getByRole("status")).toBeTruthy();
  });
  it("that is refused is told, and asked again on demand", async () => {
    const { asked, ask } = questions();
    const hands = open(<Probe about="a" ask={ask} />, { lang: "zh" });
    await asked[0]?.refuse(new Fault(503, "数据库不可用"));
    expect(screen.getByRole("alert").textContent).toContain("数据库不可用");
    await hands.click(screen.getByRole("button", { name: "重试" }));
    await until(asked, 2);
    await asked[1]?.found("二");
    expect(screen.getByText("Found: 二")).toBeTruthy();
    expect(screen.queryByRole("alert")).toBeNull();
  });
  it("stays in sight where the same is refused later", async () => {
    const { asked, ask } = questions();
    const hands = open(<Probe about="a" ask={ask} />);
    await asked[0]?.refuse(new Fault(503, "away"));
    await hands.click(screen.getByRole("button", { name: "Try again" }));
    await until(asked, 2);
    await asked[1]?.found("one");
    await act(async () => {
      lang.value = "zh";
    });
    await asked[2]?.refuse(new Fault(503, "away"));
    expect(screen.getByText("Found: one")).toBeTruthy();
    expect(screen.getByRole("alert")).toBeTruthy();
  });
  it("is asked again in the other language, the former in sight until then", async () => {
    const { asked, ask } = questions();
    open(<Probe about="a" ask={ask} />);
    await asked[0]?.found("one");
    await act(async () => {
      lang.value = "zh";
    });
    expect(asked).toHaveLength(2);
    expect(screen.getByText("Found: one")).toBeTruthy();
    await asked[1]?.found("一");
    expect(screen.getByText("Found: 一")).toBeTruthy();
  });
});

describe("another question", () => {
  it("is not answered by what comes late for the former", async () => {
    const { asked, ask } = questions();
    const hands = open(<Subjects ask={ask} names={["a", "b"]} />);
    await hands.click(screen.getByRole("button", { name: "b" }));
    await until(asked, 2);
    expect(asked.map(({ about }) => about)).toEqual(["a", "b"]);
    expect(asked[0]?.signal.aborted).toBe(true);
    await asked[1]?.found("of b");
    await asked[0]?.found("of a");
    expect(screen.getByText("Found: of b")).toBeTruthy();
  });
  it("that is refused does not stand beside the answer to the former", async () => {
    const { asked, ask } = questions();
    const hands = open(<Subjects ask={ask} names={["a", "b"]} />);
    await asked[0]?.found("of a");
    await hands.click(screen.getByRole("button", { name: "b" }));
    await until(asked, 2);
    await asked[1]?.refuse(new Fault(403, "not yours"));
    expect(screen.getByRole("alert").textContent).toContain("not yours");
    expect(screen.queryByText("Found: of a")).toBeNull();
  });
  it("is stopped with the screen, and its refusal is no fault then", async () => {
    const { asked, ask } = questions();
    const hands = open(<Subjects ask={ask} names={["a", "b"]} />);
    await hands.click(screen.getByRole("button", { name: "b" }));
    await until(asked, 2);
    await asked[0]?.refuse(new Fault(500, "late"));
    expect(screen.queryByRole("alert")).toBeNull();
  });
});
