/** A form over something that several people may change: what was typed is never lost. */

import { type Signal, useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { type Answered, Fault, type FaultAt, write } from "./api";
import { told, useAsked } from "./asked";
import { Conflict, changedMembers } from "./conflict";
import type { Feature, PropertySchema, Values } from "./features";
import { type Controls, Fields, inWords, memberOf, Restored, SubmitForm, useDraft } from "./form";
import { heldBy, isStale, readHeld } from "./held";
import { Button, FaultBox, Found, Irreversible } from "./ui";
import { t } from "./words";

export interface Kind<T> {
  members: Record<string, PropertySchema>;
  required: readonly string[];
  controls?: Controls;
  /** The form's values of what was read. */
  formOf: (read: T) => Values;
  /** What is sent for the form; the form as it was read says what has changed. */
  bodyOf: (form: Values, base: Values) => unknown;
  method: "PUT" | "PATCH";
}

interface Props<T> {
  kind: Kind<T>;
  /** Name that the unsaved form is kept under; null keeps nothing. */
  draft: string | null;
  onDone: (written: T) => void;
  onClose?: () => void;
  save?: string;
  /** What else belongs to the form, such as a list of its parts. */
  more?: (form: Signal<Values>, wrong: readonly FaultAt[]) => ComponentChildren;
}

/** What something is said of, in the state that was looked at. */
export interface Looked {
  etag: string | null;
  /** Look anew: it is in another state. */
  again: () => void;
}

/** A form for something new.
 * @param of Where it is said of what others may change meanwhile. */
export function Making<T>({
  path,
  first,
  of,
  method = "POST",
  ...props
}: Props<T> & { path: string; first: Values; of?: Looked; method?: "POST" | "PUT" }) {
  const key = useSignal(crypto.randomUUID());
  const headersOf = (etag: string | null): Record<string, string> => {
    if (method === "POST") return { "Idempotency-Key": key.value, ...heldBy(of?.etag ?? null) };
    // Where somebody has just used the address, theirs stays as the version before.
    return etag ? heldBy(etag) : { "If-Match": "*" };
  };
  return (
    <Form
      {...props}
      {...(method === "PUT" ? { path } : {})}
      initial={{ form: first, base: {}, etag: null }}
      send={({ form, base, etag }) =>
        write<T>(method, path, props.kind.bodyOf(form, base), headersOf(etag)).catch((error) => {
          if (of && isStale(error)) of.again();
          throw error;
        })
      }
      renew={() => {
        key.value = crypto.randomUUID();
      }}
    />
  );
}

/** A form for what is there.
 * @param to Where it is written, if elsewhere than it is read. */
export function Changing<T>({
  path,
  to = path,
  ...props
}: Props<T> & { path: string; to?: string }) {
  const { asked, again } = useAsked((signal) => readHeld<T>(path, signal), [path]);
  return (
    <Found asked={asked} again={again}>
      {({ data, etag }) => {
        const { kind } = props;
        return (
          <Form
            key={path}
            {...props}
            path={path}
            initial={readForm(kind, data, etag)}
            send={({ form, base, etag }) =>
              write<T>(kind.method, to, kind.bodyOf(form, base), heldBy(etag))
            }
          />
        );
      }}
    </Found>
  );
}

/** A button that ends what is there, as it stands at that moment. */
export function Ending({
  path,
  onDone,
  children,
}: {
  path: string;
  onDone: () => void;
  /** What becomes of it. */
  children: ComponentChildren;
}) {
  const end = async () => {
    const { etag } = await readHeld(path);
    await write("DELETE", path, undefined, heldBy(etag));
  };
  return (
    <Irreversible label={t("删除", "End")} deed={end} done={t("已删除", "Ended")} onDone={onDone}>
      {children}
    </Irreversible>
  );
}

interface Held extends Values {
  form: Values;
  /** The form as it was read, and in which state that was. */
  base: Values;
  etag: string | null;
}

const readForm = <T,>({ formOf }: Kind<T>, read: T, etag: string | null): Held => {
  const base = formOf(read);
  return { form: base, base, etag };
};

function Form<T>({
  kind,
  draft,
  onDone,
  onClose,
  save,
  more,
  initial,
  path,
  send,
  renew,
}: Props<T> & {
  initial: Held;
  /** Where the contents are read whose tag a write must name; none where nothing is there yet. */
  path?: string;
  send: (held: Held) => Promise<Answered<T>>;
  renew?: () => void;
}) {
  const { values, restored, reset } = useDraft(draft, initial);
  const form = memberOf(values, "form");
  const busy = useSignal(false);
  const fault = useSignal<Fault | null>(null);
  const theirs = useSignal<{ form: Values; etag: string | null } | null>(null);
  const wrong = fault.value?.at ?? [];
  /** The form goes on from what was written; what was typed meanwhile is not saved yet. */
  const goOn = (sent: Held, { data, etag }: Answered<T>) => {
    if (!path || !etag) return reset();
    const typed = changedMembers(sent.form, (values.value as Held).form);
    const now = readForm(kind, data, etag);
    reset(now);
    values.value = { ...now, form: mergedForm(now.form, typed) };
  };
  const submit = async (held = values.value as Held) => {
    busy.value = true;
    fault.value = null;
    try {
      const answer = await send(held);
      renew?.();
      goOn(held, answer);
      onDone(answer.data);
    } catch (error) {
      if (isStale(error) && path) {
        try {
          const now = await readHeld<T>(path);
          theirs.value = { form: kind.formOf(now.data), etag: now.etag };
        } catch (again) {
          fault.value = told(again);
        }
      } else {
        const refused = told(error);
        fault.value = refused;
        // What was refused is another request when it is sent again; what had no answer is the same.
        if (refused.status) renew?.();
      }
    }
    busy.value = false;
  };
  const held = values.value as Held;
  return (
    <SubmitForm onSubmit={submit}>
      <Restored restored={restored} reset={reset} />
      <Fields
        members={kind.members}
        required={kind.required}
        values={form}
        wrong={wrong}
        {...(kind.controls ? { controls: kind.controls } : {})}
      />
      {more?.(form, wrong)}
      <FaultBox fault={restOf(fault.value, kind.members)} />
      <div class="actions">
        <Button kind="main" submits busy={busy.value}>
          {save ?? t("保存", "Save")}
        </Button>
        {onClose && <Button onClick={onClose}>{t("返回", "Back")}</Button>}
      </div>
      {theirs.value && (
        <Conflict
          base={featureOf(held.base)}
          mine={{ properties: changedMembers(held.base, held.form) }}
          theirs={featureOf(theirs.value.form)}
          members={kind.members}
          onClose={() => {
            theirs.value = null;
          }}
          onSend={({ properties }) => {
            const now = theirs.value;
            if (!now) return;
            theirs.value = null;
            const merged = mergedForm(now.form, properties);
            values.value = { form: merged, base: now.form, etag: now.etag };
            submit(values.value as Held);
          }}
        />
      )}
    </SubmitForm>
  );
}

/** A refusal in the words of the form, without what stands at a field already. */
export function restOf(fault: Fault | null, members: Record<string, PropertySchema>): Fault | null {
  const told = inWords(fault, members);
  if (!fault || !told) return null;
  const names = fault.at.map(({ pointer }) => pointer.replace(/^\//, ""));
  const rest = told.at.filter((_, nth) => !Object.keys(members).includes(names[nth] ?? ""));
  return new Fault(told.status, told.message, rest, told.type);
}

export const featureOf = (form: Values): Feature => ({
  type: "Feature",
  id: "",
  geometry: null,
  properties: form,
});

/** Their form with those of my changes that I have chosen to send; null takes a member away. */
export function mergedForm(theirs: Values, chosen: Values): Values {
  const merged = Object.entries({ ...theirs, ...chosen });
  return Object.fromEntries(merged.filter(([name]) => chosen[name] !== null));
}
