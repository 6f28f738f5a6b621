import { useSignal } from "@preact/signals";
import { describe, expect, it, vi } from "vitest";
import { Fault } from "./api";
import { account } from "./session";
import { act, cleanup, open, screen, waitFor, within } from "./testing";
import {
  attempt,
  Button,
  Dialog,
  FaultBox,
  Field,
  Notices,
  Progress,
  SearchBox,
  Select,
  Tabs,
  tell,
} from "./ui";

describe("a search box", () => {
  const Box = ({ whole }: { whole?: boolean }) => {
    const text = useSignal("");
    return (
      <>
        <SearchBox text={text} whole={Boolean(whole)} aria-label="Find" />
        <output>{text}</output>
      </>
    );
  };
  const asked = () => screen.getByRole("status").textContent;

  it("takes words at each key, or once where each time the service is asked", async () => {
    const hands = open(<Box />);
    await hands.type(screen.getByRole("searchbox", { name: "Find" }), " ri");
    expect(asked()).toBe(" ri");
    cleanup();
    const others = open(<Box whole />);
    const box = screen.getByRole("searchbox", { name: "Find" });
    await others.type(box, " ri ");
    expect(asked()).toBe("");
    await others.tab();
    expect(asked()).toBe("ri");
  });
  it.each([
    ["zh", "名称或代码"],
    ["en", "name or code"],
  ] as const)("says in %s by what is found", (lang, words) => {
    open(<Box />, { lang });
    expect(screen.getByPlaceholderText(words)).toBeTruthy();
  });
});

describe("a button", () => {
  it("does nothing while what it does is under way", async () => {
    const deed = vi.fn();
    const hands = open(
      <Button busy onClick={deed}>
        Save
      </Button>,
    );
    const button = screen.getByRole("button", { name: "Save" });
    await hands.click(button);
    expect(deed).not.toHaveBeenCalled();
    expect(button.getAttribute("aria-busy")).toBe("true");
  });
  it("keeps the focus meanwhile, and does not send the form around it again", async () => {
    const sent = vi.fn((event: Event) => event.preventDefault());
    const hands = open(
      <form onSubmit={sent}>
        <input aria-label="Name" />
        <Button submits busy>
          Send
        </Button>
      </form>,
    );
    await hands.type(screen.getByLabelText("Name"), "x{Enter}");
    expect(sent).not.toHaveBeenCalled();
    const button = screen.getByRole<HTMLButtonElement>("button", { name: "Send" });
    expect(button.disabled).toBe(false);
    expect(button.getAttribute("aria-disabled")).toBe("true");
  });
  it("sends the form around it only where it is there for that", async () => {
    const sent = vi.fn((event: Event) => event.preventDefault());
    const hands = open(
      <form onSubmit={sent}>
        <Button>Look</Button>
        <Button submits>Send</Button>
      </form>,
    );
    await hands.click(screen.getByRole("button", { name: "Look" }));
    expect(sent).not.toHaveBeenCalled();
    await hands.click(screen.getByRole("button", { name: "Send" }));
    expect(sent).toHaveBeenCalledTimes(1);
  });
});

describe("a field", () => {
  /** What is read after the name of a control. */
  const described = (control: HTMLElement) =>
    (control.getAttribute("aria-describedby") ?? "")
      .split(" ")
      .map((id) => document.getElementById(id)?.textContent);

  it("names its control by its label alone, and says the rest after it", () => {
    open(
      <Field label="Width" hint="10 – 200 m" wrong="too wide" needed>
        <input />
      </Field>,
    );
    const control = screen.getByRole("textbox", { name: "Width" });
    expect(described(control)).toEqual(["10 – 200 m", "too wide"]);
    expect(control.getAttribute("aria-invalid")).toBe("true");
    expect(screen.getByRole("alert").textContent).toBe("too wide");
  });
  it("with a hint alone is not wrong", () => {
    open(
      <Field label="Width" hint="in metres">
        <input />
      </Field>,
    );
    expect(screen.getByRole("textbox").getAttribute("aria-invalid")).toBe("false");
    expect(screen.queryByRole("alert")).toBeNull();
  });
  it("is reached by a click on its label", async () => {
    const hands = open(
      <Field label="Width">
        <input />
      </Field>,
    );
    await hands.click(screen.getByText("Width"));
    expect(document.activeElement).toBe(screen.getByRole("textbox"));
  });
});

