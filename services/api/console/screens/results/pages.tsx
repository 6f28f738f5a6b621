/** Lists of the service that come page by page. */

import { useSignal } from "@preact/signals";
import { read } from "../../kit/api";
import { attempt, Button } from "../../kit/ui";
import { t } from "../../kit/words";

interface Linked {
  links: readonly { rel: string; href: string }[];
}

/** Address of the page after this one. */
export const nextOf = ({ links }: Linked): string | undefined =>
  links.find(({ rel }) => rel === "next")?.href;

/** Pages after the first one, which is asked for by itself.
 * @param choice What the list is of; another choice begins at its first page. */
export function usePages<Row, Page extends Linked>(choice: string, rowsOf: (page: Page) => Row[]) {
  const further = useSignal<{ of: string; first: unknown; pages: Page[] } | null>(null);
  const pagesOf = (first: Page) => {
    const held = further.value;
    return held && held.of === choice && held.first === first ? [first, ...held.pages] : [first];
  };
  return {
    rows: (first: Page): Row[] => pagesOf(first).flatMap(rowsOf),
    next: (first: Page) => nextOf(pagesOf(first).at(-1) as Page),
    more: (first: Page, address: string) =>
      attempt(async () => {
        const page = await read<Page>(address);
        further.value = { of: choice, first, pages: [...pagesOf(first).slice(1), page] };
      }),
  };
}

export function More<Row, Page extends Linked>({
  pages,
  first,
}: {
  pages: ReturnType<typeof usePages<Row, Page>>;
  first: Page;
}) {
  const next = pages.next(first);
  return next ? <Button onClick={() => pages.more(first, next)}>{t("更多", "More")}</Button> : null;
}
