/** Forms made from JSON Schemas: of processes and of collections, with ranges, help and words. */

import { type Signal, signal, useSignal } from "@preact/signals";
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useMemo } from "preact/hooks";
import { ended, Fault, type FaultAt } from "./api";
import type { PropertySchema, Values } from "./features";
import { keep, recall } from "./kept";
import { isRows, Rows } from "./rows";
import { unitName } from "./terms";
import { Button, type Choice, Field, NumberInput, Select } from "./ui";
import { t } from "./words";

/** A control of a screen's own for a member, such as a list of the datasets there are. */
export type Controls = Record<
  string,
  (props: { value: unknown; set: (value: unknown) => void; id: string }) => ComponentChildren
>;

export interface FormProps {
  /** Members by name, each described by a schema. */
  members: Record<string, PropertySchema>;
  required?: readonly string[];
  values: Signal<Values>;
  /** What the service found wrong, by JSON pointer. */
  wrong?: readonly FaultAt[];
  controls?: Controls;
  /** Where the members are in what is sent, as `/inputs`. */
  at?: string;
}

/** A form that the page sends itself, when one of its buttons that submit is pressed. */
export function SubmitForm({
  onSubmit,
  ...rest
}: Omit<JSX.IntrinsicElements["form"], "onSubmit"> & { onSubmit: () => unknown }) {
  return (
    <form
      class="form"
      {...rest}
      onSubmit={(event) => {
        event.preventDefault();
        onSubmit();
      }}
    />
  );
}

/** The fields of an object, in the order of its schema. */
export function Fields({ members, required = [], values, wrong, controls, at = "" }: FormProps) {
  const set = (name: string, value: unknown) => {
    const { [name]: _, ...rest } = values.value;
    values.value = value === undefined ? rest : { ...rest, [name]: value };
  };
  return (
    <>
      {Object.entries(members)
        .filter(([, schema]) => !schema.readOnly)
        .map(([name, schema]) => (
          <Member
            key={name}
            name={name}
            schema={schema}
            needed={required.includes(name)}
            value={values.value[name]}
            set={(value) => set(name, value)}
            at={`${at}/${name}`}
            wrong={wrong ?? []}
            controls={controls ?? {}}
          />
        ))}
    </>
  );
}

export interface MemberProps {
  name: string;
  schema: PropertySchema;
  needed: boolean;
  value: unknown;
  set: (value: unknown) => void;
  at: string;
  wrong: readonly FaultAt[];
  controls: Controls;
}

export function Member(props: MemberProps) {
  const schema = plainest(props.schema);
  const own = props.controls[props.name];
  const type = typeOf(schema);
  const choices = schema.items && choicesOf(schema.items);
  const several = type === "array" && Boolean(own ?? choices);
  if (!own && isRows(schema)) return <Rows {...props} schema={schema} />;
  if (own) {
    return (
      <Field {...dress(props, schema)} several={several}>
        {own({ value: props.value, set: props.set, id: props.at })}
      </Field>
    );
  }
  if (type === "object" && schema.properties) return <Group {...props} schema={schema} />;
  if (type === "object") return <Pairs {...props} schema={schema} />;
  if (type === "boolean") return <Check {...props} schema={schema} />;
  return (
    <Field {...dress(props, schema)} several={several}>
      <Control {...props} schema={schema} />
    </Field>
  );
}

function dress({ name, needed, at, wrong }: MemberProps, schema: PropertySchema) {
  return {
    label: titleOf(name, schema),
    needed,
    hint: hintOf(schema),
    wrong: faultAt(wrong, at) ?? faultWithin(wrong, at),
  };
}

/** What is wrong with a member as a whole. */
export const faultAt = (wrong: readonly FaultAt[], at: string) =>
  wrong.find(({ pointer }) => pointer === at || pointer === at.slice(1))?.detail;

/** What is wrong with a part of a member, such as one line of a list. */
export const faultWithin = (wrong: readonly FaultAt[], at: string) =>
  wrong.find(({ pointer }) => pointer.startsWith(`${at}/`) || pointer.startsWith(`${at.slice(1)}/`))
    ?.detail;

/** What is described in several ways, in the first that says a type. */
export function plainest(schema: PropertySchema): PropertySchema {
  const ways = (schema.anyOf ?? schema.oneOf)?.filter(({ type }) => type !== "null");
  const first = ways?.[0];
  return first && !schema.type ? { ...first, ...schema } : schema;
}

function typeOf({ type, enum: listed }: PropertySchema): string {
  const named = Array.isArray(type) ? type.find((one) => one !== "null") : type;
  return named ?? (listed ? "string" : "");
}

