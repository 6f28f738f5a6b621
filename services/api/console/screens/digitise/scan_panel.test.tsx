import { signal } from "@preact/signals";
import { beforeEach, expect, it, vi } from "vitest";
import { keep, recall } from "../../kit/kept";
import { open, screen, waitFor } from "../../kit/testing";
import { notices } from "../../kit/ui";
import { Scan } from "./scan_panel";

const file = (name: string) => new File(["x"], name, { type: "image/png" });
const scan = () => open(<Scan pane={null} clicked={signal(null)} taking={signal(false)} />);
const input = () => document.querySelector('input[type="file"]') as HTMLInputElement;

beforeEach(() => {
  vi.stubGlobal("createImageBitmap", async () => ({ width: 8192, height: 4096, close() {} }));
});

it("points outlive a reload, for the same picture, which is to be chosen again", async () => {
  const typed = [{ x: "8000.0", y: "10.0", lon: "118", lat: "24" }];
  keep("draft.digitise.scan", { name: "a.png", width: 8192, height: 4096, typed });
  const hands = scan();
  expect(screen.getByText(/control points of a.png are here again/)).toBeTruthy();
  await hands.upload(input(), file("a.png"));
  const x = await screen.findByRole<HTMLInputElement>("textbox", { name: "Point 1 x" });
  expect(x.value).toBe("8000.0");
  await hands.upload(input(), file("b.png"));
  await waitFor(() => expect(screen.queryByRole("textbox", { name: "Point 1 x" })).toBeNull());
});
it("spots of a picture that is drawn smaller count in pixels of its file", async () => {
  const hands = scan();
  await hands.upload(input(), file("a.png"));
  const canvas = await waitFor(() => {
    const found = document.querySelector(".scan canvas");
    if (!found) throw new Error("no picture");
    return found;
  });
  const click = new MouseEvent("click", { bubbles: true });
  // It is 330 pixels wide: a tenth of that is a tenth of the file.
  Object.defineProperties(click, { offsetX: { value: 33 }, offsetY: { value: 33 } });
  canvas.dispatchEvent(click);
  const x = await screen.findByRole<HTMLInputElement>("textbox", { name: "Point 1 x" });
  expect(x.value).toBe("819.2");
  expect(recall("draft.digitise.scan")).toMatchObject({ name: "a.png", typed: [{ x: "819.2" }] });
});
it("what cannot be shown is told with what to do", async () => {
  vi.stubGlobal("createImageBitmap", () => Promise.reject(new Error("no")));
  const hands = scan();
  await hands.upload(input(), file("map.tif.png"));
  await waitFor(() =>
    expect(notices.value.some(({ text }) => /save it as PNG or JPEG/.test(text))).toBe(true),
  );
});