describe("a choice", () => {
  const choices = [
    { value: "a", label: "First" },
    { value: "b", label: "Second", disabled: true },
    { value: "c", label: "Third" },
  ];
  function Choice({ onChoose }: { onChoose: (value: string) => void }) {
    const value = useSignal("a");
    return (
      <Select
        aria-label="Kind"
        empty="(none)"
        choices={choices}
        value={value.value}
        onChoose={(to) => {
          value.value = to;
          onChoose(to);
        }}
      />
    );
  }
  it("tells what was chosen, nothing among it", async () => {
    const chosen = vi.fn();
    const hands = open(<Choice onChoose={chosen} />);
    const box = screen.getByRole("combobox", { name: "Kind" }) as HTMLSelectElement;
    await hands.selectOptions(box, "Third");
    expect(box.value).toBe("c");
    await hands.selectOptions(box, "(none)");
    expect(chosen.mock.calls).toEqual([["c"], [""]]);
  });
  it("leaves what may not be chosen", async () => {
    const chosen = vi.fn();
    const hands = open(<Choice onChoose={chosen} />);
    await hands.selectOptions(screen.getByRole("combobox"), "Second");
    expect(chosen).not.toHaveBeenCalled();
  });
});

describe("a refusal", () => {
  it("says what is wrong where, and offers to ask again", async () => {
    const again = vi.fn();
    const at = [
      { pointer: "/inputs/a", detail: "is missing" },
      { pointer: "/inputs/b", detail: "is missing" },
    ];
    const hands = open(<FaultBox fault={new Fault(400, "two are missing", at)} again={again} />, {
      lang: "zh",
    });
    const box = within(screen.getByRole("alert"));
    expect(box.getByText("two are missing")).toBeTruthy();
    expect(box.getAllByRole("listitem").map(({ textContent }) => textContent)).toEqual([
      "/inputs/a is missing",
      "/inputs/b is missing",
    ]);
    await hands.click(box.getByRole("button", { name: "重试" }));
    expect(again).toHaveBeenCalledTimes(1);
  });
  it("of one member says it once", () => {
    const at = [{ pointer: "/properties/end_year", detail: "is too early" }];
    open(<FaultBox fault={new Fault(400, "/properties/end_year: is too early", at)} />);
    expect(screen.getByRole("alert").textContent).toBe("/properties/end_year: is too early");
  });
  it("of an ended session leads to signing in, as nobody", async () => {
    const hands = open(<FaultBox fault={new Fault(401, "who?")} />, { scopes: ["read"] });
    const way = screen.getByRole("link", { name: "Sign in again" });
    expect(way.getAttribute("href")).toContain("/console/sign-in?next=");
    await hands.click(way);
    expect(account.value).toBeNull();
  });
  it("that cannot be helped by asking again offers no button", () => {
    open(<FaultBox fault={new Fault(403, "not yours")} />);
    expect(screen.queryByRole("button")).toBeNull();
  });
  it("that is none shows nothing", () => {
    open(<FaultBox fault={null} again={() => {}} />);
    expect(screen.queryByRole("alert")).toBeNull();
  });
});