/** The words for a member; its name where the schema has none. */
export function titleOf(name: string, { title }: PropertySchema): string {
  return title ?? name;
}

/** A refusal that calls the fields of a form what people read beside them, not by where they are in
 * what was sent.
 * @param at Where the members are in what is sent, as `/inputs`. */
export function inWords(
  fault: Fault | null,
  members: Record<string, PropertySchema>,
  at = "",
): Fault | null {
  if (!fault) return null;
  const named = fault.at.map((one) => ({ ...one, words: fieldAt(one.pointer, members, at) }));
  // The pointer of a part begins with that of the whole.
  const message = named
    .toSorted((one, other) => other.pointer.length - one.pointer.length)
    .reduce(
      (text, { pointer, words }) =>
        pointer
          ? text.replace(`${pointer}：`, `${words}：`).replace(`${pointer}: `, `${words}: `)
          : // What is wrong with the form as a whole.
            text.replace("/：", "").replace("/: ", ""),
      fault.message,
    );
  const told = named.map(({ words, detail }) => ({ pointer: words, detail }));
  return new Fault(fault.status, message, told, fault.type);
}

/** The titles on the way to a member; the pointer itself where the form has no such field. */
function fieldAt(pointer: string, members: Record<string, PropertySchema>, at: string): string {
  const below = `/${pointer.replace(/^\//, "")}`.replace(new RegExp(`^${at}/`), "").split("/");
  const titles: string[] = [];
  let schema: PropertySchema = { properties: members };
  for (const part of below.filter(Boolean)) {
    const item = schema.items && /^\d+$/.test(part);
    const next = item ? schema.items : schema.properties?.[part];
    if (!next) return titles.length ? titles.join(" › ") : pointer;
    titles.push(
      item ? t(`第 ${Number(part) + 1} 项`, `no. ${Number(part) + 1}`) : titleOf(part, next),
    );
    schema = plainest(next);
  }
  return titles.join(" › ");
}

/** Range and unit in words after the description. */
export function hintOf(schema: PropertySchema): string {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = schema;
  const low = minimum ?? exclusiveMinimum;
  const high = maximum ?? exclusiveMaximum;
  const money = schema.format === "decimal" && !schema["x-digits"] ? t("元", "CNY") : "";
  const unit = unitName(schema["x-ogc-unit"] ?? "") || money;
  const range =
    low !== undefined && high !== undefined
      ? `${low} – ${high}`
      : low !== undefined
        ? `≥ ${low}`
        : high !== undefined
          ? `≤ ${high}`
          : "";
  const { default: start } = schema;
  const words = choicesOf(schema)?.find(({ value }) => value === String(start))?.label ?? start;
  const told = start !== undefined && start !== null && typeof start !== "object";
  const usual = told ? t(`默认 ${words}`, `default ${words}`) : "";
  return [schema.description, [range, unit].filter(Boolean).join(" "), usual]
    .filter(Boolean)
    .join(t("；", "; "));
}

/** The members of a list that must be chosen from, with their words. */
export function choicesOf(schema: PropertySchema): Choice[] | null {
  if (schema.enum) {
    const titles = schema["x-enum-titles"] ?? {};
    return schema.enum
      .filter((one) => one !== null)
      .map((one) => ({ value: String(one), label: titles[String(one)] ?? String(one) }));
  }
  const consts = schema.oneOf?.filter((one) => one.const !== undefined);
  if (!consts?.length) return null;
  return consts.map((one) => ({ value: String(one.const), label: one.title ?? String(one.const) }));
}

/** The member of the schema's list that a control names by its text: 8, not "8". */
function meant(schema: PropertySchema, chosen: string): unknown {
  const listed = schema.enum ?? schema.oneOf?.map((one) => one.const) ?? [];
  return listed.find((one) => String(one) === chosen) ?? chosen;
}

/** What says more of a control, and whether it is wrong. */
interface Described {
  "aria-describedby"?: string;
  "aria-invalid"?: boolean;
}

