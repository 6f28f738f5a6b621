/** The few controls that all screens are made of; each works by keyboard and says its name. */

import { type ReadonlySignal, type Signal, signal, useSignal } from "@preact/signals";
import { type ComponentChildren, cloneElement, isValidElement, type JSX } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import type { Fault } from "./api";
import { type Asked, told } from "./asked";
import { screenPath } from "./screens";
import { account, leave } from "./session";
import { t } from "./words";

type Kids = { children?: ComponentChildren };

interface ButtonProps extends Omit<JSX.IntrinsicElements["button"], "type"> {
  /** `main` for the one thing the screen is for, `danger` for what cannot be taken back. */
  kind?: "main" | "plain" | "danger" | "quiet";
  /** What it does is under way. */
  busy?: boolean;
  submits?: boolean;
}

export function Button({
  kind = "plain",
  busy,
  submits,
  disabled,
  onClick,
  children,
  ...rest
}: ButtonProps) {
  // A button that the browser disables loses the focus, and a refusal would leave it nowhere.
  return (
    <button
      {...rest}
      type={submits ? "submit" : "button"}
      class={`button ${kind} ${rest.class ?? ""}`}
      disabled={Boolean(disabled)}
      aria-disabled={busy}
      aria-busy={busy}
      onClick={busy ? (event) => event.preventDefault() : onClick}
    >
      {children}
    </button>
  );
}

/** A label with its control, a hint below it, and what is wrong with it. */
export function Field({
  label,
  hint,
  wrong,
  needed,
  several,
  children,
}: {
  label: ComponentChildren;
  hint?: ComponentChildren;
  wrong?: string | undefined;
  needed?: boolean;
  /** There are several controls with names of their own: a click beside them works none. */
  several?: boolean;
  children?: ComponentChildren;
}) {
  const id = useId();
  const told = [hint && `${id}-hint`, wrong && `${id}-wrong`].filter(Boolean).join(" ");
  // Read after the control's name, not as part of it.
  const control =
    isValidElement(children) && told
      ? cloneElement(children, { "aria-describedby": told, "aria-invalid": Boolean(wrong) })
      : children;
  const title = (
    <>
      {label}
      {needed && (
        <span class="needed" aria-hidden="true">
          {" "}
          *
        </span>
      )}
    </>
  );
  return (
    <div class={`field${wrong ? " wrong" : ""}`}>
      {several ? (
        <fieldset>
          <legend class="label">{title}</legend>
          {control}
        </fieldset>
      ) : (
        <label>
          <span class="label">{title}</span>
          {control}
        </label>
      )}
      {hint && <small id={`${id}-hint`}>{hint}</small>}
      {wrong && (
        <small id={`${id}-wrong`} class="fault" role="alert">
          {wrong}
        </small>
      )}
    </div>
  );
}

export interface Choice {
  value: string;
  label: string;
  disabled?: boolean;
}

export function Select({
  choices,
  value,
  onChoose,
  empty,
  ...rest
}: {
  choices: readonly Choice[];
  value: string;
  onChoose: (value: string) => void;
  /** What stands for no choice; without it one must be made. */
  empty?: string;
  id?: string;
  disabled?: boolean;
  required?: boolean;
  "aria-label"?: string;
  "aria-describedby"?: string;
  "aria-invalid"?: boolean;
}) {
  return (
    <select
      {...rest}
      value={value}
      // What is chosen may be too long for where it stands.
      title={choices.find((one) => one.value === value)?.label ?? ""}
      onChange={({ currentTarget }) => onChoose(currentTarget.value)}
    >
      {empty !== undefined && <option value="">{empty}</option>}
      {choices.map((one) => (
        <option key={one.value} value={one.value} disabled={one.disabled}>
          {one.label}
        </option>
      ))}
    </select>
  );
}

/** A number that stays as it is typed: "0.0" may become 0.05. */
export function NumberInput({
  value,
  onNumber,
  ...rest
}: {
  value: unknown;
  /** Called with null where nothing is typed. */
  onNumber: (value: number | null) => void;
  min?: number | undefined;
  max?: number | undefined;
  step?: number | "any";
  placeholder?: string;
  required?: boolean;
  "aria-label"?: string;
  "aria-describedby"?: string;
  "aria-invalid"?: boolean;
}) {
  const typed = useRef("");
  const asTyped = typed.current !== "" && Number(typed.current) === value;
  return (
    <input
      {...rest}
      type="number"
      value={asTyped ? typed.current : String(value ?? "")}
      onInput={({ currentTarget }) => {
        typed.current = currentTarget.value;
        onNumber(typed.current === "" ? null : Number(typed.current));
      }}
    />
  );
}

