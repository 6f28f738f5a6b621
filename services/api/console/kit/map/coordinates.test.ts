import { describe, expect, it } from "vitest";
import { cornersIn, degreesIn, placeIn, shapeOf, textOf } from "./coordinates";

it.each([
  ["118.0915", 118.0915],
  ["118°05′29.4″", 118.0915],
  ["118°5.49′", 118.0915],
  ["118度5分29.4秒", 118.0915],
  ["-33.5", -33.5],
])("%s is %f degrees", (text, degrees) => expect(degreesIn(text)).toBeCloseTo(degrees, 9));

it.each(["", "abc", "118°05″", "1e3", "118,5"])("%s is no number of degrees", (text) =>
  expect(degreesIn(text)).toBeNaN(),
);

describe("placeIn", () => {
  it.each(["118.1 24.5", "118.1,24.5", "118.1，24.5", "东经118.1 北纬24.5", "118.1E 24.5N"])(
    "reads %s",
    (text) => expect(placeIn(text)).toEqual([118.1, 24.5]),
  );

  it.each(["118.1", "24.5 118.1", "1 2 3", "厦门", ""])("%s is no place", (text) =>
    expect(placeIn(text)).toBeNull(),
  );
});

it("lists of corners tell which lines cannot be read", () =>
  expect(cornersIn("118 24\n\n118.1 24.1\n118.1")).toEqual({
    corners: [
      [118, 24],
      [118.1, 24.1],
    ],
    wrong: [4],
  }));

describe("shapeOf", () => {
  const three = [
    [0, 0],
    [1, 0],
    [1, 1],
  ];

  it("closes a ring once", () => {
    const ring = [
      [0, 0],
      [1, 0],
      [1, 1],
      [0, 0],
    ];
    expect(shapeOf("polygon", three)).toEqual({ type: "Polygon", coordinates: [ring] });
    expect(shapeOf("polygon", ring)).toEqual({ type: "Polygon", coordinates: [ring] });
  });

  it("needs enough corners", () => {
    expect(shapeOf("polygon", three.slice(0, 2))).toBeNull();
    expect(shapeOf("linestring", three.slice(0, 1))).toBeNull();
    expect(shapeOf("point", [])).toBeNull();
  });

  it("a line keeps its corners", () =>
    expect(shapeOf("linestring", three)).toEqual({ type: "LineString", coordinates: three }));
});

it("what is written is read again", () => {
  const corners = [
    [118.0123456, 24.5],
    [118.1, 24.6543211],
  ];
  expect(cornersIn(textOf(corners)).corners).toEqual(corners);
});

describe("corners of which a text was made", () => {
  const before = [
    [118.012345678, 24.500000001, 3],
    [118.1, 24.654321098],
    [118.012345679, 24.5],
  ];
  const [first, second, third] = textOf(before).split("\n");

  it("stay exactly as they were", () =>
    expect(cornersIn(textOf(before), before).corners).toEqual(before));

  it("stay so beside those that are typed, moved or taken away", () => {
    expect(cornersIn(`118.2 24.2\n${second}\n`, before).corners).toEqual([
      [118.2, 24.2],
      before[1],
    ]);
  });

  it("are in their order where several are written alike", () => {
    expect(first).toBe(third);
    expect(cornersIn(`${first}\n${third}`, before).corners).toEqual([before[0], before[2]]);
  });

  it("close a ring where the first one is typed again", () => {
    const ring = before.slice(0, 2);
    const { corners } = cornersIn(`${textOf(ring)}\n118.2 24.2\n${first}`, ring);
    expect(corners.at(-1)).toEqual(corners[0]);
    expect(shapeOf("polygon", corners)?.coordinates).toEqual([corners]);
  });
});
