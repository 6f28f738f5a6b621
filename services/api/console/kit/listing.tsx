/** A list of what there is, with dialogs to add to it and to change one of it. */

import { useSignal } from "@preact/signals";
import { type ComponentChildren, Fragment } from "preact";
import { useAsked } from "./asked";
import { type Linked, Pages } from "./pages";
import { Secret, type Told } from "./secret";
import { type Column, Table } from "./table";
import { Button, Dialog } from "./ui";
import { t } from "./words";

/** What a dialog of a list can do. */
export interface Hands<Row> {
  close: () => void;
  /** Close, and read the list again. */
  done: () => void;
  /** Show something beside the list, mostly a dialog, in place of what is open. */
  open: (row: Row, part: Part<Row>) => void;
  /** Show what the service tells once. */
  tellOnce: (told: Told) => void;
}

type Part<Row> = (row: Row, hands: Hands<Row>) => ComponentChildren;

export function Listing<Row, Page extends Linked>({
  label,
  empty,
  read,
  rowsOf,
  keyOf,
  columns,
  deeds,
  opened,
  onOpen,
  add,
  adding,
}: {
  label: string;
  empty?: string;
  read: (signal: AbortSignal) => Promise<Page>;
  rowsOf: (page: Page) => readonly Row[];
  keyOf: (row: Row) => string;
  columns: readonly Column<Row>[];
  /** What can be done with a row where it stands. */
  deeds?: Part<Row>;
  /** What opens with a row; with `onOpen` that is told instead. */
  opened?: Part<Row>;
  onOpen?: (row: Row) => void;
  /** Words of the button and of the dialog that add; without them nothing is added. */
  add?: string | undefined;
  adding?: (hands: Hands<Row>) => ComponentChildren;
}) {
  const { asked, again } = useAsked(read, []);
  const open = useSignal<{ row: Row; part: Part<Row> } | "new" | null>(null);
  const once = useSignal<Told | null>(null);
  const hands: Hands<Row> = {
    close: () => {
      open.value = null;
    },
    done: () => {
      open.value = null;
      again();
    },
    open: (row, part) => {
      open.value = { row, part };
    },
    tellOnce: (told) => {
      once.value = told;
    },
  };
  const chosen = open.value === "new" ? null : open.value;
  const choose = onOpen ?? (opened && ((row: Row) => hands.open(row, opened)));
  const deed = deeds && {
    id: "deeds",
    title: t("操作", "Actions"),
    cell: (row: Row) => deeds(row, hands),
  };
  return (
    <div class="stack">
      {add && (
        <div class="actions">
          <Button
            kind="main"
            onClick={() => {
              open.value = "new";
            }}
          >
            {add}
          </Button>
        </div>
      )}
      <Pages asked={asked} again={again} rowsOf={rowsOf}>
        {(rows: Row[]) => (
          <Table
            label={label}
            rows={rows}
            keyOf={keyOf}
            chosen={chosen && keyOf(chosen.row)}
            columns={deed ? [...columns, deed] : columns}
            {...(empty ? { empty } : {})}
            {...(choose ? { onOpen: choose } : {})}
          />
        )}
      </Pages>
      {open.value === "new" && add && (
        <Dialog title={add} onClose={hands.close}>
          {adding?.(hands)}
        </Dialog>
      )}
      {chosen && <Fragment key={keyOf(chosen.row)}>{chosen.part(chosen.row, hands)}</Fragment>}
      {once.value && (
        <Secret
          told={once.value}
          onClose={() => {
            once.value = null;
          }}
        />
      )}
    </div>
  );
}
