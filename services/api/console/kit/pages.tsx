/** Lists of the service that come page by page. */

import { type ReadonlySignal, useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { read } from "./api";
import type { Asked } from "./asked";
import { attempt, Button, Found } from "./ui";
import { t } from "./words";

export interface Linked {
  links: readonly { rel: string; href: string }[];
}

/** Address of the page after this one. */
export const nextOf = ({ links }: Linked): string | undefined =>
  links.find(({ rel }) => rel === "next")?.href;

/** The rows of every page from the first one on, where nothing may be left out.
 * @throws Fault where the service refused. */
export async function allRows<Row, Page extends Linked>(
  first: string,
  rowsOf: (page: Page) => readonly Row[],
  signal?: AbortSignal,
): Promise<Row[]> {
  const rows: Row[] = [];
  for (let next: string | undefined = first; next; ) {
    const page: Page = await read<Page>(next, signal);
    rows.push(...rowsOf(page));
    next = nextOf(page);
  }
  return rows;
}

/** The rows of the first page, and of those after it on demand; another first page begins anew. */
export function Pages<Row, Page extends Linked>({
  asked,
  again,
  rowsOf,
  children,
}: {
  asked: ReadonlySignal<Asked<Page>>;
  again: () => void;
  rowsOf: (page: Page) => readonly Row[];
  children: (rows: Row[]) => ComponentChildren;
}) {
  const further = useSignal<Page[]>([]);
  return (
    <Found asked={asked} again={again}>
      {(first) => {
        const pages = further.value[0] === first ? further.value : [first];
        const next = nextOf(pages.at(-1) as Page);
        const more = (address: string) =>
          attempt(async () => {
            further.value = [...pages, await read<Page>(address)];
          });
        return (
          <>
            {children(pages.flatMap(rowsOf))}
            {next && (
              // What is shown may be of another question until this one is answered.
              <Button disabled={asked.value.waiting} onClick={() => more(next)}>
                {t("更多", "More")}
              </Button>
            )}
          </>
        );
      }}
    </Found>
  );
}