function Control({ schema, value, set, needed, ...rest }: MemberProps & Described) {
  const described = {
    "aria-describedby": rest["aria-describedby"],
    "aria-invalid": rest["aria-invalid"],
  } as Described;
  const choices = choicesOf(schema);
  if (choices) {
    return (
      <Select
        {...described}
        choices={choices}
        value={value === undefined || value === null ? String(schema.default ?? "") : String(value)}
        onChoose={(chosen) => set(chosen === "" ? undefined : meant(schema, chosen))}
        {...(needed ? {} : { empty: t("（未填）", "(none)") })}
        required={needed}
      />
    );
  }
  const type = typeOf(schema);
  const text = value === undefined || value === null ? "" : String(value);
  if (type === "number" || type === "integer") {
    return (
      <NumberInput
        {...described}
        value={value}
        min={schema.minimum ?? schema.exclusiveMinimum}
        max={schema.maximum ?? schema.exclusiveMaximum}
        step={type === "integer" ? 1 : "any"}
        placeholder={schema.default === undefined ? "" : String(schema.default ?? "")}
        required={needed}
        onNumber={(number) => set(number ?? undefined)}
      />
    );
  }
  if (type === "array")
    return <Listed schema={schema} value={value} set={set} described={described} />;
  if ((schema.maxLength ?? 0) > 300 || (schema.maxLength === undefined && isProse(schema))) {
    return (
      <textarea
        {...described}
        rows={3}
        value={text}
        maxLength={schema.maxLength}
        required={needed}
        onInput={({ currentTarget: { value } }) => set(value === "" ? undefined : value)}
      />
    );
  }
  const common = {
    ...described,
    value: text,
    required: needed,
    onInput: ({ currentTarget: { value } }: { currentTarget: HTMLInputElement }) =>
      set(value === "" ? undefined : value),
  };
  if (schema.format === "date") return <input type="date" {...common} />;
  return (
    <input
      type="text"
      {...common}
      inputMode={schema.format === "email" ? "email" : "text"}
      maxLength={schema.maxLength}
      pattern={fieldPattern(schema.pattern)}
      placeholder={typeof schema.default === "string" ? schema.default : ""}
    />
  );
}

/** A pattern as fields take it: there a hyphen at the end of a class must be written `\-`. What cannot
 * be put so is left to the service. */
export function fieldPattern(pattern: string | undefined): string | undefined {
  const known = pattern?.replace(/([^\\[])-\]/g, "$1\\-]");
  try {
    if (known) new RegExp(known, "v");
    return known;
  } catch {
    return undefined;
  }
}

/** Texts without a bound that are no codes, days or amounts. */
const isProse = (schema: PropertySchema) =>
  !schema.format && !schema.pattern && !schema["x-ogc-role"] && typeOf(schema) === "string";

/** A list: several of those there are, or one a line. */
function Listed({
  schema,
  value,
  set,
  described,
}: Pick<MemberProps, "schema" | "value" | "set"> & { described: Described }) {
  const many = Array.isArray(value) ? value.map(String) : [];
  const choices = schema.items ? choicesOf(schema.items) : null;
  const numeric = ["number", "integer"].includes(typeOf(schema.items ?? {}));
  const take = (texts: string[]) => {
    const members = numeric ? texts.map(numberIn) : texts;
    set(members.length ? members : undefined);
  };
  if (choices) {
    return (
      <span class="checks">
        {choices.map((one) => (
          <label key={one.value} class="check">
            <input
              type="checkbox"
              checked={many.includes(one.value)}
              onChange={({ currentTarget }) =>
                take(
                  choices
                    .map((choice) => choice.value)
                    .filter((code) =>
                      code === one.value ? currentTarget.checked : many.includes(code),
                    ),
                )
              }
            />
            {one.label}
          </label>
        ))}
      </span>
    );
  }
  return (
    <textarea
      {...described}
      rows={Math.min(6, Math.max(2, many.length))}
      value={many.join("\n")}
      placeholder={t("每行一项", "one a line")}
      onChange={({ currentTarget }) =>
        take(
          currentTarget.value
            .split("\n")
            .map((line) => line.trim())
            .filter(Boolean),
        )
      }
    />
  );
}

function Check({ name, schema, value, set, at, wrong }: MemberProps) {
  const fault = faultAt(wrong, at);
  return (
    <label class="field check">
      <input
        type="checkbox"
        checked={Boolean(value ?? schema.default ?? false)}
        aria-invalid={Boolean(fault)}
        onChange={({ currentTarget }) => set(currentTarget.checked)}
      />
      <span class="label">{titleOf(name, schema)}</span>
      {schema.description && <small>{schema.description}</small>}
      <Wrong fault={fault} />
    </label>
  );
}

export function Wrong({ fault }: { fault: string | undefined }) {
  if (!fault) return null;
  return (
    <small class="fault" role="alert">
      {fault}
    </small>
  );
}