describe("tabs", () => {
  const TABS = [
    { id: "a", label: "Alerts" },
    { id: "b", label: "Cases" },
    { id: "c", label: "Rules" },
  ];
  function Screen({ first }: { first: string }) {
    const chosen = useSignal(first);
    return (
      <Tabs
        label="Monitoring"
        tabs={TABS}
        chosen={chosen.value}
        onChoose={(id) => {
          chosen.value = id;
        }}
      >
        Shown: {chosen.value}
      </Tabs>
    );
  }
  const selected = () => screen.getByRole("tab", { selected: true }).textContent;

  it("show the chosen one's panel, under its name", async () => {
    const hands = open(<Screen first="a" />);
    await hands.click(screen.getByRole("tab", { name: "Rules" }));
    expect(screen.getByRole("tabpanel", { name: "Rules" }).textContent).toBe("Shown: c");
  });
  it("are one stop of the keyboard; arrows go around, and the focus with them", async () => {
    const hands = open(<Screen first="a" />);
    await hands.tab();
    expect(document.activeElement?.textContent).toBe("Alerts");
    await hands.keyboard("{ArrowLeft}");
    expect(selected()).toBe("Rules");
    expect(document.activeElement?.textContent).toBe("Rules");
    await hands.keyboard("{ArrowRight}{ArrowRight}");
    expect(selected()).toBe("Cases");
    await hands.tab();
    expect(document.activeElement?.getAttribute("role")).toBe("tabpanel");
  });
  it("leave other keys alone", async () => {
    const hands = open(<Screen first="b" />);
    await hands.tab();
    await hands.keyboard("xx{ArrowDown}");
    expect(selected()).toBe("Cases");
  });
  it("are reached by the keyboard where the address names none of them", async () => {
    const hands = open(<Screen first="nonsense" />);
    await hands.tab();
    expect(document.activeElement?.textContent).toBe("Alerts");
    await hands.keyboard("{ArrowRight}");
    expect(selected()).toBe("Cases");
  });
});

describe("a dialog", () => {
  function Asking({ onClose }: { onClose: () => void }) {
    const shown = useSignal(true);
    const close = () => {
      shown.value = false;
      onClose();
    };
    return shown.value ? (
      <Dialog title="Sure?" onClose={close}>
        <Button>Yes</Button>
      </Dialog>
    ) : null;
  }
  it("is named by its title, above the page", () => {
    open(<Asking onClose={() => {}} />);
    const box = screen.getByRole("dialog", { name: "Sure?" }) as HTMLDialogElement;
    expect(box.open).toBe(true);
  });
  it("closes by its button, and tells it once", async () => {
    const closed = vi.fn();
    const hands = open(<Asking onClose={closed} />, { lang: "zh" });
    await hands.click(screen.getByRole("button", { name: "关闭" }));
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    expect(closed).toHaveBeenCalledTimes(1);
  });
});

it("progress is told with its name", () => {
  open(<Progress percent={40} label="Zoning" />);
  const bar = screen.getByRole("progressbar", { name: "Zoning" }) as HTMLProgressElement;
  expect([bar.value, bar.max]).toEqual([40, 100]);
  expect(screen.getByText("40%")).toBeTruthy();
});

describe("notices", () => {
  const pass = (ms: number) =>
    act(async () => {
      await vi.advanceTimersByTimeAsync(ms);
    });
  const close = async (hands: ReturnType<typeof open>) => {
    for (const button of screen.queryAllByRole("button", { name: "Close" }))
      await hands.click(button);
  };
  it("tell in passing what was done", async () => {
    vi.useFakeTimers();
    open(<Notices />);
    let done = false;
    await act(async () => {
      done = await attempt(async () => {}, "Saved");
    });
    expect(done).toBe(true);
    expect(screen.getByText("Saved")).toBeTruthy();
    await pass(6000);
    expect(screen.queryByText("Saved")).toBeNull();
  });
  it("of what went wrong stand until they are closed", async () => {
    vi.useFakeTimers();
    open(<Notices />);
    let done = true;
    await act(async () => {
      done = await attempt(async () => {
        throw new Fault(409, "is published already");
      }, "Saved");
    });
    expect(done).toBe(false);
    await pass(60_000);
    expect(screen.getByText("is published already")).toBeTruthy();
    expect(screen.queryByText("Saved")).toBeNull();
    await act(async () => screen.getByRole("button", { name: "Close" }).click());
    expect(screen.queryByText("is published already")).toBeNull();
  });
  it("are closed one by one", async () => {
    const hands = open(<Notices />);
    await act(async () => {
      tell("first", "bad");
      tell("second", "bad");
    });
    await hands.click(screen.getAllByRole("button", { name: "Close" })[0] as HTMLElement);
    expect(screen.queryByText("first")).toBeNull();
    expect(screen.getByText("second")).toBeTruthy();
    await close(hands);
    expect(screen.getByRole("status").textContent).toBe("");
  });
  it("say nothing of what need not be told", async () => {
    open(<Notices />);
    await act(async () => {
      await attempt(async () => {});
    });
    expect(screen.getByRole("status").textContent).toBe("");
  });
});
