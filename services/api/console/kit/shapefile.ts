/** Shapefiles, which are several files of one name. */

import { zipped } from "./zip";

/** What a file of a Shapefile ends in; the first ones are read, the others are indexes and notes of
 * programs. */
const READ = /\.(shp|shx|dbf|prj|cpg)$/i;
const PART = /\.(shp|shx|dbf|prj|cpg|cst|qpj|qix|sbn|sbx|shp\.xml)$/i;
const SHAPES = /\.shp$/i;

/** For choosing them by hand. */
export const PARTS = ".shp,.shx,.dbf,.prj,.cpg";

const stemOf = (file: File): string => file.name.replace(PART, "").toLowerCase();

/** Files as they were dropped, but the parts of a Shapefile, which are told by their name, as one
 * zip in the place of its shapes. Parts without shapes stay as they are. */
export async function gathered(files: readonly File[]): Promise<File[]> {
  const stems = new Set(files.filter(({ name }) => SHAPES.test(name)).map(stemOf));
  const isPart = (file: File) => PART.test(file.name) && stems.has(stemOf(file));
  const whole = files.map(async (file) => {
    if (!isPart(file)) return [file];
    if (!SHAPES.test(file.name)) return [];
    const parts = files.filter((one) => READ.test(one.name) && stemOf(one) === stemOf(file));
    return [await zipped(file.name.replace(SHAPES, ".zip"), parts)];
  });
  return (await Promise.all(whole)).flat();
}