/** A box for words to find something by. They are taken at each key or, where each time the service
 * is asked, when all is typed. */
export function SearchBox({
  text,
  whole,
  ...rest
}: {
  text: Signal<string>;
  whole?: boolean;
  placeholder?: string;
  maxLength?: number;
  "aria-label": string;
}) {
  const take = ({ currentTarget: { value } }: { currentTarget: HTMLInputElement }) => {
    text.value = whole ? value.trim() : value;
  };
  const taking = whole ? { onChange: take } : { onInput: take };
  const placeholder = t("名称或代码", "name or code");
  return <input placeholder={placeholder} {...rest} type="search" value={text.value} {...taking} />;
}

/** Words that say what went wrong, for a person to act on. */
export function FaultBox({
  fault,
  again,
}: {
  fault: Fault | null | undefined;
  again?: () => void;
}) {
  if (!fault) return null;
  // A single fault is mostly all that the message says.
  const more = fault.at.filter(({ detail }) => !fault.message.includes(detail));
  return (
    <div class="notice bad" role="alert">
      <p>{fault.message}</p>
      {more.length > 0 && (
        <ul>
          {more.map(({ pointer, detail }) => (
            <li key={pointer + detail}>
              <code>{pointer}</code> {detail}
            </li>
          ))}
        </ul>
      )}
      {again && <Button onClick={again}>{t("重试", "Try again")}</Button>}
      {/* A dialog lies over what says on the screen that the session has ended. */}
      {fault.status === 401 && account.value && !account.value.need && (
        <a
          class="button main"
          href={screenPath("sign-in", { next: location.pathname + location.search })}
          onClick={leave}
        >
          {t("重新登录", "Sign in again")}
        </a>
      )}
    </div>
  );
}

export function Waiting({ what }: { what?: string }) {
  return (
    <p class="waiting" role="status">
      <span class="spinner" aria-hidden="true" />
      {what ?? t("正在读取…", "Loading…")}
    </p>
  );
}

/** What was asked for, once it is there; until then a wait, and the refusal where it was refused. */
export function Found<T>({
  asked,
  again,
  children,
}: {
  asked: ReadonlySignal<Asked<T>>;
  again?: () => void;
  children: (data: T) => ComponentChildren;
}) {
  const { data, fault, waiting } = asked.value;
  return (
    <>
      {fault && <FaultBox fault={fault} {...(again ? { again } : {})} />}
      {data !== undefined ? children(data) : !fault && waiting && <Waiting />}
    </>
  );
}

export function Empty({ children }: Kids) {
  return <p class="empty">{children}</p>;
}

export function Panel({
  title,
  actions,
  children,
  class: more,
}: Kids & { title?: ComponentChildren; actions?: ComponentChildren; class?: string }) {
  return (
    <section class={`panel ${more ?? ""}`}>
      {(title || actions) && (
        <header>
          {title && <h2>{title}</h2>}
          {actions && <div class="actions">{actions}</div>}
        </header>
      )}
      {children}
    </section>
  );
}

export type Tone = "good" | "warn" | "bad" | "info" | "plain";

/** A state in a word, told by its text as well as by its colour. */
export function Badge({ tone = "plain", children }: Kids & { tone?: Tone }) {
  return <span class={`badge ${tone}`}>{children}</span>;
}

export interface Tab {
  id: string;
  label: string;
}

/** Tabs after the ARIA pattern: arrows move between them. */
export function Tabs({
  tabs,
  chosen,
  onChoose,
  label,
  children,
}: Kids & {
  tabs: readonly Tab[];
  chosen: string;
  onChoose: (id: string) => void;
  label: string;
}) {
  const base = useId();
  // Where none is chosen, such as by a wrong address, the keyboard still comes to the first.
  const reached = tabs.some(({ id }) => id === chosen) ? chosen : tabs[0]?.id;
  const move = (event: KeyboardEvent, at: number) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const next = step && tabs[(at + step + tabs.length) % tabs.length];
    if (!next) return;
    onChoose(next.id);
    document.getElementById(`${base}-${next.id}`)?.focus();
  };
  return (
    <div class="tabs">
      <div role="tablist" aria-label={label}>
        {tabs.map((tab, at) => (
          <button
            key={tab.id}
            id={`${base}-${tab.id}`}
            type="button"
            role="tab"
            aria-selected={tab.id === chosen}
            aria-controls={`${base}-panel`}
            tabIndex={tab.id === reached ? 0 : -1}
            onClick={() => onChoose(tab.id)}
            onKeyDown={(event) => move(event, at)}
          >
            {tab.label}
          </button>
        ))}
      </div>
      <div role="tabpanel" id={`${base}-panel`} aria-labelledby={`${base}-${chosen}`} tabIndex={0}>
        {children}
      </div>
    </div>
  );
}