/** An object inside: folded until somebody wants to say something about it. */
function Group({ name, schema, value, set, needed, at, wrong, controls }: MemberProps) {
  const values = useSignal<Values>((value as Values | undefined) ?? {});
  useEffect(() => {
    values.value = (value as Values | undefined) ?? {};
  }, [value]);
  const passed = useMemo(
    () => ({
      get value() {
        return values.value;
      },
      set value(members: Values) {
        values.value = members;
        set(Object.keys(members).length ? members : undefined);
      },
    }),
    [set],
  ) as Signal<Values>;
  const given = Object.keys(values.value).length;
  const fault = faultAt(wrong, at);
  // What may be left out asks for its members once one of them is given.
  const required = needed || given > 0 ? (schema.required ?? []) : [];
  return (
    <details class="group" open={Boolean(fault ?? faultWithin(wrong, at))}>
      <summary>
        {titleOf(name, schema)}
        {given > 0 && <span class="count">{t(`已填 ${given} 项`, `${given} given`)}</span>}
      </summary>
      {schema.description && <small>{schema.description}</small>}
      <Wrong fault={fault} />
      <Fields
        members={schema.properties ?? {}}
        required={required}
        values={passed}
        wrong={wrong}
        controls={controls}
        at={at}
      />
    </details>
  );
}

/** An object with members of any name: a line each, `name: value`. */
function Pairs({ name, schema, value, set, needed, at, wrong, controls }: MemberProps) {
  const held = (value as Values | undefined) ?? {};
  const of = typeof schema.additionalProperties === "object" ? schema.additionalProperties : {};
  const numeric = ["number", "integer"].includes(typeOf(of));
  const shown = Object.entries(held)
    .map(([key, one]) => `${key}: ${typeof one === "object" ? JSON.stringify(one) : one}`)
    .join("\n");
  return (
    <Field {...dress({ name, needed, at, wrong, schema, value, set, controls }, schema)}>
      <textarea
        rows={2}
        value={shown}
        placeholder={t("每行一项：名称: 值", "one a line: name: value")}
        onChange={({ currentTarget }) => {
          const pairs = pairsOf(currentTarget.value, numeric);
          set(Object.keys(pairs).length ? pairs : undefined);
        }}
      />
    </Field>
  );
}

/** Members written `name: value`, a line each; values are JSON where they are that. */
export function pairsOf(text: string, numeric: boolean): Values {
  const pairs: Values = {};
  for (const line of text.split("\n")) {
    const at = line.search(/[:：]/);
    if (at < 1) continue;
    const [key, value] = [line.slice(0, at).trim(), line.slice(at + 1).trim()];
    pairs[key] = numeric ? numberIn(value) : parsed(value);
  }
  return pairs;
}

/** A number; what is none stays as it was typed, to be refused and mended. */
function numberIn(text: string): number | string {
  const value = Number(text);
  return text.trim() && Number.isFinite(value) ? value : text;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Values of a form that survive a reload until it is sent or thrown away.
 * @param name What the form is about, with the object's code; null keeps nothing.
 * @returns Also `once`, the `Idempotency-Key` they are sent with: another after each change. */
export function useDraft(name: string | null, initial: Values) {
  const key = `draft.${name}`;
  // Another name is another form: nothing of the one comes into the other.
  const draft = useMemo(() => {
    const kept = name ? recall<Values>(key) : null;
    const found = { values: signal(kept ?? initial), restored: signal(kept !== null) };
    return { ...found, unchanged: initial, once: "" };
  }, [key]);
  const { values, restored } = draft;
  useEffect(() => {
    const hold = (now: Values) => {
      if (!name) return;
      keep(key, JSON.stringify(now) === JSON.stringify(draft.unchanged) ? null : now);
    };
    const stops = [
      values.subscribe((now) => {
        draft.once = crypto.randomUUID();
        hold(now);
      }),
      // Who signed out in another tab had all forms forgotten, with what is still on the screen here.
      ended.subscribe((times) => times && hold(values.peek())),
    ];
    return () => {
      for (const stop of stops) stop();
    };
  }, [draft]);
  const reset = (to: Values = initial) => {
    draft.unchanged = to;
    values.value = to;
    restored.value = false;
    keep(key, null);
  };
  return { values, restored, reset, once: () => draft.once };
}

/** A member of a draft's values, such as the form beside a drawing, as fields read and write it. */
export function memberOf(values: Signal<Values>, name: string): Signal<Values> {
  return {
    get value() {
      return values.value[name] as Values;
    },
    set value(member: Values) {
      values.value = { ...values.value, [name]: member };
    },
  } as Signal<Values>;
}

/** Says that a form has what was typed before, and offers to begin anew. */
export function Restored({ restored, reset }: { restored: Signal<boolean>; reset: () => void }) {
  if (!restored.value) return null;
  return (
    <div class="notice info" role="status">
      <p>{t("已恢复上次未保存的内容。", "What you had not saved is here again.")}</p>
      <Button onClick={() => reset()}>{t("放弃", "Throw away")}</Button>
    </div>
  );
}
