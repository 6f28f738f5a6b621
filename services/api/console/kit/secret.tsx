/** What the service tells once: shown until it is closed, kept nowhere. */

import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { Button, Dialog } from "./ui";
import { t } from "./words";

export interface Told {
  title: string;
  text: string;
  /** What to do with it, in a line. */
  hint: string;
}

export function Secret({ told, onClose }: { told: Told; onClose: () => void }) {
  const box = useRef<HTMLInputElement>(null);
  const copied = useSignal<boolean | null>(null);
  const copy = async () => {
    box.current?.select();
    try {
      await navigator.clipboard.writeText(told.text);
      copied.value = true;
    } catch {
      // Browsers refuse it without TLS: it is selected, to be copied by keyboard.
      copied.value = false;
    }
  };
  return (
    <Dialog title={told.title} onClose={onClose}>
      <div class="form">
        <div class="notice warn">
          <p>
            {t("只显示这一次，关闭后不能再看。", "It is shown this once and not again.")}{" "}
            {told.hint}
          </p>
        </div>
        <input
          ref={box}
          type="text"
          readOnly
          autocomplete="off"
          value={told.text}
          aria-label={told.title}
          onFocus={({ currentTarget }) => currentTarget.select()}
        />
        <div class="actions">
          <Button kind="main" onClick={copy}>
            {t("复制", "Copy")}
          </Button>
          <span role="status">
            {copied.value === true && t("已复制", "Copied")}
            {copied.value === false &&
              t("已选中，请按 Ctrl+C 复制", "Selected: press Ctrl+C to copy it")}
          </span>
        </div>
      </div>
    </Dialog>
  );
}