/** A dialog of the browser's own, which keeps the focus inside and closes by Escape. */
export function Dialog({
  title,
  onClose,
  children,
  wide,
}: Kids & { title: string; onClose: () => void; wide?: boolean }) {
  const box = useRef<HTMLDialogElement>(null);
  const heading = useId();
  useEffect(() => {
    const before = document.activeElement;
    box.current?.showModal();
    // The browser gives the focus back from a dialog that is closed, not from one taken away.
    return () =>
      queueMicrotask(() => {
        if (document.activeElement === document.body) (before as HTMLElement | null)?.focus();
      });
  }, []);
  return (
    <dialog ref={box} class={wide ? "wide" : ""} onClose={onClose} aria-labelledby={heading}>
      <header>
        <h2 id={heading}>{title}</h2>
        <Button kind="quiet" onClick={() => box.current?.close()} aria-label={t("关闭", "Close")}>
          ✕
        </Button>
      </header>
      {children}
    </dialog>
  );
}

/** A button for what cannot be taken back: it tells what becomes of what, and asks once more. */
export function Irreversible<T>({
  label,
  deed,
  done,
  onDone,
  children,
}: Kids & { label: string; deed: () => Promise<T>; done: string; onDone?: (answer: T) => void }) {
  const asking = useSignal(false);
  const busy = useSignal(false);
  const fault = useSignal<Fault | null>(null);
  const close = () => {
    asking.value = false;
    fault.value = null;
  };
  const sure = async () => {
    busy.value = true;
    try {
      const answer = await deed();
      tell(done);
      close();
      onDone?.(answer);
    } catch (error) {
      fault.value = told(error);
    }
    busy.value = false;
  };
  return (
    <>
      <Button
        kind="danger"
        onClick={() => {
          asking.value = true;
        }}
      >
        {label}
      </Button>
      {asking.value && (
        <Dialog title={label} onClose={close}>
          <div class="stack">
            <p>{children}</p>
            <FaultBox fault={fault.value} />
            <div class="actions">
              <Button kind="danger" busy={busy.value} onClick={sure}>
                {t(`确认${label}`, "Confirm")}
              </Button>
              <Button onClick={close}>{t("返回", "Back")}</Button>
            </div>
          </div>
        </Dialog>
      )}
    </>
  );
}

export function Progress({ percent, label }: { percent: number; label: string }) {
  return (
    <div class="progress">
      <progress max={100} value={percent} aria-label={label} />
      <span>{percent}%</span>
    </div>
  );
}

export interface Told {
  id: number;
  text: string;
  tone: Tone;
}

/** What was told in passing and is not closed yet. */
export const notices = signal<Told[]>([]);
let last = 0;

/** Tell in passing what was done; what went wrong stands until it is closed. */
export function tell(text: string, tone: Tone = "good"): void {
  const id = ++last;
  notices.value = [...notices.value, { id, text, tone }];
  if (tone !== "bad") setTimeout(() => dismiss(id), 6000);
}

const dismiss = (id: number) => {
  notices.value = notices.value.filter((one) => one.id !== id);
};

/** Do something and tell how it ended.
 * @returns Whether it was done. */
export async function attempt(deed: () => Promise<unknown>, done?: string): Promise<boolean> {
  try {
    await deed();
  } catch (error) {
    tell(told(error).message, "bad");
    return false;
  }
  if (done) tell(done);
  return true;
}

export function Notices() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {notices.value.map(({ id, text, tone }) => (
        <div key={id} class={`notice ${tone}`}>
          <p>{text}</p>
          <Button kind="quiet" aria-label={t("关闭", "Close")} onClick={() => dismiss(id)}>
            ✕
          </Button>
        </div>
      ))}
    </div>
  );
}
